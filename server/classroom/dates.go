package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// A class's dates are days of the server's time zone: it opens its labs with the
// first moment of the day on which it starts, and ends with the last moment of the
// one on which it ends.

const (
	datesEvery = 30 * time.Second
	// endedFor is how long after its end a class's sessions are still looked for:
	// the server may have been killed before they were ended.
	endedFor = 24 * time.Hour
)

// today is a date as settings have it.
func (s *Service) today() string { return s.o.Now().In(s.o.Zone).Format(time.DateOnly) }

// beginsOn returns the day on which a class begins, or "" if it has begun.
func (s *Service) beginsOn(c store.Class) string {
	if c.State == Ended || c.StartsOn == "" || c.StartsOn <= s.today() {
		return ""
	}
	return c.StartsOn
}

// keepDates ends classes as their days are over, until the service closes.
func (s *Service) keepDates() {
	tick := time.NewTicker(datesEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return
		}
		if err := s.endDue(s.ctx); err != nil && s.ctx.Err() == nil {
			s.log.Warn("cannot end the classes whose days are over; will try again", "error", err)
		}
	}
}

// endDue ends the classes whose last day is over, tells the learners of those that
// begin today, and ends what sessions a class has left that has ended.
func (s *Service) endDue(ctx context.Context) error {
	all, err := s.store.Classes(ctx, "", true)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range all {
		switch {
		case e.State != Ended && e.EndsOn != "" && e.EndsOn < s.today():
			if err := s.SetState(ctx, e.ID, Ended); err != nil {
				errs = append(errs, err)
				continue
			}
			s.log.Info("a class has ended, as its last day is over", "class", e.ID, "day", e.EndsOn)
		case e.State == Ended && s.o.Now().Sub(e.Ended) < endedFor:
			members, err := s.store.Members(ctx, e.ID)
			errs = append(errs, err, s.endSessionsOf(ctx, e.Class, members))
		case e.State != Ended && e.StartsOn != "":
			errs = append(errs, s.tellBegun(ctx, e.Class))
		}
	}
	return errors.Join(errs...)
}

// tellBegun tells a class's learners, once, that it has begun.
func (s *Service) tellBegun(ctx context.Context, c store.Class) error {
	r, err := s.room(ctx, c.ID)
	if err != nil {
		return err
	}
	r.mu.Lock()
	waits := s.beginsOn(r.class) != ""
	begun := r.waits && !waits
	r.waits = waits
	r.mu.Unlock()
	if begun {
		s.tellAll(r)
	}
	return nil
}

// wrapUp ends what goes on in a class that has just ended: hands go down, nobody
// watches or types any more, nothing is shown, and the sessions end.
func (s *Service) wrapUp(ctx context.Context, r *room) error {
	r.mu.Lock()
	c := r.class
	var hands, sessions []string
	members := make([]store.Member, 0, len(r.rows))
	for _, w := range r.sorted() {
		members = append(members, w.m)
		if w.hand != nil {
			hands = append(hands, w.m.ID)
		}
		if w.keyboard.state == keyboardGranted {
			sessions = append(sessions, keys(w.lives)...)
		}
		w.keyboard = keyboard{}
	}
	shown := r.broadcast != nil
	r.mu.Unlock()
	s.returnKeyboards(sessions)
	var errs []error
	for _, member := range hands {
		errs = append(errs, s.setHand(ctx, r, member, func(*room, *who) *store.Hand { return nil }))
	}
	if shown {
		_, err := s.Show(ctx, Me{}, session.Caller{}, c.ID, "", "")
		errs = append(errs, err)
	}
	return errors.Join(append(errs, s.endSessionsOf(ctx, c, members))...)
}

// endSessionsOf ends the members' sessions of a class that has ended: those of its
// labs that began before, unless another class goes on with the lab. Who opens a
// lab afterwards practises alone.
func (s *Service) endSessionsOf(ctx context.Context, c store.Class, members []store.Member) error {
	sessions := s.manager()
	if sessions == nil {
		return nil
	}
	var errs []error
	for _, m := range members {
		if m.Learner == "" {
			continue
		}
		for _, b := range sessions.Live(m.Learner) {
			if slices.Contains(c.Labs, b.Lab) && b.Created.Before(c.Ended) && !s.elsewhere(m.Learner, c.ID, b.Lab) {
				err := sessions.EndWithClass(ctx, session.Caller{Learner: m.Learner}, b.ID)
				if e := new(session.Error); err != nil && !(errors.As(err, &e) && (e.Code == session.Gone || e.Code == session.NotFound)) { // else it has ended meanwhile
					errs = append(errs, fmt.Errorf("cannot end a session of the class: %w", err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// elsewhere says whether the learner has the lab in another class that goes on.
func (s *Service) elsewhere(learner, class, labName string) bool {
	for _, t := range s.seats(learner) {
		t.room.mu.Lock()
		goesOn := t.room.id != class && t.room.class.State != Ended && slices.Contains(t.room.class.Labs, labName)
		t.room.mu.Unlock()
		if goesOn {
			return true
		}
	}
	return false
}

// reopen takes over what learners have done since the class had ended, now that it
// goes on.
func (s *Service) reopen(ctx context.Context, r *room) error {
	if err := s.storeTimesOf(ctx, r); err != nil {
		return failed(err)
	}
	facts, err := s.store.ClassFacts(ctx, r.id, "")
	if err != nil {
		return failed(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.rows {
		w.cells = map[place]*cell{}
	}
	r.learn(facts)
	for _, w := range r.rows {
		r.touch(w)
	}
	return nil
}

// until drops what was done after a moment; with none, nothing.
func until(f store.ClassFacts, end time.Time) store.ClassFacts {
	if end.IsZero() {
		return f
	}
	f.Results = slices.DeleteFunc(f.Results, func(r store.StepResult) bool { return r.Passed.After(end) })
	f.Hints = slices.DeleteFunc(f.Hints, func(h store.Hint) bool { return h.At.After(end) })
	f.Failures = slices.DeleteFunc(f.Failures, func(x store.Failure) bool { return x.At.After(end) })
	f.Times = slices.DeleteFunc(f.Times, func(t store.StepTime) bool { return t.Begun.After(end) })
	return f
}
