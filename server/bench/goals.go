package bench

import (
	"cmp"
	"fmt"
	"strings"
)

// Verdicts of a Goal.
const (
	Met         = "met"
	NotMet      = "not met"
	NotMeasured = "not measured"
)

// Goal is what is wanted beside what was found.
type Goal struct {
	Name    string  `json:"name"`
	Limit   float64 `json:"limit"`
	AtLeast bool    `json:"atLeast,omitempty"` // Limit is the least; else the most
	Unit    string  `json:"unit"`
	// Measured is nil if there is nothing to compare.
	Measured *float64 `json:"measured,omitempty"`
	Verdict  string   `json:"verdict"`
	Reason   string   `json:"reason,omitempty"` // why not measured
}

// wish is how a goal is made of figures: one of them, or its ratio to another.
type wish struct {
	name    string
	of      string // the scenario that measures it
	figure  string // its id
	stat    string // p50 or p99; empty: the value
	against string // id of the figure, at p50, by which it is divided
	limit   float64
	unit    string // with against: ×
	atLeast bool
	never   string // why it is never measured here
}

// wishes are the goals of the project.
func wishes() []wish {
	return []wish{
		{name: "cold start, 3 hosts, p50", of: "cold", figure: "start.cold.3", stat: "p50", limit: 15, unit: "ms"},
		{name: "cold start, 3 hosts, p99", of: "cold", figure: "start.cold.3", stat: "p99", limit: 40, unit: "ms"},
		{name: "cold start, 3 hosts, p50, by the floor", of: "cold", figure: "start.cold.3", stat: "p50", against: "floor.3", limit: 1.6, unit: "×"},
		{name: "start from the pool, 3 hosts, p50", of: "pool", figure: "start.pool.3", stat: "p50", limit: 3, unit: "ms"},
		{name: "cold start while 100 sandboxes end, p99", of: "ends", figure: "ends.cold", stat: "p99", limit: 100, unit: "ms"},
		{name: "start from the pool while 100 sandboxes end, p99", of: "poolends", figure: "ends.pool", stat: "p99", limit: 5, unit: "ms"},
		{name: "echo of a key, p50, by a bare PTY", of: "echo", figure: "echo", stat: "p50", against: "echo.bare", limit: 2.7, unit: "×"},
		{name: "server CPU of a key", of: "echo", figure: "echo.cpu", limit: 150, unit: "µs"},
		{name: "bulk output, by a bare PTY", of: "bulk", figure: "bulk", stat: "p50", against: "bulk.bare", limit: 0.6, unit: "×", atLeast: true},
		{name: "server CPU of bulk output", of: "bulk", figure: "bulk.cpu", stat: "p50", limit: 6.5, unit: "ms/MB"},
		{name: "Ctrl-C under flood, page at 5 MB/s, p50", of: "interrupt", figure: "interrupt.5", stat: "p50", limit: 40, unit: "ms"},
		{name: "memory of an idle sandbox, 3 hosts, all in", of: "memory", figure: "memory", limit: 6, unit: "MB"},
		{name: "server memory of a connection", of: "connection", figure: "connection", limit: 60, unit: "KB"},
		{name: "server memory of a stalled reader", of: "stalled", figure: "stalled", limit: 1, unit: "MB"},
		{name: "check: kernel's change to the browser's event, 100 sandboxes, p99", of: "event", figure: "event.step", stat: "p99", limit: 20, unit: "ms"},
		{name: "lab page usable in Chromium after the click", limit: 300, unit: "ms", never: "this needs a browser; the browser tests measure it"},
	}
}

// grade compares what is wanted with what was found.
func grade(all []wish, figures []Figure, missing map[string]string) []Goal {
	find := func(id string) *Figure {
		for i := range figures {
			if figures[i].ID == id {
				return &figures[i]
			}
		}
		return nil
	}
	why := func(scenario string) string {
		return cmp.Or(missing[scenario], fmt.Sprintf("the measurement %q was not asked for", scenario))
	}
	var goals []Goal
	for _, w := range all {
		g := Goal{Name: w.name, Limit: w.limit, AtLeast: w.atLeast, Unit: w.unit, Verdict: NotMeasured, Reason: w.never}
		f := find(w.figure)
		switch {
		case w.never != "":
		case f == nil:
			g.Reason = why(w.of)
		default:
			v := f.stat(w.stat)
			if w.against != "" {
				base := find(w.against)
				if base == nil || base.Value == 0 {
					scenario, _, _ := strings.Cut(w.against, ".")
					g.Reason = "there is nothing to compare it with: " + why(scenario)
					break
				}
				v /= base.Value
			}
			g.Measured = &v
			if f.Reduced != "" {
				g.Reason = f.Reduced
				break
			}
			g.Verdict = NotMet
			if w.atLeast && v >= w.limit || !w.atLeast && v <= w.limit {
				g.Verdict = Met
			}
		}
		goals = append(goals, g)
	}
	return goals
}

// limitText is the limit as people write it.
func (g *Goal) limitText() string {
	sign := "≤"
	if g.AtLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s %s %s", sign, number(g.Limit), g.Unit)
}
