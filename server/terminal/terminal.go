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
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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
	raw, err := t.master.SyscallConn()
	for {
		if !t.waitWindow() {
			return
		}
		n := 0
		if err == nil {
			n, err = drain(raw, buf)
		}
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

// fullRead is how much a read brings at least where more may wait.
const fullRead = 1 << 10

// drain waits for bytes of the PTY, and takes all that are there: the kernel
// hands out 4 KiB a read at most (N_TTY_BUF_SIZE), and each round through
// viewers and pages costs more than another read.
func drain(raw syscall.RawConn, buf []byte) (n int, err error) {
	closed := raw.Read(func(fd uintptr) bool {
		for n < len(buf) {
			k, e := unix.Read(int(fd), buf[n:])
			switch {
			case k > 0:
				if n += k; k < fullRead {
					return true // an echo, say: there is no more
				}
				continue
			case errors.Is(e, unix.EINTR):
				continue
			case errors.Is(e, unix.EAGAIN):
				return n > 0
			case e == nil:
				e = io.EOF
			}
			err = e
			return true
		}
		return true
	})
	return n, errors.Join(err, closed)
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
