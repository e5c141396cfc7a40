package classroom

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/session"

	"github.com/netground/netground/server/terminal"
)

func TestCast(t *testing.T) {
	var b bytes.Buffer
	at := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	c, err := newCast(&b, 1<<20, at, 80, 24, "one A")
	if err != nil {
		t.Fatal(err)
	}
	han := []byte("한")
	for _, step := range []error{
		c.output(at.Add(1500*time.Microsecond), []byte("a\x1b[1m")),
		c.output(at.Add(2*time.Second), han[:2]), // cut in the middle
		c.output(at.Add(3*time.Second), han[2:]),
		c.resize(at.Add(3*time.Second), 100, 30),
		c.mark(at.Add(4*time.Second), "first"),
		c.output(at.Add(5*time.Second), []byte{0xff, 'x'}),
		c.exit(at.Add(5*time.Second), 3),
		c.w.Flush(),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	want := `{"version":3,"term":{"cols":80,"rows":24,"type":"xterm-256color"},"timestamp":1777885200,"title":"one A"}
[0.001,"o","a\u001b[1m"]
[2.999,"o","한"]
[0.000,"r","100x30"]
[1.000,"m","first"]
[1.000,"o","\ufffdx"]
[0.000,"x","3"]
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestCastIsBounded(t *testing.T) {
	var b bytes.Buffer
	c, err := newCast(&b, 4096, time.Now(), 80, 24, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if err := c.output(time.Now(), bytes.Repeat([]byte("y\n"), 500)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.w.Flush(); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 4096 || b.Len() != int(c.bytes) || !c.truncated {
		t.Errorf("%d bytes, %v", b.Len(), c.truncated)
	}
	for line := range strings.Lines(b.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("half a line: %.40q", line)
		}
	}
}

// pipe is a terminal whose shell is the test, by the other side of its PTY.
func pipe(t *testing.T) (*terminal.Terminal, *os.File) {
	t.Helper()
	r, w, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	tty, err := terminal.New(r, terminal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = tty.Close()
		_ = w.Close()
	})
	return tty, w
}

// eventually waits for something, however busy the machine is.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// printed returns what the terminal of a cast printed, however it came.
func printed(t *testing.T, cast string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(cast) {
		var event []any
		if !strings.HasSuffix(line, "\n") || !strings.HasPrefix(line, "[") {
			continue // the header, or a line that is still being written
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if len(event) == 3 && event[1] == "o" {
			b.WriteString(event[2].(string))
		}
	}
	return b.String()
}

func TestRecording(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	anna.begin()
	tty, shell := pipe(t)
	info := session.Terminal{ID: "t1", Host: "A"}
	w.s.Terminal(anna.session, info, tty)
	if list, err := w.s.Recordings(t.Context(), w.class); err != nil || len(list) != 0 {
		t.Fatalf("recorded without being allowed: %+v, %v", list, err)
	}
	w.must(w.s.Update(t.Context(), w.class, Settings{Name: "N", Labs: []string{"one"}, Recording: true}))
	w.s.State(anna.session, &observe.State{Version: 6, Nodes: map[string]*observe.Node{}})
	w.s.Terminal(anna.session, info, tty)
	recordings := func() []Recording {
		list, err := w.s.Recordings(t.Context(), w.class)
		w.must(err)
		return list
	}
	eventually(t, "the recording begins", func() bool { return len(recordings()) == 1 })
	w.clock.pass(time.Second)
	w.s.State(anna.session, &observe.State{Version: 7, Nodes: map[string]*observe.Node{}})
	_, err := io.WriteString(shell, "hello\n") // the PTY makes "\r\n" of it
	w.must(err)
	file := filepath.Join(w.dir, w.class, recordings()[0].ID+".cast")
	read := func() string {
		b, err := os.ReadFile(file)
		w.must(err)
		return string(b)
	}
	// Not in one event: the line discipline hands on the end of a line by itself.
	eventually(t, "the output is recorded", func() bool { return printed(t, read()) == "hello\r\n" })
	w.s.Step(anna.session, session.StepFact{ID: "first", Holding: []string{"link#1", "link#2"}})
	anna.passes("first", "second")
	eventually(t, "the marks are stored", func() bool { return len(recordings()[0].Marks) == 3 })
	tty.SetExit(0)
	w.must(shell.Close())
	eventually(t, "the recording ends", func() bool { return !recordings()[0].Live })
	for i, want := range []string{"first: link#1", "first: link#2", "first"} {
		if got := recordings()[0].Marks[i].Label; got != want || !strings.Contains(read(), `"m","`+want+`"]`) {
			t.Errorf("mark %d is %q", i, got)
		}
	}
	if text := read(); !strings.Contains(text, `"m","first"]`) || !strings.HasSuffix(text, `"x","0"]`+"\n") {
		t.Errorf("got %s", text)
	}
	eventually(t, "the network is recorded", func() bool {
		states, err := w.s.States(t.Context(), w.class, recordings()[0].ID)
		w.must(err)
		// With the one that was there when it began, and had not changed since.
		return len(states) == 2 && strings.Contains(string(states[0].State), `"version":6`) && strings.Contains(string(states[1].State), `"version":7`)
	})
	w.must(w.s.Remove(t.Context(), w.class, anna.member))
	if left, err := filepath.Glob(filepath.Join(w.dir, w.class, "*")); err != nil || len(left) != 0 || len(recordings()) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
