//go:build sandbox

package attack

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/sandbox/boxtest"
)

// leftOut are those that no run can try, with their reasons in the catalogue.
var leftOut = []string{"inert-escapes", "clock-jumps"}

// Everything that threatens is tried for real, and holds.
func TestAttacks(t *testing.T) {
	dir, programs := t.TempDir(), boxtest.Build(t, "keeper", "netground")
	cgroup := "/" + filepath.Base(filepath.Dir(dir))
	t.Cleanup(func() {
		for _, pattern := range []string{"/sys/fs/cgroup/*" + cgroup + "*", "/sys/fs/cgroup" + cgroup + "*"} {
			dirs, _ := filepath.Glob(pattern)
			for _, d := range dirs {
				if err := os.Remove(d); err != nil {
					t.Errorf("a control group is left: %v", err)
				}
			}
		}
	})
	report, err := Run(context.Background(), Options{
		Machine: config.Machine{
			Rootfs: boxtest.Rootfs(t), Keeper: filepath.Join(programs, "keeper"), State: filepath.Join(dir, "state"), Runtime: filepath.Join(dir, "run"),
			Cgroup: cgroup, IDBase: 3 << 30, IDCount: 1 << 28, MemoryMiB: 512, Pids: 512, CPU: 100, DiskMiB: 128,
		},
		Program: filepath.Join(programs, "netground"), Version: "test", Log: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Print(t.Output()); err != nil {
		t.Error(err)
	}
	if len(report.Results) != len(Catalogue()) {
		t.Errorf("%d of %d attacks were tried", len(report.Results), len(Catalogue()))
	}
	for _, r := range report.Results {
		if r.Outcome == NotHeld || r.Outcome == Unclear || r.Outcome == Skipped && !slices.Contains(leftOut, r.ID) {
			t.Errorf("%s: %s: %q, seen: %q", r.ID, r.Outcome, r.Why, r.Said)
		}
		if r.Figures != nil && r.Figures.Seconds == 0 {
			t.Errorf("%s does not tell how long it went on", r.ID)
		}
		if r.ID == "yes" && r.Figures != nil && r.Figures.Seconds < 60 {
			t.Errorf("yes went on for %.0f s", r.Figures.Seconds)
		}
	}
}
