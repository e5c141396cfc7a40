package session

import (
	"slices"
	"time"
)

const (
	queueLimit  = 1000
	queueMemory = time.Minute // who has not asked for so long has left
)

// queue is who waits for a place on a full server, in the order of first
// asking. A learner keeps the place by asking again.
type queue struct{ waiting []waiter }

type waiter struct {
	learner string
	seen    time.Time
}

// place returns the learner's index, and adds it where it is new. Beyond the
// limit nobody is added, and all have the place behind the last.
func (q *queue) place(learner string, now time.Time) int {
	q.forget(now)
	for i := range q.waiting {
		if q.waiting[i].learner == learner {
			q.waiting[i].seen = now
			return i
		}
	}
	if len(q.waiting) < queueLimit {
		q.waiting = append(q.waiting, waiter{learner, now})
		return len(q.waiting) - 1
	}
	return len(q.waiting)
}

// admit says whether the learner is among the first, and if so takes it out.
func (q *queue) admit(learner string, free int, now time.Time) bool {
	q.forget(now)
	at := slices.IndexFunc(q.waiting, func(w waiter) bool { return w.learner == learner })
	if at < 0 {
		return len(q.waiting) < free
	}
	if at >= free {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	return true
}

func (q *queue) forget(now time.Time) {
	q.waiting = slices.DeleteFunc(q.waiting, func(w waiter) bool { return now.Sub(w.seen) > queueMemory })
}
