package classroom

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// The states of a teacher's wish to type for a learner.
const (
	keyboardAsked   = "asked"
	keyboardGranted = "granted"
	keyboardDenied  = "denied"
)

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Watch is a teacher who sees a learner's page, for as long as it is open.
type Watch struct {
	s      *Service
	r      *room
	member string
	staff  Me
	typed  time.Time
	typing bool
}

// typesFor is how long after an input a teacher counts as typing.
const typesFor = 5 * time.Second

// watchers is called with the lock.
func (w *who) watchers() []Watcher {
	by := map[string]*Watcher{}
	list := []Watcher{}
	for x := range w.watches {
		if seen := by[x.staff.ID]; seen != nil {
			seen.Typing = seen.Typing || x.typing
		} else {
			by[x.staff.ID] = &Watcher{x.staff.Name, x.typing}
		}
	}
	for _, id := range keys(by) {
		list = append(list, *by[id])
	}
	return list
}

// Watch notes that a teacher sees a member's page; the member is told. It must
// be closed.
func (s *Service) Watch(ctx context.Context, m Me, class, member string) (*Watch, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return nil, err
	}
	x := &Watch{s: s, r: r, member: member, staff: m}
	r.mu.Lock()
	w := r.rows[member]
	if w != nil {
		w.watches[x] = struct{}{}
		r.touch(w)
	}
	r.mu.Unlock()
	if w == nil {
		return nil, noMember()
	}
	s.tellMember(r, member)
	return x, nil
}

// Close ends the watching. With the last page of whoever was granted the
// keyboard, the grant ends, too.
func (x *Watch) Close() {
	x.r.mu.Lock()
	w := x.r.rows[x.member]
	var back []string
	if w != nil {
		delete(w.watches, x)
		still := false
		for other := range w.watches {
			still = still || other.staff.ID == x.staff.ID
		}
		if w.keyboard.staff == x.staff.ID && !still {
			w.keyboard = keyboard{}
			back = keys(w.lives)
		}
		x.r.touch(w)
	}
	x.r.mu.Unlock()
	x.s.returnKeyboards(back)
	x.s.tellMember(x.r, x.member)
}

// May says whether the teacher may type just now.
func (x *Watch) May() bool {
	x.r.mu.Lock()
	defer x.r.mu.Unlock()
	w := x.r.rows[x.member]
	return w != nil && w.keyboard.state == keyboardGranted && w.keyboard.staff == x.staff.ID
}

// Typed notes that the teacher has typed.
func (x *Watch) Typed() {
	x.r.mu.Lock()
	w := x.r.rows[x.member]
	began := !x.typing
	x.typed, x.typing = x.r.now(), true
	if w != nil && began {
		x.r.touch(w)
	}
	x.r.mu.Unlock()
	if began {
		x.s.tellMember(x.r, x.member)
	}
}

func (s *Service) returnKeyboards(sessions []string) {
	if m := s.manager(); m != nil {
		for _, id := range sessions {
			m.ReturnKeyboard(id)
		}
	}
}

// Learner returns a member's learner and live session, for a teacher to look at.
func (s *Service) Learner(ctx context.Context, class, member, language string) (session.Caller, string, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return session.Caller{}, "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.rows[member]
	if w == nil {
		return session.Caller{}, "", noMember()
	}
	b, ok := r.here(w)
	if !ok {
		return session.Caller{}, "", refuse(session.NotFound, "The learner has no lab open.", "학습자가 열어 둔 실습이 없습니다.")
	}
	return session.Caller{Learner: w.m.Learner, Language: language, Guest: true}, b.ID, nil
}

// AskKeyboard asks a member for the keyboard.
func (s *Service) AskKeyboard(ctx context.Context, m Me, class, member string) error {
	if _, _, err := s.Learner(ctx, class, member, ""); err != nil {
		return err
	}
	return s.setKeyboard(ctx, class, member, func(w *who) error {
		k := &w.keyboard
		if (k.state == keyboardAsked || k.state == keyboardGranted) && k.staff != m.ID {
			return refuse(Conflict, k.name+" has asked for this keyboard already.", k.name+" 선생님이 이미 이 키보드를 요청했습니다.")
		}
		if k.state != keyboardGranted {
			*k = keyboard{keyboardAsked, m.ID, m.Name}
		}
		return nil
	})
}

// LeaveKeyboard gives a keyboard back, or withdraws the question.
func (s *Service) LeaveKeyboard(ctx context.Context, m Me, class, member string) error {
	return s.setKeyboard(ctx, class, member, func(w *who) error {
		if w.keyboard.staff == m.ID {
			w.keyboard = keyboard{}
		}
		return nil
	})
}

func (s *Service) setKeyboard(ctx context.Context, class, member string, do func(*who) error) error {
	r, err := s.room(ctx, class)
	if err != nil {
		return err
	}
	r.mu.Lock()
	w := r.rows[member]
	var back []string
	if w != nil {
		had := w.keyboard.state == keyboardGranted
		if err = do(w); err == nil {
			r.touch(w)
			if had && w.keyboard.state != keyboardGranted {
				back = keys(w.lives)
			}
		}
	}
	r.mu.Unlock()
	if w == nil {
		return noMember()
	}
	if err != nil {
		return err
	}
	s.returnKeyboards(back)
	s.tellMember(r, member)
	return nil
}

// Claim says that somebody helps the member who has raised a hand.
func (s *Service) Claim(ctx context.Context, m Me, class, member string) error {
	r, err := s.room(ctx, class)
	if err != nil {
		return err
	}
	var refused error
	err = s.setHand(ctx, r, member, func(r *room, w *who) *store.Hand {
		if w.hand == nil {
			refused = refuse(Conflict, "The hand is down already.", "이미 손을 내렸습니다.")
			return nil
		}
		h := *w.hand
		if h.ClaimedBy != "" && h.ClaimedBy != m.Name {
			refused = refuse(Conflict, h.ClaimedBy+" is helping already.", h.ClaimedBy+" 선생님이 이미 돕고 있습니다.")
		} else {
			h.ClaimedBy, h.Claimed = m.Name, r.now()
		}
		return &h
	})
	if refused != nil {
		return refused
	}
	return err
}

// HandDone lowers a member's hand.
func (s *Service) HandDone(ctx context.Context, class, member string) error {
	r, err := s.room(ctx, class)
	if err != nil {
		return err
	}
	return s.setHand(ctx, r, member, func(*room, *who) *store.Hand { return nil })
}

// Dismiss says that a member needs no help for what has happened so far.
func (s *Service) Dismiss(ctx context.Context, class, member string) error {
	r, err := s.room(ctx, class)
	if err != nil {
		return err
	}
	r.mu.Lock()
	w := r.rows[member]
	r.mu.Unlock()
	if w == nil {
		return noMember()
	}
	now := s.o.Now()
	if err := s.store.Dismiss(ctx, member, now); err != nil {
		return failed(err)
	}
	r.mu.Lock()
	w.dismissed = now
	r.touch(w)
	r.mu.Unlock()
	return nil
}

// mostMessages bounds what a class keeps in memory.
const mostMessages = 500

// Send sends a message to a member, to all at a step, or to the class.
func (s *Service) Send(ctx context.Context, m Me, class, said string, to MessageTarget) (Message, error) {
	said, err := cleanSaid(said, true)
	if err != nil {
		return Message{}, err
	}
	r, err := s.room(ctx, class)
	if err != nil {
		return Message{}, err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	msg := store.Message{ID: auth.NewID(), Class: class, From: m.Name, Text: said, Member: to.Member, Lab: to.Lab, Step: to.Step, At: s.o.Now(), Members: []string{}}
	r.mu.Lock()
	for _, w := range r.sorted() {
		labName, step := r.at(w)
		if to.Member == "" && to.Lab == "" || to.Member == w.m.ID || to.Member == "" && labName == to.Lab && (to.Step == "" || step == to.Step) {
			msg.Members = append(msg.Members, w.m.ID)
		}
	}
	known := to.Member == "" || r.rows[to.Member] != nil
	r.mu.Unlock()
	if !known {
		return Message{}, noMember()
	}
	if err := s.store.AddMessage(ctx, msg); err != nil {
		return Message{}, failed(err)
	}
	r.mu.Lock()
	r.messages = append(r.messages, msg)
	r.next()
	if old := len(r.messages) - mostMessages; old > 0 {
		r.messages = slices.Clone(r.messages[old:])
		r.dropped += old
	}
	r.mu.Unlock()
	for _, id := range msg.Members {
		s.tellMember(r, id)
	}
	return messageOf(msg), nil
}

func broadcastOf(b *store.Broadcast) *Broadcast {
	return &Broadcast{By: b.From, Lab: b.Lab, Host: b.Host, At: *wall(b.At)}
}

// Show shows a terminal of the teacher's own session to the class; none, where
// the terminal is empty.
func (s *Service) Show(ctx context.Context, m Me, c session.Caller, class, sessionID, terminal string) (*Broadcast, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return nil, err
	}
	var b *store.Broadcast
	if terminal != "" {
		at, err := s.manager().AttachTerminal(c, sessionID, terminal)
		if err != nil {
			return nil, err
		}
		b = &store.Broadcast{Class: class, From: m.Name, Learner: c.Learner, Session: sessionID, Terminal: terminal, Host: at.Info.Host, At: s.o.Now()}
		for _, live := range s.manager().Live(c.Learner) {
			if live.ID == sessionID {
				b.Lab = live.Lab
			}
		}
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := s.store.SaveBroadcast(ctx, class, b); err != nil {
		return nil, failed(err)
	}
	r.mu.Lock()
	r.broadcast = b
	r.boardSeq = r.next()
	r.mu.Unlock()
	s.tellAll(r)
	if b == nil {
		return nil, nil
	}
	return broadcastOf(b), nil
}
