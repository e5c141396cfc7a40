//go:build sandbox

package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/netground/netground/server/httpapi/ws"
)

// tty is a page's terminal: it reads and acknowledges, until it is told not to.
type tty struct {
	t     testing.TB
	conn  *websocket.Conn
	hello ws.Hello

	write sync.Mutex
	sent  int64

	mu     sync.Mutex
	moved  *sync.Cond
	out    []byte // the last of it
	total  int64  // bytes of output
	acked  int64  // input that was taken
	errors []string
	err    error
	writer bool // has the keyboard
}

// dial asks for a websocket with the header's changes.
func (l *learner) dial(path, query string, change ...string) (*websocket.Conn, *http.Response, error) {
	h := l.Header.Clone()
	for i := 0; i+1 < len(change); i += 2 {
		h.Del(change[i])
		if change[i+1] != "" {
			h.Set(change[i], change[i+1])
		}
	}
	d := websocket.Dialer{Subprotocols: []string{ws.Subprotocol}, HandshakeTimeout: 10 * time.Second}
	return d.Dial("ws"+strings.TrimPrefix(l.Server.URL, "http")+path+"/ws?"+query, h)
}

// attach connects; a viewer that reads not is connected and no more.
func (o *opened) attach(terminal, viewer string, reads bool) *tty {
	o.t.Helper()
	return o.connect(o.path+"/terminals/"+terminal, viewer, reads)
}

// connect is attach for any address of a websocket.
func (l *learner) connect(path, viewer string, reads bool) *tty {
	l.t.Helper()
	conn, _, err := l.dial(path, "offset=-1&viewer="+viewer)
	if err != nil {
		l.t.Fatal(err)
	}
	y := &tty{t: l.t, conn: conn}
	y.moved = sync.NewCond(&y.mu)
	l.t.Cleanup(func() { conn.Close() })
	_, b, err := conn.ReadMessage()
	if err != nil || b[0] != 0x82 || json.Unmarshal(b[1:], &y.hello) != nil {
		l.t.Fatalf("the hello is %q: %v", b, err)
	}
	y.sent, y.writer = y.hello.InputOffset, y.hello.Writer
	if reads {
		go y.read()
	}
	return y
}

// sit attaches to the session's first terminal and waits for the prompt.
func (o *opened) sit() *tty {
	o.t.Helper()
	y := o.attach(o.Terminals[0].ID, "v", true)
	y.wait(":~# ")
	return y
}

// on opens a shell on the host.
func (o *opened) on(host string) *tty {
	o.t.Helper()
	y := o.attach(o.terminal(host).ID, "v", true)
	y.wait(":~# ")
	return y
}

func (y *tty) read() {
	for {
		_, b, err := y.conn.ReadMessage()
		y.mu.Lock()
		if err != nil {
			y.err = err
			y.mu.Unlock()
			y.moved.Broadcast()
			y.conn.Close()
			return
		}
		var ack int64
		switch b[0] {
		case 0x81:
			y.out = append(y.out, b[9:]...)
			y.out = y.out[max(0, len(y.out)-64<<10):]
			y.total += int64(len(b) - 9)
			ack = int64(binary.BigEndian.Uint64(b[1:])) + int64(len(b)-9)
		case 0x86:
			y.writer = b[1] == 1
		case 0x87:
			y.acked = int64(binary.BigEndian.Uint64(b[1:]))
		case 0x88:
			y.errors = append(y.errors, string(b[1:]))
		}
		y.mu.Unlock()
		y.moved.Broadcast()
		if ack > 0 {
			_ = y.send(number(0x02, ack, ""))
		}
	}
}

func number(kind byte, n int64, rest string) []byte {
	b := make([]byte, 9, 9+len(rest))
	b[0] = kind
	binary.BigEndian.PutUint64(b[1:], uint64(n))
	return append(b, rest...)
}

func (y *tty) send(b []byte) error {
	y.write.Lock()
	defer y.write.Unlock()
	return y.conn.WriteMessage(websocket.BinaryMessage, b)
}

// keys types.
func (y *tty) keys(text string) {
	y.t.Helper()
	y.write.Lock()
	defer y.write.Unlock()
	if err := y.conn.WriteMessage(websocket.BinaryMessage, number(0x01, y.sent, text)); err != nil {
		y.t.Fatal(err)
	}
	y.sent += int64(len(text))
}

// see waits until what was seen is as wanted, or the connection's end.
func (y *tty) see(limit time.Duration, wanted func() bool) error {
	expired := false
	timer := time.AfterFunc(limit, func() {
		y.mu.Lock()
		expired = true
		y.mu.Unlock()
		y.moved.Broadcast()
	})
	defer timer.Stop()
	y.mu.Lock()
	defer y.mu.Unlock()
	for !wanted() {
		if y.err != nil {
			return y.err
		}
		if expired {
			return fmt.Errorf("%v are over after %q", limit, y.out[max(0, len(y.out)-2000):])
		}
		y.moved.Wait()
	}
	return nil
}

func (y *tty) wait(text string) {
	y.t.Helper()
	if err := y.see(20*time.Second, func() bool { return bytes.Contains(y.out, []byte(text)) }); err != nil {
		y.t.Fatalf("waiting for %q: %v", text, err)
	}
}

// closed waits for the connection's end and returns its close code.
func (y *tty) closed(limit time.Duration) int {
	err := y.see(limit, func() bool { return false })
	var c *websocket.CloseError
	if errors.As(err, &c) {
		return c.Code
	}
	y.t.Logf("the connection ended with %v", err)
	return 0
}

var escapes = regexp.MustCompile(`\x1b(\[[0-9;?<=>]*[a-zA-Z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])`)

// try types a line and returns what it shows and its exit code.
func (y *tty) try(line string) (out, code string) {
	y.t.Helper()
	y.mu.Lock()
	y.out = nil
	y.mu.Unlock()
	// A mark of its own: an earlier one may stand on the screen.
	tag := rand.Text()[:8]
	finished := regexp.MustCompile(`@(\d+)@` + tag + `\r\n`)
	y.keys(line + `; echo @$?"@` + tag + `"` + "\r")
	var m [][]byte
	err := y.see(40*time.Second, func() bool {
		m = finished.FindSubmatch(y.out)
		return m != nil
	})
	if err != nil {
		y.t.Fatalf("%s: %v", line, err)
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	text := escapes.ReplaceAll(y.out, nil)
	_, text, _ = bytes.Cut(text, []byte("\n")) // the line itself, unless it is long
	return strings.ReplaceAll(string(text), "\r", ""), string(m[1])
}

// run types a line that must succeed.
func (y *tty) run(line string) string {
	y.t.Helper()
	out, code := y.try(line)
	if code != "0" {
		y.t.Errorf("%s: exit %s\n%s", line, code, out)
	}
	return out
}

// patience is how long a key may take at the most: far longer than a slow
// machine, so that what fails is a terminal that is stuck.
const patience = 3 * time.Second

// echo types a key and erases it, and returns how long it took to be shown.
func (y *tty) echo() (time.Duration, error) {
	y.mu.Lock()
	y.out = nil
	y.mu.Unlock()
	began := time.Now()
	y.keys("x\x7f")
	err := y.see(15*time.Second, func() bool { return bytes.IndexByte(y.out, 'x') >= 0 })
	return time.Since(began), err
}

// echoes types keys for a while, and returns the sorted times of their echoes.
func (y *tty) echoes(d time.Duration) (all []time.Duration) {
	y.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		took, err := y.echo()
		if err != nil {
			y.t.Fatalf("a key was not echoed: %v", err)
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return all
}

func p50(all []time.Duration) time.Duration { return all[len(all)/2] }
func p99(all []time.Duration) time.Duration { return all[len(all)*99/100] }

// event is a server-sent one.
type event struct{ name, data string }

// events reads those of the session until the test ends or they do.
func (o *opened) events(lang string) <-chan event {
	o.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	all, err := o.Follow(ctx, o.path+"/events?lang="+lang)
	if err != nil {
		cancel()
		o.t.Fatal(err)
	}
	ch := make(chan event, 4096)
	done := make(chan struct{})
	o.t.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(done)
		defer close(ch)
		for e := range all {
			select {
			case ch <- event{e.Name, string(e.Data)}:
			default: // the test looks for the first ones
			}
		}
	}()
	return ch
}

// await returns the first event that is as wanted.
func await(t testing.TB, ch <-chan event, limit time.Duration, name string, wanted func(data string) bool) string {
	t.Helper()
	deadline := time.After(limit)
	for {
		select {
		case e, ok := <-ch:
			if !ok {
				t.Fatalf("the events ended before %q", name)
			}
			if e.name == name && wanted(e.data) {
				return e.data
			}
		case <-deadline:
			t.Fatalf("no event %q as wanted within %v", name, limit)
		}
	}
}
