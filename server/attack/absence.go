package attack

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/session"
)

// absences are those in which a page is away for longer than the server waits for
// it: for ten minutes, or for the first one, after which nothing else happens.
func absences() []Attack {
	row := func(id, tried string, leave func(*trial, net.Conn)) Attack {
		return Attack{ID: id, Group: Accidents, Tried: tried, Held: "the server lets go of the connection, the session goes on, and the page comes back where it was: no byte is lost or shown twice",
			run: func(t *trial) { t.absent(leave) }, own: true, waits: true}
	}
	return []Attack{
		row("laptop-asleep", "a laptop asleep in the middle of output: its page reads and answers nothing until the server gives it up, and comes back", func(*trial, net.Conn) {}),
		row("wifi-gone", "the Wi-Fi gone in the middle of output: nothing arrives and nothing is confirmed until the server gives the page up, and it comes back", (*trial).deafen),
	}
}

// deafen lets nothing arrive at a connection any more, so that who sends to it
// gets no confirmation: a filter of the socket drops what comes before TCP sees it.
func (t *trial) deafen(c net.Conn) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	t.must(err)
	control := func(do func(fd int) error) (err error) {
		if e := raw.Control(func(fd uintptr) { err = do(int(fd)) }); e != nil {
			return e
		}
		return err
	}
	t.must(control(func(fd int) error {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0) // it would end the connection from here
		nothing := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nothing})
	}))
	t.after(func() { // or the kernel would go on trying to end it
		_ = control(func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) })
		_ = c.Close()
	})
}

// absent has a page go away while a program counts, and come back after the
// server has given it up.
func (t *trial) absent(leave func(*trial, net.Conn)) {
	_, s := t.another()
	t.after(func() { t.close(s) })
	p := t.openOn(s, plain)
	r := p.record("A", "stty -echo; echo be''gin; i=0; until read -t 0.05 -n 1; do i=$((i+1)); echo line $i; done; echo e''nd of $i\r")
	y, err := p.dial(r.terminal, "v", r.next)
	t.must(err)
	t.after(y.close)
	if !r.take(y, "line 20\r\n", all) {
		t.stop("the counting does not begin: %.200q", r.last(200))
	}
	conn := y.NetConn()
	leave(t, conn)
	began := time.Now()
	if !t.until(2*most, func() bool { return !t.connected(conn) }) {
		t.fault("after %v the server still holds the connection", time.Since(began).Round(time.Second))
		return
	}
	t.say("the server gave the page up after %v", time.Since(began).Round(time.Second))
	if more := t.o.Away - time.Since(began); more > 0 {
		t.wait(more)
		t.say("the page comes back after %v", time.Since(began).Round(time.Second))
	}
	var now session.Session
	t.must(json.Unmarshal(p.ask(http.MethodGet, "", nil).Body, &now))
	if now.State != session.Ready {
		t.fault("meanwhile the session is %q", now.State)
	}
	z, err := p.dial(r.terminal, "v", r.next)
	if err != nil {
		t.fault("the page cannot come back: %v", err)
		return
	}
	t.after(z.close)
	// Again and again: a key that comes just when read's time is up is lost to read.
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for again := time.NewTicker(time.Second); ; {
			_ = z.Type([]byte("x")) // the reader hears of a connection that has ended
			select {
			case <-again.C:
			case <-ended:
				again.Stop()
				return
			}
		}
	}()
	if !r.take(z, "end of ", all) || !r.take(z, ":~# ", all) {
		t.fault("what came is not all: %.300q", r.last(300))
	}
	got := r.got.String()
	want, lines := "", strings.Count(got, "line ")
	for i := range lines {
		want += fmt.Sprintf("line %d\r\n", i+1)
	}
	if !strings.HasPrefix(got, want+fmt.Sprintf("end of %d\r\n", lines)) {
		t.fault("of %d lines something was lost or came twice", lines)
	}
	p.leave()
}

// connected says whether the server has its end of our connection still open.
func (t *trial) connected(c net.Conn) bool {
	ours, theirs := c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
	table, err := os.ReadFile("/proc/net/tcp")
	t.must(err)
	return strings.Contains(string(table), fmt.Sprintf(" %s %s 01 ", tableAddress(theirs), tableAddress(ours))) // 01: established
}

// tableAddress writes an address as /proc/net/tcp does: the IPv4 address as a
// number of this machine's byte order.
func tableAddress(a netip.AddrPort) string {
	ip := a.Addr().Unmap().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), a.Port())
}
