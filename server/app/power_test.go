//go:build sandbox

package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/config"
)

// powerless are the settings of a server whose state is on the disk of a machine
// whose power is cut.
func powerless(t *testing.T) config.Server {
	t.Helper()
	disk := os.Getenv("NETGROUND_POWER")
	if disk == "" {
		t.Skip("no disk of its own; deploy/vm cuts the power of the emulated machine")
	}
	set := settings(t)
	set.State, set.Pool = filepath.Join(disk, "state"), 1
	return set
}

// written names the file beside the state that has the learner's cookie and session.
func written(set config.Server) string { return filepath.Join(filepath.Dir(set.State), "learner") }

// The power of the whole machine is cut in the moment in which a learner is
// shown that a step is solved. Whoever runs the machine reads that on its
// console.
func TestPowerIsCut(t *testing.T) {
	set := powerless(t)
	c := spawn(t, set)
	ann := c.learner().open("switching")
	events := ann.events("en")
	a, b := ann.sit(), ann.on("B")
	f, err := os.Create(written(set))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "%s\n%s\n", ann.Header.Get("Cookie"), ann.path); err != nil || f.Sync() != nil || f.Close() != nil {
		t.Fatalf("cannot write down who the learner is: %v", err)
	}
	ann.solveUp(events, a, b)
	fmt.Println("netground-vm: cut the power")
	time.Sleep(time.Minute)
	t.Fatal("nobody has cut the power")
}

// The machine has booted again: what was passed is there, and nothing of the
// session that went with the power is in anybody's way.
func TestPowerIsBack(t *testing.T) {
	set := powerless(t)
	b, err := os.ReadFile(written(set))
	if err != nil {
		t.Fatal(err)
	}
	records, _ := filepath.Glob(set.State + "/sandboxes/*")
	if len(records) == 0 {
		t.Error("the disk knows no sandbox of before, so that this test proves less than it says")
	}
	cookie, path, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	c := spawn(t, set)
	ann := c.learner()
	ann.Header.Set("Cookie", cookie)
	if old := ann.do("GET", path, nil); old.Status != http.StatusGone {
		t.Errorf("the session of before is %d %s", old.Status, old.Body)
	}
	again := ann.open("switching")
	if steps := again.passed(); len(steps) != 1 || steps[0] != "up" {
		t.Errorf("the steps %v are passed", steps)
	}
	if "/api/sessions/"+again.ID == path {
		t.Error("the session is that of before")
	}
	again.solveUp(again.events("en"), again.sit(), again.on("B"))
	c.settled(1)
	c.terminate(40 * time.Second)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
