package attack

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// call is a line that does a system call and says how it went: perl is a part of
// every host, and needs no compiler.
func call(number uintptr, args string) string {
	return fmt.Sprintf(`perl -e '$r = syscall(%d, %s); print $r < 0 ? "errno ".($!+0)."\n" : "went through $r\n"'`, number, args)
}

// denied is a row whose line must fail.
func denied(id, tried, line string) Attack {
	return Attack{ID: id, Group: Escape, Tried: tried, Held: "it is refused", line: line}
}

// refused is a row whose system call must get an errno.
func refused(id, tried, line string, errno ...unix.Errno) Attack {
	want := ""
	for _, e := range errno {
		want += fmt.Sprintf("errno %d\n", int(e))
	}
	return Attack{ID: id, Group: Escape, Tried: tried, Held: "each call is refused", line: line, want: want}
}

// escapes are those that one host's shell tries.
func escapes() []Attack {
	const eperm, enosys, eaf = unix.EPERM, unix.ENOSYS, unix.EAFNOSUPPORT
	rows := []Attack{
		denied("core-pattern", "write kernel.core_pattern", "echo '|/tmp/x' >/proc/sys/kernel/core_pattern"),
		denied("printk", "write kernel.printk", "echo 7 >/proc/sys/kernel/printk"),
		denied("drop-caches", "write vm.drop_caches", "echo 3 >/proc/sys/vm/drop_caches"),
		denied("conntrack-max", "write nf_conntrack_max of the machine", "echo 1 >/proc/sys/net/netfilter/nf_conntrack_max || echo 1 >/proc/sys/net/nf_conntrack_max"),
		denied("pty-max", "write kernel.pty.max", "echo 1 >/proc/sys/kernel/pty/max"),
		denied("kernel-sysctl", "write any sysctl that has no namespace", `find /proc/sys -path /proc/sys/net -prune -o -path /proc/sys/user -prune -o -path /proc/sys/fs/mqueue -prune -o -type f -writable -print |
			grep -vE '/kernel/(shm|msg|sem|hostname|domainname|auto_msgmni|ns_last_pid|cad_pid|pid_max)' | while read f; do v=$(cat $f) && echo "$v" >$f && echo $f; done | grep .`),
		denied("device-limits", "write limits of network devices of the machine", "sysctl -w net.core.netdev_max_backlog=1 || sysctl -w net.core.netdev_budget=1000 || sysctl -w net.core.bpf_jit_enable=0"),
		denied("uevent-helper", "write /sys/kernel/uevent_helper", "echo /tmp/x >/sys/kernel/uevent_helper"),
		denied("sysfs", "write parameters of the kernel in sysfs", "find /sys/module /sys/kernel /sys/devices/system -writable -type f | while read f; do v=$(cat $f); (echo \"$v\" >$f) && echo $f; done | head -3 | grep ."),
		denied("sysrq-trigger", "write /proc/sysrq-trigger", "echo h >/proc/sysrq-trigger"),
		denied("release-agent", "set a release_agent in the cgroups of the host", "for d in /sys/fs/cgroup/*/; do echo /tmp/x >$d/release_agent && exit 0; done; ls /sys/fs/cgroup/*/release_agent"),
		denied("cgroup-mount", "mount a cgroup hierarchy anew, and set its release_agent", "mkdir -p /tmp/cg; for c in memory pids cpu rdma none,name=x; do mount -t cgroup -o $c none /tmp/cg && { echo /tmp/x >/tmp/cg/release_agent && exit 0; umount /tmp/cg; }; done; unshare -C sh -c 'mount -t cgroup -o memory none /tmp/cg && echo /tmp/x >/tmp/cg/release_agent'"),
		denied("own-limits", "raise the own limits of memory, processes and CPU", "for f in /sys/fs/cgroup/*/{pids.max,memory.limit_in_bytes,cpu.cfs_quota_us} /sys/fs/cgroup/{pids.max,memory.max,cpu.max}; do test -e $f && { echo -1 >$f || echo max >$f; } && exit 0; done; false"),
		denied("leave-cgroup", "move a process into a cgroup above the own one", "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do for f in cgroup.procs tasks; do test -e $d/../$f && echo $$ >$d/../$f && grep -q -v '/$' /proc/self/cgroup && exit 0; done; done; grep -q '/\\.\\.' /proc/self/cgroup"),
		denied("block-device", "mknod of a block device", "for m in 8 254 253 259; do mknod /tmp/b$m b $m 0 && exit 0; done; false"),
		denied("memory-device", "mknod of /dev/mem and kmsg", "mknod /tmp/m c 1 1 || mknod /tmp/k c 1 11"),
		denied("disk-mount", "mount the machine's disk", "for d in /dev/vda /dev/vda1 /dev/sda /dev/sda1 /dev/nvme0n1p1; do mount -t ext4 $d /mnt && exit 0; done; false"),
		denied("loop-mount", "loop mount", "truncate -s 1M /tmp/i; mount -o loop /tmp/i /mnt || losetup -f /tmp/i"),
		denied("kernel-filesystems", "mount debugfs, tracefs, securityfs, bpf, configfs, efivarfs", "for f in debugfs tracefs securityfs bpf configfs efivarfs pstore fusectl; do mount -t $f none /mnt && ls /mnt | grep -q . && exit 0; done; false"),
		denied("dmesg", "read the kernel's log", "dmesg || head -c1 /dev/kmsg || timeout 1 head -c1 /proc/kmsg"),
		denied("kcore", "read /proc/kcore, /dev/mem", "head -c1 /proc/kcore || head -c1 /dev/mem"),
		denied("kallsyms", "read the kernel's addresses", "grep -vm1 ^0000000000000000 /proc/kallsyms; test $? = 0 || grep -vm1 ' 0x0000000000000000$' /proc/modules"),
		denied("clock", "set the clock", "date -s 2001-01-01 || hwclock -w || "+`perl -e 'exit(syscall(227, 0, pack("q2", 1, 0)) < 0)'`),
		refused("modules", "load and remove kernel modules", call(unix.SYS_INIT_MODULE, "0, 0, 0")+"; "+call(unix.SYS_FINIT_MODULE, "0, 0, 0")+"; "+call(unix.SYS_DELETE_MODULE, "0, 0"), eperm, eperm, eperm),
		refused("kexec", "kexec", call(unix.SYS_KEXEC_LOAD, "0, 0, 0, 0")+"; "+call(unix.SYS_KEXEC_FILE_LOAD, "0, 0, 0, 0, 0"), eperm, eperm),
		refused("open-by-handle-at", "open files by handle", call(unix.SYS_OPEN_BY_HANDLE_AT, "0, 0, 0"), eperm),
		refused("bpf", "bpf", call(unix.SYS_BPF, "0, 0, 0"), eperm),
		refused("perf-event-open", "perf_event_open", call(unix.SYS_PERF_EVENT_OPEN, "0, 0, 0, 0, 0"), eperm),
		refused("io-uring-setup", "io_uring", call(unix.SYS_IO_URING_SETUP, "1, 0")+"; "+call(unix.SYS_IO_URING_ENTER, "1, 0")+"; "+call(unix.SYS_IO_URING_REGISTER, "1, 0"), eperm, eperm, eperm),
		refused("userfaultfd", "userfaultfd", call(unix.SYS_USERFAULTFD, "0"), eperm),
		refused("keyctl", "keys of the kernel: keyctl, add_key, request_key", call(unix.SYS_KEYCTL, "0, -3, 0")+"; "+call(unix.SYS_ADD_KEY, "0, 0, 0, 0, 0")+"; "+call(unix.SYS_REQUEST_KEY, "0, 0, 0, 0"), enosys, enosys, enosys),
		refused("swap", "swapon, swapoff", call(unix.SYS_SWAPON, "0, 0")+"; "+call(unix.SYS_SWAPOFF, "0"), eperm, eperm),
		refused("accounting", "process accounting", call(unix.SYS_ACCT, "0"), eperm),
		refused("io-ports", "I/O ports", call(unix.SYS_IOPL, "3")+"; "+call(unix.SYS_IOPERM, "0, 1, 1"), eperm, eperm),
		refused("quotas", "disk quotas", call(unix.SYS_QUOTACTL, "0, 0, 0, 0"), eperm),
		refused("fanotify", "fanotify", call(unix.SYS_FANOTIFY_INIT, "0, 0"), eperm),
		refused("x32", "system calls by the numbers of another ABI", call(0x40000000|unix.SYS_GETPID, "")+"; "+call(0x40000000|unix.SYS_BPF, "0, 0, 0"), enosys, enosys),
		refused("af-alg", "AF_ALG", call(unix.SYS_SOCKET, "38, 5, 0")+"; "+call(unix.SYS_SOCKET, "38 | 1 << 40, 5, 0"), eaf, eaf),
		refused("af-vsock", "AF_VSOCK", call(unix.SYS_SOCKET, "40, 1, 0")+"; "+call(unix.SYS_SOCKETPAIR, "40, 1, 0, 0"), eaf, eaf),
		refused("socket-families", "AF_KEY, AF_TIPC, AF_RDS, AF_XDP, AF_BLUETOOTH, AF_CAN, AF_RXRPC", `perl -e 'for (15, 30, 21, 44, 31, 29, 33) { print syscall(41, $_, 2, 0) < 0 ? "errno ".($!+0)."\n" : "open\n" }'`, eaf, eaf, eaf, eaf, eaf, eaf, eaf),
		refused("tiocsti", "TIOCSTI: typing into a terminal that somebody else reads", `perl -e 'open T, "+<", "/dev/ptmx"; print ioctl(T, 0x5412, my $x = "x") ? "typed\n" : "errno ".($!+0)."\n"'; `+call(unix.SYS_IOCTL, "0, 0x5412 | 1 << 40, 0"), eperm, eperm),
		refused("tioclinux", "TIOCLINUX", call(unix.SYS_IOCTL, "0, 0x541c, 0"), eperm),
		denied("namespace-limits", "raise the limits of namespaces, and make more than they allow", "for f in /proc/sys/user/*; do echo 1000000 >$f; done; n=0; while test $n -lt 150 && ip netns add x$n; do n=$((n+1)); done; for i in $(seq 0 $n); do ip netns del x$i; done; test $n -ge 150"),
		denied("user-namespace", "gain rights over the machine in another user namespace", "unshare -Ur sh -c 'echo 1 >/proc/sys/vm/drop_caches || mknod /tmp/bb b 8 0 || dmesg || mount -t debugfs none /mnt'"),
		denied("lower-layer", "write beneath the overlay", "mount -o remount,rw,bind / && touch /lower/x; d=$(sed -n 's/.* - overlay .*lowerdir=\\([^:,]*\\).*/\\1/p' /proc/self/mountinfo | head -1); test -n \"$d\" && touch $d/x"),
		denied("keeper-tree", "see the tree of the keeper", "ls -d /h /up /lower /base /work | grep . || ls /proc/1/root/h"),
		{ID: "chroot", Group: Escape, Tried: "leave the root by chroot and a kept directory", Held: "the way ends at the host's own root", want: "0\n",
			line: `perl -e 'mkdir "/tmp/c"; opendir D, "/"; chroot "/tmp/c"; chdir "/proc/self/fd/".fileno(D); syscall(81, fileno(D)); chdir ".." for 1..50; chroot "."; print -e "lower" || -e "h" ? 1 : 0, "\n"'`},
		{ID: "inherited-files", Group: Escape, Tried: "use file descriptors that the server was started with, or left open, in a shell and in PID 1",
			Held: "there are only terminals, pipes and /dev/null", want: "none\n",
			line: `for p in $$ 1 $(pgrep dropbear); do for f in /proc/$p/fd/*; do readlink $f; done; done >/tmp/fds; test $(wc -l </tmp/fds) -gt 5 && ! grep -vE '^(/dev/pts/[0-9]+|/dev/null|/dev/ptmx|pipe:\[[0-9]+\]|socket:\[[0-9]+\]|anon_inode:\[signalfd\])$' /tmp/fds && echo none`},
		{ID: "ptrace", Group: Escape, Tried: "trace processes that the server runs", Held: "no process beyond the host's own can be named", want: "none\n",
			line: `perl -e 'for $p (1 .. 40000) { next if -e "/proc/$p"; if (syscall(101, 16, $p, 0, 0) == 0) { print "$p\n"; exit } } print "none\n"'; ps axo args= | grep -E '[k]eeper|[n]etground'; true`},
		denied("process-memory", "read memory of processes beyond the host", `perl -e 'for (2 .. 40000) { next if -e "/proc/$_"; exit 0 if open F, "<", "/proc/$_/mem" } exit 1'`),
		denied("overwrite-init", "write over the program that is PID 1", "cat /bin/true >/proc/1/exe || perl -e 'open(F, \"+<\", \"/proc/1/exe\") or exit 1'"),
		denied("enter-namespaces", "enter namespaces of the keeper or of the machine", `nsenter -t 1 -U true && exit 0; perl -e 'for (2 .. 40000) { next if -e "/proc/$_"; exit 0 if open F, "<", "/proc/$_/ns/net" } exit 1'`),
		denied("pid-one", "see the keeper behind PID 1", "tr '\\0' ' ' </proc/1/cmdline | grep keeper || cat /proc/1/environ | grep -i netground"),
	}
	return rows
}
