package classroom

import (
	"cmp"
	"slices"
	"time"

	"github.com/netground/netground/server/lab"
)

const (
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
