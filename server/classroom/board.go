package classroom

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/netground/netground/server/lab"
)

// When somebody counts as needing help.
const (
	sameFails  = 3 // in a row, by the same check for the same reason
	manyFails  = 5
	longLeast  = 3 * time.Minute  // beyond the class's median
	longAlone  = 15 * time.Minute // where there is no median yet
	idleAfter  = 5 * time.Minute
	medianOf   = 3 // who must have passed for a median
	mostCauses = 200
)

// board is what the rows say together. It is called with the lock.
func (r *room) board(language string) Board {
	b := Board{Help: []Help{}, Hands: []Hand{}, Funnel: map[string][]Funnel{}, Causes: []Cause{}, Faults: []Injection{}}
	medians := map[place]time.Duration{}
	for _, name := range r.class.Labs {
		l := r.labs[name]
		if l == nil {
			continue
		}
		funnel := make([]Funnel, 0, len(l.Steps))
		for i := range l.Steps {
			f, median := r.funnel(place{name, l.Steps[i].ID})
			if median > 0 {
				medians[place{name, l.Steps[i].ID}] = median
			}
			funnel = append(funnel, f)
		}
		b.Funnel[name] = funnel
	}
	b.Causes = r.causes(language)
	for _, w := range r.sorted() {
		if w.m.Learner != "" {
			b.Joined++
		}
		if p := r.presenceOf(w); p == Typing || p == Here {
			b.Online++
		}
		if w.hand != nil {
			b.Hands = append(b.Hands, handOf(*w.hand))
		}
		if h, ok := r.help(w, medians, language); ok {
			b.Help = append(b.Help, h)
		}
	}
	slices.SortStableFunc(b.Hands, func(a, b Hand) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(b.Help, func(a, b Help) int { return cmp.Or(cmp.Compare(b.Score, a.Score), a.Since.Compare(b.Since)) })
	if r.broadcast != nil {
		b.Broadcast = broadcastOf(r.broadcast)
	}
	for i := range r.injections {
		b.Faults = append(b.Faults, r.injection(&r.injections[i], language))
	}
	return b
}

// causes is the map of why: for each step of the class, by which check and cause
// tries have failed, whose, and who still fails so. It is called with the lock.
func (r *room) causes(language string) []Cause {
	type key struct {
		place
		cause
	}
	by := map[key]*Cause{}
	newest := map[key]time.Time{}
	for _, w := range r.sorted() {
		for at, c := range w.cells {
			if !slices.Contains(r.class.Labs, at.lab) {
				continue
			}
			for why, x := range c.causes {
				k := key{at, why}
				v := by[k]
				if v == nil {
					v = &Cause{Lab: at.lab, Step: at.step, Check: why.place, Reason: why.reason}
					by[k] = v
				}
				if x.at.After(newest[k]) {
					newest[k] = x.at
					v.Kind, v.Why, v.Expected = x.last.Kind, lab.Text(x.last.Why).In(language), lab.Text(x.last.Expected).In(language)
				}
				who := Caused{Member: w.m.ID, Times: x.times, At: *wall(x.at), Stuck: c.stuck(why), Passed: !c.passed.IsZero()}
				if who.Stuck {
					v.Stuck++
				}
				v.Who = append(v.Who, who)
			}
		}
	}
	all := make([]Cause, 0, len(by))
	for _, v := range by {
		slices.SortStableFunc(v.Who, func(a, b Caused) int { return rank(b) - rank(a) }) // else by name, as they came
		all = append(all, *v)
	}
	slices.SortFunc(all, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.Stuck, a.Stuck), cmp.Compare(len(b.Who), len(a.Who)), cmp.Compare(a.Lab, b.Lab), cmp.Compare(a.Step, b.Step),
			cmp.Compare(a.Check, b.Check), cmp.Compare(a.Reason, b.Reason))
	})
	return all[:min(len(all), mostCauses)]
}

// rank is higher for whom a cause still concerns.
func rank(c Caused) int {
	switch {
	case c.Stuck:
		return 2
	case !c.Passed:
		return 1
	}
	return 0
}

// funnel is how many have come to a step, and the median of the active times of
// those who have passed it by themselves.
func (r *room) funnel(p place) (Funnel, time.Duration) {
	f := Funnel{Step: p.step}
	var times []time.Duration
	for _, w := range r.rows {
		c := w.cells[p]
		if c == nil {
			continue
		}
		switch c.state() {
		case Passed:
			f.Passed++
			if !c.caughtUp && c.spent > 0 {
				times = append(times, c.spent)
			}
		case Failed:
			f.Failed++
		case Trying:
			f.Trying++
		default:
			continue
		}
		f.Reached++
	}
	if len(times) < medianOf {
		return f, 0
	}
	slices.Sort(times)
	median := times[len(times)/2]
	seconds := int(median / time.Second)
	f.MedianSeconds = &seconds
	return f, median
}

// help says whether a member needs help, and the most urgent reason.
func (r *room) help(w *who, medians map[place]time.Duration, language string) (Help, bool) {
	var best Help
	say := func(reason string, score int, since time.Time, t lab.Text) {
		if score > best.Score && since.After(w.dismissed) {
			best.Reason, best.Score, best.Since, best.Text = reason, score, *wall(since), t.In(language)
		}
	}
	now := r.now()
	if h := w.hand; h != nil {
		score := 1000 + min(500, int(now.Sub(h.At)/time.Minute))
		t := text("Has raised a hand", "손을 들었습니다")
		if h.ClaimedBy != "" {
			score = 100
			t = text("Is being helped by "+h.ClaimedBy, h.ClaimedBy+" 선생님이 돕고 있습니다")
		}
		if h.Text != "" {
			t = text(t["en"]+": “"+h.Text+"”", t["ko"]+": “"+h.Text+"”")
		}
		say("hand", score, h.At, t)
	}
	labName, step := r.at(w)
	best.Member, best.Lab, best.Step = w.m.ID, labName, step
	c := w.cells[place{labName, step}]
	if c != nil && step != "" && c.passed.IsZero() && r.class.State == Running {
		if c.last != nil && c.same >= sameFails {
			why := lab.Text(c.last.Failing[0].Why)
			say("same-check", 500+min(400, 20*c.same), c.last.At, text(fmt.Sprintf("%d times the same check: %s", c.same, why.In("en")),
				fmt.Sprintf("같은 확인에서 %d번 막혔습니다: %s", c.same, why.In("ko"))))
		}
		if c.last != nil && c.fails >= manyFails {
			say("many-fails", 300+min(190, 10*c.fails), c.last.At, text(fmt.Sprintf("%d tries failed at this step", c.fails), fmt.Sprintf("이 단계에서 %d번 실패했습니다", c.fails)))
		}
		if c.revealed && c.last != nil {
			say("revealed", 250, c.last.At, text("Has seen the solution and still fails", "풀이를 보고도 통과하지 못했습니다"))
		}
		median := medians[place{labName, step}]
		limit := longAlone
		if median > 0 {
			limit = max(2*median, median+longLeast)
		}
		if c.spent > limit {
			minutes := int(c.spent / time.Minute)
			t := text(fmt.Sprintf("%d minutes at this step", minutes), fmt.Sprintf("이 단계에 %d분째 있습니다", minutes))
			if median > 0 {
				m := max(1, int(median.Round(time.Minute)/time.Minute))
				t = text(fmt.Sprintf("%d minutes at this step, the class's median is %d", minutes, m), fmt.Sprintf("이 단계에 %d분째 있습니다. 수업의 중앙값은 %d분입니다", minutes, m))
			}
			say("long", 200+min(49, int(c.spent/limit)), c.begun, t)
		}
		if b, ok := r.here(w); ok && b.Pages > 0 && now.Sub(b.Active) > idleAfter {
			minutes := int(now.Sub(b.Active) / time.Minute)
			say("idle", 110+min(80, minutes), b.Active, text(fmt.Sprintf("Has typed nothing for %d minutes", minutes), fmt.Sprintf("%d분 동안 아무것도 입력하지 않았습니다", minutes)))
		}
	}
	return best, best.Score > 0
}
