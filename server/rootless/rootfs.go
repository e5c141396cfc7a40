package rootless

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Rootfs gives the hosts' root file system with the ids of this namespace. Its
// folder belongs to the machine's root, who is nobody here, and the kernel maps
// the owners of a mount only where the file system is the namespace's own
// (mount_setattr(2)): the archive beside it is unpacked into memory below dir,
// once for all sandboxes. Remove takes it away again; a killed process's goes
// with its mounts.
func Rootfs(folder, dir string) (at string, remove func() error, err error) {
	folder, err = filepath.EvalSymlinks(folder)
	if err != nil {
		return "", nil, fmt.Errorf("cannot find the hosts' root file system: %w", err)
	}
	archive := folder + ".tar"
	if _, err := os.Stat(archive); err != nil {
		return "", nil, fmt.Errorf("cannot find the archive of the hosts' root file system, which an ordinary user's server needs; deploy/rootfs makes it: %w", err)
	}
	at = filepath.Join(dir, "rootfs")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return "", nil, fmt.Errorf("cannot make a folder for the hosts' root file system: %w", err)
	}
	if err := unix.Mount("netground", at, "tmpfs", unix.MS_NODEV, "mode=0755"); err != nil {
		return "", nil, fmt.Errorf("cannot mount memory for the hosts' root file system: %w", err)
	}
	tar := exec.Command("tar", "--extract", "--numeric-owner", "--preserve-permissions", "--directory", at, "--file", archive)
	if out, err := tar.CombinedOutput(); err != nil {
		return "", nil, errors.Join(unmount(at), fmt.Errorf("cannot unpack the hosts' root file system: %s: %w", strings.TrimSpace(string(out)), err))
	}
	return at, func() error { return unmount(at) }, nil
}

func unmount(at string) error {
	if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("cannot unmount the hosts' root file system: %w", err)
	}
	return os.Remove(at)
}
