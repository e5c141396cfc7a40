//go:build sandbox

package sandbox

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// call is a line that does a system call and says how it went.
func call(number uintptr, args string) string {
	return fmt.Sprintf(`perl -e '$r = syscall(%d, %s); print $r < 0 ? "errno ".($!+0)."\n" : "went through $r\n"'`, number, args)
}

// Each line must fail, or say what want says.
var ways = []struct{ name, line, want string }{
	{"core pattern", "echo '|/tmp/x' >/proc/sys/kernel/core_pattern", ""},
	{"printk", "echo 7 >/proc/sys/kernel/printk", ""},
	{"caches", "echo 3 >/proc/sys/vm/drop_caches", ""},
	{"conntrack of the machine", "echo 1 >/proc/sys/net/netfilter/nf_conntrack_max", ""},
	{"pty limit of the machine", "echo 1 >/proc/sys/kernel/pty/max", ""},
	{"uevent helper", "echo /tmp/x >/sys/kernel/uevent_helper", ""},
	{"sysrq", "echo b >/proc/sysrq-trigger", ""},
	{"release agent", "ls -d /sys/fs/cgroup/*/release_agent && exit 1; for d in /sys/fs/cgroup/*/; do echo /tmp/x >$d/release_agent && exit 0; done; false", ""},
	{"own limits", "for f in /sys/fs/cgroup/*/{pids.max,memory.limit_in_bytes,cpu.cfs_quota_us} /sys/fs/cgroup/{pids.max,memory.max,cpu.max}; do test -e $f && echo -1 >$f && exit 0; done; false", ""},
	{"a fresh cgroup mount", "mkdir -p /tmp/cg; for c in memory pids cpu; do mount -t cgroup -o $c none /tmp/cg && echo 1 >/tmp/cg/../cg/cgroup.clone_children && test -e /tmp/cg/release_agent && exit 0; done; false", ""},
	{"block device", "mknod /tmp/b b 254 0", ""},
	{"memory device", "mknod /tmp/m c 1 1", ""},
	{"the machine's disk", "mount -t ext4 /dev/vda /mnt || mount -t ext4 /dev/sda1 /mnt", ""},
	{"loop mount", "truncate -s 1M /tmp/i; mount -o loop /tmp/i /mnt", ""},
	{"debugfs", "mount -t debugfs none /mnt || mount -t tracefs none /mnt || mount -t securityfs none /mnt || mount -t bpf none /mnt/x", ""},
	{"kernel log", "dmesg", ""},
	{"kernel memory", "head -c1 /proc/kcore", ""},
	{"kernel addresses", "grep -vm1 ^0000000000000000 /proc/kallsyms", ""},
	{"clock", "date -s 2001-01-01 || hwclock -w", ""},
	{"modules", "rmmod veth; " + call(unix.SYS_INIT_MODULE, "0, 0, 0"), "errno 1\n"},
	{"kexec", call(unix.SYS_KEXEC_LOAD, "0, 0, 0, 0"), "errno 1\n"},
	{"files by handle", call(unix.SYS_OPEN_BY_HANDLE_AT, "0, 0, 0"), "errno 1\n"},
	{"bpf", call(unix.SYS_BPF, "0, 0, 0"), "errno 1\n"},
	{"perf events", call(unix.SYS_PERF_EVENT_OPEN, "0, 0, 0, 0, 0"), "errno 1\n"},
	{"io_uring", call(unix.SYS_IO_URING_SETUP, "1, 0"), "errno 1\n"},
	{"userfaultfd", call(unix.SYS_USERFAULTFD, "0"), "errno 1\n"},
	{"keys", call(unix.SYS_KEYCTL, "0, -3, 0") + "; " + call(unix.SYS_ADD_KEY, "0, 0, 0, 0, 0"), "errno 38\nerrno 38\n"},
	{"swap", call(unix.SYS_SWAPON, "0, 0"), "errno 1\n"},
	{"process accounting", call(unix.SYS_ACCT, "0"), "errno 1\n"},
	{"I/O ports", call(unix.SYS_IOPL, "3"), "errno 1\n"},
	{"quotas", call(unix.SYS_QUOTACTL, "0, 0, 0, 0"), "errno 1\n"},
	{"32-bit numbers", call(0x40000000|unix.SYS_GETPID, ""), "errno 38\n"},
	{"AF_ALG, AF_VSOCK, AF_KEY", `perl -e 'for (38, 40, 15) { print socket(S, $_, 2, 0) ? "open" : "errno ".($!+0)."\n" }'`, "errno 97\nerrno 97\nerrno 97\n"},
	{"a socket family with high bits", call(unix.SYS_SOCKET, "38 | 1 << 40, 5, 0"), "errno 97\n"},
	{"typing into a terminal", `perl -e 'open T, "+<", "/dev/ptmx"; print ioctl(T, 0x5412, my $x = "x") ? "typed" : "errno ".($!+0)."\n"'`, "errno 1\n"},
	{"with high bits", call(unix.SYS_IOCTL, "0, 0x5412 | 1 << 40, 0"), "errno 1\n"},
	{"network device limits of the machine", "sysctl -w net.core.netdev_max_backlog=1 || sysctl -w net.core.bpf_jit_enable=0", ""},
	{"raising the limits of namespaces", "for f in /proc/sys/user/*; do echo 1000000 >$f; done; cat /proc/sys/user/max_net_namespaces >/tmp/n; n=0; while unshare -n true; do n=$((n+1)); test $n = 3 && break; done; false", ""},
	{"the kernel's parameters by sysfs", "find /sys/module /sys/kernel /sys/devices/system -writable -type f 2>/dev/null | while read f; do cat $f >/dev/null 2>&1; (cat $f 2>/dev/null >$f) 2>/dev/null && echo $f; done | head -3 | grep .", ""},
	{"the lower layer", "mount -o remount,rw,bind / && touch /lower/x", ""},
	{"the keeper's tree", "ls /h /up /lower /base 2>/dev/null | grep .", ""},
	{"another root", `perl -e 'opendir D, "/proc/1/root/.."; chroot "/proc/1/root/../../../.."; print -e "/lower" ? 1 : 0'`, "0"},
}

func TestNothingLeadsOut(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "escape", addressed())
	before, _ := os.ReadFile("/proc/sys/kernel/core_pattern")
	for _, c := range ways {
		out, err := s.Run(t.Context(), "A", c.line, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := string(out.Stdout)
		if c.want == "" && out.Exit == 0 || c.want != "" && got != c.want {
			t.Errorf("%s: exit %d, %q %q; wanted %q", c.name, out.Exit, got, out.Stderr, c.want)
		}
	}
	if after, _ := os.ReadFile("/proc/sys/kernel/core_pattern"); string(after) != string(before) {
		t.Errorf("the machine's core pattern is %q", after)
	}
}

func TestFilesOfAShell(t *testing.T) {
	// What whoever started the server left open, and open on exec.
	left, err := unix.Open("/etc/passwd", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(left)
	m := open(t, options(t))
	s := create(t, m, "files", addressed())
	y := sit(t, s, "A")
	// 255 is bash's own copy of the terminal, 3 the directory that ls reads.
	out := y.typed("ls -l /proc/$$/fd /proc/self/fd /proc/1/fd | awk '/->/ {print $9 $10 $11}'")
	fds := regexp.MustCompile(`(\d+)->(\S+)`).FindAllStringSubmatch(out, -1)
	if len(fds) < 10 {
		t.Errorf("the shell shows %q", out)
	}
	for _, f := range fds {
		if !regexp.MustCompile(`^(/dev/pts/\d+|/dev/null|/proc/\d+/fd|pipe:\[\d+\]|anon_inode:\[signalfd\])$`).MatchString(f[2]) {
			t.Errorf("descriptor %s is %s", f[1], f[2])
		}
	}
	for _, host := range []string{"A", "B"} {
		if got := sh(t, s, host, "ls -l /proc/self/fd | awk '/->/ {print $9 $10 $11}'; ssh localhost 'ls -l /proc/self/fd' | awk '/->/ {print $9}'"); !regexp.MustCompile(
			`^0->/dev/null\n1->pipe:\[\d+\]\n2->pipe:\[\d+\]\n3->/proc/\d+/fd\n0\n1\n2\n3\n$`).MatchString(got) {
			t.Errorf("a run has %q", got)
		}
	}
	if got := y.typed("cat /proc/self/status | grep -E 'Cap(Prm|Bnd)'; cat /proc/self/uid_map"); !strings.Contains(got, "0          0      65536") {
		t.Errorf("the ids are mapped as %q", got)
	}
}

func TestProcessesAreOwn(t *testing.T) {
	m := open(t, options(t))
	s, other := create(t, m, "own", addressed()), create(t, m, "other", addressed())
	sh(t, s, "B", "(setsid sleep 1001 &)")
	sh(t, other, "A", "(setsid sleep 1002 &)")
	if got := sh(t, s, "A", "ps axo args="); strings.Contains(got, "keeper") || strings.Contains(got, "100") || strings.Count(got, "init") != 1 {
		t.Errorf("A sees the processes\n%s", got)
	}
	_, _ = s.Run(t.Context(), "A", "kill -9 -1; for p in $(seq 1 2000); do kill -9 $p; done 2>/dev/null", nil)
	for _, c := range []struct {
		s    *Sandbox
		host string
	}{{s, "A"}, {s, "B"}, {other, "A"}} {
		sh(t, c.s, c.host, "true")
	}
	sh(t, s, "B", "pgrep -f 'sleep 1001'")
	sh(t, other, "A", "pgrep -f 'sleep 1002'")
	if got := fails(t, s, "A", "nsenter -t 1 -u -p sh -c 'hostname; kill -9 1' && false; ls /proc/1/root/lower"); strings.Contains(got, "keeper") {
		t.Errorf("a namespace of the keeper was entered: %s", got)
	}
}

func TestNoUplink(t *testing.T) {
	tcp, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("reached"))
			c.Close()
		}
	}()
	abstract, err := net.Listen("unix", "@netground-test")
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	m := open(t, options(t))
	s, other := create(t, m, "left", addressed()), create(t, m, "right", addressed())
	_, port, _ := net.SplitHostPort(tcp.Addr().String())
	targets := []string{"127.0.0.1", "169.254.169.254", "8.8.8.8", "10.0.0.254"}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
				targets = append(targets, n.IP.String())
			}
		}
	}
	for _, a := range targets {
		// Also with every route that a learner can set.
		line := fmt.Sprintf("ip route replace default dev eth0; nc -w1 -d %s %s", a, port)
		if got := fails(t, s, "A", line); strings.Contains(got, "reached") {
			t.Errorf("%s is reached: %s", a, got)
		}
	}
	fails(t, s, "A", "socat -u ABSTRACT-CONNECT:netground-test -")
	// The same addresses in two sandboxes are two networks.
	sh(t, other, "B", "ip link set eth0 down")
	sh(t, s, "A", "ping -c1 -W2 10.0.0.2")
	fails(t, other, "A", "ping -c1 -W1 10.0.0.2")
	if a, b := sh(t, s, "A", "cat /root/.ssh/id_ed25519"), sh(t, other, "A", "cat /root/.ssh/id_ed25519"); a == b {
		t.Error("two sandboxes have the same ssh key")
	}
}

func TestNeighboursSeeNoChangeOfFiles(t *testing.T) {
	o := options(t)
	m := open(t, o)
	s, other := create(t, m, "writer", addressed()), create(t, m, "reader", addressed())
	sh(t, s, "A", "echo changed >>/etc/bash.bashrc; echo new >/usr/bin/new; rm /usr/bin/tree; mv /usr/share/man /usr/share/nam; chown 1000 /usr/bin/less")
	for _, c := range []struct {
		s    *Sandbox
		host string
	}{{s, "B"}, {other, "A"}} {
		sh(t, c.s, c.host, "! grep changed /etc/bash.bashrc; test ! -e /usr/bin/new -a -e /usr/bin/tree -a -d /usr/share/man && test $(stat -c %u /usr/bin/less) = 0")
	}
	if _, err := os.Stat(filepath.Join(o.Rootfs, "usr/bin/new")); err == nil {
		t.Error("the root file system itself changed")
	}
}
