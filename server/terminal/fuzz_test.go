package terminal

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// FuzzViewer drives a terminal with what pages may send in any order: whatever
// they say, each viewer gets the stream in order, and input is taken once.
func FuzzViewer(f *testing.F) {
	f.Add([]byte("ab"), []byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte("hello\r\nworld"), []byte{0, 0, 0, 255, 1, 16, 2, 200, 3, 3, 4, 0, 6, 6, 0, 5, 1, 1, 2, 9})
	f.Add(make([]byte, 9000), []byte{6, 6, 6, 0, 6, 2, 255, 6, 2, 1, 6, 7, 0, 128})
	f.Fuzz(func(t *testing.T, out, moves []byte) {
		if len(out) > 1<<15 || len(moves) > 256 {
			return
		}
		master, slave, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer slave.Close()
		raw(t, slave)
		program, err := unix.FcntlInt(slave.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(program)
		if err := unix.SetNonblock(program, true); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		master.Close()
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
		term, err := New(os.NewFile(uintptr(fd), "ptmx"), Options{RingBytes: 4096, Window: 1024})
		if err != nil {
			t.Fatal(err)
		}
		defer term.Close()
		drive(t, term, program, out, moves)
	})
}

// raw has the terminal change no byte and echo none.
func raw(t *testing.T, f *os.File) {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	m.Lflag, m.Oflag, m.Iflag = 0, 0, 0
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, m); err != nil {
		t.Fatal(err)
	}
}

func drive(t *testing.T, term *Terminal, program int, out, moves []byte) {
	type seen struct {
		*Viewer
		next int64
	}
	var viewers []*seen
	defer func() {
		for _, v := range viewers {
			v.Close()
		}
	}()
	ended, cancel := context.WithCancel(context.Background())
	cancel() // nobody waits: what is there is taken
	taken := map[string]int64{}
	for i, m := range moves {
		arg := int64(0)
		if i+1 < len(moves) {
			arg = int64(moves[i+1]) * int64(moves[i+1]) // up to 65,025
		}
		id := string(rune('a' + m%3))
		if m%8 == 0 || len(viewers) == 0 {
			if len(viewers) < 8 {
				v := term.Attach(ViewerOptions{ID: id, Offset: arg - 100, Writer: m&8 != 0})
				viewers = append(viewers, &seen{v, -1})
			}
			continue
		}
		v := viewers[int(arg)%len(viewers)]
		switch m % 8 {
		case 1:
			n := min(len(out), int(arg))
			if n > 0 {
				// The PTY holds a few thousand bytes that nobody reads, and would have the program sleep then.
				if _, err := unix.Write(program, out[:min(n, 512)]); err != nil && !errors.Is(err, unix.EAGAIN) {
					t.Fatal(err)
				}
			}
		case 2:
			v.Ack(arg)
		case 3:
			have := v.InputOffset()
			next, err := v.Input(arg, out[:min(len(out), int(m))])
			if err == nil && (next < have || next > have+int64(m)) || err != nil && next != have {
				t.Fatalf("input at %d: from %d to %d, %v", arg, have, next, err)
			}
			if next < taken[v.id] {
				t.Fatalf("the input of %s goes back from %d to %d", v.id, taken[v.id], next)
			}
			taken[v.id] = next
		case 4:
			if err := v.Resize(uint16(arg), uint16(m)<<4); err != nil && !errors.Is(err, ErrSize) && !errors.Is(err, ErrWatching) {
				t.Fatal(err)
			}
		case 5:
			v.TakeKeyboard()
			if !v.Writer() {
				t.Fatal("who takes the keyboard has it not")
			}
		default:
			c, err := v.Viewer.Next(ended, make([]byte, 1+int(m)*8))
			if err != nil {
				continue
			}
			if v.next >= 0 && c.Offset != v.next && !c.Resync || c.Offset < v.next {
				t.Fatalf("after %d comes %d, %v", v.next, c.Offset, c.Resync)
			}
			v.next = c.Offset + int64(len(c.Data))
		}
	}
	if cols, rows := term.Size(); cols < 1 || rows < 1 || cols > MaxCols || rows > MaxRows {
		t.Fatalf("its size is %d × %d", cols, rows)
	}
}
