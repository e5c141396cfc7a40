package bench

import (
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/lab"
)

func TestPercentilesAreMeasuredValues(t *testing.T) {
	hundred := samples{}
	for i := range 100 {
		hundred = append(hundred, float64(100-i))
	}
	for _, c := range []struct {
		of   samples
		q    float64
		want float64
	}{
		{hundred, 0, 1}, {hundred, 50, 50}, {hundred, 90, 90}, {hundred, 99, 99}, {hundred, 100, 100},
		{samples{3, 1, 2}, 50, 2}, {samples{3, 1, 2}, 99, 3}, {samples{4, 1, 3, 2}, 50, 2}, {samples{7}, 1, 7}, {samples{7}, 99, 7},
	} {
		if got := c.of.at(c.q); got != c.want {
			t.Errorf("percentile %v of %v is %v, want %v", c.q, c.of, got, c.want)
		}
	}
	if !math.IsNaN(samples{}.at(50)) || (samples{}).spread() != nil {
		t.Error("nothing has a percentile")
	}
	unsorted := samples{2, 1}
	unsorted.at(50)
	if !slices.Equal(unsorted, samples{2, 1}) {
		t.Error("samples were sorted in place")
	}
	var s samples
	s.add(1500 * time.Microsecond)
	if s[0] != 1.5 {
		t.Errorf("1,500 µs are %v ms", s[0])
	}
}

func TestGoalsAreGraded(t *testing.T) {
	r := recorder{}
	r.spread("a", "a", "ms", samples{1, 2, 30})
	r.value("b", "b", "ms", 4)
	r.value("few", "few", "ms", 1).Reduced = "too few"
	got := grade([]wish{
		{name: "p50", figure: "a", stat: "p50", limit: 2},
		{name: "p99", figure: "a", stat: "p99", limit: 29},
		{name: "ratio", figure: "a", stat: "p50", against: "b", limit: 0.5},
		{name: "least", figure: "a", stat: "p50", against: "b", limit: 0.6, atLeast: true},
		{name: "no base", figure: "a", against: "c.3", limit: 1},
		{name: "failed", of: "c", figure: "c.1", limit: 1},
		{name: "left out", of: "d", figure: "d", limit: 1},
		{name: "reduced", figure: "few", limit: 1},
		{name: "never", never: "no browser"},
	}, r.figures, map[string]string{"c": "it broke"})
	for i, want := range []struct{ verdict, reason string }{
		{Met, ""}, {NotMet, ""}, {Met, ""}, {NotMet, ""},
		{NotMeasured, "there is nothing to compare it with: it broke"}, {NotMeasured, "it broke"},
		{NotMeasured, `the measurement "d" was not asked for`}, {NotMeasured, "too few"}, {NotMeasured, "no browser"},
	} {
		if g := got[i]; g.Verdict != want.verdict || g.Reason != want.reason {
			t.Errorf("%s: %q, %q; want %q, %q", g.Name, g.Verdict, g.Reason, want.verdict, want.reason)
		}
	}
	if got[7].Measured == nil || got[5].Measured != nil {
		t.Error("a figure that says nothing of the goal is shown, a missing one is not")
	}
}

func TestEveryGoalHasItsMeasurement(t *testing.T) {
	names := Names()
	for _, w := range wishes() {
		if w.never == "" && !slices.Contains(names, w.of) {
			t.Errorf("%s: there is no measurement %q", w.name, w.of)
		}
		if w.unit == "" || (w.against != "") != (w.unit == "×") {
			t.Errorf("%s has the unit %q", w.name, w.unit)
		}
	}
}

// sample is a report with one of everything.
func sample() *Report {
	r := recorder{}
	r.spread("start.cold.3", "cold start, 3 hosts", "ms", samples{10, 12, 90})
	f := r.value("memory", "idle sandbox", "MB", 5.25)
	f.Note = "all in"
	r.note("Something is %s.", "so")
	return &Report{
		Version: "v1", Began: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Seconds: 61, Quick: true,
		Machine: Machine{CPU: "Some CPU", Cores: 2, MemoryGB: 24, FreeGB: 20, Kernel: "6.1", LoadBefore: 0.5, LoadAfter: 1.25},
		Goals:   grade(wishes(), r.figures, nil), Figures: r.figures, Notes: r.notes,
	}
}

func TestTheTableSaysItAll(t *testing.T) {
	var b strings.Builder
	if err := sample().Print(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for _, want := range [][]string{
		{"Netground v1, 2026-01-02 03:04, 61 s"},
		{"Some CPU, 2 cores, 24 GB of memory, 20 free, Linux 6.1, load 0.50 before and 1.25 after"},
		{"cold start, 3 hosts, p50", "≤ 15 ms", "12 ms", "met"},
		{"cold start, 3 hosts, p99", "≤ 40 ms", "90 ms", "not met"},
		{"bulk output, by a bare PTY", "≥ 0.60 ×", "–", "not measured: "},
		{"cold start, 3 hosts", "12", "90", "90", "90", "ms", "3"},
		{"idle sandbox", "5.25", "MB", "all in"},
		{"Note: Something is so."},
	} {
		if !slices.ContainsFunc(lines, func(line string) bool {
			for _, part := range want {
				var ok bool
				if _, line, ok = strings.Cut(line, part); !ok {
					return false
				}
			}
			return true
		}) {
			t.Errorf("no line has %q:\n%s", want, b.String())
		}
	}
	for _, line := range lines {
		if strings.HasSuffix(line, " ") {
			t.Errorf("the line %q ends in a space", line)
		}
	}
}

func TestTheReportIsJSON(t *testing.T) {
	b, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Quick   bool
		Machine map[string]any
		Goals   []struct {
			Name, Unit, Verdict string
			Limit               float64
			Measured            *float64
		}
		Figures []struct {
			ID, Name, Unit string
			Value          float64
			Spread         *Spread
		}
		Notes []string
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !got.Quick || got.Machine["cpu"] != "Some CPU" || len(got.Goals) != len(wishes()) || len(got.Notes) != 1 {
		t.Errorf("the report is %s", b)
	}
	if g := got.Goals[0]; g.Measured == nil || *g.Measured != 12 || g.Limit != 15 || g.Verdict != Met || g.Unit != "ms" {
		t.Errorf("the first goal is %+v", g)
	}
	if f := got.Figures[0]; f.ID != "start.cold.3" || f.Value != 12 || f.Spread == nil || f.Spread.Count != 3 || f.Spread.Max != 90 {
		t.Errorf("the first figure is %+v", f)
	}
	if got.Figures[1].Spread != nil {
		t.Error("a single value has no spread")
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 15: "15", 0.6: "0.60", 0.01234: "0.012", 1.2345: "1.23", 12.345: "12.3", 123.45: "123", 1234567.8: "1234568", math.Inf(1): "–"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

func TestTheLabsAreRight(t *testing.T) {
	dir := t.TempDir()
	if err := writeLabs(dir, 3, 2, 5); err != nil {
		t.Fatal(err)
	}
	course, labs, err := lab.LoadAll(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(labs) != 3 || course.Chapters[0].Labs[0] != labName(3) {
		t.Errorf("the course is %+v", course)
	}
	for _, n := range []int{2, 3, 5} {
		l := labs[labName(n)]
		if l == nil || len(l.Topology.Hosts) != n || len(l.Topology.Links) != n {
			t.Errorf("the lab of %d hosts is %+v", n, l)
		}
	}
}

func TestPhasesComeFromTheHeader(t *testing.T) {
	h := http.Header{}
	h.Add("Server-Timing", "store;dur=1.250")
	h.Add("Server-Timing", "sandbox;dur=20.000")
	h.Add("Server-Timing", "nonsense")
	if got := phasesOf(h); !slices.Equal(got, []phase{{"store", 1.25}, {"sandbox", 20}}) {
		t.Errorf("the phases are %v", got)
	}
}

func TestTheMachineIsNamed(t *testing.T) {
	m, err := thisMachine()
	if err != nil {
		t.Fatal(err)
	}
	if m.CPU == "" || m.Cores < 1 || m.MemoryGB <= 0 || m.FreeGB <= 0 || m.Kernel == "" {
		t.Errorf("the machine is %+v", m)
	}
	if cpu, err := cpuTime(os.Getpid()); err != nil || cpu <= 0 {
		t.Errorf("this process has used %v: %v", cpu, err)
	}
	if b, err := residentMemory(os.Getpid()); err != nil || b <= 0 {
		t.Errorf("this process has %d bytes: %v", b, err)
	}
}

// fake is a terminal that says what it is told to.
type fake struct{ says []string }

func (f *fake) Type([]byte) error           { return nil }
func (f *fake) CPU() (time.Duration, error) { return 0, nil }

func (f *fake) Read() ([]byte, error) {
	if len(f.says) == 0 {
		return nil, os.ErrClosed
	}
	b := f.says[0]
	f.says = f.says[1:]
	return []byte(b), nil
}

func TestReadUntilFindsTextsAcrossPieces(t *testing.T) {
	f := &fake{[]string{"# early ", strings.Repeat("x", 2000), "400", "02\r\nroot@h1:~", "# ", "later"}}
	n, first, err := readUntil(f, "40002\r\n", prompt)
	if err != nil || n != 8+2000+3+13+2 || first.IsZero() {
		t.Errorf("read %d bytes: %v", n, err)
	}
	if !slices.Equal(f.says, []string{"later"}) {
		t.Errorf("it left %q", f.says)
	}
	if _, _, err := readUntil(f, "never"); err == nil {
		t.Error("the end of the terminal is no error")
	}
}

func TestTheCommandNamesEveryMeasurement(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "cmd", "netground", "bench.go"))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(Names(), ", "); !strings.Contains(string(b), want) {
		t.Errorf("the help of --only does not say: %s", want)
	}
}
