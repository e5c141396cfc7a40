package classroom

import (
	"testing"
	"time"
)

// TestCauses has three learners fail for several causes at several steps, and
// asks what failed, for whom, and who still does: before a restart and after it.
func TestCauses(t *testing.T) { both(t, testCauses) }

func testCauses(t *testing.T, w *world) {
	anna, bert, carl := w.join("Anna"), w.join("Bert"), w.join("Carl")
	for _, p := range []*pupil{anna, bert, carl} {
		p.begin()
	}
	fails := func(p *pupil, step string, check int, reason string) {
		w.clock.pass(time.Second)
		p.fails(step, check, reason)
	}
	// Anna fails twice by a cause, passes the step, and fails the next one.
	fails(anna, "first", 1, "down")
	fails(anna, "first", 1, "down")
	anna.passes("first", "second")
	fails(anna, "second", 0, "absent")
	// Bert still fails by the same cause; Carl fails the same check otherwise now.
	fails(bert, "first", 1, "down")
	fails(carl, "first", 1, "down")
	fails(carl, "first", 1, "missing")
	type who struct {
		member        string
		times         int
		stuck, passed bool
	}
	want := []struct {
		step, reason string
		check, stuck int
		who          []who
	}{
		{"first", "down", 1, 1, []who{{bert.member, 1, true, false}, {carl.member, 1, false, false}, {anna.member, 2, false, true}}},
		{"first", "missing", 1, 1, []who{{carl.member, 1, true, false}}},
		{"second", "absent", 0, 1, []who{{anna.member, 1, true, false}}},
	}
	for _, when := range []string{"at once", "after a restart"} {
		got := w.grid().Board.Causes
		if len(got) != len(want) {
			t.Fatalf("%s: %+v", when, got)
		}
		for i, x := range want {
			g := got[i]
			if g.Lab != "one" || g.Step != x.step || g.Reason != x.reason || g.Check != x.check || g.Stuck != x.stuck || g.Kind != "link" || g.Why != "It is "+x.reason+"." || len(g.Who) != len(x.who) {
				t.Errorf("%s: got %+v, want %+v", when, g, x)
				continue
			}
			for j, p := range x.who {
				if c := g.Who[j]; c.Member != p.member || c.Times != p.times || c.Stuck != p.stuck || c.Passed != p.passed || c.At.IsZero() {
					t.Errorf("%s: %s by %s: got %+v, want %+v", when, g.Step, g.Reason, c, p)
				}
			}
		}
		w.stop()
		w.start()
	}
}
