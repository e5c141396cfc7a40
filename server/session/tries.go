package session

import (
	"maps"
	"time"

	"github.com/netground/netground/server/check"
)

// What a teacher calls a try: the learner has done something, means that it is
// done, and it does not do. That it is meant to be done, the learner says by
// asking for the check or answering; or the learner types nothing more and leaves
// the network as it is. Whoever is in the middle of several commands has not
// failed yet, and neither has who came closer.
const (
	// standing is how long something must be left as it is that the failing checks
	// look at: an address that is wrong.
	standing = 20 * time.Second
	// resting is how long anything else must be: a command of several whose check
	// needs them all looks the same as a wrong one.
	resting = time.Minute

	mostTried = 64 // networks that are remembered of a step
)

// look is what one evaluation saw of a step that is not passed.
type look struct {
	at      time.Time
	typed   time.Time // the learner's last key
	digest  uint64    // of the network
	results []check.Result
	answers map[string]string
	asked   bool // by the learner
	mistake bool // it looks like one that the lab declares
	probes  func(place int) bool
}

// finding is what a check that fails has found.
type finding struct{ reason, found string }

// tries tells tries of a step from everything else that happens. Its zero value is
// a step that nobody has looked at. Like its step, it is copied: its maps are
// replaced, never changed.
type tries struct {
	begun bool
	count int // of those that failed

	stands uint64 // the network, and since when
	since  time.Time

	// What there was at the last try, or when the learner came to the step.
	typed    time.Time
	digest   uint64
	answers  map[string]string
	findings map[int]finding

	fewest  int             // checks that failed
	tried   map[uint64]bool // networks
	reasons map[reasonAt]bool
}

type reasonAt struct {
	place  int
	reason string
}

// failed says whether what an evaluation saw is a try that has failed.
func (t *tries) failed(l look) bool {
	now := map[int]finding{}
	for i, r := range l.results {
		if !r.OK && known(&r) {
			now[i] = finding{r.Reason, r.Found.In("en")}
		}
	}
	if l.digest != t.stands || t.since.IsZero() {
		t.stands, t.since = l.digest, l.at
	}
	if len(now) == 0 {
		return false
	}
	if !t.begun {
		t.begun, t.fewest = true, len(now)
		t.keep(l, now)
	}
	changed := !maps.Equal(now, t.findings)
	if l.asked {
		// Asked again with nothing done in between is no other try.
		again := t.count > 0 && !changed && l.digest == t.digest && !l.typed.After(t.typed) && maps.Equal(l.answers, t.answers)
		if again {
			return false
		}
		t.keep(l, now)
		t.count++
		return true
	}
	// What changes while nobody types changes by itself, and what was tried before
	// is no other try.
	if !l.typed.After(t.typed) || l.digest == t.digest && !changed || t.tried[l.digest] && !changed {
		return false
	}
	wait := resting
	if changed || l.mistake {
		wait = standing
	}
	if left := l.at.Sub(later(t.since, l.typed)); left < wait {
		return false
	}
	closer := len(now) < t.fewest
	for i, f := range now {
		// A probe that fails otherwise than ever before has come further on its way.
		closer = closer || l.probes(i) && !l.mistake && !t.reasons[reasonAt{i, f.reason}]
	}
	t.keep(l, now)
	if closer {
		return false
	}
	t.count++
	return true
}

// keep remembers what there was.
func (t *tries) keep(l look, now map[int]finding) {
	t.typed, t.digest, t.answers, t.findings, t.fewest = l.typed, l.digest, l.answers, now, min(t.fewest, len(now))
	t.learn(l, now)
}

func (t *tries) learn(l look, now map[int]finding) {
	t.tried, t.reasons = maps.Clone(t.tried), maps.Clone(t.reasons)
	if t.tried == nil || len(t.tried) >= mostTried {
		t.tried = map[uint64]bool{}
	}
	if t.reasons == nil {
		t.reasons = map[reasonAt]bool{}
	}
	t.tried[l.digest] = true
	for i, f := range now {
		t.reasons[reasonAt{i, f.reason}] = true
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
