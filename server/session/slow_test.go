package session

import (
	"strings"
	"testing"
	"time"
)

func TestSlowed(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	english, korean := w.subscribe(ann, s.ID), w.subscribe(Caller{Learner: "ann", Language: "ko"}, s.ID)
	w.e.box().events <- SandboxEvent{Kind: Slowed, Pause: 2 * time.Second}
	n := await(w, english, "the notice", func(n Notice) bool { return n.Kind == "slowed" })
	if !strings.Contains(n.Text, "pauses for 2 seconds") || !n.ExpiresAt.Equal(w.clock.Now().Add(2*time.Second)) {
		t.Errorf("%+v", n)
	}
	if n := await(w, korean, "the notice", func(n Notice) bool { return n.Kind == "slowed" }); !strings.Contains(n.Text, "2초 동안") {
		t.Errorf("%+v", n)
	}
}

// A clock that is set back ends nothing; one that is set forward must not
// either, which the part of time.Now that only runs sees to.
func TestClockJumps(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxSessions = 1 })
	s := w.create(ann, "demo")
	_, err := w.m.Create(t.Context(), bob, "demo")
	if _, ok := err.(*FullError); !ok {
		t.Fatal(err)
	}
	w.clock.pass(-26 * time.Hour)
	w.m.expire()
	if got := must[Session](w)(w.m.Get(t.Context(), ann, s.ID)); got.State != Ready {
		t.Errorf("the session is %s", got.State)
	}
	if _, err = w.m.Create(t.Context(), bob, "demo"); err.(*FullError).Place != 1 {
		t.Errorf("bob's place is %d", err.(*FullError).Place)
	}
	must[Session](w)(w.m.Extend(t.Context(), ann, s.ID))
	w.clock.pass(40 * time.Minute)
	w.m.expire()
	must[Session](w)(w.m.Get(t.Context(), ann, s.ID))

	real := newWorld(t, func(o *Options) { o.Now = nil })
	real.create(ann, "demo")
	for _, l := range real.m.all() {
		l.mu.Lock()
		l.touch()
		ends := l.expires()
		l.mu.Unlock()
		if !strings.Contains(ends.String(), " m=+") {
			t.Errorf("the end %v follows the clock on the wall", ends)
		}
	}
}
