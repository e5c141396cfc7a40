package keeper

import (
	"errors"
	"fmt"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The files that a spawner is born with.
const (
	fdControl = 3 // its end of a pair of sockets
	fdRuntime = 4 // the directory with one directory for each sandbox
	fdRootfs  = 5 // the hosts' root file system
	fdProgram = 6 // this program, unreadable for anybody but the machine's root
)

// spawner clones sandboxes. It is small, because a clone with CLONE_NEWUSER
// copies the page tables of whoever calls it.
type spawner struct{ control *Conn }

func spawn([]string) error {
	debug.SetGCPercent(20)
	// Keepers outlive their short-lived parents and come to this process,
	// which needs no news of their end: the server has a pidfd of each.
	signal.Ignore(syscall.SIGCHLD)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot become a subreaper: %w", err)
	}
	control, err := NewConn(fdControl)
	if err != nil {
		return err
	}
	s := &spawner{control}
	for {
		m, fds, err := control.Receive()
		if err != nil {
			return nil // the server is gone, or wants it so
		}
		go func() {
			reply := Message{Kind: KindReply, Seq: m.Seq}
			var out []int
			var err error
			switch m.Kind {
			case KindStart:
				out, err = s.startThread(m, fds, &reply)
			case KindSettle:
				err = settle(fds)
			default:
				err = fmt.Errorf("cannot do request %d", m.Kind)
			}
			closeAll(fds)
			if err != nil {
				reply.Error = err.Error()
			}
			_ = control.Send(reply, out...)
			closeAll(out)
		}()
	}
}

// startThread runs start on a thread that ends with it, as it changes the
// thread's credentials.
func (s *spawner) startThread(m Message, fds []int, reply *Message) (out []int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		out, err = s.start(m, fds, reply)
	}()
	<-done
	return out, err
}

// start clones the process that becomes the keeper, and gives it what it needs
// of the machine. It returns a pidfd of it and its outer user namespace.
func (s *spawner) start(m Message, fds []int, reply *Message) (out []int, err error) {
	var open []int // closed at the end whatever happens
	defer func() { closeAll(open) }()
	keep := func(fd int, err error) (int, error) {
		if err == nil {
			open = append(open, fd)
		}
		return fd, err
	}
	st, err := DecodeStart(m.Data)
	if err != nil {
		return nil, err
	}
	if want := st.CgroupDirs + st.KeeperTasks + st.HostTasks; len(fds) != want {
		return nil, fmt.Errorf("cannot start with %d files instead of %d", len(fds), want)
	}
	if !validName(m.Line) && hasControl(m.Line) {
		return nil, fmt.Errorf("cannot start a sandbox named %q", m.Line)
	}
	dirs, keeperTasks, hostTasks := fds[:st.CgroupDirs], fds[st.CgroupDirs:][:st.KeeperTasks], fds[st.CgroupDirs+st.KeeperTasks:]

	dir, err := keep(unix.Openat(fdRuntime, m.Line, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0))
	if err != nil {
		return nil, fmt.Errorf("cannot open the sandbox's directory: %w", err)
	}
	listen, err := keep(listenAt(dir))
	if err != nil {
		return nil, err
	}
	log, err := keep(unix.Openat(dir, "log", unix.O_CREAT|unix.O_WRONLY|unix.O_APPEND|unix.O_CLOEXEC, 0o600))
	if err != nil {
		return nil, fmt.Errorf("cannot make the sandbox's log: %w", err)
	}
	null, err := keep(unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0))
	if err != nil {
		return nil, err
	}
	ends, err := pair()
	if err != nil {
		return nil, err
	}
	keep(ends[1], nil)
	boot, err := NewConn(ends[0])
	if err != nil {
		return nil, err
	}
	defer boot.Close()

	outerPID, err := cloneOuter(st.Base, dirs, []uintptr{uintptr(null), uintptr(null), uintptr(log), uintptr(listen), uintptr(ends[1])})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = unix.Kill(outerPID, unix.SIGKILL) // our child, and not yet waited for by anybody but the kernel
		}
	}()
	userns, err := keep(unix.Open("/proc/"+itoa(outerPID)+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0))
	if err != nil {
		return nil, fmt.Errorf("cannot open the user namespace: %w", err)
	}
	if err := boot.Send(Message{Kind: KindOuter, Data: EncodeStart(&Start{Filter: st.Filter, Ucounts: st.Ucounts, Processes: st.Processes})}); err != nil {
		return nil, fmt.Errorf("cannot talk to the keeper: %w", err)
	}
	lower, err := keep(idmapped(fdRootfs, userns))
	if err != nil {
		return nil, err
	}
	_ = boot.file.SetReadDeadline(time.Now().Add(10 * time.Second))
	answer, more, err := boot.Receive()
	for _, fd := range more {
		keep(fd, nil)
	}
	if err == nil && answer.Error != "" {
		err = errors.New(answer.Error)
	}
	if err == nil && len(more) != 1 {
		err = errors.New("it sent no process")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start a keeper: %w", err)
	}
	pidfd := more[0]
	defer func() {
		if err != nil {
			_ = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
		}
	}()
	for _, fd := range keeperTasks {
		if _, err = unix.Write(fd, []byte(itoa(int(answer.ID)))); err != nil {
			return nil, fmt.Errorf("cannot put the keeper into its cgroup: %w", err)
		}
	}
	st.Filter, st.Ucounts = nil, nil
	files := append([]int{lower}, hostTasks...)
	if len(dirs) > 0 {
		files = append([]int{lower, dirs[1]}, hostTasks...)
	}
	if err = boot.Send(Message{Kind: KindRunner, Data: EncodeStart(st)}, files...); err != nil {
		return nil, fmt.Errorf("cannot talk to the keeper: %w", err)
	}
	reply.ID = answer.ID
	for _, fd := range []int{pidfd, userns} {
		copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			closeAll(out)
			return nil, err
		}
		out = append(out, copied)
	}
	return out, nil
}

// listenAt makes the keeper's socket. The name goes through /proc, as the path
// of a unix socket must be short.
func listenAt(dir int) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot make the keeper's socket: %w", err)
	}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: SocketPath(dir)})
	if err == nil {
		err = unix.Listen(fd, 4)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("cannot make the keeper's socket: %w", err)
	}
	return fd, nil
}

// SocketName is the file of the keeper's socket in the directory of a sandbox.
const SocketName = "keeper.sock"

// SocketPath names the keeper's socket in an open directory of a sandbox.
func SocketPath(dir int) string { return "/proc/self/fd/" + itoa(dir) + "/" + SocketName }

// cloneOuter starts `keeper outer` as root of a new user namespace that the
// sandbox's first id owns: the namespaces and the like below count against
// that id then, not against the machine's root (user_namespaces(7)).
func cloneOuter(base uint32, cgroupDirs []int, files []uintptr) (int, error) {
	const noSetuidFixup = 1 << 2 // SECBIT_NO_SETUID_FIXUP: the change of ids keeps capabilities
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, noSetuidFixup, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("cannot keep capabilities: %w", err)
	}
	keepID := ^uintptr(0)
	// Raw: the wrapper would change all threads.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keepID, uintptr(base), keepID); errno != 0 {
		return 0, fmt.Errorf("cannot become the sandbox's id %d: %w", base, errno)
	}
	defer unix.RawSyscall(unix.SYS_SETRESUID, keepID, 0, keepID)
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(base), Size: 65536}}
	sys := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{}, Setsid: true,
	}
	if len(cgroupDirs) > 0 {
		sys.UseCgroupFD, sys.CgroupFD = true, cgroupDirs[0]
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"keeper", "outer"}, &syscall.ProcAttr{Files: files, Sys: sys, Dir: "/"})
	if err != nil {
		return 0, fmt.Errorf("cannot clone a user namespace: %w", err)
	}
	return pid, nil
}

// idmapped gives a read-only mount of the tree whose owners are the ids of the
// user namespace (mount_setattr(2)); it is attached nowhere.
func idmapped(tree, userns int) (int, error) {
	fd, err := unix.OpenTree(tree, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, fmt.Errorf("cannot clone the mount of the root file system: %w", err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP | unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NODEV, Propagation: unix.MS_PRIVATE, Userns_fd: uint64(userns)}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("cannot map the owners of the root file system: %w", err)
	}
	return fd, nil
}

// outer is the first process of a sandbox, in the outer user namespace: it sets
// what the inner one must not be able to change, and clones the keeper into it.
func outer() error {
	boot, err := NewConn(fdBoot)
	if err != nil {
		return err
	}
	fail := func(err error) error {
		_ = boot.Send(Message{Kind: KindReply, Error: err.Error()})
		return err
	}
	m, fds, err := boot.Receive()
	closeAll(fds)
	if err != nil {
		return fail(err)
	}
	st, err := DecodeStart(m.Data)
	if err != nil {
		return fail(err)
	}
	for _, u := range st.Ucounts {
		if err := writeProc("/proc/sys/user/"+u.Name, itoa(int(u.Value))); err != nil && !errors.Is(err, unix.ENOENT) {
			return fail(err)
		}
	}
	// A user namespace may have as many processes as whoever makes it may, by this
	// limit; nobody inside can raise it (inc_rlimit_ucounts() in the kernel's ucount.c).
	if n := uint64(st.Processes); n > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return fail(fmt.Errorf("cannot limit the number of processes: %w", err))
		}
	}
	// A session keyring of its own; add_key and the like are denied after this.
	if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil && !errors.Is(err, unix.ENOSYS) {
		return fail(fmt.Errorf("cannot leave the machine's keyring: %w", err))
	}
	// Writing the child's id map needs its files in /proc, which belong to the
	// machine's root while the program is not dumpable.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return fail(err)
	}
	if err := loadFilter(st.Filter); err != nil {
		return fail(err)
	}
	pidfd := -1
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"keeper", "run"}, &syscall.ProcAttr{
		Dir: "/", Files: []uintptr{0, 1, 2, fdListen, fdBoot},
		Sys: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
				unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
			UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true, Setsid: true, PidFD: &pidfd,
		},
	})
	if err != nil {
		return fail(fmt.Errorf("cannot clone the inner user namespace: %w", err))
	}
	return boot.Send(Message{Kind: KindReply, ID: uint32(pid)}, pidfd)
}

// settle waits until the veths to other namespaces are gone from the given one,
// whose other ends are in namespaces that the kernel is taking down, and then
// removes the bridge, so that nothing slow is left for the kernel to do later.
func settle(fds []int) error {
	if len(fds) != 1 {
		return errors.New("cannot wait for other than one namespace")
	}
	return inNetNS(fds[0], func() error {
		nl, err := openNetlink()
		if err != nil {
			return err
		}
		defer nl.close()
		for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(4 * time.Millisecond) {
			links, err := nl.links()
			if err != nil {
				return err
			}
			waiting := false
			for _, l := range links {
				waiting = waiting || l.kind == "veth" && l.foreign
			}
			if waiting && time.Now().Before(deadline) {
				continue
			}
			for _, l := range links {
				if l.kind == "bridge" {
					if err := nl.deleteLink(l.index); err != nil {
						return err
					}
				}
			}
			return nil
		}
	})
}
