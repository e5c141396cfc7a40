package attack

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/netground/netground/server/drive"
	"github.com/netground/netground/server/session"
)

// accidents are those that a command can let happen without harm to the machine.
func accidents() []Attack {
	row := func(id, tried, held string, run func(*trial)) Attack {
		return Attack{ID: id, Group: Accidents, Tried: tried, Held: held, run: run}
	}
	own := func(id, tried, held string, run func(*trial)) Attack {
		return Attack{ID: id, Group: Accidents, Tried: tried, Held: held, run: run, own: true}
	}
	return []Attack{
		row("connection-lost", "a browser reloaded, and a connection lost, again and again in the middle of output", "no byte of it is lost or shown twice", connectionLost),
		own("killed-in-class", "kill -9 of the server in the middle of output and typing", "after the next start the shell and its command live on, and no byte is lost or shown twice", killedInClass),
		own("solved-and-killed", "kill -9 of the server right after a step was solved", "it is solved after the next start", solvedAndKilled),
		own("killed-while-making", "kill -9 of the server while sandboxes are being made", "nothing is left of them after the next start and stop", killedWhileMaking),
		row("come-and-go", "60 sessions that come and go", "descriptors, mounts, control groups and folders are back where they were", comeAndGo),
		own("drain", "SIGTERM with sessions and open terminals", "the server ends within its deadline, pages are told, and nothing is left", drain),
		row("clock-jumps", "the clock jumps, by a day and more, forward and back, with a server that runs and while none does", "no session ends, and shells live on", clockJumps),
	}
}

func connectionLost(t *trial) {
	p := t.guest(plain)
	const lines = 60000
	r := p.record("A", fmt.Sprintf("stty -echo; echo be''gin; seq 1 %d; echo e''nd\r", lines))
	drops := 0
	for !r.has("end\r\n") {
		if t.ctx.Err() != nil {
			t.stop("the output does not end after %d bytes", r.got.Len())
		}
		y, err := p.dial(r.terminal, "v", r.next)
		t.must(err)
		r.take(y, "end\r\n", 3) // some pieces, and then it is gone without a word
		y.close()
		drops++
	}
	var want strings.Builder
	for i := range lines {
		fmt.Fprintf(&want, "%d\r\n", i+1)
	}
	t.say("the connection was lost %d times", drops)
	if !strings.HasPrefix(r.got.String(), want.String()+"end\r\n") {
		t.fault("of %d bytes something was lost or came twice", want.Len())
	}
}

// another is a server beside the one that is attacked.
func (t *trial) another() (drive.Options, *drive.Server) {
	o := t.options()
	s, err := drive.Start(t.ctx, o)
	t.must(err)
	return o, s
}

// killedInClass kills the server three times while a program counts, and reads
// its output where it was.
func killedInClass(t *trial) {
	o, s := t.another()
	defer func() { t.close(s) }()
	p := t.openOn(s, plain)
	r := p.record("A", "own=mine; stty -echo; echo be''gin; for i in $(seq 1 400); do echo line $i; read -t 0.01; done; echo $own e''nd\r")
	for round := 0; !r.has("mine end\r\n"); round++ {
		if round < 3 {
			s.Kill()
			var err error
			s, err = drive.Start(t.ctx, o)
			t.must(err)
			p.move(s)
		}
		y, err := p.dial(r.terminal, "v", r.next)
		if err != nil {
			t.fault("after the next start the terminal is not there: %v", err)
			return
		}
		r.take(y, "mine end\r\n", 20)
		y.close()
		if t.ctx.Err() != nil {
			t.stop("the command does not end, after %.200q", r.last(200))
		}
	}
	want := ""
	for i := range 400 {
		want += fmt.Sprintf("line %d\r\n", i+1)
	}
	if !strings.HasPrefix(r.got.String(), want+"mine end\r\n") {
		t.fault("something was lost or came twice: %.300q", r.got.String())
	}
	p.leave()
}

// move has the player go on with the server's successor, at its address.
func (p *player) move(s *drive.Server) {
	p.Server = s
	p.Header.Set("Origin", s.URL)
}

func solvedAndKilled(t *trial) {
	o, s := t.another()
	p := t.openOn(s, plain)
	p.on("B").do("ip link add br9 type bridge")
	if !p.check("three").Passed {
		t.fault("the step does not pass")
	}
	s.Kill()
	s, err := drive.Start(t.ctx, o)
	t.must(err)
	t.after(func() { t.close(s) })
	l := s.Learner()
	l.Header.Set("Cookie", p.Header.Get("Cookie"))
	again := t.openAs(l, plain)
	if got := passedSteps(again); got != "three" {
		t.fault("after the next start the steps %q are passed", got)
	}
	again.leave()
}

// openOn opens a lab on a server of the attack's own.
func (t *trial) openOn(s *drive.Server, lab string) *player { return t.openAs(s.Learner(), lab) }

func (t *trial) close(s *drive.Server) {
	if s == nil { // it did not start
		return
	}
	if err := s.Close(); err != nil {
		t.fault("%v", err)
	}
}

func killedWhileMaking(t *trial) {
	for delay := range 4 {
		o, s := t.another()
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() {
				_, _ = s.Learner().Send(t.ctx, http.MethodPost, "/api/sessions", map[string]string{"lab": path}) // killed meanwhile
			})
		}
		time.Sleep(time.Duration(delay*delay) * 3 * time.Millisecond) // another moment each time
		s.Kill()
		wait.Wait()
		s, err := drive.Start(t.ctx, o)
		t.must(err)
		if _, err := s.Learner().Send(t.ctx, http.MethodGet, "/readyz", nil); err != nil {
			t.fault("the next start: %v", err)
		}
		t.close(s)
		if left := leftovers(s); len(left) > 0 {
			t.fault("left: %s", strings.Join(left, ", "))
		}
	}
}

// leftovers are what a server that has ended has left of sandboxes: folders and
// control groups.
func leftovers(s *drive.Server) (left []string) {
	for _, pattern := range []string{
		s.Machine.Runtime + "/*", s.Machine.State + "/sandboxes/*", "/sys/fs/cgroup" + s.Machine.Cgroup, "/sys/fs/cgroup/*" + s.Machine.Cgroup,
	} {
		all, _ := filepath.Glob(pattern)
		left = append(left, all...)
	}
	return left
}

// census counts what a server holds, and what the machine has of it.
func (t *trial) census() map[string]int {
	n := map[string]int{}
	for what, pattern := range map[string]string{
		"descriptors": fmt.Sprintf("/proc/%d/fd/*", t.server.PID), "threads": "", "folders": t.server.Machine.Runtime + "/*",
		"control groups": "/sys/fs/cgroup/pids" + t.server.Machine.Cgroup + "/*", "control groups of version 2": "/sys/fs/cgroup" + t.server.Machine.Cgroup + "/*/keeper",
	} {
		if pattern != "" {
			all, _ := filepath.Glob(pattern)
			n[what] = len(all)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	t.must(err)
	n["mounts"] = strings.Count(string(mounts), "\n")
	return n
}

func comeAndGo(t *trial) {
	for name := range t.players {
		t.dismiss(name)
	}
	_, err := t.running()
	t.must(err)
	cycle := func(n int) {
		for i := range n {
			p := t.open([]string{plain, path}[i%2])
			if i%5 == 0 {
				p.on("A").do("ip netns add red; (setsid sleep 1000 &)")
			}
			p.leave()
			p.Server.HTTP.CloseIdleConnections()
		}
	}
	quiet := func() bool { return t.sandboxes() == prepared }
	cycle(6)
	if !t.until(30*time.Second, quiet) {
		t.stop("sandboxes do not end")
	}
	before := t.census()
	cycle(60)
	var now map[string]int
	if !t.until(60*time.Second, func() bool {
		now = t.census()
		for what, n := range now {
			// Connections to the server come and go by some.
			if n > before[what] && !(what == "descriptors" && n <= before[what]+4) {
				return false
			}
		}
		return quiet()
	}) {
		t.fault("it was %v, and is %v", before, now)
	}
	t.say("it was %v, and is %v", before, now)
}

func drain(t *trial) {
	_, s := t.another()
	var open []*shell
	for range 5 {
		p := t.openOn(s, plain)
		y := p.on("A")
		y.press("yes\r")
		open = append(open, y)
	}
	events, err := open[0].p.Events(t.ctx, open[0].p.ID)
	t.must(err)
	began := time.Now()
	t.close(s) // which says so if it takes too long, or leaves something
	t.say("it took %v", time.Since(began).Round(time.Millisecond))
	told := false
	for e := range events {
		told = told || e.Name == session.NoticeEvent || e.Name == session.SessionEvent
	}
	if !told {
		t.fault("the page was told nothing")
	}
	for _, y := range open {
		if code := y.closed(5 * time.Second); code != 4001 && code != 1012 {
			t.fault("a terminal's connection ended with %d", code)
		}
	}
	if left := leftovers(s); len(left) > 0 {
		t.fault("left: %s", strings.Join(left, ", "))
	}
}
