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
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Options of a Terminal. Zero values take the defaults.
type Options struct {
	// Kept are files that Keep has made; nil makes files that end with the terminal.
	Kept      []*os.File
	RingBytes int           // scrollback that a late viewer gets, where Kept is nil; 1 MiB
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

const (
	// maxViewers bounds the viewer ids whose input offset is remembered.
	maxViewers  = 64
	defaultRing = 1 << 20
	// readMost is what is read at once before viewers are told.
	readMost = 32 << 10
	// adoptGrace is how long a terminal that was taken over waits for the viewer
	// that had its keyboard: a page tries to come back every 20 s at least.
	adoptGrace = 30 * time.Second
)

// Errors of a viewer.
var (
	ErrInputFull = errors.New("the program does not read what is typed")
	ErrInputGap  = errors.New("input is missing between what came before and this")
	ErrWatching  = errors.New("this viewer only watches")
	ErrSize      = errors.New("the size is out of range")
	ErrClosed    = errors.New("the terminal is closed")
)

// known is a viewer id and how many bytes were taken from it.
type known struct {
	id       string
	received int64
	age      int64
}

// Terminal is one PTY and all who look at it.
type Terminal struct {
	o      Options
	master *os.File
	raw    syscall.RawConn
	memory *memory       // nil once everybody has left a closed terminal
	push   chan struct{} // tells the writer that typed bytes wait
	resume chan struct{} // tells the reader that the window may have opened
	done   chan struct{} // closed when the shell has gone and all was read
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	ring     ring
	viewers  map[*Viewer]struct{}
	keyboard *Viewer
	ghost    int64 // acknowledged offset of a keyboard's viewer that went away
	until    time.Time
	lender   string // the id of the viewer from which a guest took the keyboard
	heir     string // until then, the one viewer that gets the keyboard without asking
	slots    [maxViewers]known
	lastAge  int64
	cols     uint16
	rows     uint16
	exited   bool
	exit     chan struct{} // closed when exited
	code     int
	eof      bool
	queued   int // typed bytes in the pipe
	users    int // goroutines that use the memory
	left     bool
}

// exitWithin is how long after the last byte the exit status is waited for.
const exitWithin = time.Second

// New takes over the PTY's master, which must be non-blocking so that the
// runtime polls it: in blocking mode each read costs a thread (pty issue 174).
// On an error the files are closed.
func New(master *os.File, o Options) (*Terminal, error) {
	if o.Kept == nil {
		var err error
		if o.Kept, err = Keep(o.RingBytes); err != nil {
			master.Close()
			return nil, err
		}
	}
	t, err := open(master, o)
	if err != nil {
		return nil, fmt.Errorf("cannot begin a terminal: %w", err)
	}
	t.memory.begin()
	t.run()
	return t, nil
}

// Adopt takes over a terminal, of which an earlier server has left the files,
// at the byte where that was ended.
func Adopt(master *os.File, o Options) (*Terminal, error) {
	t, err := open(master, o)
	if err != nil {
		return nil, fmt.Errorf("cannot take over a terminal: %w", err)
	}
	left, err := t.memory.recover()
	if err == nil {
		err = t.memory.ensure(left.end)
	}
	if err != nil {
		master.Close()
		t.memory.close()
		return nil, fmt.Errorf("cannot take over a terminal: %w", err)
	}
	t.ring.end = left.end
	t.ring.reserve(0)
	t.queued, t.slots = left.queued, left.slots
	for _, s := range left.slots {
		t.lastAge = max(t.lastAge, s.age)
	}
	if left.holder != "" {
		t.heir, t.ghost, t.until = left.holder, left.acked, time.Now().Add(adoptGrace)
	}
	if size, err := pty.GetsizeFull(master); err == nil && size.Cols > 0 && size.Rows > 0 {
		t.cols, t.rows = size.Cols, size.Rows
	}
	if t.queued > 0 {
		t.wakeWriter()
	}
	t.run()
	return t, nil
}

// open is the common beginning; the terminal does not move yet.
func open(master *os.File, o Options) (*Terminal, error) {
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
		o: o, master: master, cols: o.Cols, rows: o.Rows, push: make(chan struct{}, 1),
		resume: make(chan struct{}, 1), done: make(chan struct{}), closed: make(chan struct{}), exit: make(chan struct{}),
		viewers: map[*Viewer]struct{}{},
	}
	memory, err := openMemory(o.Kept)
	if err != nil {
		master.Close()
		return nil, err
	}
	t.memory, t.ring.buf = memory, memory.ring
	if t.raw, err = master.SyscallConn(); err == nil {
		failed := t.raw.Control(func(fd uintptr) { err = unix.IoctlSetPointerInt(int(fd), unix.TIOCPKT, 1) })
		err = errors.Join(err, failed)
	}
	if err != nil {
		memory.close()
		master.Close()
		return nil, err
	}
	return t, nil
}

func (t *Terminal) run() {
	t.users = 2
	go t.read()
	go t.write()
}

// leave is called by a goroutine that uses the memory no more.
func (t *Terminal) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users--
	t.free()
}

// free gives the memory back once nobody uses it. It is called with the lock.
func (t *Terminal) free() {
	if t.left && t.users == 0 && len(t.viewers) == 0 && t.memory != nil {
		t.ring = ring{start: t.ring.end, end: t.ring.end}
		t.memory.close()
		t.memory = nil
	}
}

// read moves what the PTY has into the ring, as far as the window lets it.
func (t *Terminal) read() {
	defer t.leave()
	for {
		if !t.waitWindow() {
			return
		}
		err := t.drain()
		if err != nil {
			t.awaitExit()
		}
		t.mu.Lock()
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

const noMemoryPause = 50 * time.Millisecond

// drain waits for bytes of the PTY, and takes all that are there: the kernel
// hands out 4 KiB a read at most (N_TTY_BUF_SIZE), and each round through
// viewers and pages costs more than another read.
func (t *Terminal) drain() error {
	var err error
	end, n, size := t.ring.end, 0, len(t.ring.buf) // this goroutine alone changes them
	closed := t.raw.Read(func(fd uintptr) bool {
		for n < readMost {
			has, e := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
			if e != nil || has <= 0 {
				if n > 0 {
					return true
				}
				has = 1 // what may come in this moment; and it tells the end
			}
			if n == 0 { // viewers copy from what is overwritten now no more
				t.mu.Lock()
				t.ring.reserve(min(readMost, size/2))
				t.mu.Unlock()
			}
			k, e := t.memory.read(fd, end+int64(n), min(has, readMost-n, size/2-n))
			switch {
			case k > 0:
				if n += k; k < fullRead || n >= size/2 {
					return true // an echo, say: there is no more
				}
				continue
			case e == nil || errors.Is(e, unix.EINTR): // a status of packet mode
				continue
			case errors.Is(e, unix.EAGAIN):
				return n > 0
			case errors.Is(e, unix.ENOMEM), errors.Is(e, unix.EFAULT):
				time.Sleep(noMemoryPause) // the machine is out of memory: what prints sleeps
				continue
			}
			err = e
			return true
		}
		return true
	})
	t.mu.Lock()
	t.ring.commit(n)
	t.mu.Unlock()
	return errors.Join(err, closed)
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

func (t *Terminal) wakeWriter() {
	select {
	case t.push <- struct{}{}:
	default:
	}
}

// write feeds the PTY with typed bytes that it did not take at once.
func (t *Terminal) write() {
	defer t.leave()
	for {
		select {
		case <-t.push:
			var err error
			closed := t.raw.Write(func(fd uintptr) bool {
				t.mu.Lock()
				defer t.mu.Unlock()
				var full bool
				full, err = t.feed(int(fd))
				return !full
			})
			if err != nil || closed != nil {
				return
			}
		case <-t.closed:
			return
		}
	}
}

// feed gives the PTY the typed bytes that wait, and says whether it is full. It
// is called with the lock.
func (t *Terminal) feed(master int) (full bool, err error) {
	for t.queued > 0 {
		n, err := t.memory.splice(master, t.queued)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return true, nil
		case err != nil:
			return false, err
		case n == 0:
			t.queued = 0 // cannot be: it is what went in
		}
		t.queued -= n
	}
	return false, nil
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

// Close leaves the terminal. Unless somebody else holds its master, that hangs
// it up: the kernel sends SIGHUP to the shell.
func (t *Terminal) Close() error {
	var err error
	t.once.Do(func() {
		close(t.closed)
		err = t.master.Close()
		t.mu.Lock()
		defer t.mu.Unlock()
		defer t.free()
		t.eof, t.left = true, true
		for v := range t.viewers {
			v.signal()
		}
	})
	return err
}
