package classroom

import (
	"fmt"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

// When somebody counts as needing help.
const (
	sameFails = 3 // in a row, by the same check for the same reason
	manyFails = 5
	longLeast = 3 * time.Minute  // beyond the class's median
	longAlone = 15 * time.Minute // where there is no median yet
	idleAfter = 5 * time.Minute
	// lately is how long ago somebody may have failed a step that is not the one
	// where they are, and still count as working on it.
	lately = 10 * time.Minute
)

// appeal is the most urgent reason for help that was found so far.
type appeal struct {
	Help
	dismissed time.Time
	language  string
}

func (a *appeal) say(p place, reason string, score int, since time.Time, t lab.Text) {
	if score > a.Score && since.After(a.dismissed) {
		a.Lab, a.Step, a.Reason, a.Score, a.Since, a.Text = p.lab, p.step, reason, score, *wall(since), t.In(a.language)
	}
}

// help says whether a member needs help, and the most urgent reason: with a raised
// hand, at the step where they are, or at another one that they have failed
// lately. It is called with the lock.
func (r *room) help(w *who, medians map[place]time.Duration, language string) (Help, bool) {
	a := &appeal{Help: Help{Member: w.m.ID}, dismissed: w.dismissed, language: language}
	now := r.now()
	labName, step := r.at(w)
	here := place{labName, step}
	if w.hand != nil {
		a.hand(here, w.hand, now)
	}
	if r.class.State != Running {
		return a.Help, a.Score > 0
	}
	if c := w.cells[here]; c != nil && step != "" && c.passed.IsZero() {
		a.failing(here, c)
		a.long(here, c, medians[here])
		if b, ok := r.here(w); ok && b.Pages > 0 && now.Sub(b.Active) > idleAfter {
			minutes := int(now.Sub(b.Active) / time.Minute)
			a.say(here, "idle", 110+min(80, minutes), b.Active, text(fmt.Sprintf("Has typed nothing for %d minutes", minutes), fmt.Sprintf("%d분 동안 아무것도 입력하지 않았습니다", minutes)))
		}
	}
	// Steps may be tried in any order, and in several labs.
	for _, name := range r.class.Labs {
		l := r.labs[name]
		if l == nil {
			continue
		}
		for i := range l.Steps {
			p := place{name, l.Steps[i].ID}
			if c := w.cells[p]; p != here && c != nil && c.passed.IsZero() && c.last != nil && now.Sub(c.last.At) < lately {
				a.failing(p, c)
			}
		}
	}
	return a.Help, a.Score > 0
}

func (a *appeal) hand(p place, h *store.Hand, now time.Time) {
	score := 1000 + min(500, int(now.Sub(h.At)/time.Minute))
	t := text("Has raised a hand", "손을 들었습니다")
	if h.ClaimedBy != "" {
		score = 100
		t = text("Is being helped by "+h.ClaimedBy, h.ClaimedBy+" 선생님이 돕고 있습니다")
	}
	if h.Text != "" {
		t = text(t["en"]+": “"+h.Text+"”", t["ko"]+": “"+h.Text+"”")
	}
	a.say(p, "hand", score, h.At, t)
}

// failing looks at the tries of a step that is not passed.
func (a *appeal) failing(p place, c *cell) {
	if c.last == nil {
		return
	}
	if c.same >= sameFails {
		why := lab.Text(c.last.Failing[0].Why)
		a.say(p, "same-check", 500+min(400, 20*c.same), c.last.At, text(fmt.Sprintf("%d times the same check: %s", c.same, why.In("en")),
			fmt.Sprintf("같은 확인에서 %d번 막혔습니다: %s", c.same, why.In("ko"))))
	}
	if c.fails >= manyFails {
		a.say(p, "many-fails", 300+min(190, 10*c.fails), c.last.At, text(fmt.Sprintf("%d tries failed at this step", c.fails), fmt.Sprintf("이 단계에서 %d번 실패했습니다", c.fails)))
	}
	if c.revealed {
		a.say(p, "revealed", 250, c.last.At, text("Has seen the solution and still fails", "풀이를 보고도 통과하지 못했습니다"))
	}
}

// long looks at the time at a step that is not passed.
func (a *appeal) long(p place, c *cell, median time.Duration) {
	limit := longAlone
	if median > 0 {
		limit = max(2*median, median+longLeast)
	}
	if c.spent <= limit {
		return
	}
	minutes := int(c.spent / time.Minute)
	t := text(fmt.Sprintf("%d minutes at this step", minutes), fmt.Sprintf("이 단계에 %d분째 있습니다", minutes))
	if median > 0 {
		m := max(1, int(median.Round(time.Minute)/time.Minute))
		t = text(fmt.Sprintf("%d minutes at this step, the class's median is %d", minutes, m), fmt.Sprintf("이 단계에 %d분째 있습니다. 수업의 중앙값은 %d분입니다", minutes, m))
	}
	a.say(p, "long", 200+min(49, int(c.spent/limit)), c.begun, t)
}
