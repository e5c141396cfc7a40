package classroom

import (
	"slices"

	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/session"
)

// seats returns the learner's places. It takes the service's lock.
func (s *Service) seats(learner string) []seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.places[learner])
}

// Session implements session.Listener.
func (s *Service) Session(b session.Brief) {
	for _, t := range s.seats(b.Learner) {
		t.room.session(t.member, b)
	}
}

// Step implements session.Listener.
func (s *Service) Step(b session.Brief, f session.StepFact) {
	for _, t := range s.seats(b.Learner) {
		if t.room.step(t.member, b, f) {
			s.mark(b.ID, f.ID)
		}
	}
}

// State implements session.Listener.
func (s *Service) State(b session.Brief, st *observe.State) {
	for _, t := range s.seats(b.Learner) {
		t.room.state(t.member, b, st)
	}
	s.keepState(b.ID, st)
}

// May implements session.Gate: a paused class waits.
func (s *Service) May(learner, labName string) error {
	for _, t := range s.seats(learner) {
		t.room.mu.Lock()
		paused := t.room.class.State == Paused && slices.Contains(t.room.class.Labs, labName)
		t.room.mu.Unlock()
		if paused {
			return refuse(session.Paused, "Your teacher has paused the class. It goes on in a moment.", "선생님이 수업을 잠시 멈췄습니다. 곧 이어집니다.")
		}
	}
	return nil
}
