package attack

import (
	"encoding/json"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/drive"
	"github.com/netground/netground/server/session"
)

// expiresWithin is how soon a session ends whose time is over; the server looks
// every 5 seconds.
const expiresWithin = 6 * time.Second

// clockJumps sets the machine's clock, forward and back, under a server that runs,
// and while none does.
func clockJumps(t *trial) {
	if !t.o.SetClock {
		t.skip("it would set this machine's clock; --set-clock allows that, where nothing else runs")
	}
	began := time.Now()
	set := func(by time.Duration) {
		// How much time has passed is told by the clock that nobody sets.
		now := unix.NsecToTimespec(began.Add(time.Since(began) + by).UnixNano())
		t.must(unix.ClockSettime(unix.CLOCK_REALTIME, &now))
	}
	o, s := t.another()
	t.after(func() { t.close(s) })
	t.after(func() { set(0) })
	p := t.openOn(s, plain)
	shell := p.on("A")
	shell.press("own=mine\r") // typed as it is: what do types, a subshell does
	shell.do("true")
	goesOn := func(when string) {
		t.wait(expiresWithin)
		var now session.Session
		a := p.ask(http.MethodGet, "", nil)
		if err := json.Unmarshal(a.Body, &now); err != nil || now.State != session.Ready {
			t.fault("%s the session is gone: %d %.200s", when, a.Status, a.Body)
			return
		}
		if out, exit := p.on("A").try("echo still $own"); exit != 0 || out != "still mine\n" {
			t.fault("%s the shell says %q", when, out)
		}
		q := t.openOn(s, plain) // somebody comes
		q.on("A").do("true")
		q.leave()
	}
	set(26 * time.Hour)
	goesOn("a day later")
	set(-5 * time.Hour)
	goesOn("set back by 31 hours")
	s.Kill()
	set(30 * time.Hour)
	next, err := drive.Start(t.ctx, o)
	t.must(err)
	s = next
	p.move(s)
	p.reattach("A")
	goesOn("set forward by 35 hours while no server ran")
	p.on("B").do("ip link add br9 type bridge")
	if !p.check("three").Passed {
		t.fault("afterwards a step does not pass")
	}
	p.leave()
}

// reattach goes on with a host's shell after its connection has ended.
func (p *player) reattach(host string) {
	old := p.shells[host]
	old.close()
	p.shells[host] = p.attach(old.terminal, "attack", old.next, true)
}
