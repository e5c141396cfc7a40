package session

import (
	"sync"
	"time"
)

// Stats counts what a manager does and has done.
type Stats struct {
	Live    int // sessions of learners
	Ready   int // sandboxes that stand ready
	Waiting int // learners in the queue of a full server
	Max     int // sandboxes that fit

	Creates  uint64 // sessions made
	FromPool uint64 // of them, from a sandbox that stood ready
	Resumes  uint64
	Failures uint64 // sessions that could not be made
	Refused  uint64 // for a full server
	Resets   uint64
	Reboots  uint64
	CatchUps uint64
	Ended    map[string]uint64 // by reason

	Evaluations uint64 // of all steps of a session
	Checks      uint64 // single ones
	Passed      uint64 // steps

	Terminals         uint64 // opened
	Subscribers       int
	SlowSubscribers   uint64 // that were sent away
	Unstored          int    // results that wait for the database
	Lost              uint64 // results that the database never took
	CreateSeconds     Histogram
	PoolSeconds       Histogram // creates from the pool
	EvaluationSeconds Histogram
}

// Histogram counts durations; Buckets holds, for each upper bound in seconds,
// how many were not longer, as Prometheus has it.
type Histogram struct {
	Count   uint64
	Sum     float64
	Buckets map[float64]uint64
}

var bounds = [...]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

type histogram struct {
	mu     sync.Mutex
	count  uint64
	sum    float64
	counts [len(bounds)]uint64
}

func (h *histogram) add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	h.sum += d.Seconds()
	for i, b := range bounds {
		if d.Seconds() <= b {
			h.counts[i]++
		}
	}
}

func (h *histogram) read() Histogram {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := Histogram{Count: h.count, Sum: h.sum, Buckets: make(map[float64]uint64, len(bounds))}
	for i, b := range bounds {
		r.Buckets[b] = h.counts[i]
	}
	return r
}
