package observe

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// namedDir is where ip-netns(8) keeps the namespaces that it names.
const namedDir = "run/netns"

// mostNamed bounds how many named namespaces of a host are observed.
const mostNamed = 32

// named returns the network namespaces that a host names now, open, by name. Entries that
// are no namespaces (yet: ip makes the file first and mounts the namespace on
// it then) are counted.
func named(root *os.File) (files map[string]*os.File, unready int) {
	dir, err := openBeneath(root, namedDir, plain(unix.S_IFDIR, errNotDir))
	if err != nil {
		return nil, 0
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(4 * mostNamed)
	slices.Sort(names)
	files = map[string]*os.File{}
	for _, name := range names {
		if len(files) >= mostNamed || !printable(name) {
			continue
		}
		f, err := openBeneath(root, namedDir+"/"+name, func(_ unix.Stat_t, fs unix.Statfs_t) error {
			if fs.Type != nsfsMagic {
				return errNotNetNS
			}
			return nil
		})
		if err != nil {
			unready++
			continue
		}
		if kind, err := unix.IoctlRetInt(int(f.Fd()), nsGetType); err != nil || kind != unix.CLONE_NEWNET {
			f.Close()
			continue
		}
		// Not the file itself: as long as it is open, nobody can unmount it.
		own, err := reopen(f)
		f.Close()
		if err != nil {
			unready++
			continue
		}
		files[name] = own
	}
	return files, unready
}

// reopen returns a file of the same namespace that is on no learner's mount.
func reopen(ns *os.File) (own *os.File, err error) {
	err = inNetNS(ns, func() error {
		own, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return own, err
}

// printable keeps what a learner wrote into a file name out of tables and logs
// where it is not a name that anybody would read.
func printable(name string) bool {
	return len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}

// inotify watches directories for all sandboxes of a server: instances are
// few on a machine (inotify(7), max_user_instances), watches are many.
type inotify struct {
	file *os.File
	done sync.WaitGroup

	mu      sync.Mutex
	watches map[int32]map[*hostWatch]struct{}
}

// hostWatch hears when a directory of a host changes.
type hostWatch struct {
	changed func()
	ids     []int32
}

func newInotify(log *slog.Logger) (*inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("cannot watch directories: %w", err)
	}
	n := &inotify{file: os.NewFile(uintptr(fd), "inotify"), watches: map[int32]map[*hostWatch]struct{}{}}
	n.done.Go(n.read)
	return n, nil
}

func (n *inotify) close() {
	n.file.Close()
	n.done.Wait()
}

// add watches a host's directory of named namespaces, or the one above as long
// as it is missing. It may be called again, when it has appeared.
func (n *inotify) add(root *os.File, w *hostWatch) {
	for _, path := range []string{"run", namedDir} {
		dir, err := openBeneath(root, path, plain(unix.S_IFDIR, errNotDir))
		if err != nil {
			continue
		}
		n.mu.Lock()
		id, err := unix.InotifyAddWatch(int(n.file.Fd()), fmt.Sprintf("/proc/self/fd/%d", dir.Fd()),
			unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVED_FROM|unix.IN_MOVED_TO|unix.IN_ONLYDIR|unix.IN_MASK_ADD)
		if err == nil {
			wd := int32(id)
			if n.watches[wd] == nil {
				n.watches[wd] = map[*hostWatch]struct{}{}
			}
			n.watches[wd][w] = struct{}{}
			if !slices.Contains(w.ids, wd) {
				w.ids = append(w.ids, wd)
			}
		}
		n.mu.Unlock()
		dir.Close()
	}
}

func (n *inotify) remove(w *hostWatch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range w.ids {
		delete(n.watches[id], w)
		if len(n.watches[id]) == 0 {
			delete(n.watches, id)
			_, _ = unix.InotifyRmWatch(int(n.file.Fd()), uint32(id)) // gone already with its directory, maybe
		}
	}
	w.ids = nil
}

func (n *inotify) read() {
	buf := make([]byte, 16<<10)
	for {
		k, err := n.file.Read(buf)
		if err != nil {
			return
		}
		told := map[*hostWatch]struct{}{}
		n.mu.Lock()
		for b := buf[:k]; len(b) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			length := int(binary.NativeEndian.Uint32(b[12:]))
			for w := range n.watches[wd] {
				told[w] = struct{}{}
			}
			if mask&unix.IN_Q_OVERFLOW != 0 {
				for _, all := range n.watches {
					for w := range all {
						told[w] = struct{}{}
					}
				}
			}
			if mask&unix.IN_IGNORED != 0 { // the directory is gone
				for w := range n.watches[wd] {
					w.ids = slices.DeleteFunc(w.ids, func(id int32) bool { return id == wd })
				}
				delete(n.watches, wd)
			}
			b = b[min(len(b), unix.SizeofInotifyEvent+length):]
		}
		n.mu.Unlock()
		for w := range told {
			w.changed()
		}
	}
}
