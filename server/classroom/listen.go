package classroom

import (
	"slices"
	"time"

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
	for _, kind := range f.Holding {
		s.mark(b.ID, f.ID+": "+kind)
	}
	passed := false
	for _, t := range s.seats(b.Learner) {
		passed = t.room.step(t.member, b, f) || passed
	}
	if passed {
		s.mark(b.ID, f.ID)
	}
}

// State implements session.Listener.
func (s *Service) State(b session.Brief, st *observe.State) {
	for _, t := range s.seats(b.Learner) {
		t.room.state(t.member, b, st)
	}
	s.keepState(b.ID, st)
}

// May implements session.Gate: a paused class waits, and so does one that has not
// begun, unless another class of the learner's goes on with the lab.
func (s *Service) May(learner, labName string) error {
	begins, begun := "", false
	for _, t := range s.seats(learner) {
		t.room.mu.Lock()
		has := slices.Contains(t.room.class.Labs, labName)
		paused := has && t.room.class.State == Paused
		day := s.beginsOn(t.room.class)
		running := has && t.room.class.State == Running && day == ""
		t.room.mu.Unlock()
		begun = begun || running
		if has && day != "" && (begins == "" || day < begins) {
			begins = day
		}
		if paused && day == "" {
			return refuse(session.Paused, "Your teacher has paused the class. It goes on in a moment.", "선생님이 수업을 잠시 멈췄습니다. 곧 이어집니다.")
		}
	}
	if begins != "" && !begun {
		en, ko := begins, begins
		if day, err := time.Parse(time.DateOnly, begins); err == nil {
			en, ko = day.Format("January 2, 2006"), day.Format("2006년 1월 2일")
		}
		return refuse(session.Paused, "Your class begins on "+en+". Its labs open then.", "수업은 "+ko+"에 시작하며, 그때 실습이 열립니다.")
	}
	return nil
}
