// Package terminal is one PTY stream: a ring with byte offsets, viewers that
// are places in it, and flow control.
//
// The PTY is not read while the viewer with the keyboard has a full window of
// bytes that it has not parsed yet. The program that prints then sleeps in its
// write, nothing piles up anywhere, and Ctrl-C is answered at once. Viewers
// without the keyboard never slow it down: one that falls behind the ring
// continues from what the ring still has.
package terminal

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"
)

// Options of a Terminal. Zero values take the defaults.
type Options struct {
	RingBytes int           // scrollback that a late viewer gets; 1 MiB
	Window    int           // bytes that the keyboard's viewer may be behind; 128 KiB
	Grace     time.Duration // how long a viewer that went away still holds the stream; 20 s
	Cols      uint16        // size that the PTY has now; 80
	Rows      uint16        // 24
}

// Bounds of a size, in characters.
const (
	MaxCols = 1000
	MaxRows = 500
)

// maxInput bounds the bytes that wait for the PTY to take them.
const maxInput = 64 << 10

// maxViewers bounds the viewer ids whose input offset is remembered.
const maxViewers = 64

// Errors of a viewer.
var (
	ErrInputFull = errors.New("the program does not read what is typed")
	ErrInputGap  = errors.New("input is missing between what came before and this")
	ErrWatching  = errors.New("this viewer only watches")
	ErrSize      = errors.New("the size is out of range")
	ErrClosed    = errors.New("the terminal is closed")
)

// Terminal is one PTY and all who look at it.
type Terminal struct {
	o      Options
	master *os.File
	resume chan struct{} // tells the reader that the window may have opened
	done   chan struct{} // closed when the shell has gone and all was read
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	ring     *ring
	viewers  map[*Viewer]struct{}
	keyboard *Viewer
	ghost    int64 // acknowledged offset of a keyboard's viewer that went away
	until    time.Time
	received map[string]int64 // input bytes taken, by viewer id
	order    []string         // of ids, oldest first
	cols     uint16
	rows     uint16
	exited   bool
	exit     chan struct{} // closed when exited
	code     int
	eof      bool

	input  chan []byte
	queued int
}

// exitWithin is how long after the last byte the exit status is waited for.
const exitWithin = time.Second

// New takes over the PTY's master, which must be non-blocking so that the
// runtime polls it: in blocking mode each read costs a thread (pty issue 174).
func New(master *os.File, o Options) *Terminal {
	if o.RingBytes <= 0 {
		o.RingBytes = 1 << 20
	}
	if o.Window <= 0 {
		o.Window = 128 << 10
	}
	if o.Grace <= 0 {
		o.Grace = 20 * time.Second
	}
	if o.Cols == 0 || o.Rows == 0 {
		o.Cols, o.Rows = 80, 24
	}
	t := &Terminal{
		o: o, master: master, ring: newRing(o.RingBytes), cols: o.Cols, rows: o.Rows,
		resume: make(chan struct{}, 1), done: make(chan struct{}), closed: make(chan struct{}), exit: make(chan struct{}),
		viewers: map[*Viewer]struct{}{}, received: map[string]int64{}, input: make(chan []byte, 1024),
	}
	go t.read()
	go t.write()
	return t
}

// read moves what the PTY has into the ring, as far as the window lets it.
func (t *Terminal) read() {
	buf := make([]byte, 32<<10)
	for {
		if !t.waitWindow() {
			return
		}
		n, err := t.master.Read(buf)
		if err != nil {
			t.awaitExit()
		}
		t.mu.Lock()
		t.ring.write(buf[:n])
		if err != nil { // EIO once the last process has closed the other side (tty_ioctl, pty(7))
			t.eof = true
		}
		for v := range t.viewers {
			v.signal()
		}
		t.mu.Unlock()
		if err != nil {
			close(t.done)
			return
		}
	}
}

// waitWindow waits until the PTY may be read. It returns false when the terminal is closed.
func (t *Terminal) waitWindow() bool {
	for {
		t.mu.Lock()
		full, wait := t.full(time.Now())
		t.mu.Unlock()
		if !full {
			return true
		}
		var timer <-chan time.Time
		if wait > 0 {
			timer = time.After(wait)
		}
		select {
		case <-t.resume:
		case <-timer:
		case <-t.closed:
			return false
		}
	}
}

// full says whether the window is full, and for how long at most where only
// one who went away holds it.
func (t *Terminal) full(now time.Time) (bool, time.Duration) {
	if t.keyboard != nil {
		return t.ring.end-t.keyboard.acked >= int64(t.o.Window), 0
	}
	if left := t.until.Sub(now); left > 0 && t.ring.end-t.ghost >= int64(t.o.Window) {
		return true, left
	}
	return false, 0
}

func (t *Terminal) wakeReader() {
	select {
	case t.resume <- struct{}{}:
	default:
	}
}

// write feeds the PTY with what was typed.
func (t *Terminal) write() {
	for {
		select {
		case p := <-t.input:
			_, err := t.master.Write(p)
			t.mu.Lock()
			t.queued -= len(p)
			t.mu.Unlock()
			if err != nil {
				return
			}
		case <-t.closed:
			return
		}
	}
}

// awaitExit waits for the shell's exit status, which comes by another way than
// the end of its output and often a little later. A terminal of which nobody
// tells it ends nevertheless.
func (t *Terminal) awaitExit() {
	select {
	case <-t.exit:
	case <-t.closed:
	case <-time.After(exitWithin):
	}
}

// SetExit records the shell's exit status; viewers get it after the last byte.
func (t *Terminal) SetExit(code int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.exited {
		close(t.exit)
	}
	t.exited, t.code = true, code
	for v := range t.viewers {
		v.signal()
	}
}

// Exited returns the shell's exit status, and whether it has ended.
func (t *Terminal) Exited() (code int, exited bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.code, t.exited || t.eof
}

// Done is closed once the shell is gone and everything it printed is in the ring.
func (t *Terminal) Done() <-chan struct{} { return t.done }

// Size returns columns and rows.
func (t *Terminal) Size() (cols, rows uint16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cols, t.rows
}

// Close hangs the terminal up: the kernel sends SIGHUP to the shell.
func (t *Terminal) Close() error {
	var err error
	t.once.Do(func() {
		close(t.closed)
		err = t.master.Close()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.eof = true
		for v := range t.viewers {
			v.signal()
		}
	})
	return err
}

// ViewerOptions say who attaches.
type ViewerOptions struct {
	ID     string // stays the same across the reconnections of one page
	Offset int64  // first byte wanted; -1: everything that the ring has
	Writer bool   // wants the keyboard; it gets it if nobody else has it, or had it as ID
}

// Viewer is one reader of the stream. Next is for one goroutine; the rest may
// be called from any.
type Viewer struct {
	t    *Terminal
	id   string
	wake chan struct{}

	// Guarded by t.mu.
	next   int64 // the next byte to hand out
	acked  int64 // parsed by the page up to here
	resync bool
	gone   bool
}

// Attach adds a viewer.
func (t *Terminal) Attach(o ViewerOptions) *Viewer {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := &Viewer{t: t, id: o.ID, wake: make(chan struct{}, 1), next: o.Offset}
	if o.Offset < 0 {
		v.next = t.ring.start
	} else if o.Offset < t.ring.start || o.Offset > t.ring.end {
		v.next, v.resync = t.ring.start, true
	}
	v.acked = v.next
	t.viewers[v] = struct{}{}
	// A page that reconnects takes its keyboard back from its own dead connection.
	if o.Writer && (t.keyboard == nil || t.keyboard.id == o.ID) {
		t.setKeyboard(v)
	}
	if _, ok := t.received[o.ID]; !ok {
		if len(t.order) >= maxViewers {
			delete(t.received, t.order[0])
			t.order = t.order[1:]
		}
		t.received[o.ID] = 0
		t.order = append(t.order, o.ID)
	}
	v.signal()
	return v
}

func (t *Terminal) setKeyboard(v *Viewer) {
	old := t.keyboard
	t.keyboard = v
	if old != nil && old != v {
		old.signal()
	}
	t.wakeReader()
}

func (v *Viewer) signal() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// Chunk is a piece of the stream.
type Chunk struct {
	Offset int64 // of its first byte
	Data   []byte
	// Resync: bytes before Offset are lost to this viewer; the page clears its screen.
	Resync bool
}

// Next waits for bytes and copies them into buf. An empty chunk without Resync
// means that something else changed (Writer, Size). It returns io.EOF when the
// shell has ended and everything was handed out, ErrClosed after Close.
func (v *Viewer) Next(ctx context.Context, buf []byte) (Chunk, error) {
	for {
		if c, ok, err := v.take(buf); ok || err != nil {
			return c, err
		}
		select {
		case <-v.wake:
			v.t.mu.Lock()
			idle := v.next == v.t.ring.end && !v.t.eof && !v.gone
			v.t.mu.Unlock()
			if idle {
				return Chunk{Offset: v.next}, nil
			}
		case <-ctx.Done():
			return Chunk{}, ctx.Err()
		}
	}
}

func (v *Viewer) take(buf []byte) (Chunk, bool, error) {
	t := v.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if v.gone {
		return Chunk{}, false, ErrClosed
	}
	if v.next < t.ring.start {
		v.next, v.acked, v.resync = t.ring.start, max(v.acked, t.ring.start), true
	}
	room := v.acked + int64(t.o.Window) - v.next
	n := 0
	if room > 0 {
		n = t.ring.read(buf[:min(int64(len(buf)), room)], v.next)
	}
	if n == 0 && !v.resync {
		if t.eof && v.next == t.ring.end {
			return Chunk{}, false, io.EOF
		}
		return Chunk{}, false, nil
	}
	c := Chunk{Offset: v.next, Data: buf[:n], Resync: v.resync}
	v.next += int64(n)
	v.resync = false
	return c, true, nil
}

// Ack says that the page has parsed all bytes before offset.
func (v *Viewer) Ack(offset int64) {
	t := v.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if offset > v.next || offset <= v.acked {
		return // not sent yet, or old
	}
	v.acked = offset
	v.signal()
	if t.keyboard == v {
		t.wakeReader()
	}
}

// Writer says whether the viewer has the keyboard.
func (v *Viewer) Writer() bool {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	return v.t.keyboard == v
}

// TakeKeyboard gives the keyboard to this viewer.
func (v *Viewer) TakeKeyboard() {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	if !v.gone {
		v.t.setKeyboard(v)
		v.signal()
	}
}

// InputOffset is how many bytes this viewer's id has typed in all.
func (v *Viewer) InputOffset() int64 {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	return v.t.received[v.id]
}

// Input types data, of which offset is the number of the first byte since the
// id first attached. Bytes that came before are dropped, so that a page may
// send again what it is not sure of. It returns the number of the next byte.
func (v *Viewer) Input(offset int64, data []byte) (int64, error) {
	t := v.t
	t.mu.Lock()
	defer t.mu.Unlock()
	have := t.received[v.id]
	switch {
	case t.keyboard != v:
		return have, ErrWatching
	case t.eof:
		return have, io.EOF
	case offset > have || offset < 0:
		return have, ErrInputGap
	case offset+int64(len(data)) <= have:
		return have, nil
	}
	data = data[have-offset:]
	if t.queued+len(data) > maxInput {
		return have, ErrInputFull
	}
	select {
	case t.input <- append([]byte(nil), data...):
	default:
		return have, ErrInputFull
	}
	t.queued += len(data)
	t.received[v.id] = have + int64(len(data))
	return t.received[v.id], nil
}

// Resize sets the PTY's size, if this viewer has the keyboard.
func (v *Viewer) Resize(cols, rows uint16) error {
	if cols < 1 || rows < 1 || cols > MaxCols || rows > MaxRows {
		return ErrSize
	}
	t := v.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keyboard != v {
		return ErrWatching
	}
	if t.eof || (t.cols == cols && t.rows == rows) {
		return nil
	}
	if err := pty.Setsize(t.master, &pty.Winsize{Cols: cols, Rows: rows}); err != nil {
		return err
	}
	t.cols, t.rows = cols, rows
	for other := range t.viewers {
		if other != v {
			other.signal()
		}
	}
	return nil
}

// Close detaches the viewer.
func (v *Viewer) Close() {
	t := v.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if v.gone {
		return
	}
	v.gone = true
	delete(t.viewers, v)
	if t.keyboard == v {
		// It may come back in a moment (a reload, a lost connection): until then the stream waits.
		t.keyboard, t.ghost, t.until = nil, v.acked, time.Now().Add(t.o.Grace)
		t.wakeReader()
	}
	v.signal()
}
