//go:build sandbox

package app

import (
	"encoding/binary"
	"fmt"
	"io"
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
)

// resident is the memory of this process that is its own, in MiB.
func resident(t testing.TB) float64 {
	t.Helper()
	return residentOf(t, "self")
}

func residentOf(t testing.TB, pid string) float64 {
	t.Helper()
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	kib := 0
	_, _ = fmt.Sscan(rest, &kib)
	return float64(kib) / 1024
}

func TestStrangersGetNothing(t *testing.T) {
	w := start(t, nil)
	ann, bob := w.learner().open("switching"), w.learner()
	bob.open("routing") // has a cookie, and a session of his own
	nobody := w.learner()
	forged := w.learner()
	forged.header.Set("Cookie", strings.Replace(ann.header.Get("Cookie"), "=1.", "=1.a", 1))
	term := ann.Terminals[0].ID

	one := ann.path
	for _, r := range []struct{ method, path, body string }{
		{"GET", one, ""},
		{"DELETE", one, ""},
		{"POST", one + "/reset", "{}"},
		{"POST", one + "/extend", "{}"},
		{"POST", one + "/catch-up", `{"step":"ping"}`},
		{"POST", one + "/steps/up/check", "{}"},
		{"POST", one + "/steps/up/hint", "{}"},
		{"POST", one + "/steps/up/solution", "{}"},
		{"POST", one + "/steps/look/answer", `{"name":"mac","value":"x"}`},
		{"POST", one + "/hosts/A/reboot", "{}"},
		{"GET", one + "/terminals", ""},
		{"POST", one + "/terminals", `{"host":"A","cols":80,"rows":24}`},
		{"DELETE", one + "/terminals/" + term, ""},
		{"GET", one + "/events", ""},
	} {
		var body any
		if r.body != "" {
			body = r.body
		}
		for who, l := range map[string]*learner{"another learner": bob, "a stranger": nobody, "a forged cookie": forged} {
			if a := l.do(r.method, r.path, body); a.status != http.StatusNotFound {
				t.Errorf("%s: %s %s: %d %s", who, r.method, r.path, a.status, a.body)
			}
		}
		if r.method == "GET" {
			continue
		}
		for name, change := range map[string][]string{
			"no origin": {"Origin", ""}, "a foreign origin": {"Origin", "http://evil.example"}, "an opaque origin": {"Origin", "null"},
			"a longer origin": {"Origin", w.url + ".evil.example"}, "another port": {"Origin", "http://127.0.0.1:1"},
			"a cross-site post": {"Sec-Fetch-Site", "cross-site"}, "a same-site post": {"Sec-Fetch-Site", "same-site"},
			"a form": {"Content-Type", "text/plain", "Origin", "http://evil.example"},
		} {
			if a := ann.do(r.method, r.path, body, change...); a.status != http.StatusForbidden {
				t.Errorf("%s: %s %s: %d %s", name, r.method, r.path, a.status, a.body)
			}
		}
	}
	// Nothing of that had an effect.
	ann.sit().run("true")

	path := one + "/terminals/" + term
	for _, origin := range []string{"", "null", "http://evil.example", w.url + ".evil.example", "http://127.0.0.1:1", "file://"} {
		conn, a, err := ann.dial(path, "viewer=w", "Origin", origin)
		if err == nil || a == nil || a.StatusCode != http.StatusForbidden {
			t.Errorf("a websocket from the origin %q: %v", origin, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
	for _, c := range []struct {
		who  *learner
		path string
		code int
	}{
		{bob, path, 4004}, {nobody, path, 4003}, {forged, path, 4003},
		{ann.learner, one + "/terminals/nosuch", 4004},
		{ann.learner, "/api/sessions/nosuch/terminals/" + term, 4004},
	} {
		conn, _, err := c.who.dial(c.path, "viewer=w")
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, b, err := conn.ReadMessage(); !websocket.IsCloseError(err, c.code) {
			t.Errorf("%s: wanted the close code %d: %q %v", c.path, c.code, b, err)
		}
		conn.Close()
	}
}

func TestWebsocketAbuse(t *testing.T) {
	w := start(t, nil)
	ann := w.learner().open("switching")
	y := ann.sit()
	term := ann.Terminals[0].ID

	// Another tab watches: its keys do nothing until it asks for the keyboard.
	watcher := ann.attach(term, "watcher", true)
	if watcher.hello.Writer {
		t.Error("two viewers have the keyboard")
	}
	watcher.keys("echo stolen >/tmp/stolen\r")
	if err := watcher.see(5*time.Second, func() bool { return len(watcher.errors) > 0 }); err != nil {
		t.Errorf("a watcher's keys were not refused: %v", err)
	}
	y.run("test ! -e /tmp/stolen")

	// Sizes that are none are refused, and the terminal keeps its own.
	y.run("stty size >/tmp/size")
	for _, size := range [][2]uint16{{0, 0}, {65535, 65535}, {0, 24}, {80, 0}, {1001, 24}, {80, 501}} {
		b := []byte{0x03, 0, 0, 0, 0}
		binary.BigEndian.PutUint16(b[1:], size[0])
		binary.BigEndian.PutUint16(b[3:], size[1])
		y.mu.Lock()
		y.errors = nil
		y.mu.Unlock()
		if err := y.send(b); err != nil {
			t.Fatal(err)
		}
		if err := y.see(5*time.Second, func() bool { return len(y.errors) > 0 }); err != nil {
			t.Errorf("the size %v was not refused: %v", size, err)
		}
		if a := ann.do("POST", ann.path+"/terminals", map[string]any{"host": "A", "cols": size[0], "rows": size[1]}); a.status != http.StatusBadRequest && size != [2]uint16{} {
			t.Errorf("a terminal of %v: %d", size, a.status)
		}
	}
	y.run(`test "$(stty size)" = "$(cat /tmp/size)"`)
	// Frames that are none.
	for _, b := range [][]byte{{}, {0x7f}, {0x01}, {0x01, 1, 2}, {0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x04, 1}, number(0x01, 1<<60, "x"), number(0x02, 1<<50, "")} {
		if err := y.send(b); err != nil {
			t.Fatal(err)
		}
	}
	y.run("true")

	// 100 MB in one frame, announced at once or in fragments, ends its connection and costs nothing.
	memory := resident(t)
	for _, fragment := range []int{100 << 20, 1 << 20} {
		big := ann.attach(term, "big", false)
		chunk := make([]byte, 1<<20)
		out, err := big.conn.NextWriter(websocket.BinaryMessage)
		if err != nil {
			t.Fatal(err)
		}
		if fragment == len(chunk) { // gorilla writes fragments of its buffer's size
			for range 100 {
				if _, err = out.Write(chunk); err != nil {
					break
				}
			}
		} else {
			head := []byte{0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
			binary.BigEndian.PutUint64(head[2:], uint64(fragment))
			_, err = big.conn.NetConn().Write(head)
			for i := 0; i < 100 && err == nil; i++ {
				_, err = big.conn.NetConn().Write(chunk)
			}
		}
		_ = big.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		go big.read()
		if code := big.closed(12 * time.Second); code != websocket.CloseMessageTooBig && code != 0 {
			t.Errorf("a frame of 100 MB: the connection ended with %d", code)
		}
	}
	if grown := resident(t) - memory; grown > 16 {
		t.Errorf("frames of 100 MB cost %.1f MiB", grown)
	}
	y.run("true")

	// The end of the session ends what is open.
	ann.must("DELETE", ann.path, nil, nil)
	for name, tab := range map[string]*tty{"the writer": y, "the watcher": watcher} {
		if code := tab.closed(5 * time.Second); code != 4001 {
			t.Errorf("%s's connection ended with %d", name, code)
		}
	}
	if a := ann.do("GET", ann.path, nil); a.status != http.StatusGone && a.status != http.StatusNotFound && !strings.Contains(string(a.body), `"ended"`) {
		t.Errorf("the ended session: %d %s", a.status, a.body)
	}
}

func TestBadRequests(t *testing.T) {
	w := start(t, nil)
	ann := w.learner().open("switching")
	for _, c := range []struct {
		name, method, path string
		body               any
		change             []string
		status             int
	}{
		{"cut JSON", "POST", "/api/sessions", `{"lab":`, nil, 400},
		{"no JSON", "POST", "/api/sessions", "lab=switching", nil, 400},
		{"null", "POST", "/api/sessions", "null", nil, 400},
		{"an array", "POST", "/api/sessions", "[]", nil, 400},
		{"two values", "POST", "/api/sessions", `{"lab":"switching"}{}`, nil, 400},
		{"an unknown field", "POST", "/api/sessions", `{"lab":"switching","admin":true}`, nil, 400},
		{"a wrong type", "POST", "/api/sessions", `{"lab":{"$gt":""}}`, nil, 400},
		{"deep nesting", "POST", "/api/sessions", strings.Repeat("[", 2000), nil, 400},
		{"no UTF-8", "POST", "/api/sessions", "{\"lab\":\"\xff\xfe\"}", nil, 0},
		{"a NUL", "POST", "/api/sessions", `{"lab":"a\u0000b"}`, nil, 404},
		{"a path for a lab", "POST", "/api/sessions", `{"lab":"../../etc"}`, nil, 404},
		{"a path for a lab's lesson", "GET", "/api/labs/..%2f..%2f..%2fetc%2fpasswd", nil, nil, 404},
		{"a form", "POST", "/api/sessions", "lab=switching", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"a body too big", "POST", "/api/sessions", strings.Repeat(" ", 1<<20) + "{}", nil, 413},
		{"an answer too big", "POST", ann.path + "/steps/look/answer", map[string]string{"name": "mac", "value": strings.Repeat("a", 1<<20)}, nil, 413},
		{"a host with control characters", "POST", ann.path + "/terminals", `{"host":"A\u001b[31m\n","cols":80,"rows":24}`, nil, 404},
		{"a number too big", "POST", ann.path + "/terminals", `{"host":"A","cols":70000,"rows":24}`, nil, 400},
		{"a fraction", "POST", ann.path + "/terminals", `{"host":"A","cols":80.5,"rows":24}`, nil, 400},
		{"an unknown step", "POST", ann.path + "/steps/%00/check", "{}", nil, 404},
		{"an unknown host", "POST", ann.path + "/hosts/..%2fA/reboot", "{}", nil, 404},
		{"a method", "PATCH", "/api/sessions", "{}", nil, 405},
	} {
		a := ann.do(c.method, c.path, c.body, c.change...)
		if c.status != 0 && a.status != c.status || a.status >= 500 || a.status < 400 {
			t.Errorf("%s: %d %.200s", c.name, a.status, a.body)
		}
		if p := a.problem(); !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") || p.Detail == "" || p.Status != a.status {
			t.Errorf("%s: the answer is %.200s", c.name, a.body)
		}
	}
	// Ways to files, written as no client library would.
	for _, path := range []string{
		"/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/assets/../../../../etc/passwd", "/assets/..%5c..%5cetc%5cpasswd", "//etc/passwd",
		"/%2e%2e/%2e%2e/etc/passwd", "/assets/%00", "/labs/../../etc/passwd", "/.git/config", "/%c0%ae%c0%ae/etc/passwd", "/assets/", "/index.html%00.js", "/proc/self/environ",
	} {
		got := raw(t, w.url, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if strings.Contains(got, "root:") || strings.Contains(got, "[core]") || strings.Contains(got, "NETGROUND") || !strings.HasPrefix(got, "HTTP/1.1 ") || strings.HasPrefix(got, "HTTP/1.1 5") {
			t.Errorf("%s: %.300q", path, got)
		}
	}
	for _, request := range []string{
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", "BREW /\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n",
		"POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 64<<10) + "\r\nConnection: close\r\n\r\n",
		"GET /api/sessions/x/events HTTP/1.1\r\nHost: x\r\nCookie: ng_learner=" + strings.Repeat("1.", 4000) + "\r\nConnection: close\r\n\r\n",
	} {
		if got := raw(t, w.url, request); strings.HasPrefix(got, "HTTP/1.1 500") {
			t.Errorf("%.60q: %.200q", request, got)
		}
	}
	ann.sit().run("true")
}

// Connections that say nothing, say it slowly or never end hold up nobody.
func TestHalfOpen(t *testing.T) {
	w := start(t, nil)
	ann := w.learner().open("switching")
	y := ann.sit()
	memory := resident(t)
	host := strings.TrimPrefix(w.url, "http://")
	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	cookie := "Cookie: " + ann.header.Get("Cookie") + "\r\nOrigin: " + w.url + "\r\nHost: " + host + "\r\n"
	slow := []string{
		"", "G", "GET / HTTP/1.1\r\nHost: " + host + "\r\nX-Slow: ",
		"GET " + ann.path + "/terminals/" + ann.Terminals[0].ID + "/ws?viewer=h HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + cookie,
		"POST /api/sessions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n" + cookie + "\r\n{",
		"DELETE /api/sessions/none HTTP/1.1\r\nContent-Length: 100\r\n" + cookie + "\r\n{",
	}
	began := time.Now()
	for i := range 600 {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
		_, _ = io.WriteString(c, slow[i%len(slow)])
	}
	all := y.echoes(time.Second)
	w.learner().open("switching")
	t.Logf("600 half-open connections: echo p50 %v, p99 %v; %.1f MiB", p50(all), p99(all), resident(t)-memory)
	if p99(all) > 3*time.Second {
		t.Errorf("keys took %v", p99(all))
	}
	if grown := resident(t) - memory; grown > 40 {
		t.Errorf("600 connections cost %.1f MiB", grown)
	}
	// Each is ended by the server, those that trickle as well.
	var open atomic.Int32
	var wait sync.WaitGroup
	for i, c := range idle {
		open.Add(1)
		wait.Go(func() {
			_ = c.SetReadDeadline(began.Add(25 * time.Second))
			if _, err := io.Copy(io.Discard, c); err == nil || !strings.Contains(err.Error(), "timeout") {
				open.Add(-1)
			} else if i < len(slow) {
				t.Errorf("still open after %v: %.50q", time.Since(began), slow[i])
			}
		})
	}
	wait.Wait()
	if n := open.Load(); n > 0 {
		t.Errorf("%d of 600 half-open connections were never ended", n)
	}
}

func TestTooMany(t *testing.T) {
	w := start(t, func(c *config.Server) { c.MaxSessions, c.MaxPerClient = 2, 1 })
	ann := w.learner().open("switching")

	// 1,000 terminals.
	status := map[int]int{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 50 {
				a, err := ann.send("POST", ann.path+"/terminals", map[string]any{"host": "A", "cols": 80, "rows": 24})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				status[a.status]++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	t.Logf("1,000 terminals asked for: %v", status)
	if status[201] > 15 || status[201] == 0 || status[201]+status[409]+status[429] != 1000 {
		t.Errorf("the answers were %v", status)
	}
	y := ann.sit()
	y.run("test $(pgrep -cx bash) -le 16")

	// Many sessions by one, and a full server.
	if a := ann.do("POST", "/api/sessions", map[string]string{"lab": "routing"}); a.status != http.StatusConflict {
		t.Errorf("a second session of one learner: %d %s", a.status, a.body)
	}
	w.learner().open("switching")
	bob, eve := w.learner(), w.learner()
	ask := func(l *learner) answer { return l.do("POST", "/api/sessions", map[string]string{"lab": "switching"}) }
	for i, l := range []*learner{bob, eve, bob} {
		a := ask(l)
		if p := a.problem(); a.status != http.StatusServiceUnavailable || p.Place != i%2+1 || p.Detail == "" || a.header.Get("Retry-After") == "" {
			t.Errorf("a full server says %d %s", a.status, a.body)
		}
	}
	until(t, 10*time.Second, "ann may ask again", func() bool { return ann.do("DELETE", ann.path, nil).status == http.StatusNoContent })
	if a := ask(eve); a.status != http.StatusServiceUnavailable {
		t.Errorf("somebody further back got the place: %d %s", a.status, a.body)
	}
	if a := ask(bob); a.status != http.StatusCreated {
		t.Errorf("the first in the queue: %d %s", a.status, a.body)
	}

	// New learners without number from one address; others still come in.
	flood := w.learner()
	refused := 0
	for range 400 {
		a, err := flood.send("POST", "/api/sessions", map[string]string{"lab": "nosuch"}) // keeps no cookie
		if err != nil {
			t.Fatal(err)
		}
		switch a.status {
		case http.StatusTooManyRequests:
			refused++
		case http.StatusNotFound:
		default:
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	t.Logf("of 400 new learners from one address %d were refused", refused)
	if refused < 200 {
		t.Errorf("of 400 new learners from one address %d were refused", refused)
	}
	if a := ask(w.learner()); a.status != http.StatusServiceUnavailable {
		t.Errorf("a learner from elsewhere: %d %s", a.status, a.body)
	}
}
