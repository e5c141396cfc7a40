package keeper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// The keeper's own small tree, a tmpfs that nobody else sees. Everything that
// hosts write lies in /up, so that its size bounds them all together.
const (
	dirLower = "/lower" // the root file system, idmapped, read-only
	dirBase  = "/base"  // what this sandbox adds to it, the same for all hosts
	dirUp    = "/up"
	dirWork  = "/work"
	dirHosts = "/h" // the overlay of each host
)

// devices are the nodes of the machine's /dev that hosts get, by bind mounts:
// device nodes cannot be made in a user namespace.
var devices = [...]string{"null", "zero", "full", "random", "urandom", "tty", "net/tun", "fuse"}

func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("cannot mount %s on %s: %w", fstype+source, target, err)
	}
	return nil
}

// pivot makes dir, a mount, the root, lets fill work with both trees in reach,
// and detaches the old one.
func pivot(dir string, fill func(old int) error) error {
	old, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot open the root: %w", err)
	}
	defer unix.Close(old)
	if err := unix.Chdir(dir); err != nil {
		return fmt.Errorf("cannot enter %s: %w", dir, err)
	}
	// Both names the same stacks the old root over the new one: pivot_root(2), NOTES.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("cannot make %s the root: %w", dir, err)
	}
	if err := fill(old); err != nil {
		return err
	}
	if err := unix.Fchdir(old); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("cannot leave the old root: %w", err)
	}
	return unix.Chdir("/")
}

// makeTree builds the keeper's tree and makes it the root.
func makeTree(s *Start, lower int) error {
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	// Any directory that exists everywhere would do: nobody sees this mount.
	const at = "/tmp"
	options := "mode=0755,size=" + strconv.FormatInt(s.DiskBytes, 10) + ",nr_inodes=" + strconv.FormatInt(s.Inodes, 10)
	if err := mount("netground", at, "tmpfs", unix.MS_NODEV, options); err != nil {
		return err
	}
	for _, d := range []string{dirLower, dirBase, dirUp, dirWork, dirHosts, "/proc", "/sys", "/dev", "/dev/net"} {
		if err := os.Mkdir(at+d, 0o755); err != nil {
			return fmt.Errorf("cannot make the keeper's tree: %w", err)
		}
	}
	if err := unix.MoveMount(lower, "", unix.AT_FDCWD, at+dirLower, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("cannot attach the root file system: %w", err)
	}
	for _, d := range devices {
		if err := bindFile("/dev/"+d, at+"/dev/"+d); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	// New instances: hosts may mount theirs only as long as one that nothing
	// covers is in sight (mount_too_revealing() in the kernel).
	if err := mount("proc", at+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := mount("sysfs", at+"/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := pivot(at, func(int) error { return nil }); err != nil {
		return err
	}
	return writeBase(s)
}

func bindFile(from, to string) error {
	var st unix.Stat_t
	if err := unix.Stat(from, &st); err != nil {
		return err
	}
	fd, err := unix.Open(to, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return fmt.Errorf("cannot make %s: %w", to, err)
	}
	unix.Close(fd)
	return mount(from, to, "", unix.MS_BIND, "")
}

// makeOverlay mounts the file system of a host, once for all its boots, so
// that never two overlays share an upper directory.
func makeOverlay(tree string) error {
	up, work, at := dirUp+"/"+tree, dirWork+"/"+tree, dirHosts+"/"+tree
	for _, d := range []string{up, work, at, up + "/etc"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return fmt.Errorf("cannot make the file system of a host: %w", err)
		}
	}
	// userxattr: an overlay of a user namespace keeps its marks in user.* (overlayfs.rst).
	return mount("overlay", at, "overlay", unix.MS_NODEV, "userxattr,lowerdir="+dirBase+":"+dirLower+",upperdir="+up+",workdir="+work)
}

// hostsFile lists all hosts with the addresses that they boot with.
func hostsFile(spec *Spec, self *Host) string {
	out := "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
	named := false
	for i := range spec.Hosts {
		h := &spec.Hosts[i]
		for _, itf := range h.Interfaces {
			for _, a := range itf.Addresses {
				if itf.Name == "lo" && a.Addr().IsLoopback() {
					continue
				}
				out += a.Addr().String() + "\t" + h.Name + "\n"
				named = named || h.Name == self.Name
			}
		}
	}
	if !named { // as Debian's installer does for a host without a fixed address
		out += "127.0.1.1\t" + self.Name + "\n"
	}
	return out
}

// writeBase writes the files that this sandbox adds for all of its hosts.
func writeBase(s *Start) error {
	type entry struct {
		path string
		mode os.FileMode
		data []byte
	}
	for _, d := range []entry{
		{"/etc", 0o755, nil}, {"/etc/ssh", 0o755, nil}, {"/etc/ssh/ssh_config.d", 0o755, nil}, {"/etc/dropbear", 0o700, nil},
		{"/root", 0o700, nil}, {"/root/.ssh", 0o700, nil}, {"/usr", 0o755, nil}, {"/usr/sbin", 0o755, nil},
	} {
		if err := os.Mkdir(dirBase+d.path, d.mode); err != nil {
			return fmt.Errorf("cannot make the common files: %w", err)
		}
	}
	files := []entry{
		{"/etc/resolv.conf", 0o644, []byte("# This network has no name server of its own; /etc/hosts knows the hosts.\noptions timeout:1 attempts:1\n")},
		{"/etc/ssh/ssh_config.d/netground.conf", 0o644, []byte(sshConfig)},
		{"/etc/dropbear/dropbear_ed25519_host_key", 0o600, s.Keys.Dropbear},
		{"/root/.ssh/id_ed25519", 0o600, s.Keys.OpenSSH},
		{"/root/.ssh/authorized_keys", 0o600, s.Keys.Authorized},
	}
	for _, name := range []string{"reboot", "halt", "poweroff", "shutdown"} {
		if _, err := os.Lstat(dirLower + "/usr/sbin/" + name); err == nil {
			continue
		}
		script := "#!/bin/sh\nexec busybox " + name + " -f\n"
		if name == "shutdown" { // now, whatever the time given
			script = "#!/bin/sh\ncase \" $* \" in *\" -r\"*|*\" --reboot\"*) exec busybox reboot -f;; *) exec busybox poweroff -f;; esac\n"
		}
		files = append(files, entry{"/usr/sbin/" + name, 0o755, []byte(script)})
	}
	for _, f := range files {
		if err := os.WriteFile(dirBase+f.path, f.data, f.mode); err != nil {
			return fmt.Errorf("cannot write the common files: %w", err)
		}
	}
	return nil
}

const sshConfig = `# The hosts of a lab come and go: their keys are nobody's secret.
Host *
    User root
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
    ConnectTimeout 5
    GSSAPIAuthentication no
`

// ensureDir makes a real directory of a mount point, whatever a learner has
// left there. The caller's root is the host's and nothing runs in it.
func ensureDir(path string, mode os.FileMode) error {
	st, err := os.Lstat(path)
	if err == nil && st.IsDir() {
		return nil
	}
	if err == nil {
		if err := os.Rename(path, filepath.Clean(path)+".replaced"); err != nil {
			return fmt.Errorf("cannot put %s aside: %w", path, err)
		}
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return fmt.Errorf("cannot make %s: %w", path, err)
	}
	return nil
}

// mountHost fills the host's root, which is the caller's already, with what a
// machine has, but for /proc, which its PID 1 mounts (forkInit). old is the
// keeper's root.
func (k *keeper) mountHost(old int) error {
	for _, d := range []string{"/proc", "/sys", "/dev", "/run"} {
		if err := ensureDir(d, 0o755); err != nil {
			return err
		}
	}
	const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := mount("sysfs", "/sys", "sysfs", quiet, ""); err != nil {
		return err
	}
	if err := mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=16m,nr_inodes=4096"); err != nil {
		return err
	}
	if err := mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=0755,size=16m,nr_inodes=1024"); err != nil {
		return err
	}
	if err := fillDev(old); err != nil {
		return err
	}
	for _, d := range []string{"/run/netns", "/run/lock", "/run/sshd", "/run/network"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return fmt.Errorf("cannot make %s: %w", d, err)
		}
	}
	if len(k.tasks) == 0 && k.hostsDir < 0 {
		return nil // what would show has nothing of this sandbox
	}
	return mountCgroups(k.start.CgroupMounts)
}

func fillDev(old int) error {
	for _, d := range []string{"/dev/net", "/dev/pts", "/dev/shm", "/dev/.netground", "/dev/.netground/proc", "/dev/.netground/sys"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return fmt.Errorf("cannot make %s: %w", d, err)
		}
	}
	if err := unix.Chmod("/dev/shm", 0o1777); err != nil {
		return err
	}
	for _, d := range devices {
		tree, err := unix.OpenTree(old, "dev/"+d, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot give a host /dev/%s: %w", d, err)
		}
		fd, err := unix.Open("/dev/"+d, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
		if err == nil {
			unix.Close(fd)
			err = unix.MoveMount(tree, "", unix.AT_FDCWD, "/dev/"+d, unix.MOVE_MOUNT_F_EMPTY_PATH)
		}
		unix.Close(tree)
		if err != nil {
			return fmt.Errorf("cannot give a host /dev/%s: %w", d, err)
		}
	}
	if err := mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5,max=128"); err != nil {
		return err
	}
	for _, l := range [][2]string{{"pts/ptmx", "/dev/ptmx"}, {"/proc/self/fd", "/dev/fd"}, {"fd/0", "/dev/stdin"}, {"fd/1", "/dev/stdout"}, {"fd/2", "/dev/stderr"}} {
		if err := os.Symlink(l[0], l[1]); err != nil {
			return fmt.Errorf("cannot make %s: %w", l[1], err)
		}
	}
	// A second, clean one, so that `ip netns exec`, which unmounts /sys before
	// it mounts its own, and container engines may still mount theirs. There is
	// one of /proc as well.
	return mount("/sys", "/dev/.netground/sys", "", unix.MS_BIND, "")
}

// mountCgroups shows the host its part of the cgroup hierarchies.
func mountCgroups(v1 []string) error {
	const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if v1 == nil {
		return mount("cgroup2", "/sys/fs/cgroup", "cgroup2", quiet, "")
	}
	if err := mount("tmpfs", "/sys/fs/cgroup", "tmpfs", quiet, "mode=0755,size=64k"); err != nil {
		return err
	}
	for _, options := range v1 {
		dir := "/sys/fs/cgroup/" + filepath.Base(cgroupName(options))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("cannot make %s: %w", dir, err)
		}
		if err := mount("cgroup", dir, "cgroup", quiet, options); err != nil {
			return err
		}
	}
	return nil
}

// cgroupName is the directory name of a v1 hierarchy with these mount options.
func cgroupName(options string) string {
	const named = "none,name="
	if len(options) > len(named) && options[:len(named)] == named {
		return options[len(named):]
	}
	return options
}
