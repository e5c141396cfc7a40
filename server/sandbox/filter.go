package sandbox

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"

	seccomp "github.com/elastic/go-seccomp-bpf"
	archs "github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// deniedCalls are refused with EPERM inside sandboxes: what is of no use to a
// network of hosts and has had the kernel's privilege bugs, or reaches what has
// no namespace. reboot(2) is not among them: inside a pid namespace it ends
// that namespace's PID 1 only (pid_namespaces(7)), which is how hosts reboot.
var deniedCalls = []string{
	"acct", "bpf", "clock_adjtime", "clock_settime", "delete_module", "fanotify_init", "finit_module",
	"init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kexec_file_load",
	"kexec_load", "lookup_dcookie", "mbind", "migrate_pages", "modify_ldt", "move_pages",
	"open_by_handle_at", "perf_event_open", "quotactl", "quotactl_fd", "set_mempolicy",
	"settimeofday", "swapoff", "swapon", "syslog", "userfaultfd",
}

// absentCalls answer ENOSYS, which programs take for a kernel without them.
var absentCalls = []string{"add_key", "keyctl", "request_key"}

// deniedFamilies are socket families without namespaces, or for hardware.
var deniedFamilies = []uint32{
	unix.AF_VSOCK, unix.AF_ALG, unix.AF_TIPC, unix.AF_RDS, unix.AF_XDP, unix.AF_BLUETOOTH, unix.AF_CAN,
	unix.AF_NFC, unix.AF_SMC, unix.AF_QIPCRTR, unix.AF_ATMPVC, unix.AF_ATMSVC, unix.AF_X25, unix.AF_AX25,
	unix.AF_ROSE, unix.AF_NETROM, unix.AF_APPLETALK, unix.AF_IPX, unix.AF_LLC, unix.AF_KCM, unix.AF_PHONET,
	unix.AF_CAIF, unix.AF_IEEE802154, unix.AF_RXRPC, unix.AF_KEY, unix.AF_IUCV, unix.AF_ISDN,
}

// deniedIoctls put input into a terminal that somebody else reads.
var deniedIoctls = []uint32{unix.TIOCSTI, unix.TIOCLINUX}

// Offsets in struct seccomp_data (seccomp(2)).
const (
	dataCall = 0
	dataArch = 4
	dataArgs = 16
)

func argument(n int) bpf.Instruction {
	// The low half alone: the kernel takes these arguments as int, so that a
	// comparison of all 64 bits could be evaded by setting a high one.
	return bpf.LoadAbsolute{Off: uint32(dataArgs + 8*n), Size: 4}
}

func errno(e unix.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: uint32(seccomp.ActionErrno) | uint32(e)}
}

// compileFilter gives the filter as an array of struct sock_filter.
func compileFilter() ([]byte, error) {
	arch := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	if arch == 0 {
		return nil, fmt.Errorf("cannot filter system calls on %s", runtime.GOARCH)
	}
	// Other ABIs number their calls otherwise: 32-bit, and x32 above 0x40000000.
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: dataArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		errno(unix.ENOSYS),
		bpf.LoadAbsolute{Off: dataCall, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 0x40000000, SkipTrue: 1},
		errno(unix.ENOSYS),
	}
	program = append(program, denyArgument(unix.SYS_SOCKET, 0, deniedFamilies, unix.EAFNOSUPPORT)...)
	program = append(program, denyArgument(unix.SYS_SOCKETPAIR, 0, deniedFamilies, unix.EAFNOSUPPORT)...)
	program = append(program, denyArgument(unix.SYS_IOCTL, 1, deniedIoctls, unix.EPERM)...)
	info, err := archs.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("cannot filter system calls: %w", err)
	}
	known := func(names []string) (out []string) { // some exist on one architecture only
		for _, n := range names {
			if _, ok := info.SyscallNames[n]; ok {
				out = append(out, n)
			}
		}
		return out
	}
	policy := seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{
		{Names: known(deniedCalls), Action: seccomp.ActionErrno | seccomp.Action(unix.EPERM)},
		{Names: known(absentCalls), Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)},
	}}
	rest, err := policy.Assemble()
	if err != nil {
		return nil, fmt.Errorf("cannot compile the list of denied system calls: %w", err)
	}
	raw, err := bpf.Assemble(append(program, rest...))
	if err != nil {
		return nil, fmt.Errorf("cannot assemble the system call filter: %w", err)
	}
	var b bytes.Buffer
	for _, i := range raw {
		_ = binary.Write(&b, binary.NativeEndian, i.Op)
		b.Write([]byte{i.Jt, i.Jf})
		_ = binary.Write(&b, binary.NativeEndian, i.K)
	}
	return b.Bytes(), nil
}

// denyArgument refuses a call whose argument is one of values.
func denyArgument(call, n int, values []uint32, with unix.Errno) []bpf.Instruction {
	out := []bpf.Instruction{
		bpf.LoadAbsolute{Off: dataCall, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(call), SkipTrue: uint8(len(values) + 3)},
		argument(n),
	}
	for i, v := range values {
		out = append(out, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - i)})
	}
	return append(out, bpf.Jump{Skip: 1}, errno(with))
}
