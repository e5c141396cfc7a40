package classroom

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// ClassEvent is the event of a session by which a learner's page hears of the
// class. Its data is a Membership.
const ClassEvent = "class"

// mostTold is how many messages a learner's page shows.
const mostTold = 20

// membership is the class as a member sees it. It takes the lock.
func (s *Service) membership(r *room, member, language string) Membership {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.rows[member]
	if w == nil { // has just been removed
		return Membership{Class: r.class.ID, State: Ended, Labs: []LabTitle{}, Watchers: []Watcher{}, Messages: []Told{}, Faults: []MyFault{}}
	}
	return r.membership(w, s.beginsOn(r.class), language)
}

// membership is called with the lock.
func (r *room) membership(w *who, beginsOn, language string) Membership {
	m := Membership{
		BeginsOn: beginsOn,
		Class:    r.class.ID, ClassName: r.class.Name, Language: r.class.Language, State: r.class.State, Member: w.m.ID, Name: w.m.Name,
		Code: memberOf(w.m).Code, Recording: r.class.Recording, Labs: []LabTitle{}, Watchers: w.watchers(),
		Messages: []Told{}, Faults: []MyFault{},
	}
	for _, name := range r.class.Labs {
		if l := r.labs[name]; l != nil {
			m.Labs = append(m.Labs, LabTitle{name, l.Title.In(language)})
		}
	}
	if w.hand != nil {
		h := handOf(*w.hand)
		m.Hand = &h
	}
	if w.keyboard.state == keyboardAsked || w.keyboard.state == keyboardGranted {
		m.Keyboard, m.KeyboardBy = w.keyboard.state, w.keyboard.name
	}
	for _, msg := range r.messages {
		if slices.Contains(msg.Members, w.m.ID) {
			m.Messages = append(m.Messages, Told{msg.ID, *wall(msg.At), msg.From, msg.Text})
		}
	}
	m.Messages = m.Messages[max(0, len(m.Messages)-mostTold):]
	if r.broadcast != nil {
		m.Broadcast = broadcastOf(r.broadcast)
	}
	for i := range r.injections {
		in := &r.injections[i]
		for _, x := range in.Members {
			if x.Member == w.m.ID && x.Trouble == "" {
				f := MyFault{ID: in.ID, At: *wall(in.At), Lab: in.Lab, RepairedAt: wall(x.Repaired)}
				if f.RepairedAt != nil { // before, the title would be the answer
					f.Title = r.faultTitle(in.Lab, in.Fault, language)
				}
				m.Faults = append(m.Faults, f)
			}
		}
	}
	return m
}

// Mine lists the learner's classes, newest first.
func (s *Service) Mine(c session.Caller) []Membership {
	list := []Membership{}
	for _, t := range s.seats(c.Learner) {
		list = append(list, s.membership(t.room, t.member, c.Language))
	}
	slices.Reverse(list)
	return list
}

// seatIn returns the learner's place in the class.
func (s *Service) seatIn(class, learner string) (*room, string, error) {
	for _, t := range s.seats(learner) {
		if t.room.id == class {
			return t.room, t.member, nil
		}
	}
	return nil, "", noClass()
}

// IsMember says whether the learner is in the class.
func (s *Service) IsMember(class, learner string) bool {
	_, _, err := s.seatIn(class, learner)
	return err == nil
}

// tellMember tells a member's pages what has changed for them. It takes the
// lock, and nobody may have it.
func (s *Service) tellMember(r *room, member string) {
	r.mu.Lock()
	w := r.rows[member]
	learner := ""
	if w != nil {
		w.tellSeq = r.next()
		learner = w.m.Learner
	}
	r.mu.Unlock()
	sessions := s.manager()
	if learner == "" || sessions == nil {
		return
	}
	sessions.Tell(learner, ClassEvent, func(language string) any { return s.membership(r, member, language) })
}

func (s *Service) tellAll(r *room) {
	r.mu.Lock()
	members := make([]string, 0, len(r.rows))
	for id := range r.rows {
		members = append(members, id)
	}
	r.mu.Unlock()
	for _, id := range members {
		s.tellMember(r, id)
	}
}

// mostSaid bounds what is said with a hand or in a message, in characters.
const mostSaid = 1000

// printableText says whether a text has nothing but what can be read, and line ends.
func printableText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
}

func cleanSaid(said string, needed bool) (string, error) {
	if !printableText(said) || utf8.RuneCountInString(said) > mostSaid || (needed && said == "") {
		return "", refuse(session.Invalid, "Write 1 to 1000 characters.", "1~1000자로 적으십시오.")
	}
	return said, nil
}

// RaiseHand asks for help.
func (s *Service) RaiseHand(ctx context.Context, c session.Caller, class, said string) (Membership, error) {
	said, err := cleanSaid(said, false)
	if err != nil {
		return Membership{}, err
	}
	if r, _, err := s.seatIn(class, c.Learner); err == nil {
		r.mu.Lock()
		over := r.class.State == Ended
		r.mu.Unlock()
		if over {
			return Membership{}, ended()
		}
	}
	return s.hand(ctx, c, class, func(r *room, w *who) *store.Hand {
		labName, step := r.at(w)
		h := store.Hand{Member: w.m.ID, Lab: labName, Step: step, Text: said, At: r.now()}
		if w.hand != nil { // asked again: the place in the queue stays
			h.At, h.ClaimedBy, h.Claimed = w.hand.At, w.hand.ClaimedBy, w.hand.Claimed
		}
		return &h
	})
}

// LowerHand says that no help is needed any more.
func (s *Service) LowerHand(ctx context.Context, c session.Caller, class string) (Membership, error) {
	return s.hand(ctx, c, class, func(*room, *who) *store.Hand { return nil })
}

func (s *Service) hand(ctx context.Context, c session.Caller, class string, do func(*room, *who) *store.Hand) (Membership, error) {
	r, member, err := s.seatIn(class, c.Learner)
	if err != nil {
		return Membership{}, err
	}
	if err := s.setHand(ctx, r, member, do); err != nil {
		return Membership{}, err
	}
	return s.membership(r, member, c.Language), nil
}

// setHand stores what do makes of a member's hand, and tells everybody.
func (s *Service) setHand(ctx context.Context, r *room, member string, do func(*room, *who) *store.Hand) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	r.mu.Lock()
	w := r.rows[member]
	var h *store.Hand
	if w != nil {
		h = do(r, w)
	}
	r.mu.Unlock()
	if w == nil {
		return noMember()
	}
	var err error
	if h != nil {
		err = s.store.SaveHand(ctx, *h)
	} else {
		err = s.store.LowerHand(ctx, member)
	}
	if err != nil {
		return failed(err)
	}
	r.mu.Lock()
	w.hand = h
	r.touch(w)
	r.mu.Unlock()
	s.tellMember(r, member)
	return nil
}

// AllowKeyboard answers a teacher who asked for the keyboard, or takes it back.
func (s *Service) AllowKeyboard(c session.Caller, class string, allow bool) (Membership, error) {
	r, member, err := s.seatIn(class, c.Learner)
	if err != nil {
		return Membership{}, err
	}
	r.mu.Lock()
	w := r.rows[member]
	if w == nil || w.keyboard.state != keyboardAsked && w.keyboard.state != keyboardGranted {
		r.mu.Unlock()
		return Membership{}, refuse(Conflict, "Nobody asks for your keyboard.", "키보드를 요청한 사람이 없습니다.")
	}
	if allow {
		w.keyboard.state = keyboardGranted
	} else {
		w.keyboard.state = keyboardDenied
	}
	r.touch(w)
	sessions := keys(w.lives)
	r.mu.Unlock()
	if !allow {
		s.returnKeyboards(sessions)
	}
	s.tellMember(r, member)
	return s.membership(r, member, c.Language), nil
}

// AttachBroadcast returns the terminal that the learner's class sees.
func (s *Service) AttachBroadcast(c session.Caller, class string) (*session.Attachment, error) {
	r, _, err := s.seatIn(class, c.Learner)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	b := r.broadcast
	r.mu.Unlock()
	if b == nil {
		return nil, refuse(session.NotFound, "Nothing is being shown just now.", "지금 보여 주는 화면이 없습니다.")
	}
	return s.manager().AttachTerminal(session.Caller{Learner: b.Learner, Language: c.Language, Guest: true}, b.Session, b.Terminal)
}

func (r *room) faultTitle(labName, fault, language string) string {
	if l := r.labs[labName]; l != nil {
		if f := l.Fault(fault); f != nil {
			return f.Title.In(language)
		}
	}
	return fault
}
