package terminal

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// twice opens the same memory as two servers one after the other would.
func twice(t *testing.T) (first, second *memory) {
	t.Helper()
	kept, err := Keep(64 << 10)
	if err != nil {
		t.Fatal(err)
	}
	var copies []*os.File
	for _, f := range kept {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, os.NewFile(uintptr(fd), "copy"))
	}
	if first, err = openMemory(kept); err != nil {
		t.Fatal(err)
	}
	if second, err = openMemory(copies); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		first.close()
		second.close()
	})
	first.begin()
	s := &first.head.slots[3]
	copy(s.id[:], "page")
	s.age.Store(7)
	s.length.Store(4)
	s.received.Store(100)
	first.head.end.Store(5000)
	first.head.holder.Store(4)
	first.head.acked.Store(4000)
	return first, second
}

// The server is killed between two instructions, at each place where that matters.
func TestRecover(t *testing.T) {
	for name, c := range map[string]struct {
		left          func(*memory)
		end, received int64
		queued        int
	}{
		"nothing goes on":     {func(*memory) {}, 5000, 100, 0},
		"typed bytes wait":    {func(m *memory) { m.put(3, 100, 0, []byte("abc")) }, 5000, 103, 3},
		"a read has not come": {func(m *memory) { m.head.status[0] = unread; m.head.from.Store(5000); m.head.want.Store(40) }, 5000, 100, 0},
		"a read has come":     {func(m *memory) { m.head.from.Store(5000); m.head.want.Store(40) }, 5040, 100, 0},
		"a read is counted":   {func(m *memory) { m.head.from.Store(5000); m.head.want.Store(40); m.head.end.Store(5040) }, 5040, 100, 0},
		"typed bytes have not gone": {func(m *memory) {
			m.put(3, 97, 0, []byte("abc"))
			m.head.base.Store(100)
			m.head.filled.Store(3)
			m.head.putter.Store(4)
		}, 5000, 100, 3},
		"some typed bytes have gone": {func(m *memory) {
			m.put(3, 97, 0, []byte("abc"))
			m.head.base.Store(100)
			m.head.filled.Store(3)
			m.head.putter.Store(4)
			_, _ = unix.Write(m.typed, []byte("de"))
		}, 5000, 102, 5},
		"typed bytes are counted": {func(m *memory) {
			m.put(3, 100, 0, []byte("abc"))
			m.head.putter.Store(4)
		}, 5000, 103, 3},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := twice(t)
			c.left(first)
			for range 2 { // and the one who recovers may be killed, too
				r, err := second.recover()
				if err != nil {
					t.Fatal(err)
				}
				if r.end != c.end || r.slots[3] != (known{"page", c.received, 7}) || r.queued != c.queued || r.holder != "page" || r.acked != 4000 {
					t.Errorf("got %d, %+v, %d queued, %q at %d", r.end, r.slots[3], r.queued, r.holder, r.acked)
				}
			}
		})
	}
}

// What cannot be is refused: somebody else could have written it.
func TestRecoverRefuses(t *testing.T) {
	for name, damage := range map[string]func(*header){
		"another layout":     func(h *header) { h.magic.Add(1) },
		"another size":       func(h *header) { h.size.Store(1 << 40) },
		"an end before":      func(h *header) { h.end.Store(-1) },
		"an end far off":     func(h *header) { h.end.Store(1 << 60) },
		"a long read":        func(h *header) { h.want.Store(1 << 30) },
		"a read before":      func(h *header) { h.want.Store(1); h.from.Store(-5) },
		"a long id":          func(h *header) { h.slots[0].length.Store(65) },
		"a negative id":      func(h *header) { h.slots[0].length.Store(-1) },
		"a negative count":   func(h *header) { h.slots[0].received.Store(-1) },
		"more than was full": func(h *header) { h.putter.Store(1); h.filled.Store(9) },
	} {
		first, second := twice(t)
		damage(first.head)
		if r, err := second.recover(); err == nil {
			t.Errorf("%s: %+v", name, r.slots[0])
		}
	}
	for name, file := range map[string]func() (int, error){
		"a file that can shrink": func() (int, error) {
			fd, err := unix.MemfdCreate("x", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
			if err == nil {
				err = unix.Ftruncate(fd, headerBytes+leastRing)
			}
			return fd, err
		},
		"a directory": func() (int, error) { return unix.Open("/", unix.O_RDONLY|unix.O_CLOEXEC, 0) },
	} {
		kept, err := Keep(0)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := file()
		if err != nil {
			t.Fatal(err)
		}
		kept[0].Close()
		kept[0] = os.NewFile(uintptr(fd), name)
		if m, err := openMemory(kept); err == nil {
			m.close()
			t.Errorf("%s is taken for a memory", name)
		}
	}
}

// FuzzRecover reads whatever may be in the header.
func FuzzRecover(f *testing.F) {
	f.Add(uint16(0), int64(1))
	f.Add(uint16(16), int64(-1))
	f.Add(uint16(120), int64(1)<<62)
	f.Fuzz(func(t *testing.T, at uint16, value int64) {
		first, second := twice(t)
		n := uint64(value)
		for i := range 8 {
			first.mapping[(int(at)+i)%headerBytes] = byte(n >> (8 * i))
		}
		r, err := second.recover()
		if err != nil {
			return
		}
		if r.end < 0 || r.end > mostBytes || r.acked < 0 || r.acked > r.end || r.queued < 0 {
			t.Errorf("%+v", r)
		}
		for _, s := range r.slots {
			if len(s.id) > maxViewerID || s.received < 0 || s.received > mostBytes {
				t.Errorf("%+v", s)
			}
		}
	})
}
