//go:build sandbox

package app

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/session"
)

// passed lists the steps that the learner's new session of the lab shows as passed.
func (o *opened) passed() (steps []string) {
	for _, s := range o.Steps {
		if s.Passed {
			steps = append(steps, s.ID)
		}
	}
	return steps
}

// solveUp has the learner pass the second step of the switching lab.
func (o *opened) solveUp(events <-chan event, a, b *tty) {
	o.t.Helper()
	a.run("ip link set eth0 up")
	b.run("ip link set eth0 up")
	await(o.t, events, 20*time.Second, "step", func(data string) bool {
		var s session.StepState
		return json.Unmarshal([]byte(data), &s) == nil && s.ID == "up" && s.Passed
	})
}

// The server is killed in the middle of a class: everybody goes on where they were.
func TestKilledInTheMiddleOfAClass(t *testing.T) {
	set := homed(t)
	set.Pool = 1
	mounts := census(t)["mounts"]
	c := spawn(t, set)
	ann := c.learner().open("switching")
	events := ann.events("en")
	a, b := ann.sit(), ann.on("B")
	ann.solveUp(events, a, b)
	a.keys("yes\r")
	a.wait("y\r\ny\r\n")
	b.run("ip netns add red; (setsid sleep 1000 &); mkdir -p /sys/fs/cgroup/freezer/own 2>/dev/null; true")
	var others []*opened
	for range 4 {
		others = append(others, c.learner().open("routing"))
	}
	go func() { // and one more is being made
		_, _ = newLearner(t, c.url).send("POST", "/api/sessions", map[string]string{"lab": "namespaces"})
	}()
	c.kill()
	if len(leftovers(set)) == 0 {
		t.Fatal("a killed server left nothing, so that this test proves nothing")
	}

	c = c.comeBack()
	var now session.Session
	ann.must("GET", ann.path, nil, &now)
	ann.Session = now
	if steps := ann.passed(); len(steps) != 1 || steps[0] != "up" {
		t.Errorf("the steps %v are passed", steps)
	}
	events = ann.events("en")
	a = ann.attach(now.Terminals[0].ID, "v", true)
	a.wait("y\r\ny\r\n")
	a.keys("\x03")
	a.wait("^C")
	b = ann.attach(now.Terminals[1].ID, "v", true)
	if out := b.run("ip netns; pgrep -x sleep"); !strings.Contains(out, "red") {
		t.Errorf("host B has %q", out)
	}
	a.run("ip addr add 192.168.1.10/24 dev eth0") // what it sees, and what it checks, goes on, too
	await(t, events, 20*time.Second, "state", func(data string) bool { return strings.Contains(data, "192.168.1.10") })
	for _, o := range others {
		o.must("GET", o.path, nil, nil)
		o.attach(o.Terminals[0].ID, "v", true).run("true")
	}
	c.settled(c.metric("netground_sessions"))
	again := ann.learner.open("switching")
	if again.ID != ann.ID {
		t.Error("the lab was opened anew")
	}

	c.terminate(20 * time.Second)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if now := census(t)["mounts"]; now != mounts {
		t.Errorf("%d mounts instead of %d", now, mounts)
	}
}

// SIGTERM in the middle of a class.
func TestStopped(t *testing.T) {
	set := settings(t)
	set.Pool = 2
	c := spawn(t, set)
	ann := c.learner().open("switching")
	events, y := ann.events("ko"), ann.sit()
	ann.solveUp(events, y, ann.on("B"))
	y.keys("trap '' TERM HUP INT; yes\r") // does not go by itself
	y.wait("y\r\ny\r\n")
	for range 9 {
		o := c.learner().open("switching")
		o.attach(o.Terminals[0].ID, "v", false) // reads nothing
	}
	took := make(chan time.Duration)
	go func() { took <- c.terminate(20 * time.Second) }()
	text := await(t, events, 10*time.Second, "notice", func(data string) bool { return strings.Contains(data, `"ended"`) })
	if !strings.Contains(text, "서버를 다시 시작합니다") {
		t.Errorf("the page is told %s", text)
	}
	// timeout(1) sends it twice, and who waits for long may be impatient.
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	if code := y.closed(10 * time.Second); code != 4001 && code != websocket.CloseServiceRestart {
		t.Errorf("the terminal ended with %d", code)
	}
	t.Logf("with 10 sessions it stopped in %v", <-took)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// The disk of the database is full: terminals and checks go on, and the results
// are stored once there is space.
func TestFullDisk(t *testing.T) {
	set := settings(t)
	if err := os.MkdirAll(set.State, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", set.State, "tmpfs", 0, "size=4m,nr_inodes=256"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the server's
		if err := unix.Unmount(set.State, 0); err != nil {
			t.Error(err)
		}
	})
	c := spawn(t, set)
	ann := c.learner().open("switching")
	events, a, b := ann.events("en"), ann.sit(), ann.on("B")
	full := filepath.Join(set.State, "full")
	f, err := os.Create(full)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 { // to the last byte
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	f.Close()
	a.run("ip link set eth0 up")
	b.run("ip link set eth0 up")
	waiting := func() string {
		text := string(ann.do("GET", "/metrics", nil).Body)
		for line := range strings.Lines(text) {
			if v, ok := strings.CutPrefix(line, "netground_results_unstored "); ok {
				return strings.TrimSpace(v)
			}
		}
		return text
	}
	until(t, 20*time.Second, "a result waits for the disk", func() bool { return waiting() != "0" })
	await(t, events, 20*time.Second, "notice", func(data string) bool { return strings.Contains(data, `"storage"`) })
	all := a.echoes(500 * time.Millisecond)
	t.Logf("with a full disk: echo p50 %v, p99 %v", p50(all), p99(all))
	if p99(all) > patience {
		t.Errorf("with a full disk keys take %v", p99(all))
	}
	a.run("ip addr add 192.168.1.10/24 dev eth0")
	began := time.Now()
	got := c.learner().do("POST", "/api/sessions", map[string]string{"lab": "switching"})
	t.Logf("a new session on a full disk: %d %s after %v", got.Status, got.Body, time.Since(began))
	if p := got.problem(); got.Status != 201 && (got.Status < 500 || p.Detail == "" || strings.Contains(p.Detail, "disk") || time.Since(began) > 20*time.Second) {
		t.Errorf("a new session on a full disk: %d %s after %v", got.Status, got.Body, time.Since(began))
	}
	for _, s := range func() []session.StepState {
		var s session.Session
		ann.must("GET", ann.path, nil, &s)
		return s.Steps
	}() {
		if s.ID == "up" && s.Passed {
			t.Error("a result was shown as kept that is not")
		}
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	await(t, events, 20*time.Second, "step", func(data string) bool {
		var s session.StepState
		return json.Unmarshal([]byte(data), &s) == nil && s.ID == "up" && s.Passed
	})
	until(t, 20*time.Second, "everything is stored", func() bool { return waiting() == "0" })
	// It is on the disk indeed.
	c.kill()
	c = spawn(t, set)
	ann.move(c.url)
	if steps := ann.learner.open("switching").passed(); len(steps) != 1 || steps[0] != "up" {
		t.Errorf("the steps %v are passed", steps)
	}
	c.terminate(20 * time.Second)
}

// A hundred sessions come and go, and nothing of them stays.
func TestHundredSessions(t *testing.T) {
	w := start(t, nil)
	cycle := func(n int) {
		for i := range n {
			o := w.learner().open([]string{"switching", "routing", "namespaces"}[i%3])
			if i%5 == 0 {
				o.sit().run("ip netns add red; (setsid sleep 1000 &); true")
			}
			if i%10 == 0 {
				o.events("en")
			}
			o.must("DELETE", o.path, nil, nil)
			o.Server.HTTP.CloseIdleConnections()
		}
	}
	settled := func() map[string]int {
		until(t, 20*time.Second, "all sessions have ended", func() bool { return w.app.sessions.Stats().Live == 0 })
		// Those that stand prepared are whole by then: one in the making counts less.
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		if err := w.app.engine.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		n := census(t)
		n["leftovers"] = len(leftovers(w.set))
		return n
	}
	cycle(6)
	before := settled()
	began := time.Now()
	cycle(100)
	t.Logf("100 sessions came and went in %v", time.Since(began))
	var more []string
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if more = worse(before, settled()); len(more) == 0 {
			return
		}
		if time.Now().After(deadline) {
			_ = pprof.Lookup("goroutine").WriteTo(w.log, 1)
			t.Fatalf("left behind: %v", more)
		}
	}
}
