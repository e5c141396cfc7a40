package bench

import (
	"math"
	"slices"
	"time"
)

// samples are measurements of one thing, in its unit.
type samples []float64

// add takes a duration down, in milliseconds.
func (s *samples) add(d time.Duration) { *s = append(*s, ms(d)) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// at returns the percentile q, 0 to 100, by the nearest rank: always something
// that was measured. Of few samples the high ones are the largest of all.
func (s samples) at(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	rank := int(math.Ceil(q / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Spread says how samples lie.
type Spread struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

func (s samples) spread() *Spread {
	if len(s) == 0 {
		return nil
	}
	return &Spread{Count: len(s), P50: s.at(50), P90: s.at(90), P99: s.at(99), Max: s.at(100)}
}
