//go:build sandbox

package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netground/netground/server/sandbox/keeper"
	"github.com/netground/netground/server/session"
)

// ofVersion builds server and keeper as they are once the protocol between them
// has another version.
func ofVersion(t *testing.T, version, oldest int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	source, err := filepath.Abs("../sandbox/keeper/protocol.go")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, c := range []struct {
		name     string
		now, its int
	}{{"Version = ", keeper.Version, version}, {"Oldest  = ", keeper.Oldest, oldest}} {
		line := fmt.Sprintf("\t%s%d\n", c.name, c.now)
		if strings.Count(text, line) != 1 {
			t.Fatalf("%s does not say %q", source, line)
		}
		text = strings.Replace(text, line, fmt.Sprintf("\t%s%d\n", c.name, c.its), 1)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: dir + "/protocol.go"}})
	if err == nil {
		err = os.WriteFile(dir+"/overlay.json", overlay, 0o600)
	}
	if err == nil {
		err = os.WriteFile(dir+"/protocol.go", []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", dir+"/overlay.json", "-trimpath", "-ldflags=-s -w", "-o", dir+"/", module+"cmd/netground", module+"cmd/keeper")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// Servers of several versions follow each other, each over sandboxes that the
// one before has left running. One goes on with the keepers that it understands,
// byte by byte, and ends the others, which their learners are told.
func TestVersions(t *testing.T) {
	const now = keeper.Version
	newer, newest := ofVersion(t, now+1, now), ofVersion(t, now+2, now+1)
	set := homed(t)
	serve := func(dir string) *child {
		set.Keeper = filepath.Join(dir, "keeper")
		return launch(t, set, filepath.Join(dir, "netground"), &syscall.SysProcAttr{Setpgid: true})
	}
	refused := func(c *child, o *opened, version, from, to int) {
		t.Helper()
		if a := o.do("GET", o.path, nil); a.Status != http.StatusGone || !strings.Contains(a.problem().Detail, "Open the lab again to go on") {
			t.Errorf("a session whose keeper speaks version %d: %d %s", version, a.Status, a.Body)
		}
		want := fmt.Sprintf("cannot talk to a keeper of protocol %d; this server speaks %d to %d", version, from, to)
		if log := c.log.String(); !strings.Contains(log, want) {
			t.Errorf("the log does not say %q: %s", want, log)
		}
	}
	alive := func(o *opened) {
		t.Helper()
		var s session.Session
		o.must("GET", o.path, nil, &s)
		if s.State != session.Ready {
			t.Errorf("the session is %s", s.State)
		}
	}
	kill := func(c *child, p *page) {
		timer := time.AfterFunc(100*time.Millisecond, c.kill)
		p.visit(false)
		timer.Stop()
		c.kill()
	}

	c := serve(built)
	ann := c.learner().open("switching")
	p := ann.count()
	kill(c, p)

	c = serve(newer)
	alive(ann) // an older keeper is understood
	bob := c.learner().open("switching")
	bob.sit().run("true")
	kill(c, p)

	c = serve(built) // back to the older one
	alive(ann)
	refused(c, bob, now+1, now, now)
	p.visit(true)
	p.verify(ann.on("A"))
	c.kill()

	c = serve(newest)
	refused(c, ann, now, now+1, now+2) // an older keeper is not understood any more
	again := ann.learner.open("switching")
	again.sit().run("true")
	c.settled(1)
	c.terminate(20 * time.Second)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
