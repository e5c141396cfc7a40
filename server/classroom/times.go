package classroom

import (
	"context"
	"errors"
	"time"

	"github.com/netground/netground/server/store"
)

// activeFor is how long after an input the time at a step goes on.
const activeFor = time.Minute

// count adds up the times at steps until the service closes.
func (s *Service) count() {
	tick := time.NewTicker(s.o.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, r := range s.allRooms() {
				for _, member := range r.tick(s.o.Every) {
					s.tellMember(r, member)
				}
			}
			if err := s.storeTimes(s.ctx); err != nil && s.ctx.Err() == nil {
				s.log.Warn("cannot store the times at steps; will try again", "error", err)
			}
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Service) allRooms() []*room {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*room, 0, len(s.rooms))
	for _, r := range s.rooms {
		all = append(all, r)
	}
	return all
}

// tick counts a while, and shows who has gone. It returns whose watchers have
// stopped typing. It takes the lock.
func (r *room) tick(d time.Duration) (tell []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	// Who is idle, and what was failed lately, changes while nobody does anything.
	if now.Sub(r.looked) >= time.Minute {
		r.looked, r.boardSeq = now, r.next()
	}
	for _, w := range r.rows {
		if b, ok := r.here(w); ok && b.Step != "" && r.class.State == Running && now.Sub(b.Active) < activeFor {
			c := w.cell(b.Lab, b.Step)
			c.spent += d
			c.dirty = true
			r.boardSeq = max(r.boardSeq, r.seq) // the times in it
		}
		if p := r.presenceOf(w); p != w.presence || !w.shown.Equal(w.input) {
			w.presence, w.shown = p, w.input
			r.touch(w)
		}
		for x := range w.watches {
			if x.typing && now.Sub(x.typed) >= typesFor {
				x.typing = false
				r.touch(w)
				tell = append(tell, w.m.ID)
			}
		}
	}
	return tell
}

// storeTimes stores what has been counted.
func (s *Service) storeTimes(ctx context.Context) error {
	var errs []error
	for _, r := range s.allRooms() {
		errs = append(errs, s.storeTimesOf(ctx, r))
	}
	return errors.Join(errs...)
}

func (s *Service) storeTimesOf(ctx context.Context, r *room) error {
	var times []store.StepTime
	var cells []*cell
	r.mu.Lock()
	for _, w := range r.rows {
		for p, c := range w.cells {
			if c.dirty && w.m.Learner != "" {
				c.dirty = false
				cells = append(cells, c)
				times = append(times, store.StepTime{Step: store.Step{Learner: w.m.Learner, Lab: p.lab, Step: p.step}, Begun: c.begun, Spent: c.spent, Input: c.input})
			}
		}
	}
	r.mu.Unlock()
	err := s.store.SaveTimes(ctx, times)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, c := range cells {
			c.dirty = true
		}
	}
	return err
}
