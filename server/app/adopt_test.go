//go:build sandbox

package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/session"
)

// homed are settings of a server that comes back at the same address.
func homed(t testing.TB) config.Server {
	t.Helper()
	set := settings(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	set.Listen = l.Addr().String()
	l.Close()
	return set
}

// page is a browser's page with one terminal, that comes back after each loss.
type page struct {
	*opened
	terminal string

	seen  int64
	got   bytes.Buffer
	typed []byte
	taken atomic.Int64
}

// connect fails where the server ends meanwhile.
func (p *page) connect() (*websocket.Conn, error) {
	p.t.Helper()
	var hello ws.Hello
	conn, _, err := p.dial(p.path+"/terminals/"+p.terminal, fmt.Sprintf("viewer=page&offset=%d", p.seen))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	_, b, err := conn.ReadMessage()
	if err != nil {
		conn.Close()
		return nil, err
	}
	if b[0] != 0x82 || json.Unmarshal(b[1:], &hello) != nil {
		p.t.Fatalf("the hello is %q", b)
	}
	if !hello.Writer || hello.InputOffset < p.taken.Load() || hello.InputOffset > int64(len(p.typed)) {
		p.t.Fatalf("%d of %d typed bytes are known to be taken; the server says %+v", p.taken.Load(), len(p.typed), hello)
	}
	p.taken.Store(hello.InputOffset)
	return conn, nil
}

// visit types and reads until the connection ends, or, if it is the last one,
// until all that was typed was taken and as much more has come. It says whether
// the connection was made before the server ended.
func (p *page) visit(last bool) (came bool) {
	p.t.Helper()
	conn, err := p.connect()
	if err != nil && last {
		p.t.Fatal(err)
	}
	if err != nil {
		return false
	}
	var sending sync.Mutex
	send := func(b []byte) error {
		sending.Lock()
		defer sending.Unlock()
		return conn.WriteMessage(websocket.BinaryMessage, b)
	}
	var gone atomic.Bool
	typing := make(chan struct{})
	go func() {
		defer close(typing)
		for at := p.taken.Load(); !gone.Load(); time.Sleep(200 * time.Microsecond) {
			if at > p.taken.Load()+2048 {
				continue // no more than the program certainly takes
			}
			if last && at >= int64(len(p.typed)) {
				return
			}
			for int64(len(p.typed)) < at+8 && !last {
				p.typed = fmt.Appendf(p.typed, "%d,", len(p.typed))
			}
			n := min(int64(1+rand.IntN(8)), int64(len(p.typed))-at)
			if send(number(0x01, at, string(p.typed[at:at+n]))) != nil {
				return
			}
			at += n
		}
	}()
	for enough := p.got.Len() + 100_000; !last || p.taken.Load() < int64(len(p.typed)) || p.got.Len() < enough; {
		_, b, err := conn.ReadMessage()
		if err != nil {
			if websocket.IsCloseError(err, ws.CloseEnded, ws.CloseNoSuch) {
				p.t.Errorf("the terminal has ended: %v", err)
			}
			break
		}
		switch b[0] {
		case 0x81:
			if at := int64(binary.BigEndian.Uint64(b[1:])); at != p.seen {
				p.t.Errorf("bytes come from %d on, and %d were seen", at, p.seen)
			}
			p.got.Write(b[9:])
			p.seen += int64(len(b) - 9)
			_ = send(number(0x02, p.seen, ""))
		case 0x83:
			p.t.Errorf("bytes are lost after %d", p.seen)
		case 0x87:
			p.taken.Store(max(p.taken.Load(), int64(binary.BigEndian.Uint64(b[1:]))))
		}
	}
	gone.Store(true)
	conn.Close()
	<-typing
	if p.t.Failed() {
		p.t.FailNow()
	}
	return true
}

// counting prints numbers for ever, and puts what is typed into a file.
const counting = `sh -c 'stty raw -echo; echo ready; exec 3<&0; cat <&3 >/tmp/typed & i=0; while :; do i=$((i+1)); echo $i; done'` + "\r"

// count begins a page at the session's first terminal, whose program counts.
func (o *opened) count() *page {
	o.t.Helper()
	p := &page{opened: o, terminal: o.Terminals[0].ID}
	p.typed = []byte(counting)
	conn, err := p.connect()
	if err != nil {
		o.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.WriteMessage(websocket.BinaryMessage, number(0x01, 0, counting)); err != nil {
		o.t.Fatal(err)
	}
	var all []byte
	for {
		_, b, err := conn.ReadMessage()
		if err != nil {
			o.t.Fatal(err)
		}
		if b[0] != 0x81 {
			continue
		}
		from := int64(binary.BigEndian.Uint64(b[1:])) - int64(len(all))
		all = append(all, b[9:]...)
		_ = conn.WriteMessage(websocket.BinaryMessage, number(0x02, from+int64(len(all)), ""))
		if _, rest, ok := bytes.Cut(all, []byte("ready\n")); ok {
			p.seen = from + int64(len(all)-len(rest))
			break
		}
	}
	p.taken.Store(int64(len(counting)))
	return p
}

// verify says whether each byte came once and in order, both ways; y is at
// another terminal of the host.
func (p *page) verify(y *tty) {
	p.t.Helper()
	lines := strings.Split(p.got.String(), "\n")
	for i, line := range lines[:len(lines)-1] {
		if line != fmt.Sprint(i+1) {
			p.t.Fatalf("line %d is %.60q", i+1, line)
		}
	}
	typed := p.typed[len(counting):]
	want := fmt.Sprintf("%x", sha256.Sum256(typed))
	until(p.t, 20*time.Second, "all that was typed has arrived once", func() bool {
		return strings.Contains(y.run("sha256sum /tmp/typed"), want)
	})
	p.t.Logf("%d bytes out and %d bytes in, all of them once", p.got.Len(), len(typed))
}

// comeBack starts the server again, for the same learners.
func (c *child) comeBack() *child {
	c.Helper()
	began := time.Now()
	next := spawn(c.T, c.set)
	c.Logf("the next server was ready after %v", time.Since(began).Round(time.Millisecond))
	return next
}

// settled waits until there is nothing but so many sessions and what the server keeps.
func (c *child) settled(sessions int) {
	c.Helper()
	var names []string
	until(c, 30*time.Second, fmt.Sprintf("there are %d sandboxes of sessions", sessions), func() bool {
		dirs, err := os.ReadDir(c.set.Runtime)
		if err != nil {
			c.Fatal(err)
		}
		names = names[:0]
		for _, d := range dirs {
			names = append(names, d.Name())
		}
		return len(names) == sessions+c.set.Pool+prepared
	})
}

// The server is killed twenty times while a program prints and a learner types.
func TestKilledTwentyTimes(t *testing.T) {
	c := spawn(t, homed(t))
	ann := c.learner().open("switching")
	other := ann.on("A")
	other.run("X=remembered; cd /var/log")
	terminals := ann.Session
	ann.must("GET", ann.path, nil, &terminals)
	p := ann.count()
	const kills = 20
	visits := 0
	for range kills {
		server := c
		timer := time.AfterFunc(time.Duration(20+rand.IntN(150))*time.Millisecond, server.kill)
		if p.visit(false) {
			visits++
		}
		timer.Stop()
		server.kill()
		c = c.comeBack()
	}
	// On a slow machine a kill may come while the page connects.
	if visits < kills/2 {
		t.Errorf("the page was there at %d of %d kills only", visits, kills)
	}
	p.visit(true)
	var now session.Session
	ann.must("GET", ann.path, nil, &now)
	if len(now.Terminals) != 2 || now.Terminals[0].ID != terminals.Terminals[0].ID || now.Terminals[1].ID != terminals.Terminals[1].ID ||
		now.Terminals[1].Cols != 100 || now.Terminals[1].Rows != 30 {
		t.Errorf("the terminals are %+v, and were %+v", now.Terminals, terminals.Terminals)
	}
	again := ann.attach(now.Terminals[1].ID, "v", true)
	again.wait("X=remembered") // the scrollback
	// Not run, which may take the mark of an earlier command on the screen for its own.
	again.keys("echo $X in $PWD\r")
	again.wait("remembered in /var/log")
	p.verify(again)
	c.settled(1)
	c.terminate(20 * time.Second)
	if left := leftovers(c.set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// What a server was doing when it was killed leaves nothing behind, and no
// session that cannot be used.
func TestKilledInTheMiddleOfWork(t *testing.T) {
	set := homed(t)
	set.Pool = 1
	c := spawn(t, set)
	work := map[string]func(*opened) error{
		"create": func(o *opened) error {
			_, err := newLearner(t, o.Server.URL).send("POST", "/api/sessions", map[string]string{"lab": "routing"})
			return err
		},
		"reset": func(o *opened) error { _, err := o.send("POST", o.path+"/reset", map[string]any{}); return err },
		"reboot": func(o *opened) error {
			_, err := o.send("POST", o.path+"/hosts/A/reboot", map[string]any{})
			return err
		},
		"catch up": func(o *opened) error {
			_, err := o.send("POST", o.path+"/catch-up", map[string]any{"step": "address"})
			return err
		},
		"end": func(o *opened) error { _, err := o.send("DELETE", o.path, nil); return err },
		"open": func(o *opened) error {
			_, err := o.send("POST", o.path+"/terminals", map[string]any{"host": "B"})
			return err
		},
	}
	for name, do := range work {
		for range 2 {
			ann := c.learner().open("switching")
			if name == "end" { // what is over before it was stored whose it is, is nobody's
				until(t, 20*time.Second, "it is stored whose the session is", func() bool { return c.metric("netground_results_unstored") == 0 })
			}
			done := make(chan error, 1)
			go func() { done <- do(ann) }()
			time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond) // a moment, not a condition
			c.kill()
			<-done
			c = c.comeBack()
			a := ann.do("GET", ann.path, nil)
			switch {
			case a.Status == http.StatusOK:
				var s session.Session
				if err := json.Unmarshal(a.Body, &s); err != nil || s.State != session.Ready {
					t.Errorf("after a kill while it did %s the session is %s: %v", name, s.State, err)
				}
				ann.Session = s
				y := ann.on("A")
				y.run("ip link show eth0")
				ann.must("DELETE", ann.path, nil, nil)
			case a.Status == http.StatusGone && name == "end":
			default:
				t.Errorf("after a kill while it did %s: %d %s", name, a.Status, a.Body)
			}
			// A session that was being made is there as a whole, or not at all.
			live := c.metric("netground_sessions")
			c.settled(live)
		}
	}
	c.terminate(20 * time.Second)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// metric reads one of the server's.
func (c *child) metric(name string) int {
	c.Helper()
	text := string(c.learner().do("GET", "/metrics", nil).Body)
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			n := 0
			_, _ = fmt.Sscan(v, &n)
			return n
		}
	}
	c.Fatalf("there is no %s in %s", name, text)
	return 0
}
