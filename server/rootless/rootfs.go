package rootless

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Rootfs gives the hosts' root file system with the ids of this namespace. Its
// folder belongs to the machine's root, who is nobody here, and the kernel maps
// the owners of a mount only where the file system is the namespace's own
// (mount_setattr(2)): the archive beside it is unpacked into memory below dir,
// once for all sandboxes, those of a later server with the same archive among
// them. Remove takes it away again.
func Rootfs(folder, dir string) (at string, remove func() error, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", nil, fmt.Errorf("cannot tell the kernel's version: %w", err)
	}
	if err := mapsMemory(unix.ByteSliceToString(u.Release[:])); err != nil {
		return "", nil, err
	}
	folder, err = filepath.EvalSymlinks(folder)
	if err != nil {
		return "", nil, fmt.Errorf("cannot find the hosts' root file system: %w", err)
	}
	archive := folder + ".tar"
	var st unix.Stat_t
	if err := unix.Stat(archive, &st); err != nil {
		return "", nil, fmt.Errorf("cannot find the archive of the hosts' root file system, which an ordinary user's server needs; deploy/rootfs makes it: %w", err)
	}
	at, dir = filepath.Join(dir, "rootfs"), filepath.Join(dir, "rootfs.new")
	for _, d := range []string{at, dir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return "", nil, fmt.Errorf("cannot make a folder for the hosts' root file system: %w", err)
		}
	}
	remove = func() error { return errors.Join(unmount(at), os.Remove(dir)) }
	// The mount says from what it was unpacked.
	source := fmt.Sprintf("netground-%d-%d-%d-%d", st.Dev, st.Ino, st.Size, st.Mtim.Nano())
	for _, d := range []string{at, dir} {
		there, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(d))
		if err != nil {
			return "", nil, fmt.Errorf("cannot look for the hosts' root file system: %w", err)
		}
		if len(there) == 0 {
			continue
		}
		if d == at && there[0].Source == source {
			return at, remove, nil
		}
		// Of another archive, or of a server that was killed while it unpacked.
		// Sandboxes that use it keep it.
		if err := unix.Unmount(d, unix.MNT_DETACH); err != nil {
			return "", nil, fmt.Errorf("cannot unmount an earlier root file system of hosts: %w", err)
		}
	}
	if err := unix.Mount(source, dir, "tmpfs", unix.MS_NODEV, "mode=0755"); err != nil {
		return "", nil, fmt.Errorf("cannot mount memory for the hosts' root file system: %w", err)
	}
	tar := exec.Command("tar", "--extract", "--numeric-owner", "--preserve-permissions", "--directory", dir, "--file", archive)
	if out, err := tar.CombinedOutput(); err != nil {
		return "", nil, errors.Join(unmount(dir), fmt.Errorf("cannot unpack the hosts' root file system: %s: %w", strings.TrimSpace(string(out)), err))
	}
	if err := unix.Mount(dir, at, "", unix.MS_MOVE, ""); err != nil { // a whole one, or none
		return "", nil, errors.Join(unmount(dir), fmt.Errorf("cannot mount the hosts' root file system: %w", err))
	}
	return at, remove, nil
}

// mapsMemory says whether a kernel maps the owners of a tmpfs mount: since
// Linux 6.3 (mount_setattr(2)).
func mapsMemory(release string) error {
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil || major < 6 || major == 6 && minor < 3 {
		return fmt.Errorf("cannot serve as an ordinary user on Linux %s: that needs 6.3 or newer, which maps the owners of files in memory. Run it as root, with sudo", release)
	}
	return nil
}

func unmount(at string) error {
	if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("cannot unmount the hosts' root file system: %w", err)
	}
	return os.Remove(at)
}
