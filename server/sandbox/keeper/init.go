package keeper

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// initMounts are mounted by a host's PID 1 itself: a proc file system shows the
// pid namespace of the process that mounts it, whatever namespace its children
// get (proc_init_fs_context() in the kernel). The second one is clean for good;
// see fillDev.
var initMounts = [...]string{"/proc", "/dev/.netground/proc"}

// initEnvironment is that of a host's PID 1.
var initEnvironment = environment("")

// forkInit starts the first process of the pid namespace that the calling
// thread's children get: it mounts its proc file systems and runs the program,
// the init of the root file system itself and not the learner's version of it.
func forkInit(program, null, cgroup int) (pid int, err error) {
	argv, err := syscall.SlicePtrFromStrings([]string{"init", "-P"})
	if err != nil {
		return 0, err
	}
	envp, err := syscall.SlicePtrFromStrings(initEnvironment)
	if err != nil {
		return 0, err
	}
	var targets [len(initMounts)]*byte
	for i, m := range initMounts {
		if targets[i], err = syscall.BytePtrFromString(m); err != nil {
			return 0, err
		}
	}
	var report [2]int // its writing end closes on exec; until then it brings an errno
	if err := unix.Pipe2(report[:], unix.O_CLOEXEC); err != nil {
		return 0, fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer unix.Close(report[0])
	syscall.ForkLock.Lock()
	pid, errno := cloneInit(program, null, cgroup, report[1], &argv[0], &envp[0], &targets)
	syscall.ForkLock.Unlock()
	unix.Close(report[1])
	if errno != 0 {
		return 0, fmt.Errorf("cannot clone: %w", errno)
	}
	var b [4]byte
	n := 0
	for {
		if n, err = unix.Read(report[0], b[:]); err != unix.EINTR {
			break
		}
	}
	if err == nil && n == len(b) {
		err = syscall.Errno(binary.NativeEndian.Uint32(b[:]))
	}
	if err != nil {
		var status syscall.WaitStatus
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = syscall.Wait4(pid, &status, 0, nil)
		return 0, err
	}
	return pid, nil
}

// cloneArgs is struct clone_args of clone3(2).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// cloneInit is to syscall.forkExec what that lacks: mounts between fork and
// exec. As there, the child is a copy of one thread of a Go program: nothing
// but raw system calls may happen in it.
//
//go:noinline
//go:norace
//go:nocheckptr
func cloneInit(program, null, cgroup, report int, argv, envp **byte, targets *[len(initMounts)]*byte) (int, syscall.Errno) {
	var (
		args  = cloneArgs{exitSignal: uint64(unix.SIGCHLD)}
		proc  = [5]byte{'p', 'r', 'o', 'c'}
		empty [1]byte
		code  uint32
		i     int
		errno syscall.Errno
		pid   uintptr
	)
	if cgroup >= 0 {
		args.flags, args.cgroup = unix.CLONE_INTO_CGROUP, uint64(cgroup)
	}
	pid, _, errno = syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	if errno != 0 || pid != 0 {
		return int(pid), errno
	}
	for i = range targets {
		_, _, errno = syscall.RawSyscall6(unix.SYS_MOUNT, uintptr(unsafe.Pointer(&proc)), uintptr(unsafe.Pointer(targets[i])), uintptr(unsafe.Pointer(&proc)),
			unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, 0, 0)
		if errno != 0 {
			goto failed
		}
	}
	for i = range 3 {
		if _, _, errno = syscall.RawSyscall(unix.SYS_DUP3, uintptr(null), uintptr(i), 0); errno != 0 {
			goto failed
		}
	}
	if _, _, errno = syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0); errno != 0 {
		goto failed
	}
	_, _, errno = syscall.RawSyscall6(unix.SYS_EXECVEAT, uintptr(program), uintptr(unsafe.Pointer(&empty)), uintptr(unsafe.Pointer(argv)),
		uintptr(unsafe.Pointer(envp)), unix.AT_EMPTY_PATH, 0)
failed:
	code = uint32(errno)
	syscall.RawSyscall(unix.SYS_WRITE, uintptr(report), uintptr(unsafe.Pointer(&code)), 4)
	for {
		syscall.RawSyscall(unix.SYS_EXIT, 127, 0, 0)
	}
}
