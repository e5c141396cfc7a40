//go:build sandbox

package bench

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/sandbox/boxtest"
)

// options builds the program, and returns options of a run in folders of the test.
func options(t *testing.T) Options {
	t.Helper()
	dir, programs := t.TempDir(), boxtest.Build(t, "keeper", "netground")
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return Options{
		Machine: config.Machine{
			Rootfs: boxtest.Rootfs(t), Keeper: filepath.Join(programs, "keeper"), State: filepath.Join(dir, "state"), Runtime: filepath.Join(dir, "run"),
			Cgroup: "/" + strings.ToLower(t.Name()) + "-" + filepath.Base(filepath.Dir(dir)), IDBase: 3 << 30, IDCount: 1 << 28,
			MemoryMiB: 512, Pids: 512, CPU: 100, DiskMiB: 128,
		},
		Program: filepath.Join(programs, "netground"), Version: "test", Quick: true,
	}
}

// nothingLeft asserts that a run has removed what it made.
func nothingLeft(t *testing.T, o *Options) {
	t.Helper()
	if dirs := cgroupDirs(o.Machine.Cgroup); len(dirs) > 0 {
		t.Errorf("control groups are left: %v", dirs)
	}
	left, err := filepath.Glob(filepath.Join(o.Machine.Runtime, "*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("sandboxes are left: %v %v", left, err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		if exe, err := os.Readlink(p); err == nil && strings.HasPrefix(exe, o.Program) {
			t.Errorf("%s still runs %s", filepath.Dir(p), exe)
		}
	}
}

func TestQuickRun(t *testing.T) {
	o := options(t)
	var log bytes.Buffer
	o.Only, o.Log = []string{"echo", "connection"}, &log
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	found := map[string]bool{}
	for _, f := range report.Figures {
		found[f.ID] = true
		if f.ID == "echo" && (f.Spread == nil || f.Spread.Count != 200 || f.Spread.P50 <= 0) {
			t.Errorf("the echo is %+v", f)
		}
	}
	for _, id := range []string{"echo", "echo.bare", "echo.cpu", "connection"} {
		if !found[id] {
			t.Errorf("%s was not measured: %v", id, report.Notes)
		}
	}
	if len(report.Notes) > 1 { // of a busy machine
		t.Errorf("there are notes: %q", report.Notes)
	}
	nothingLeft(t, &o)
}

// cancelAt ends a run when it says something.
type cancelAt struct {
	text   string
	cancel context.CancelFunc
}

func (c *cancelAt) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.text)) {
		c.cancel()
	}
	return len(p), nil
}

func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	o := options(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Only, o.Log = []string{"memory"}, &cancelAt{"10 sandboxes", cancel}
	if _, err := Run(ctx, o); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("the run ended with: %v", err)
	}
	nothingLeft(t, &o)
}

// Classes of three and of two, who join, make mistakes and pass all steps.
func TestClassIsMeasured(t *testing.T) {
	o := options(t)
	var log bytes.Buffer
	o.Log = &log
	report, err := Class(t.Context(), ClassOptions{Options: o, Learners: []int{3, 2}})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	found := map[string]Figure{}
	for _, f := range report.Figures {
		found[f.ID] = f
	}
	if f := found["class.3.late"]; f.Spread == nil || f.Spread.Count != 3*classSteps || f.Spread.P50 <= 0 {
		t.Errorf("how late the teacher's page is: %+v", f)
	}
	for _, id := range []string{"class.3.cpu", "class.3.heap", "class.3.rss", "class.3.all", "class.3.took", "class.2.took"} {
		if _, ok := found[id]; !ok {
			t.Errorf("%s was not measured", id)
		}
	}
	nothingLeft(t, &o)
}
