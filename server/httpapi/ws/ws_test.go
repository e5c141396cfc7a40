package ws

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/gorilla/websocket"
	"github.com/netground/netground/server/terminal"
)

func serve(t *testing.T, o Options, line string) (*httptest.Server, *terminal.Terminal) {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	master, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(master.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	_ = master.Close()
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	term, err := terminal.New(os.NewFile(uintptr(fd), "ptmx"), terminal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Serve(w, r, term, o) }))
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
		_ = term.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return h, term
}

func dial(t *testing.T, h *httptest.Server, origin, query string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	d := websocket.Dialer{Subprotocols: []string{Subprotocol}}
	c, r, err := d.Dial("ws"+strings.TrimPrefix(h.URL, "http")+"/?"+query, header)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	}
	return c, r, err
}

func input(offset uint64, text string) []byte {
	b := make([]byte, 9)
	b[0] = frameInput
	binary.BigEndian.PutUint64(b[1:], offset)
	return append(b, text...)
}

func TestTerminalOverWebsocket(t *testing.T) {
	touched := make(chan struct{}, 100)
	h, term := serve(t, Options{ID: "t1", Host: "A", Writer: true, Touch: func() { touched <- struct{}{} }}, "stty -echo; echo ready; while read x; do echo got $x; done; exit 7")
	c, _, err := dial(t, h, h.URL, "viewer=v&offset=-1")
	if err != nil {
		t.Fatal(err)
	}
	_, b, err := c.ReadMessage()
	var hello Hello
	if err != nil || b[0] != frameHello || json.Unmarshal(b[1:], &hello) != nil || hello.Terminal != "t1" || !hello.Writer {
		t.Fatalf("hello %q %v", b, err)
	}
	var out bytes.Buffer
	typed, acked, exit := false, int64(0), -1
	for exit < 0 {
		_, b, err := c.ReadMessage()
		if err != nil {
			t.Fatalf("%v after %q", err, out.String())
		}
		switch b[0] {
		case frameOutput:
			if got := binary.BigEndian.Uint64(b[1:]); got != uint64(out.Len()) {
				t.Fatalf("output at %d after %d", got, out.Len())
			}
			out.Write(b[9:])
		case frameInputAck:
			acked = int64(binary.BigEndian.Uint64(b[1:]))
		case frameExit:
			exit = int(binary.BigEndian.Uint32(b[1:]))
		}
		if strings.Contains(out.String(), "ready") && !typed {
			typed = true
			for _, f := range [][]byte{input(0, "한글\n"), input(0, "한글\n"), {0x7f}, {}, {frameResize, 0, 0, 0, 0}, input(7, "\x04")} {
				if err := c.WriteMessage(websocket.BinaryMessage, f); err != nil {
					t.Fatal(err)
				}
			}
			term.SetExit(7)
		}
	}
	if out.String() != "ready\r\ngot 한글\r\n" || exit != 7 || acked != 8 {
		t.Errorf("%q, exit %d, input taken up to %d", out.String(), exit, acked)
	}
	if len(touched) == 0 {
		t.Error("typing did not count as activity")
	}
}

func TestForeignOriginIsRefused(t *testing.T) {
	h, _ := serve(t, Options{Writer: true}, "cat")
	for _, origin := range []string{"", "http://elsewhere.example", "null", h.URL + ".example"} {
		_, r, err := dial(t, h, origin, "viewer=v")
		if err == nil || r == nil || r.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v", origin, err)
		}
	}
}

func TestEndedSessionCloses(t *testing.T) {
	ended := make(chan struct{})
	h, _ := serve(t, Options{Writer: true, Ended: ended}, "cat")
	c, _, err := dial(t, h, h.URL, "viewer=v")
	if err != nil {
		t.Fatal(err)
	}
	close(ended)
	for err == nil {
		_, _, err = c.ReadMessage()
	}
	if !websocket.IsCloseError(err, CloseEnded) {
		t.Error(err)
	}
}

func TestHugeFrameCloses(t *testing.T) {
	h, _ := serve(t, Options{Writer: true}, "cat")
	c, _, err := dial(t, h, h.URL, "viewer=v")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.WriteMessage(websocket.BinaryMessage, make([]byte, 10<<20))
	for err == nil {
		_, _, err = c.ReadMessage()
	}
	if ne, ok := err.(interface{ Timeout() bool }); ok && ne.Timeout() {
		t.Error("the connection stayed open")
	}
}

func TestWatcherCannotType(t *testing.T) {
	h, _ := serve(t, Options{Writer: false}, "cat")
	c, _, err := dial(t, h, h.URL, "viewer=v")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WriteMessage(websocket.BinaryMessage, input(0, "hello\n")); err != nil {
		t.Fatal(err)
	}
	for {
		_, b, err := c.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if b[0] == frameOutput {
			t.Fatalf("typed: %q", b)
		}
		if b[0] == frameInputAck {
			if n := binary.BigEndian.Uint64(b[1:]); n != 0 {
				t.Errorf("%d bytes were taken", n)
			}
			return
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(input(3, "ls\n"))
	f.Add([]byte{frameResize, 0, 80, 0, 24})
	f.Add([]byte{frameAck, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := decode(b)
		if err == nil && (d.offset < 0 || len(d.data) > len(b)) {
			t.Errorf("%x decodes to %+v", b, d)
		}
	})
}

// TestKeyboardIsAnswered: a page keeps what is typed until it knows whether it
// has the keyboard, and before it has, how much was taken of what it typed.
func TestKeyboardIsAnswered(t *testing.T) {
	var may atomic.Bool
	h, _ := serve(t, Options{Guest: true, May: may.Load}, "stty -echo; cat")
	c, _, err := dial(t, h, h.URL, "viewer=v&offset=-1")
	if err != nil {
		t.Fatal(err)
	}
	next := func(kinds ...byte) []byte {
		t.Helper()
		for {
			_, b, err := c.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(kinds, b[0]) {
				return b
			}
		}
	}
	ask := func() {
		t.Helper()
		if err := c.WriteMessage(websocket.BinaryMessage, []byte{frameKeyboard}); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	if b := next(frameWriter); b[1] != 0 {
		t.Errorf("a guest who may not type has the keyboard: %v", b)
	}
	may.Store(true)
	ask()
	if b := next(frameWriter, frameInputAck); b[0] != frameInputAck || binary.BigEndian.Uint64(b[1:]) != 0 {
		t.Errorf("before the keyboard comes %v", b)
	}
	if b := next(frameWriter); b[1] != 1 {
		t.Errorf("a guest who may type has no keyboard: %v", b)
	}
}
