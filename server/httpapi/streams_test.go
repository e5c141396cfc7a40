package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/gorilla/websocket"
	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/terminal"
)

// listen opens the event stream and returns its lines, which end with it.
func (d *door) listen(ctx context.Context, query string) (*http.Response, <-chan string) {
	d.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", d.server.URL+"/api/sessions/s1/events"+query, nil)
	if err != nil {
		d.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: auth.CookieName, Value: d.cookie})
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return res, lines
}

func (d *door) want(lines <-chan string, want ...string) {
	d.Helper()
	for _, w := range want {
		select {
		case got, ok := <-lines:
			if !ok {
				d.Fatalf("the stream ended before %q", w)
			}
			if got != w {
				d.Fatalf("got %q, want %q", got, w)
			}
		case <-time.After(10 * time.Second):
			d.Fatalf("nothing came, want %q", w)
		}
	}
}

func (d *door) wantEnd(lines <-chan string) {
	d.Helper()
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			if line != "" && line != ":" {
				d.Fatalf("got %q, want the end", line)
			}
		case <-time.After(10 * time.Second):
			d.Fatal("the stream goes on")
		}
	}
}

func (d *door) wantNoSubscriber() {
	d.Helper()
	for deadline := time.Now().Add(10 * time.Second); d.fake.open() != 0; {
		if time.Now().After(deadline) {
			d.Fatal("the subscription stays open")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestEvents(t *testing.T) {
	d := open(t)
	res, lines := d.listen(t.Context(), "?lang=ko")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, %v", res.StatusCode, res.Header)
	}
	wantHeaders(t, "events", res)
	if _, caller := d.fake.last(); caller.Language != "ko" {
		t.Errorf("the caller is %v", caller)
	}
	d.fake.events <- session.Event{ID: 7, Name: session.HostEvent, Data: session.HostState{Name: "A\nevent: x", State: "up"}}
	d.want(lines, "id: 7", "event: host", `data: {"name":"A\nevent: x","state":"up"}`, "")
	d.fake.events <- session.Event{ID: 8, Name: session.NoticeEvent, Data: session.Notice{Kind: "ended"}}
	d.want(lines, "id: 8", "event: notice", `data: {"kind":"ended","text":"","expiresAt":"0001-01-01T00:00:00Z"}`, "")
	close(d.fake.events)
	d.wantEnd(lines)
	d.wantNoSubscriber()
}

func TestEventsAreKeptAlive(t *testing.T) {
	d := open(t, func(o *Options) { o.Heartbeat = time.Millisecond })
	// Whoever runs the server may have deadlines: streams set their own.
	server := httptest.NewUnstartedServer(d.api)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	d.server.Close()
	server.Start()
	d.server = server
	_, lines := d.listen(t.Context(), "")
	for began := time.Now(); time.Since(began) < 200*time.Millisecond; {
		d.want(lines, ":", "")
	}
}

func TestEventsEnd(t *testing.T) {
	t.Run("with a slow page", func(t *testing.T) {
		d := open(t)
		_, lines := d.listen(t.Context(), "")
		d.fake.events <- session.Event{Name: "overflow"}
		d.wantEnd(lines)
		d.wantNoSubscriber()
	})
	t.Run("with the page", func(t *testing.T) {
		d := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		d.listen(ctx, "")
		cancel()
		d.wantNoSubscriber()
	})
	t.Run("with the server", func(t *testing.T) {
		d := open(t)
		_, lines := d.listen(t.Context(), "")
		if err := d.api.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := d.fake.open(); n != 0 {
			t.Errorf("%d subscriptions are open", n)
		}
		d.wantEnd(lines)
		res, body := d.do("GET", "/api/sessions/s1/events", "")
		d.wantStatus(res, body, 503)
	})
}

// shell is a terminal whose program echoes.
func (d *door) shell() (done chan struct{}, touched chan struct{}) {
	d.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		d.Fatal(err)
	}
	t, err := terminal.New(master, terminal.Options{})
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		_ = t.Close()
		_ = tty.Close()
	})
	done, touched = make(chan struct{}), make(chan struct{}, 10)
	d.fake.attach = &session.Attachment{Terminal: t, Info: session.Terminal{ID: "t1", Host: "A"}, Done: done, Touch: func() { touched <- struct{}{} }}
	return done, touched
}

func (d *door) dial(path string, change ...func(http.Header)) (*websocket.Conn, *http.Response, error) {
	h := http.Header{"Origin": {d.server.URL}, "Cookie": {auth.CookieName + "=" + d.cookie}}
	for _, c := range change {
		c(h)
	}
	dialer := websocket.Dialer{Subprotocols: []string{ws.Subprotocol}, HandshakeTimeout: 10 * time.Second}
	return dialer.DialContext(d.Context(), "ws"+strings.TrimPrefix(d.server.URL, "http")+path, h)
}

const socket = "/api/sessions/s1/terminals/t1/ws?viewer=v1&offset=0"

func TestWebsocket(t *testing.T) {
	d := open(t)
	done, touched := d.shell()
	c, _, err := d.dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	kind, hello, err := c.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage || !bytes.Contains(hello, []byte(`"terminal":"t1","host":"A"`)) || !bytes.Contains(hello, []byte(`"window":131072,"writer":true`)) {
		t.Fatalf("%s, %v", hello, err)
	}
	if err := c.WriteMessage(websocket.BinaryMessage, []byte("\x01\x00\x00\x00\x00\x00\x00\x00\x00x")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-touched:
	case <-time.After(10 * time.Second):
		t.Fatal("typing does not count as activity")
	}
	close(done) // the session ends
	if code := closeCode(t, c); code != ws.CloseEnded {
		t.Errorf("closed with %d", code)
	}
}

func closeCode(t *testing.T, c *websocket.Conn) int {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			closed, ok := err.(*websocket.CloseError)
			if !ok {
				t.Fatalf("no close frame: %v", err)
			}
			return closed.Code
		}
	}
}

func TestWebsocketEndsWithTheServer(t *testing.T) {
	d := open(t)
	d.shell()
	c, _, err := d.dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- d.api.Close(context.WithoutCancel(t.Context())) }()
	if code := closeCode(t, c); code != closeRestart {
		t.Errorf("closed with %d", code)
	}
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the server does not close")
	}
	c2, _, err := d.dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c2.Close()
	if code := closeCode(t, c2); code != closeRestart {
		t.Errorf("closed with %d", code)
	}
}

func TestWebsocketRefusals(t *testing.T) {
	d := open(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) })
	d.shell()
	stranger := func(h http.Header) { h.Del("Cookie") }
	other := func(h http.Header) { h.Set("Cookie", auth.CookieName+"="+d.api.o.Signer.Sign(auth.NewID())) }
	long := &session.Error{Code: session.Gone, Text: text(strings.Repeat("x", 200), strings.Repeat("끝", 200))}
	for _, c := range []struct {
		name, path string
		fail       error
		change     func(http.Header)
		code       int
	}{
		{"no cookie", socket, nil, stranger, ws.CloseNotYours},
		{"another learner", socket, nil, other, ws.CloseNoSuch},
		{"another session", strings.Replace(socket, "s1", "s2", 1), nil, nil, ws.CloseNoSuch},
		{"another terminal", strings.Replace(socket, "t1", "t2", 1), nil, nil, ws.CloseNoSuch},
		{"impossible terminal", strings.Replace(socket, "t1", "%2e%2e", 1), nil, nil, ws.CloseNoSuch},
		{"ended", socket + "&lang=ko", long, nil, ws.CloseEnded},
		{"busy", socket, &session.Error{Code: session.Busy, Text: text("x", "x")}, nil, closeTryLater},
		{"failed", socket, io.ErrUnexpectedEOF, nil, closeTryLater},
	} {
		d.fake.fail = c.fail
		var changes []func(http.Header)
		if c.change != nil {
			changes = append(changes, c.change)
		}
		conn, _, err := d.dial(c.path, changes...)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if code := closeCode(t, conn); code != c.code {
			t.Errorf("%s: closed with %d, want %d", c.name, code, c.code)
		}
		_ = conn.Close()
	}
	d.fake.fail = nil
	for _, origin := range []string{"", "http://evil.example", "null"} {
		conn, res, err := d.dial(socket, func(h http.Header) {
			h.Del("Origin")
			if origin != "" {
				h.Set("Origin", origin)
			}
		})
		if err == nil {
			conn.Close()
			t.Errorf("origin %q is taken", origin)
		} else if res == nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v, %v", origin, res, err)
		}
	}
	if res, body := d.do("GET", socket, ""); res.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("status %d: %s", res.StatusCode, body)
	}
}
