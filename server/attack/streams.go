package attack

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netground/netground/server/drive"
	"github.com/netground/netground/server/httpapi/ws"
)

// streams are what is tried by websockets, and by connections that never end.
func streams() []Attack {
	row := func(id, tried, held string, run func(*trial)) Attack {
		return Attack{ID: id, Group: Door, Tried: tried, Held: held, run: run}
	}
	return []Attack{
		row("websocket-origin", "a websocket from a foreign, opaque or missing Origin", "403", websocketOrigin),
		row("foreign-terminal", "another learner's terminal, by a learner, a stranger, a forged cookie, and terminals that are none", "the connection is closed with 4003 or 4004", foreignTerminal),
		row("watch-only", "keystrokes on a connection that watches", "they are ignored, and the watcher is told", watchOnly),
		row("ended-session", "an open websocket of a session that was ended", "it closes with 4001", endedSession),
		row("resize", "resize to 0×0, 65535×65535 and other sizes that are none", "refused, and the terminal keeps its own", resize),
		row("bad-frames", "frames that are none", "refused, and the terminal goes on", badFrames),
		row("huge-frame", "a frame of 100 MB, announced at once and in fragments", "the connection ends, at no cost", hugeFrame),
		{ID: "half-open", Group: Door, Tried: "600 connections that say nothing, say it slowly, or stop within an upgrade", Held: "each is ended by the server, and others go on", run: halfOpen, own: true, waits: true},
	}
}

// upgrade asks for a websocket by hand, and returns the status and the connection.
func (p *player) upgrade(terminal string, l *drive.Learner, origin string) (status string, conn net.Conn) {
	host := strings.TrimPrefix(p.Server.URL, "http://")
	conn, err := net.Dial("tcp", host)
	p.t.must(err)
	_ = conn.SetDeadline(time.Now().Add(p.t.within(30 * time.Second)))
	head := "GET " + p.path + "/terminals/" + terminal + "/ws?offset=-1&viewer=raw HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + ws.Subprotocol + "\r\n"
	if origin != "" {
		head += "Origin: " + origin + "\r\n"
	}
	if c := l.Header.Get("Cookie"); c != "" {
		head += "Cookie: " + c + "\r\n"
	}
	_, err = io.WriteString(conn, head+"\r\n")
	p.t.must(err)
	line := make([]byte, 12)
	_, err = io.ReadFull(conn, line)
	p.t.must(err)
	return string(line[9:]), conn
}

func websocketOrigin(t *trial) {
	p := t.guest(plain)
	for _, origin := range []string{"", "null", "http://evil.example", p.Server.URL + ".evil.example", "http://127.0.0.1:1", "file://"} {
		status, conn := p.upgrade(p.Terminals[0].ID, p.Learner, origin)
		conn.Close()
		if status != "403" {
			t.fault("from the origin %q: %s", origin, status)
		}
	}
	status, conn := p.upgrade(p.Terminals[0].ID, p.Learner, p.Server.URL)
	conn.Close()
	if status != "101" {
		t.stop("from the page's own origin: %s", status)
	}
}

func foreignTerminal(t *trial) {
	ann, bob := t.guest(plain), t.guest(path)
	forged := t.server.Learner()
	forged.Header.Set("Cookie", strings.Replace(ann.Header.Get("Cookie"), "=1.", "=1.a", 1))
	for _, c := range []struct {
		who       string
		l         *drive.Learner
		path, own string
		codes     [2]int
	}{
		{"another learner", bob.Learner, ann.path, ann.Terminals[0].ID, [2]int{4004, 4003}},
		{"a stranger", t.server.Learner(), ann.path, ann.Terminals[0].ID, [2]int{4003, 4004}},
		{"a forged cookie", forged, ann.path, ann.Terminals[0].ID, [2]int{4003, 4004}},
		{"a terminal that is none", ann.Learner, ann.path, "nosuch", [2]int{4004, 4004}},
		{"a session that is none", ann.Learner, "/api/sessions/nosuch", ann.Terminals[0].ID, [2]int{4004, 4004}},
		{"a terminal of another session", bob.Learner, bob.path, ann.Terminals[0].ID, [2]int{4004, 4004}},
	} {
		c2, err := ws.Dial(t.ctx, "ws"+strings.TrimPrefix(t.server.URL, "http")+c.path+"/terminals/"+c.own+"/ws?offset=-1&viewer=w", c.l.Header)
		if err == nil {
			c2.Close()
			t.fault("%s gets the terminal", c.who)
		} else if code := ws.CloseCode(err); code != c.codes[0] && code != c.codes[1] {
			t.fault("%s: %v", c.who, err)
		}
	}
	ann.on("A").do("true")
}

func watchOnly(t *trial) {
	p := t.guest(plain)
	id := p.terminal("A")
	writer := p.attach(id, "writer", -1, true)
	t.after(writer.close)
	writer.expect(":~# ")
	watcher := p.attach(id, "watcher", -1, true)
	t.after(watcher.close)
	if watcher.Hello.Writer {
		t.fault("two viewers have the keyboard")
	}
	watcher.press("echo stolen >/tmp/stolen\r")
	if err := watcher.see(5*time.Second, func() bool { return len(watcher.refusals) > 0 }); err != nil {
		t.fault("the keys were not refused: %v", err)
	}
	writer.press("echo own >/tmp/own\r")
	if _, exit := p.on("A").try("for i in $(seq 50); do test -e /tmp/own && break; sleep 0.1; done; test -e /tmp/own -a ! -e /tmp/stolen"); exit != 0 {
		t.fault("the watcher's keys had an effect, or the writer's had none")
	}
}

func endedSession(t *trial) {
	p := t.open(plain)
	s := p.attach(p.Terminals[0].ID, "v", -1, true)
	t.after(s.close)
	s.expect(":~# ")
	p.leave()
	if code := s.closed(10 * time.Second); code != 4001 {
		t.fault("the connection ended with %d", code)
	}
	if a := p.ask(http.MethodGet, "", nil); a.Status != http.StatusGone && a.Status != http.StatusNotFound && !strings.Contains(string(a.Body), `"ended"`) {
		t.fault("the ended session: %d %.200s", a.Status, a.Body)
	}
	if a := p.ask(http.MethodPost, "/terminals", map[string]any{"host": "A", "cols": 80, "rows": 24}); a.Status < 400 {
		t.fault("a terminal of the ended session: %d", a.Status)
	}
}

func resize(t *trial) {
	p := t.guest(plain)
	s := p.on("A")
	before := s.do("stty size </dev/tty")
	for _, size := range [][2]uint16{{0, 0}, {65535, 65535}, {0, 24}, {80, 0}, {1001, 24}, {80, 501}} {
		b := []byte{0x03, 0, 0, 0, 0}
		binary.BigEndian.PutUint16(b[1:], size[0])
		binary.BigEndian.PutUint16(b[3:], size[1])
		s.forget()
		t.must(s.Send(b))
		if err := s.see(5*time.Second, func() bool { return len(s.refusals) > 0 }); err != nil {
			t.fault("the size %v was not refused: %v", size, err)
		}
	}
	if after := s.do("stty size </dev/tty"); after != before {
		t.fault("the size is %q instead of %q", after, before)
	}
}

// number is a frame with a number.
func number(kind byte, n uint64, rest string) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{kind}, n), rest...)
}

func badFrames(t *trial) {
	s := t.guest(plain).on("A")
	for _, b := range [][]byte{{}, {0x7f}, {0x01}, {0x01, 1, 2}, number(0x02, 1<<64-1, ""), {0x04, 1}, number(0x01, 1<<60, "x"), number(0x02, 1<<50, ""), {0x03, 1}, {0x81, 0}, number(0x01, 1<<40, "x")} {
		t.must(s.Send(b))
	}
	s.do("true")
}

func hugeFrame(t *trial) {
	p := t.guest(plain)
	id := p.terminal("A")
	t.warmUp(t.server)
	before := serverMemory(t.server)
	chunk := make([]byte, 1<<20)
	for _, fragment := range []int{100 << 20, 64 << 10} {
		status, conn := p.upgrade(id, p.Learner, p.Server.URL)
		if status != "101" {
			t.stop("the upgrade: %s", status)
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		var err error
		for sent := 0; sent < 100<<20 && err == nil; sent += fragment {
			kind := byte(0x00) // goes on, and is not the last
			if sent == 0 {
				kind = 0x02
			}
			if fragment == 100<<20 {
				kind |= 0x80
			}
			head := binary.BigEndian.AppendUint64([]byte{kind, 0xff}, uint64(fragment))
			_, err = conn.Write(append(head, 0, 0, 0, 0)) // masked by zeros
			for n := 0; n < fragment && err == nil; n += len(chunk) {
				_, err = conn.Write(chunk[:min(len(chunk), fragment-n)])
			}
		}
		conn.Close()
		if err == nil {
			t.fault("100 MB in pieces of %d KB were taken", fragment>>10)
		}
	}
	if grown := serverMemory(t.server) - before; grown > serverGrowth {
		t.fault("the server's memory grew by %.1f MiB", grown)
	}
	p.on("A").do("true")
}

// endedWithin is how long a connection that says nothing may stay.
const endedWithin = 25 * time.Second

func halfOpen(t *trial) {
	_, server := t.another()
	defer func() { t.close(server) }()
	t.warmUp(server)
	p := t.openOn(server, plain)
	keys := p.on("A")
	before := serverMemory(server)
	host := strings.TrimPrefix(p.Server.URL, "http://")
	cookie := "Cookie: " + p.Header.Get("Cookie") + "\r\nOrigin: " + p.Server.URL + "\r\nHost: " + host + "\r\n"
	slow := []string{
		"", "G", "GET / HTTP/1.1\r\nHost: " + host + "\r\nX-Slow: ",
		"GET " + p.path + "/terminals/" + p.Terminals[0].ID + "/ws?viewer=h HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + cookie,
		"POST /api/sessions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n" + cookie + "\r\n{",
		"DELETE /api/sessions/none HTTP/1.1\r\nContent-Length: 100\r\n" + cookie + "\r\n{",
	}
	var all []net.Conn
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	began := time.Now()
	for i := range 600 {
		c, err := net.Dial("tcp", host)
		t.must(err)
		all = append(all, c)
		_, _ = io.WriteString(c, slow[i%len(slow)]) // it may have been ended
	}
	over, typed := make(chan struct{}), time.Now()
	time.AfterFunc(t.within(time.Second), func() { close(over) })
	took, err := keys.echoes(over, new(atomic.Int64))
	start, startError := t.newcomer(server)
	if err != nil || startError != nil {
		t.fault("meanwhile: %v %v", err, startError)
	} else {
		t.figures = &Figures{Seconds: time.Since(typed).Seconds(), EchoP50: ms(took[len(took)/2]), EchoP99: ms(took[len(took)*99/100]), EchoWorst: ms(took[len(took)-1]), Start: ms(start), Server: serverMemory(server) - before}
		if t.figures.Server > 40 {
			t.fault("600 connections cost %.1f MiB", t.figures.Server)
		}
	}
	var wait sync.WaitGroup
	var open atomic.Int32
	for i, c := range all {
		wait.Go(func() {
			_ = c.SetReadDeadline(began.Add(t.within(endedWithin)))
			if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") && open.Add(1) == 1 {
				t.say("%.50q was still open", slow[i%len(slow)])
			}
		})
	}
	wait.Wait()
	if n := open.Load(); n > 0 {
		t.fault("%s", fmt.Sprintf("after %v %d of 600 connections were still open", t.within(endedWithin), n))
	}
}
