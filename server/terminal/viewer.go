package terminal

import (
	"context"

	"io"
	"time"

	"github.com/creack/pty"
)

// ViewerOptions say who attaches.
type ViewerOptions struct {
	ID     string // stays the same across the reconnections of one page
	Offset int64  // first byte wanted; -1: everything that the ring has
	Writer bool   // wants the keyboard; it gets it if nobody else has it, or had it as ID
	Guest  bool   // may be given the keyboard, and have it taken away; see ReturnKeyboard
}

// Viewer is one reader of the stream. Next is for one goroutine; the rest may
// be called from any.
type Viewer struct {
	t      *Terminal
	id     string
	writer bool // as in its options
	guest  bool
	wake   chan struct{}

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
	v := &Viewer{t: t, id: o.ID, writer: o.Writer, guest: o.Guest, wake: make(chan struct{}, 1), next: o.Offset}
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

// ReturnKeyboard takes the keyboard away from a guest, and gives it to a viewer
// who wanted it from the beginning, where there is one.
func (t *Terminal) ReturnKeyboard() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keyboard == nil || !t.keyboard.guest {
		return
	}
	var next *Viewer
	for v := range t.viewers {
		if v.writer && !v.guest && (next == nil || v.acked > next.acked) {
			next = v
		}
	}
	guest := t.keyboard
	t.keyboard = nil // also where nobody takes it: what is not read by a guest holds nobody up
	guest.signal()
	if next != nil {
		t.setKeyboard(next)
		next.signal()
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
