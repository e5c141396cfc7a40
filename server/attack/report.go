package attack

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// Report is the outcome of a run.
type Report struct {
	Version string    `json:"version"`
	Kernel  string    `json:"kernel"`
	Cores   int       `json:"cores"`
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Results []Result  `json:"results"`
}

// Count says how many attacks went so.
func (r *Report) Count(outcome string) (n int) {
	for i := range r.Results {
		if r.Results[i].Outcome == outcome {
			n++
		}
	}
	return n
}

// OK says whether everything that was tried held.
func (r *Report) OK() bool { return r.Count(NotHeld) == 0 && r.Count(Unclear) == 0 }

// Print writes the table of each group, and the sum.
func (r *Report) Print(w io.Writer) error {
	for _, g := range Groups() {
		var rows bytes.Buffer
		table := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
		for i := range r.Results {
			if x := &r.Results[i]; x.Group == g[0] {
				x.print(table)
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if rows.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s (%s)\n%s\n", strings.ToUpper(g[1][:1])+g[1][1:], g[0], rows.Bytes()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d held, %d did not, %d unclear, %d skipped, in %.0f s, on Linux %s with %d processors\n",
		r.Count(Held), r.Count(NotHeld), r.Count(Unclear), r.Count(Skipped), r.Seconds, r.Kernel, r.Cores)
	return err
}

func (r *Result) print(w io.Writer) {
	what := r.Tried
	if f := r.Figures; f != nil {
		what += fmt.Sprintf("\n\t\t  in %.0f s a neighbour's keys p50 %.1f, p99 %.1f, worst %.1f ms; a start %.0f ms; server %+.1f MiB; kernel %+.0f MiB",
			f.Seconds, f.EchoP50, f.EchoP99, f.EchoWorst, f.Start, f.Server, f.Kernel)
	}
	for _, line := range r.Why {
		what += "\n\t\t  " + strings.ReplaceAll(line, "\n", "\n\t\t  ")
	}
	if r.Outcome == NotHeld || r.Outcome == Unclear {
		what += "\n\t\t  wanted: " + r.Held
		for _, line := range r.Said {
			what += "\n\t\t  seen: " + line
		}
	}
	_, _ = fmt.Fprintf(w, "  %s\t%s\t%s\n", r.Outcome, r.ID, what) // a buffer's
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return string(bytes.TrimRight(u.Release[:], "\x00"))
}
