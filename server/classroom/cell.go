package classroom

import (
	"slices"
	"time"

	"github.com/netground/netground/server/store"
)

// cell is a member at a step.
type cell struct {
	passed   time.Time
	caughtUp bool
	hints    int
	revealed bool
	holds    *bool
	fails    int
	same     int
	last     *store.Failure
	causes   map[cause]*caused // of all tries that failed
	begun    time.Time
	spent    time.Duration
	input    time.Time
	dirty    bool // begun or spent are to be stored
}

// cause is why a try fails: a check of the step, by its place, and the reason.
type cause struct {
	place  int
	reason string
}

// caused is how often tries have failed by a cause.
type caused struct {
	times int
	last  store.Failing
	at    time.Time
}

// mostCausesOf bounds the causes that one cell remembers.
const mostCausesOf = 50

// stuck says whether the last try failed by a cause, and none has passed since.
func (c *cell) stuck(by cause) bool {
	return c.passed.IsZero() && c.last != nil &&
		slices.ContainsFunc(c.last.Failing, func(f store.Failing) bool { return f.Place == by.place && f.Reason == by.reason })
}

func (c *cell) fail(f store.Failure) {
	c.fails++
	for _, x := range f.Failing {
		by := c.causes[cause{x.Place, x.Reason}]
		if by == nil {
			if len(c.causes) >= mostCausesOf {
				continue
			}
			if c.causes == nil {
				c.causes = map[cause]*caused{}
			}
			by = &caused{}
			c.causes[cause{x.Place, x.Reason}] = by
		}
		by.times++
		by.last, by.at = x, f.At
	}
	first := f.Failing[0]
	if c.last != nil && c.last.Failing[0].Place == first.Place && c.last.Failing[0].Reason == first.Reason {
		c.same++
	} else {
		c.same = 1
	}
	c.last = &f
}

func (c *cell) state() string {
	switch {
	case !c.passed.IsZero():
		return Passed
	case c.fails > 0:
		return Failed
	case !c.begun.IsZero() || c.hints > 0 || c.revealed:
		return Trying
	}
	return NotStarted
}
