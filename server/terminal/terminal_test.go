package terminal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// start runs a command on a real PTY.
func start(t *testing.T, o Options, name string, args ...string) *Terminal {
	t.Helper()
	cmd := exec.Command(name, args...)
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(int(master.Fd()), true); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(master.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	_ = master.Close()
	term, err := New(os.NewFile(uintptr(fd), "ptmx"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = term.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return term
}

// readUntil reads, acknowledging all, until the text has come.
func readUntil(t *testing.T, v *Viewer, want string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all bytes.Buffer
	buf := make([]byte, 64<<10)
	for !strings.Contains(all.String(), want) {
		c, err := v.Next(ctx, buf)
		if err != nil {
			t.Fatalf("%v; wanted %q, got %q", err, want, tail(all.String()))
		}
		all.Write(c.Data)
		v.Ack(c.Offset + int64(len(c.Data)))
	}
	return all.String()
}

func tail(s string) string { return s[max(0, len(s)-300):] }

func TestRing(t *testing.T) {
	r := ring{buf: make([]byte, 64<<10)}
	var all []byte
	for range 400 {
		p := make([]byte, rand.IntN(3000))
		r.reserve(len(p))
		for i := range p {
			p[i] = byte(rand.IntN(256))
			r.buf[(r.end+int64(i))%int64(len(r.buf))] = p[i]
		}
		r.commit(len(p))
		all = append(all, p...)
		if r.end != int64(len(all)) || r.start != max(0, r.end-int64(len(r.buf))) {
			t.Fatalf("start %d end %d of %d", r.start, r.end, len(all))
		}
		off := r.start + rand.Int64N(r.end-r.start+1)
		got := make([]byte, 5000)
		n := r.read(got, off)
		if !bytes.Equal(got[:n], all[off:off+int64(n)]) {
			t.Fatalf("other bytes at %d", off)
		}
	}
	r.reserve(len(r.buf))
	if r.start != r.end {
		t.Errorf("%d bytes are kept of a ring that is being overwritten", r.end-r.start)
	}
}

func TestEcho(t *testing.T) {
	term := start(t, Options{}, "cat")
	v := term.Attach(ViewerOptions{ID: "a", Offset: -1, Writer: true})
	defer v.Close()
	if _, err := v.Input(0, []byte("안녕하세요\n")); err != nil {
		t.Fatal(err)
	}
	readUntil(t, v, "안녕하세요\r\n안녕하세요\r\n")
}

// However often the connection drops, and whatever is sent again, each byte
// arrives once and in order, both ways.
func TestExactlyOnce(t *testing.T) {
	term := start(t, Options{Window: 8 << 10}, "sh", "-c", "stty -echo -icanon; echo ready; exec cat")
	v := term.Attach(ViewerOptions{ID: "page", Offset: -1, Writer: true})
	readUntil(t, v, "ready\r\n")
	var typed, got bytes.Buffer
	for i := range 4000 {
		fmt.Fprintf(&typed, "%d ", i)
	}
	typed.WriteString("end\n")
	offset := v.InputOffset()
	seen := int64(len("ready\r\n"))
	buf := make([]byte, 4096)
	deadline := time.Now().Add(30 * time.Second)
	for !strings.Contains(got.String(), "end\r\n") { // "end" may come alone
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d bytes", got.Len(), typed.Len())
		}
		if rand.IntN(4) == 0 { // the connection is lost, and the page comes back
			v.Close()
			v = term.Attach(ViewerOptions{ID: "page", Offset: seen, Writer: true})
			offset = v.InputOffset() - int64(rand.IntN(50)) // unsure of the last bytes
			offset = max(offset, 0)
		}
		end := min(offset+int64(rand.IntN(200)), int64(typed.Len()))
		next, err := v.Input(offset, typed.Bytes()[offset:end])
		if err != nil && !errors.Is(err, ErrInputFull) {
			t.Fatal(err)
		}
		offset = next
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		c, err := v.Next(ctx, buf)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if c.Resync || (len(c.Data) > 0 && c.Offset != seen) {
			t.Fatalf("chunk at %d (resync %v) after %d", c.Offset, c.Resync, seen)
		}
		got.Write(c.Data)
		seen += int64(len(c.Data))
		if rand.IntN(2) == 0 {
			v.Ack(seen)
		}
	}
	v.Close()
	if want := strings.ReplaceAll(typed.String(), "\n", "\r\n"); got.String() != want {
		t.Errorf("the stream differs: %d bytes for %d", got.Len(), len(want))
	}
}

// A viewer that stops parsing stops the program, and not the memory.
func TestWindow(t *testing.T) {
	const window = 64 << 10
	term := start(t, Options{Window: window}, "sh", "-c", "trap 'echo; echo stopped; exit' INT; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
	v := term.Attach(ViewerOptions{ID: "a", Offset: -1, Writer: true})
	defer v.Close()
	buf := make([]byte, 64<<10)
	var sent int64
	for sent < window {
		c, err := v.Next(t.Context(), buf)
		if err != nil {
			t.Fatal(err)
		}
		sent += int64(len(c.Data))
	}
	if sent != window {
		t.Fatalf("%d bytes were handed out of a window of %d", sent, window)
	}
	if _, err := v.Input(0, []byte{3}); err != nil {
		t.Fatal(err)
	}
	v.Ack(sent)
	rest := readUntil(t, v, "stopped\r\n")
	// In flight were the window, one read, and what the kernel's buffers hold.
	if len(rest) > 2*window+128<<10 {
		t.Errorf("%d bytes came between Ctrl-C and its answer", len(rest))
	}
}

func TestWatcherIsResynced(t *testing.T) {
	term := start(t, Options{RingBytes: 32 << 10, Window: 16 << 10}, "sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo finished; cat")
	slow := term.Attach(ViewerOptions{ID: "slow", Offset: 0})
	defer slow.Close()
	if slow.Writer() {
		t.Error("a watcher has the keyboard")
	}
	v := term.Attach(ViewerOptions{ID: "a", Offset: -1, Writer: true})
	defer v.Close()
	readUntil(t, v, "finished\r\n")
	c, err := slow.Next(t.Context(), make([]byte, 64<<10))
	if err != nil || !c.Resync || c.Offset == 0 {
		t.Errorf("chunk at %d, resync %v, %v", c.Offset, c.Resync, err)
	}
	if _, err := slow.Input(0, []byte("x")); !errors.Is(err, ErrWatching) {
		t.Errorf("a watcher types: %v", err)
	}
	slow.TakeKeyboard()
	if !slow.Writer() || v.Writer() {
		t.Error("the keyboard was not handed over")
	}
}

func TestGraceHoldsTheStream(t *testing.T) {
	const window = 16 << 10
	term := start(t, Options{RingBytes: 64 << 10, Window: window, Grace: time.Hour}, "sh", "-c", "yes | head -c 1000000; echo; echo finished")
	v := term.Attach(ViewerOptions{ID: "a", Offset: -1, Writer: true})
	c, err := v.Next(t.Context(), make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	v.Close() // a reload
	v = term.Attach(ViewerOptions{ID: "a", Offset: c.Offset + int64(len(c.Data)), Writer: true})
	defer v.Close()
	rest := readUntil(t, v, "finished\r\n")
	if n := strings.Count(string(c.Data)+rest, "y"); n != 500000 {
		t.Errorf("%d of 500000 lines", n)
	}
}

func TestResize(t *testing.T) {
	term := start(t, Options{}, "sh", "-c", "read x; stty size; cat")
	v := term.Attach(ViewerOptions{ID: "a", Offset: -1, Writer: true})
	defer v.Close()
	for _, s := range [][2]uint16{{0, 0}, {65535, 65535}, {0, 10}, {10, 0}, {1001, 1}, {1, 501}} {
		if err := v.Resize(s[0], s[1]); !errors.Is(err, ErrSize) {
			t.Errorf("%v: %v", s, err)
		}
	}
	if err := v.Resize(132, 43); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Input(0, []byte("\n")); err != nil {
		t.Fatal(err)
	}
	readUntil(t, v, "43 132")
}

func TestExit(t *testing.T) {
	term := start(t, Options{}, "sh", "-c", "echo bye; exit 3")
	v := term.Attach(ViewerOptions{ID: "a", Offset: -1, Writer: true})
	defer v.Close()
	readUntil(t, v, "bye\r\n")
	term.SetExit(3)
	for {
		c, err := v.Next(t.Context(), make([]byte, 100))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(c.Data) > 0 {
			t.Fatalf("%q %v", c.Data, err)
		}
	}
	if code, exited := term.Exited(); !exited || code != 3 {
		t.Errorf("exit %d %v", code, exited)
	}
}

// Input for a program that does not read is refused at some point, not kept.
func TestInputIsBounded(t *testing.T) {
	term := start(t, Options{}, "sh", "-c", "stty -echo -icanon; echo ready; exec sleep 1000")
	v := term.Attach(ViewerOptions{ID: "a", Offset: -1, Writer: true})
	defer v.Close()
	readUntil(t, v, "ready")
	var offset int64
	for range 1000 {
		next, err := v.Input(offset, bytes.Repeat([]byte("x"), 1000))
		if errors.Is(err, ErrInputFull) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		offset = next
	}
	t.Errorf("%d bytes were taken", offset)
}

// TestGuestGoes has a guest go away with the keyboard, as who closes a tab does:
// it goes back at once to the page that lent it, and not to another one of the
// learner's, though that has read more.
func TestGuestGoes(t *testing.T) {
	tty := start(t, Options{}, "cat")
	own := tty.Attach(ViewerOptions{ID: "own", Offset: -1, Writer: true})
	other := tty.Attach(ViewerOptions{ID: "other", Offset: -1, Writer: true})
	if _, err := own.Input(0, []byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for seen < len("hello\r\nhello\r\n") {
		c, err := other.Next(t.Context(), make([]byte, 64))
		if err != nil {
			t.Fatal(err)
		}
		seen += len(c.Data)
		other.Ack(c.Offset + int64(len(c.Data)))
	}
	for range 2 {
		guest := tty.Attach(ViewerOptions{ID: "guest", Offset: -1, Guest: true})
		guest.TakeKeyboard()
		if own.Writer() || !guest.Writer() {
			t.Fatal("the guest has no keyboard")
		}
		guest.Close()
		if !own.Writer() || other.Writer() {
			t.Fatal("the keyboard did not go back when the guest went")
		}
	}
	// Two guests, one after the other: the second one had it from the first.
	first, second := tty.Attach(ViewerOptions{ID: "first", Offset: -1, Guest: true}), tty.Attach(ViewerOptions{ID: "second", Offset: -1, Guest: true})
	first.TakeKeyboard()
	second.TakeKeyboard()
	first.Close()
	if !second.Writer() {
		t.Error("the second guest has lost it to the first one's end")
	}
	second.Close()
	if !own.Writer() {
		t.Error("the keyboard did not go back from the second guest")
	}
	// Who lent it has gone meanwhile: another page of the learner's has it then.
	guest := tty.Attach(ViewerOptions{ID: "guest", Offset: -1, Guest: true})
	guest.TakeKeyboard()
	own.Close()
	guest.Close()
	if !other.Writer() {
		t.Error("nobody has the keyboard")
	}
}

// TestReturnKeyboard lends the keyboard to a guest, and takes it back.
func TestReturnKeyboard(t *testing.T) {
	tty := start(t, Options{}, "cat")
	own := tty.Attach(ViewerOptions{ID: "own", Offset: -1, Writer: true})
	guest := tty.Attach(ViewerOptions{ID: "guest", Offset: -1, Guest: true})
	watcher := tty.Attach(ViewerOptions{ID: "watcher", Offset: -1})
	tty.ReturnKeyboard()
	if !own.Writer() {
		t.Fatal("the learner has lost the keyboard to nobody")
	}
	guest.TakeKeyboard()
	if own.Writer() || !guest.Writer() {
		t.Fatal("the guest has no keyboard")
	}
	tty.ReturnKeyboard()
	if !own.Writer() || guest.Writer() || watcher.Writer() {
		t.Error("the keyboard did not go back")
	}
	if _, err := guest.Input(0, []byte("x")); !errors.Is(err, ErrWatching) {
		t.Errorf("the guest types: %v", err)
	}
	guest.TakeKeyboard()
	own.Close() // the learner has gone: nobody has it then, and who comes back does
	tty.ReturnKeyboard()
	if guest.Writer() || watcher.Writer() {
		t.Error("somebody else has it")
	}
	if back := tty.Attach(ViewerOptions{ID: "own", Offset: -1, Writer: true}); !back.Writer() {
		t.Error("the learner came back without a keyboard")
	}
}
