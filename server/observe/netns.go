package observe

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// nsfsMagic is NSFS_MAGIC of linux/magic.h.
const nsfsMagic = 0x6e736673

// ioctls of namespace files, see ioctl_nsfs(2).
const nsGetType = 0xb703

// inNetNS runs f on a thread that is in the network namespace. What f opens
// (sockets, files of /proc/sys/net and /proc/thread-self/net) belongs to that
// namespace for ever (setns(2), network_namespaces(7)); f must not start
// goroutines that rely on it. The learner's processes never see the thread: it
// stays in the machine's mount, pid and user namespaces.
func inNetNS(ns *os.File, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("cannot open the own network namespace: %w", err)
			return
		}
		defer home.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			runtime.UnlockOSThread()
			done <- fmt.Errorf("cannot enter a network namespace: %w", err)
			return
		}
		err = f()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		} // else the thread stays locked, and the runtime ends it with this goroutine
		done <- err
	}()
	return <-done
}

func inodeOf(f *os.File) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("cannot look at a namespace: %w", err)
	}
	return st.Ino, nil
}

// openBeneath opens a path of a host for reading, resolved as if the host's
// root were the root (openat2(2)): no link of a learner leads out of it. The
// file is first opened without any effect (O_PATH), then looked at, and opened
// for real only if accept says so: opening a FIFO would wait, a device act.
func openBeneath(root *os.File, path string, accept func(unix.Stat_t, unix.Statfs_t) error) (*os.File, error) {
	if root == nil {
		return nil, errors.New("a switch has no files")
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	var fd int
	var err error
	for range 8 { // EAGAIN: a rename raced with the resolution
		if fd, err = unix.Openat2(int(root.Fd()), path, &how); !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	at := os.NewFile(uintptr(fd), path)
	defer at.Close()
	var st unix.Stat_t
	var fs unix.Statfs_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	if err := accept(st, fs); err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	flags := unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	// Through the own descriptor: nobody can swap what it names.
	real, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), flags, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(real), path), nil
}

var (
	errNotRegular = errors.New("it is no regular file")
	errNotDir     = errors.New("it is no directory")
	errNotNetNS   = errors.New("it is no network namespace")
)

// plain accepts what lies in memory or on the overlay. Other file systems (of
// processes, of a learner's own mount) may answer as slowly as they like.
func plain(kind uint32, wrong error) func(unix.Stat_t, unix.Statfs_t) error {
	return func(st unix.Stat_t, fs unix.Statfs_t) error {
		if st.Mode&unix.S_IFMT != kind || fs.Type != unix.OVERLAYFS_SUPER_MAGIC && fs.Type != unix.TMPFS_MAGIC {
			return wrong
		}
		return nil
	}
}
