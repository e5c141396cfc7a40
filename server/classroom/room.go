package classroom

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// room is a class in memory: what the store has of it, and what goes on. Its
// lock is the innermost one: whoever has it calls neither sessions nor the
// service.
type room struct {
	id       string
	epoch    string     // of this run: places in the stream of another one mean nothing here
	changing sync.Mutex // held while the class or its members are being stored

	mu      sync.Mutex
	now     func() time.Time
	class   store.Class
	labs    map[string]*lab.Lab
	rows    map[string]*who // by member
	gone    map[string]uint64
	changed chan struct{} // closed and replaced with each change

	// What changed when: a stream sends what is newer than what it has sent.
	seq, classSeq, boardSeq uint64
	toldSeq                 uint64 // of a row's last change that is more than that somebody types

	messages   []store.Message
	dropped    int // messages that were there before them
	injections []store.Injection
	broadcast  *store.Broadcast
	waits      bool      // the class has not begun, when that was last looked at
	looked     time.Time // when the board was last made for the time that has passed
}

// who is a member, with everything that their row shows.
type who struct {
	m         store.Member
	seq       uint64 // of the row's last change
	tellSeq   uint64 // of what the learner sees of the class
	lives     map[string]session.Brief
	cells     map[place]*cell
	lab       string // the last one
	input     time.Time
	presence  string    // as it was last published
	shown     time.Time // the input that was last published
	hand      *store.Hand
	dismissed time.Time
	watches   map[*Watch]struct{}
	keyboard  keyboard
	thumbs    map[string]thumb // by session
}

type thumb struct {
	state *observe.State
	seq   uint64
}

type keyboard struct{ state, staff, name string }

type place struct{ lab, step string }

func (w *who) cell(lab, step string) *cell {
	p := place{lab, step}
	if w.cells[p] == nil {
		w.cells[p] = &cell{}
	}
	return w.cells[p]
}

// room returns a class that is open, or opens one that has ended.
func (s *Service) room(ctx context.Context, id string) (*room, error) {
	s.mu.Lock()
	r := s.rooms[id]
	s.mu.Unlock()
	if r != nil {
		return r, nil
	}
	c, err := s.store.Class(ctx, id)
	if err := found(err, noClass()); err != nil {
		return nil, err
	}
	return s.load(ctx, c)
}

// load builds a room of what is stored.
func (s *Service) load(ctx context.Context, c store.Class) (*room, error) {
	members, err := s.store.Members(ctx, c.ID)
	if err != nil {
		return nil, failed(err)
	}
	facts, err := s.store.ClassFacts(ctx, c.ID, "")
	if err != nil {
		return nil, failed(err)
	}
	acting, err := s.store.Acting(ctx, c.ID)
	if err != nil {
		return nil, failed(err)
	}
	r := &room{
		id: c.ID, epoch: rand.Text()[:8], now: s.o.Now, class: c, rows: map[string]*who{}, gone: map[string]uint64{}, changed: make(chan struct{}),
		waits:    s.beginsOn(c) != "",
		messages: acting.Messages, injections: acting.Injections, broadcast: acting.Broadcast,
	}
	for _, m := range members {
		r.add(m)
	}
	r.learn(until(facts, c.Ended))
	for _, h := range acting.Hands {
		if w := r.rows[h.Member]; w != nil {
			w.hand = &h
		}
	}
	for member, at := range acting.Dismissals {
		if w := r.rows[member]; w != nil {
			w.dismissed = at
		}
	}
	s.mu.Lock()
	if other := s.rooms[c.ID]; other != nil {
		s.mu.Unlock()
		return other, nil
	}
	r.labs = s.labs
	s.rooms[c.ID] = r
	sessions := s.sessions
	for _, m := range members {
		if m.Learner != "" {
			s.places[m.Learner] = append(s.places[m.Learner], seat{r, m.ID})
		}
	}
	s.mu.Unlock()
	if sessions != nil {
		for _, m := range members {
			s.see(r, m, sessions)
		}
	}
	return r, nil
}

// see takes over the live sessions of a member who has just been added.
func (s *Service) see(r *room, m store.Member, sessions Sessions) {
	if m.Learner == "" {
		return
	}
	for _, b := range sessions.Live(m.Learner) {
		r.session(m.ID, b)
	}
}

// unload forgets a room that was deleted.
func (s *Service) unload(r *room) {
	s.mu.Lock()
	delete(s.rooms, r.id)
	for learner, seats := range s.places {
		s.places[learner] = slices.DeleteFunc(seats, func(t seat) bool { return t.room == r })
	}
	s.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.class.State = Ended
	for id := range r.rows {
		r.gone[id] = r.next()
		delete(r.rows, id)
	}
}

// seat adds a member who is stored, or takes over a change.
func (s *Service) seat(ctx context.Context, r *room, m store.Member) error {
	facts := store.ClassFacts{}
	if m.Learner != "" {
		var err error
		if facts, err = s.store.ClassFacts(ctx, m.Class, m.Learner); err != nil {
			return failed(err)
		}
	}
	r.mu.Lock()
	w := r.rows[m.ID]
	came := w == nil || w.m.Learner == ""
	if w == nil {
		w = r.add(m)
	}
	w.m = m
	if came {
		r.learn(until(facts, r.class.Ended))
	}
	r.touch(w)
	r.mu.Unlock()
	if !came || m.Learner == "" {
		return nil
	}
	s.mu.Lock()
	s.places[m.Learner] = append(s.places[m.Learner], seat{r, m.ID})
	sessions := s.sessions
	s.mu.Unlock()
	if sessions != nil {
		s.see(r, m, sessions)
	}
	return nil
}

func (s *Service) unseat(r *room, m store.Member) {
	s.mu.Lock()
	if m.Learner != "" {
		s.places[m.Learner] = slices.DeleteFunc(s.places[m.Learner], func(t seat) bool { return t.member == m.ID })
		if len(s.places[m.Learner]) == 0 {
			delete(s.places, m.Learner)
		}
	}
	s.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rows, m.ID)
	kept := r.messages[:0:0]
	for _, msg := range r.messages {
		if msg.Member == m.ID {
			r.dropped++ // so that those behind it keep their numbers
			continue
		}
		msg.Members = store.Unnamed(msg.Members, m.ID)
		kept = append(kept, msg)
	}
	r.messages = kept
	for i := range r.injections {
		in := &r.injections[i]
		in.Members = slices.DeleteFunc(slices.Clone(in.Members), func(x store.Injected) bool { return x.Member == m.ID })
	}
	r.gone[m.ID] = r.next()
	r.boardSeq = r.seq
}

// The rest is called with the lock, unless it says otherwise.

func (r *room) add(m store.Member) *who {
	w := &who{m: m, lives: map[string]session.Brief{}, cells: map[place]*cell{}, watches: map[*Watch]struct{}{}, thumbs: map[string]thumb{}, presence: Off}
	r.rows[m.ID] = w
	delete(r.gone, m.ID)
	return w
}

// learn takes over what is stored of the learners' work.
func (r *room) learn(f store.ClassFacts) {
	by := map[string]*who{}
	for _, w := range r.rows {
		if w.m.Learner != "" {
			by[w.m.Learner] = w
		}
	}
	at := func(k store.Step) *cell {
		w := by[k.Learner]
		if w == nil { // came between
			return &cell{}
		}
		return w.cell(k.Lab, k.Step)
	}
	for _, t := range f.Results {
		c := at(t.Step)
		c.passed, c.caughtUp = t.Passed, t.CaughtUp
	}
	for _, h := range f.Hints {
		at(h.Step).hints++
	}
	for _, k := range f.Solutions {
		at(k).revealed = true
	}
	for _, x := range f.Failures {
		if len(x.Failing) > 0 {
			at(x.Step).fail(x)
		}
	}
	for _, t := range f.Times {
		c := at(t.Step)
		c.begun, c.spent, c.input = t.Begun, t.Spent, t.Input
		if w := by[t.Learner]; w != nil && t.Input.After(w.input) {
			w.input, w.lab = t.Input, t.Lab
		}
	}
}

// next numbers a change and wakes whoever waits for one.
func (r *room) next() uint64 {
	r.seq++
	close(r.changed)
	r.changed = make(chan struct{})
	return r.seq
}

func (r *room) touch(w *who) {
	r.typed(w)
	r.toldSeq = w.seq
}

// typed is touch for what may wait a moment.
func (r *room) typed(w *who) {
	w.seq = r.next()
	r.boardSeq = w.seq
}

func (r *room) setLabs(labs map[string]*lab.Lab) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.labs = labs
	r.classSeq = r.next()
	for _, w := range r.rows {
		r.touch(w)
	}
}

// here returns the live session that the row shows: of the class's labs, the
// one that was last active.
func (r *room) here(w *who) (session.Brief, bool) {
	var best session.Brief
	if r.class.State == Ended { // what somebody does afterwards is their own
		return best, false
	}
	for _, b := range w.lives {
		if slices.Contains(r.class.Labs, b.Lab) && (best.ID == "" || b.Active.After(best.Active) || b.Active.Equal(best.Active) && b.ID < best.ID) {
			best = b
		}
	}
	return best, best.ID != ""
}

// typingFor is how long after an input somebody counts as typing.
const typingFor = 15 * time.Second

func (r *room) presenceOf(w *who) string {
	b, ok := r.here(w)
	switch {
	case !ok:
		return Off
	case b.Pages > 0 && r.now().Sub(b.Active) < typingFor:
		return Typing
	case b.Pages > 0:
		return Here
	}
	return Away
}

// session takes over a session's change. It takes the lock.
func (r *room) session(member string, b session.Brief) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.rows[member]
	if w == nil {
		return
	}
	old, had := w.lives[b.ID]
	if b.State == session.Ended {
		delete(w.lives, b.ID)
		delete(w.thumbs, b.ID)
	} else {
		w.lives[b.ID] = b
	}
	if !slices.Contains(r.class.Labs, b.Lab) || r.class.State == Ended {
		return
	}
	if b.Active.After(w.input) {
		w.input, w.lab = b.Active, b.Lab
	}
	if b.Step != "" && b.State == session.Ready {
		c := w.cell(b.Lab, b.Step)
		if c.begun.IsZero() && c.passed.IsZero() {
			c.begun, c.dirty = r.now(), true
		}
		if b.Active.After(c.input) {
			c.input = b.Active
		}
	}
	// Each key is an activity; the row shows it by and by.
	if had && old.State == b.State && old.Step == b.Step && old.Pages == b.Pages && r.presenceOf(w) == w.presence && w.input.Sub(w.shown) < 5*time.Second {
		return
	}
	w.presence, w.shown = r.presenceOf(w), w.input
	if had && old.State == b.State && old.Step == b.Step && old.Pages == b.Pages {
		r.typed(w)
		return
	}
	r.touch(w)
}

// step takes over a step's change, and says whether it was passed just now. It
// takes the lock.
func (r *room) step(member string, b session.Brief, f session.StepFact) (passed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.rows[member]
	if w == nil || !slices.Contains(r.class.Labs, b.Lab) || r.class.State == Ended {
		return false
	}
	if b.State != session.Ended {
		w.lives[b.ID] = b
	}
	c := w.cell(b.Lab, f.ID)
	before := *c
	c.passed, c.caughtUp, c.hints, c.revealed, c.holds = f.Passed, f.CaughtUp, f.Hints, f.Revealed, f.Holds
	if f.Failure != nil && len(f.Failure.Failing) > 0 {
		c.fail(*f.Failure)
	}
	same := before.passed.Equal(c.passed) && before.hints == c.hints && before.revealed == c.revealed && before.fails == c.fails &&
		(before.holds == nil) == (c.holds == nil) && (c.holds == nil || *before.holds == *c.holds)
	if !same {
		r.touch(w)
	}
	return before.passed.IsZero() && !c.passed.IsZero()
}

// network returns a session's network as it was last heard of, or nil. It takes
// the lock.
func (r *room) network(member, session string) *observe.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.rows[member]; w != nil {
		return w.thumbs[session].state
	}
	return nil
}

// state takes over a network's change. It takes the lock.
func (r *room) state(member string, b session.Brief, st *observe.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.rows[member]; w != nil && slices.Contains(r.class.Labs, b.Lab) && b.State != session.Ended {
		w.thumbs[b.ID] = thumb{st, r.next()}
	}
}
