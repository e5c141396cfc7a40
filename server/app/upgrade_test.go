//go:build sandbox

package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netground/netground/server/session"
)

// SIGHUP puts a newer program into the place of the running one: the sessions go on.
func TestUpgrade(t *testing.T) {
	set := homed(t)
	set.Pool = 1
	c := spawn(t, set)
	ann := c.learner().open("switching")
	other := ann.on("A")
	p := ann.count()
	for round := range 3 {
		before := strings.Count(c.log.String(), "session goes on")
		timer := time.AfterFunc(100*time.Millisecond, func() { _ = c.cmd.Process.Signal(syscall.SIGHUP) })
		p.visit(false)
		timer.Stop()
		until(t, 30*time.Second, "the program has taken its own place", func() bool {
			return strings.Count(c.log.String(), "session goes on") > before
		})
		until(t, 30*time.Second, fmt.Sprintf("it serves again, round %d", round), func() bool {
			a, err := ann.send("GET", ann.path, nil)
			return err == nil && a.Status == http.StatusOK
		})
	}
	p.visit(true)
	var now session.Session
	ann.must("GET", ann.path, nil, &now)
	p.verify(ann.attach(now.Terminals[1].ID, "v", true))
	_ = other.conn.Close()
	c.settled(1)
	c.terminate(20 * time.Second)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// A shell that ends while no server is there, and one whose keeper speaks
// another version.
func TestEndsWithoutServer(t *testing.T) {
	c := spawn(t, homed(t))
	ann, bob := c.learner().open("switching"), c.learner().open("switching")
	y := ann.sit()
	y.keys("sleep 0.3; echo last words; exit 7\r")
	y.wait("exit 7")
	c.kill()
	records, err := filepath.Glob(c.set.State + "/sandboxes/*.json")
	if err != nil || len(records) == 0 {
		t.Fatalf("no records: %v", err)
	}
	// The record of bob's sandbox, by the note that lies with it.
	foreign := ""
	for _, r := range records {
		key := strings.TrimSuffix(filepath.Base(r), ".json")
		if b, err := os.ReadFile(filepath.Join(c.set.Runtime, key, "note")); err == nil && bytes.Contains(b, []byte(bob.ID)) {
			foreign = r
		}
	}
	b, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	r["protocol"] = 1
	if b, err = json.Marshal(r); err == nil {
		err = os.WriteFile(foreign, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // the shell ends meanwhile; it may as well end later
	c = c.comeBack()
	until(t, 20*time.Second, "the shell's exit is known", func() bool {
		var s session.Session
		ann.must("GET", ann.path, nil, &s)
		return s.Terminals[0].Exited && s.Terminals[0].ExitCode == 7
	})
	again := ann.attach(ann.Terminals[0].ID, "v", true)
	again.wait("last words\r\n")
	if a := bob.do("GET", bob.path, nil); a.Status != http.StatusGone {
		t.Errorf("a session whose keeper speaks version 1: %d %s", a.Status, a.Body)
	}
	if log := c.log.String(); !strings.Contains(log, "cannot talk to a keeper of protocol 1") {
		t.Errorf("the log says %s", log)
	}
	bob.learner.open("switching").sit().run("true")
	c.settled(2)
	c.terminate(20 * time.Second)
	if left := leftovers(c.set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// A keeper is killed: the learner is told, and goes on at the last passed step.
func TestKeeperKilled(t *testing.T) {
	c := spawn(t, homed(t))
	ann := c.learner().open("switching")
	events := ann.events("ko")
	ann.solveUp(events, ann.sit(), ann.on("B"))
	records, _ := filepath.Glob(c.set.State + "/sandboxes/*.json")
	killed := false
	for _, path := range records {
		var r struct{ PID int }
		b, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		note := filepath.Join(c.set.Runtime, strings.TrimSuffix(filepath.Base(path), ".json"), "note")
		if _, e := os.Stat(note); err == nil && e == nil {
			if err := syscall.Kill(r.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Fatal(err)
			}
			killed = true
		}
	}
	if !killed {
		t.Fatal("no keeper was found")
	}
	text := await(t, events, 10*time.Second, "notice", func(data string) bool { return strings.Contains(data, `"keeper-gone"`) })
	if !strings.Contains(text, "예기치 않게 멈췄습니다") {
		t.Errorf("the page is told %s", text)
	}
	again := ann.learner.open("switching")
	events = again.events("en")
	var steps []string
	for _, s := range again.Steps {
		steps = append(steps, s.ID)
	}
	last := ""
	for i, id := range steps {
		if id == "up" {
			last = steps[i+1]
		}
	}
	again.must("POST", again.path+"/catch-up", map[string]any{"step": last}, nil)
	await(t, events, 30*time.Second, "progress", func(data string) bool {
		var p session.Progress
		if err := json.Unmarshal([]byte(data), &p); err != nil || p.Error != "" {
			t.Fatalf("catching up says %s: %v", data, err)
		}
		return p.Done == p.Total
	})
	again.sit().run("ip link show up dev eth0 | grep -q eth0")
	c.settled(1)
	c.terminate(20 * time.Second)
	if left := leftovers(c.set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
