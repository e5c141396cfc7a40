package terminal

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What of a terminal outlives the server is in three files, which somebody
// else holds, too: a memory file with the ring and the places in both streams,
// and the two ends of a pipe, in which what was typed waits for the PTY.
//
// The server may be killed between any two instructions, so each move of bytes
// is one system call whose outcome can be told afterwards:
//
//   - From the PTY straight into the ring. Before it, the header has how many
//     bytes the PTY holds and will give, for nobody else reads it; in packet
//     mode (ioctl_tty(2), TIOCPKT) the first byte of each read is a status
//     that lands in the header, too. So that byte says whether they came.
//   - From the connection into the pipe. Before it, the header has whose bytes
//     they are and how full the pipe is; how full it is afterwards says how
//     many went in.
//   - From the pipe into the PTY by splice(2), which takes out of the one what
//     the other has taken. There is nothing to note.
//
// Whoever holds the files could change the memory: it is read once, when the
// terminal is taken over, and every number of it checked; from then on it is
// only written.

const (
	memoryMagic = 0x4e_47_54_45_52_4d_00_01 // "NGTERM", and the version of the layout
	headerBytes = 8 << 10
	leastRing   = 16 << 10
	mostRing    = 64 << 20
	// populateStep is how much of the ring is made present at once: a page that is
	// missing when the kernel copies into it could cost the bytes of a killed server.
	populateStep = 16 << 10
	maxViewerID  = 64
	unread       = 0xff // no status of packet mode
)

// header is the beginning of the memory file. Numbers with "plus one" are zero
// where there is none.
type header struct {
	magic  atomic.Uint64
	size   atomic.Int64 // of the ring
	end    atomic.Int64 // number of the next byte from the PTY
	from   atomic.Int64 // end, when the read began that goes on
	want   atomic.Int64 // bytes that it brings; 0: none goes on
	status [8]byte      // its first byte

	putter atomic.Int64 // slot plus one of the viewer whose bytes go into the pipe
	base   atomic.Int64 // bytes taken from it before
	filled atomic.Int64 // bytes in the pipe before

	holder atomic.Int64 // slot plus one of the viewer that had the keyboard last
	acked  atomic.Int64 // what its page has parsed
	slots  [maxViewers]slot
}

// slot is a viewer id and how many bytes were taken from it.
type slot struct {
	length   atomic.Int64 // of id; 0: free
	age      atomic.Int64 // a later one's is greater
	received atomic.Int64
	id       [maxViewerID]byte
}

// memory is a terminal's files, as its one user has them.
type memory struct {
	mapping []byte
	head    *header
	ring    []byte
	present int // bytes of the ring that are certainly in memory
	queue   int // the pipe's reading end
	typed   int // its writing end
	vectors [3]unix.Iovec
}

// Keep makes the files that outlive a server; the caller gives copies of them
// to whoever outlives it, and the files to New. ringBytes 0 means the default.
func Keep(ringBytes int) (kept []*os.File, err error) {
	if ringBytes <= 0 {
		ringBytes = defaultRing
	}
	size := (max(ringBytes, leastRing) + 4095) &^ 4095
	defer func() {
		if err != nil {
			closeFiles(kept)
			kept, err = nil, fmt.Errorf("cannot make the memory of a terminal: %w", err)
		}
	}()
	fd, err := unix.MemfdCreate("terminal", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	kept = append(kept, os.NewFile(uintptr(fd), "memory of a terminal"))
	if err := unix.Ftruncate(fd, int64(headerBytes+size)); err != nil {
		return kept, err
	}
	// One that shrank would kill its reader by SIGBUS.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, sizeSeals); err != nil {
		return kept, err
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return kept, err
	}
	for _, fd := range pipe {
		kept = append(kept, os.NewFile(uintptr(fd), "queue of a terminal"))
	}
	return kept, nil
}

const sizeSeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// openMemory takes over the files, and closes them if it cannot.
func openMemory(kept []*os.File) (_ *memory, err error) {
	m := &memory{queue: -1, typed: -1}
	defer func() {
		closeFiles(kept) // mapped, or duplicated
		if err != nil {
			m.close()
		}
	}()
	if len(kept) != 3 {
		return nil, errors.New("there are not the files of one")
	}
	fd := int(kept[0].Fd())
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || seals&sizeSeals != sizeSeals || st.Mode&unix.S_IFMT != unix.S_IFREG ||
		st.Size < headerBytes+leastRing || st.Size > headerBytes+mostRing || st.Size%4096 != 0 {
		return nil, errors.New("its memory file is not one of this program")
	}
	for i, to := range []*int{&m.queue, &m.typed} {
		var st unix.Stat_t
		fd := int(kept[1+i].Fd())
		if err := unix.Fstat(fd, &st); err != nil {
			return nil, err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFIFO {
			return nil, errors.New("its queue is no pipe")
		}
		if *to, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			return nil, err
		}
		if err := unix.SetNonblock(*to, true); err != nil {
			return nil, err
		}
	}
	if m.mapping, err = unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, err
	}
	m.head, m.ring = (*header)(unsafe.Pointer(&m.mapping[0])), m.mapping[headerBytes:]
	if err := populate(m.mapping[:headerBytes]); err != nil {
		return nil, err
	}
	m.vectors[0].Base = &m.head.status[0]
	m.vectors[0].SetLen(1)
	return m, nil
}

// populate makes memory present, with an error where touching it would be a signal.
func populate(b []byte) error { return unix.Madvise(b, unix.MADV_POPULATE_WRITE) }

// ensure makes the ring present as far as a read up to the byte number end needs it.
func (m *memory) ensure(end int64) error {
	for need := int(min(end, int64(len(m.ring)))); m.present < need; {
		next := min(m.present+populateStep, len(m.ring))
		if err := populate(m.ring[m.present:next]); err != nil {
			return err
		}
		m.present = next
	}
	return nil
}

// read moves exactly n bytes, which the PTY holds, to their place in the ring
// after the byte number end, and returns how many came.
func (m *memory) read(fd uintptr, end int64, n int) (int, error) {
	if err := m.ensure(end + int64(n)); err != nil {
		return 0, err
	}
	at := int(end % int64(len(m.ring)))
	first := min(n, len(m.ring)-at)
	m.vectors[1].Base = &m.ring[at]
	m.vectors[1].SetLen(first)
	count := uintptr(2)
	if first < n {
		m.vectors[2].Base = &m.ring[0]
		m.vectors[2].SetLen(n - first)
		count = 3
	}
	h := m.head
	h.status[0] = unread
	h.from.Store(end)
	h.want.Store(int64(n))
	got, _, errno := unix.Syscall(unix.SYS_READV, fd, uintptr(unsafe.Pointer(&m.vectors[0])), count)
	if errno != 0 || got == 0 || h.status[0] != unix.TIOCPKT_DATA {
		h.want.Store(0)
		if errno != 0 {
			return 0, errno
		}
		return 0, nil // the end, or a status that means nothing here
	}
	k := int64(got) - 1
	if k != int64(n) {
		h.want.Store(k)
	}
	h.end.Store(end + k)
	h.want.Store(0)
	return int(k), nil
}

// put moves bytes of the viewer in the slot, from which received were taken
// before, into the pipe, in which queued are; it returns how many fitted.
func (m *memory) put(slot int, received int64, queued int, data []byte) int {
	h := m.head
	h.base.Store(received)
	h.filled.Store(int64(queued))
	h.putter.Store(int64(slot) + 1)
	n, err := unix.Write(m.typed, data)
	if err != nil || n < 0 {
		n = 0
	}
	h.slots[slot].received.Store(received + int64(n))
	h.putter.Store(0)
	return n
}

// splice moves up to n bytes from the pipe into the PTY.
func (m *memory) splice(master, n int) (int, error) {
	for {
		k, err := unix.Splice(m.queue, nil, master, nil, n, unix.SPLICE_F_NONBLOCK)
		if !errors.Is(err, unix.EINTR) {
			return int(k), err
		}
	}
}

// close frees everything; nobody may use the memory any more.
func (m *memory) close() {
	if m.mapping != nil {
		_ = unix.Munmap(m.mapping)
	}
	for _, fd := range []int{m.queue, m.typed} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	m.mapping, m.head, m.ring, m.queue, m.typed = nil, nil, nil, -1, -1
}

// begin writes the header of a new terminal.
func (m *memory) begin() {
	m.head.size.Store(int64(len(m.ring)))
	m.head.magic.Store(memoryMagic)
}

// remains is what a memory says that an earlier server left.
type remains struct {
	end    int64
	queued int
	slots  [maxViewers]known
	holder string // the viewer that had the keyboard
	acked  int64
}

const mostBytes = 1 << 53 // the page counts in doubles

// recover reads what is left, completes what was going on, and writes it back.
func (m *memory) recover() (r remains, err error) {
	h := m.head
	if h.magic.Load() != memoryMagic || h.size.Load() != int64(len(m.ring)) {
		return r, errors.New("its memory is laid out in a way that this version does not know")
	}
	bad := errors.New("its memory is damaged")
	r.end = h.end.Load()
	if want, from := h.want.Load(), h.from.Load(); want != 0 && h.status[0] == unix.TIOCPKT_DATA {
		if want < 0 || want > readMost || from < 0 || from > mostBytes {
			return r, bad
		}
		r.end = from + want
	}
	if r.end < 0 || r.end > mostBytes {
		return r, bad
	}
	if r.queued, err = unix.IoctlGetInt(m.queue, unix.TIOCINQ); err != nil { // FIONREAD by another name
		return r, err
	}
	putter, holder := h.putter.Load()-1, h.holder.Load()-1
	for i := range h.slots {
		s := &h.slots[i]
		n, received := s.length.Load(), s.received.Load()
		if int64(i) == putter {
			base, went := h.base.Load(), int64(r.queued)-h.filled.Load()
			if base < 0 || went < 0 || went > maxInput {
				return r, bad
			}
			received = base + went
		}
		if n < 0 || n > maxViewerID || received < 0 || received > mostBytes {
			return r, bad
		}
		if n > 0 {
			r.slots[i] = known{id: string(s.id[:n]), received: received, age: s.age.Load()}
			if int64(i) == holder {
				r.holder = r.slots[i].id
			}
		}
		s.received.Store(received)
	}
	r.acked = min(max(0, h.acked.Load()), r.end)
	h.putter.Store(0)
	h.end.Store(r.end)
	h.want.Store(0)
	return r, nil
}
