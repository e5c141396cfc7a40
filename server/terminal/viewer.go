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
	slot   int
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
	v.slot = t.slotOf(v.id)
	// A page that reconnects takes its keyboard back from its own dead connection,
	// and from nobody after a restart of the server, where another may be faster.
	free := t.keyboard == nil && (t.heir == "" || t.heir == v.id || time.Now().After(t.until))
	if o.Writer && (free || t.keyboard != nil && t.keyboard.id == v.id) {
		t.setKeyboard(v)
	}
	v.signal()
	return v
}

// slotOf returns the slot of a viewer id, which forgets the oldest if there is
// none yet. It is called with the lock.
func (t *Terminal) slotOf(id string) int {
	oldest := 0
	for i := range t.slots {
		if t.slots[i].id == id {
			return i
		}
		if t.slots[i].age < t.slots[oldest].age {
			oldest = i
		}
	}
	t.lastAge++
	t.slots[oldest] = known{id: id, age: t.lastAge}
	if t.memory != nil {
		s := &t.memory.head.slots[oldest]
		s.length.Store(0)
		s.received.Store(0)
		s.age.Store(t.lastAge)
		n := copy(s.id[:], id)
		s.length.Store(int64(n))
	}
	return oldest
}

// received returns how many bytes were taken from the viewer's id. It is
// called with the lock.
func (v *Viewer) received() int64 {
	if s := &v.t.slots[v.slot]; s.id == v.id {
		return s.received
	}
	return 0 // forgotten: there were many others since
}

func (t *Terminal) setKeyboard(v *Viewer) {
	old := t.keyboard
	t.keyboard, t.heir = v, ""
	if v.guest && old != nil && !old.guest {
		t.lender = old.id
	}
	if t.memory != nil {
		t.memory.head.acked.Store(v.acked)
		holder := int64(v.slot) + 1
		if v.guest {
			holder = 0 // after a restart a guest asks again, and the learner's page does not wait
		}
		t.memory.head.holder.Store(holder)
	}
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
	if t.keyboard != nil && t.keyboard.guest {
		t.takeBack()
	}
}

// takeBack takes the keyboard from a guest and gives it to whoever lent it, or
// else to the page that is the furthest. It is called with the lock.
func (t *Terminal) takeBack() {
	var next *Viewer
	for v := range t.viewers {
		if !v.writer || v.guest {
			continue
		}
		lent := v.id == t.lender
		if next == nil || lent && next.id != t.lender || lent == (next.id == t.lender) && v.acked > next.acked {
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
		if t.memory != nil {
			t.memory.head.acked.Store(offset)
		}
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
	return v.received()
}

// Input types data, of which offset is the number of the first byte since the
// id first attached. Bytes that came before are dropped, so that a page may
// send again what it is not sure of. It returns the number of the next byte.
func (v *Viewer) Input(offset int64, data []byte) (int64, error) {
	t := v.t
	t.mu.Lock()
	defer t.mu.Unlock()
	have := v.received()
	switch {
	case t.keyboard != v:
		return have, ErrWatching
	case t.eof || t.memory == nil:
		return have, io.EOF
	case offset > have || offset < 0:
		return have, ErrInputGap
	case offset+int64(len(data)) <= have:
		return have, nil
	}
	data = data[have-offset:]
	v.slot = t.slotOf(v.id)
	// What is taken is in the pipe, where it outlives this program.
	taken := 0
	if t.queued+len(data) <= maxInput {
		taken = t.memory.put(v.slot, have, t.queued, data)
	}
	t.slots[v.slot].received = have + int64(taken)
	t.queued += taken
	full, err := true, error(nil)
	closed := t.raw.Control(func(fd uintptr) { full, err = t.feed(int(fd)) })
	if full && closed == nil && err == nil {
		t.wakeWriter()
	}
	if taken < len(data) {
		return have + int64(taken), ErrInputFull
	}
	return have + int64(taken), nil
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
	defer t.free()
	if t.keyboard == v && v.guest {
		t.takeBack() // who watched has gone, and the learner's page goes on at once
	} else if t.keyboard == v {
		// It may come back in a moment (a reload, a lost connection): until then the stream waits.
		t.keyboard, t.ghost, t.until = nil, v.acked, time.Now().Add(t.o.Grace)
		t.wakeReader()
	}
	v.signal()
}
