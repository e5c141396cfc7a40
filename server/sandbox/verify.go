package sandbox

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ioctls of namespace files: ioctl_nsfs(2).
const (
	nsGetUserns = 0xb701
	nsGetParent = 0xb702
	nsGetType   = 0xb703
)

// verifyNetNS makes sure that a file which a keeper sent is a network namespace
// owned by a user namespace inside the sandbox's outer one: a keeper that a
// learner had taken over could send the machine's own otherwise.
func verifyNetNS(fd int, outer *os.File) error {
	kind, err := unix.IoctlRetInt(fd, nsGetType)
	if err != nil || kind != unix.CLONE_NEWNET {
		return errors.New("the keeper sent a file that is no network namespace")
	}
	want, err := inode(int(outer.Fd()))
	if err != nil {
		return err
	}
	ns, err := unix.IoctlRetInt(fd, nsGetUserns)
	for err == nil {
		var have unix.Stat_t
		have, err = inode(ns)
		if err == nil && have.Ino == want.Ino && have.Dev == want.Dev {
			unix.Close(ns)
			return nil
		}
		parent := -1
		if err == nil {
			parent, err = unix.IoctlRetInt(ns, nsGetParent) // EPERM beyond our own
		}
		unix.Close(ns)
		ns = parent
	}
	return errors.New("the keeper sent a network namespace of somebody else")
}

func inode(fd int) (st unix.Stat_t, err error) {
	if err = unix.Fstat(fd, &st); err != nil {
		err = fmt.Errorf("cannot look at a file of the keeper: %w", err)
	}
	return st, err
}

// verifyRoot makes sure that a file is the directory of an overlay.
func verifyRoot(fd int) error {
	st, err := inode(fd)
	if err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fmt.Errorf("cannot look at a file of the keeper: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || fs.Type != unix.OVERLAYFS_SUPER_MAGIC {
		return errors.New("the keeper sent a file that is no root directory of a host")
	}
	return nil
}

// verifyMaster makes sure that a file is the master of a pseudo terminal.
func verifyMaster(fd int) error {
	if _, err := unix.IoctlGetInt(fd, unix.TIOCGPTN); err != nil {
		return errors.New("the keeper sent a file that is no terminal")
	}
	return nil
}

// verifyPipe makes sure that a file is a pipe.
func verifyPipe(fd int) error {
	st, err := inode(fd)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFIFO {
		err = errors.New("the keeper sent a file that is no pipe")
	}
	return err
}
