package classroom

import (
	"testing"
	"time"

	"github.com/netground/netground/server/session"
)

// TestHelpAtAnyStep has learners fail a step that is not their first open one.
func TestHelpAtAnyStep(t *testing.T) {
	w := open(t)
	ahead, both, done := w.join("Ahead"), w.join("Both"), w.join("Done")
	for _, p := range []*pupil{ahead, both, done} {
		p.begin()
	}
	help := func(p *pupil) (h Help) {
		for _, x := range w.grid().Board.Help {
			if x.Member == p.member {
				return x
			}
		}
		return h
	}
	for range 3 {
		w.clock.pass(time.Second)
		ahead.fails("second", 0, "missing")
		both.fails("first", 1, "down")
		both.fails("second", 0, "missing")
	}
	both.fails("second", 0, "missing")
	h := help(ahead)
	if h.Reason != "same-check" || h.Lab != "one" || h.Step != "second" || h.Text != "3 times the same check: It is missing." {
		t.Errorf("ahead of the first open step: %+v", h)
	}
	if h := help(both); h.Step != "second" || h.Text != "4 times the same check: It is missing." {
		t.Errorf("the more urgent of two steps: %+v", h)
	}
	// What was passed since concerns nobody any more.
	both.passes("second", "first")
	if h := help(both); h.Step != "first" || h.Text != "3 times the same check: It is down." {
		t.Errorf("one of two is passed: %+v", h)
	}
	// Too few tries are no reason.
	done.fails("second", 0, "missing")
	done.fails("second", 0, "missing")
	if h := help(done); h.Reason != "" {
		t.Errorf("after two tries: %+v", h)
	}
	// Put away, until something new goes wrong there.
	w.must(w.s.Dismiss(t.Context(), w.class, ahead.member))
	if h := help(ahead); h.Reason != "" {
		t.Errorf("dismissed: %+v", h)
	}
	w.clock.pass(time.Second)
	ahead.fails("second", 0, "missing")
	if h := help(ahead); h.Step != "second" {
		t.Errorf("failed again: %+v", h)
	}
	// By and by somebody who has gone on to other things does not work on it any more;
	// the step where they are counts however long ago it was tried.
	w.clock.pass(lately)
	for _, p := range []*pupil{ahead, both} {
		p.types()
	}
	if h := help(ahead); h.Reason != "" {
		t.Errorf("long ago: %+v", h)
	}
	if h := help(both); h.Step != "first" {
		t.Errorf("the first open step, long ago: %+v", h)
	}
	// In a class that waits nobody needs help.
	w.must(w.s.SetState(t.Context(), w.class, Paused))
	if h := help(both); h.Reason != "" {
		t.Errorf("paused: %+v", h)
	}
}

// TestTheBoardFollowsTheTime sees that a page is told of somebody who does nothing.
func TestTheBoardFollowsTheTime(t *testing.T) {
	w := open(t)
	p := w.join("Idle")
	p.begin()
	room := w.s.allRooms()[0]
	room.tick(time.Second)
	w.clock.pass(idleAfter + time.Minute)
	room.tick(time.Second) // no longer typing
	room.mu.Lock()
	before := room.boardSeq
	room.mu.Unlock()
	w.clock.pass(time.Minute)
	room.tick(time.Second)
	room.mu.Lock()
	after := room.boardSeq
	room.mu.Unlock()
	if after <= before {
		t.Error("a minute of nothing does not change the board")
	}
	if h := w.grid().Board.Help; len(h) != 1 || h[0].Reason != "idle" || h[0].Text != "Has typed nothing for 7 minutes" {
		t.Errorf("who needs help: %+v", h)
	}
	p.change(func(b *session.Brief) { b.State = session.Ended })
}
