package bench

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Report is the outcome of a run.
type Report struct {
	Version string    `json:"version"`
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"` // that it took
	Quick   bool      `json:"quick"`
	Machine Machine   `json:"machine"`
	Goals   []Goal    `json:"goals"`
	Figures []Figure  `json:"figures"`
	Notes   []string  `json:"notes"`
}

// Figure is one thing that was measured.
type Figure struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Unit string `json:"unit"`
	// Value is the measured one, or the median of several.
	Value  float64 `json:"value"`
	Spread *Spread `json:"spread,omitempty"`
	// Reduced says why it says nothing about the goal, if so.
	Reduced string `json:"reduced,omitempty"`
	Note    string `json:"note,omitempty"`
}

func (f *Figure) stat(name string) float64 {
	switch {
	case f.Spread == nil:
	case name == "p50":
		return f.Spread.P50
	case name == "p99":
		return f.Spread.P99
	}
	return f.Value
}

// recorder collects figures.
type recorder struct {
	figures []Figure

	mu    sync.Mutex // learners that start side by side have notes
	notes []string
}

func (r *recorder) value(id, name, unit string, v float64) *Figure {
	r.figures = append(r.figures, Figure{ID: id, Name: name, Unit: unit, Value: v})
	return &r.figures[len(r.figures)-1]
}

// spread records samples; none are no figure.
func (r *recorder) spread(id, name, unit string, s samples) *Figure {
	if len(s) == 0 {
		return &Figure{}
	}
	f := r.value(id, name, unit, s.at(50))
	f.Spread = s.spread()
	return f
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// number writes a figure with three digits that count.
func number(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case v == math.Trunc(v) && math.Abs(v) < 1e6, math.Abs(v) >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case math.Abs(v) >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case math.Abs(v) >= 0.1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// Print writes the report as tables.
func (r *Report) Print(to io.Writer) error {
	var b strings.Builder
	m := &r.Machine
	fmt.Fprintf(&b, "Netground %s, %s, %.0f s\n", r.Version, r.Began.Format("2006-01-02 15:04"), r.Seconds)
	fmt.Fprintf(&b, "%s, %d cores, %s GB of memory, %s free, Linux %s, load %s before and %s after\n\n",
		m.CPU, m.Cores, number(m.MemoryGB), number(m.FreeGB), m.Kernel, number(m.LoadBefore), number(m.LoadAfter))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(r.Goals) > 0 {
		fmt.Fprintln(w, "GOAL\tWANTED\tMEASURED\t")
	}
	for _, g := range r.Goals {
		measured := "–"
		if g.Measured != nil {
			measured = number(*g.Measured) + " " + g.Unit
		}
		verdict := g.Verdict
		if g.Reason != "" {
			verdict += ": " + g.Reason
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", g.Name, g.limitText(), measured, verdict)
	}
	if len(r.Goals) > 0 {
		fmt.Fprintln(w, "\t\t\t")
	}
	if err := w.Flush(); err != nil {
		return err
	}
	w = tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MEASURED\tp50\tp90\tp99\tMAX\tUNIT\tSAMPLES\t")
	for _, f := range r.Figures {
		note := f.Note
		if f.Spread == nil {
			fmt.Fprintf(w, "%s\t%s\t\t\t\t%s\t\t%s\n", f.Name, number(f.Value), f.Unit, note)
			continue
		}
		s := f.Spread
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", f.Name, number(s.P50), number(s.P90), number(s.P99), number(s.Max), f.Unit, s.Count, note)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s", n)
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) { // the tables' last columns are empty as a rule
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	_, err := io.WriteString(to, out.String())
	return err
}
