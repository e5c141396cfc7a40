package attack

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// escapesWithNeighbour are those whose effect is seen elsewhere: on the machine,
// or in the neighbour's sandbox.
func escapesWithNeighbour() []Attack {
	return []Attack{
		{ID: "ssh-keys", Group: Escape, Tried: "use the ssh keys of another sandbox", Held: "each sandbox has its own", run: sshKeys},
		{ID: "pid-max", Group: Escape, Tried: "write kernel.pid_max, which newer kernels have for each pid namespace", Held: "the machine's is as it was", run: pidMax},
		{ID: "abstract-sockets", Group: Escape, Tried: "connect to an abstract unix socket of the machine", Held: "it is not there", run: abstractSocket},
		{ID: "kill-all", Group: Escape, Tried: "kill -9 -1, and every number", Held: "only own processes end", run: killAll},
		{ID: "overlay", Group: Escape, Tried: "edit, remove and rename files of the root file system", Held: "a neighbour sees nothing of it", run: editLower},
		{ID: "reboot-symlinks", Group: Escape, Tried: "replace /dev, /proc, /run/netns and files of the boot by links out of the sandbox, and reboot the host",
			Held: "the machine's files are as they were, and the host is up", run: rebootLinks},
		{ID: "reboot-machine", Group: Escape, Tried: "reboot and halt by the system call", Held: "only the host reboots", run: rebootCall},
	}
}

func sshKeys(t *trial) {
	own, other := t.attacker().on("A"), t.neighbour().on("A")
	const key = "cat /root/.ssh/id_ed25519 /etc/dropbear/* | base64 -w0"
	a, b := own.do(key), other.do(key)
	if len(a) < 200 || a == b {
		t.fault("two sandboxes have the keys %.60q and %.60q", a, b)
	}
}

func pidMax(t *trial) {
	const file = "/proc/sys/kernel/pid_max"
	before, err := os.ReadFile(file)
	t.must(err)
	p := t.guest(plain)
	_, _ = p.on("A").try("echo 500 >" + file)
	after, err := os.ReadFile(file)
	t.must(err)
	if string(before) != string(after) {
		t.fault("it is %s", after)
	}
}

func abstractSocket(t *trial) {
	name := "netground-attack-" + filepath.Base(t.dir)
	l, err := net.Listen("unix", "@"+name)
	t.must(err)
	t.after(func() { l.Close() })
	accepted := make(chan struct{}, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Close()
			accepted <- struct{}{}
		}
	}()
	if out, exit := t.attacker().on("A").try("socat -u ABSTRACT-CONNECT:" + name + " - || grep " + name + " /proc/net/unix"); exit == 0 {
		t.fault("it is there: %s", out)
	}
	select {
	case <-accepted:
		t.fault("a connection from the sandbox came")
	default:
	}
}

func killAll(t *trial) {
	p, other := t.guest(plain), t.neighbour()
	p.on("B").do("(setsid sleep 1001 &)")
	other.on("A").do("(setsid sleep 1002 &)")
	bad := p.attach(p.terminal("A"), "bad", -1, true)
	t.after(bad.close)
	bad.expect(":~# ")
	bad.press("exec perl -e 'kill 9, $_ for 2 .. 40000; kill 9, -1'\r")
	if err := bad.see(t.within(most)/2, func() bool { return false }); err != nil {
		t.say("the attacker's shell: %v", err)
	}
	p.on("B").do("pgrep -f 'sleep 1001'")
	other.on("A").do("pgrep -f 'sleep 1002' && pkill -f 'sleep 1002'")
	p.on("A").do("true")
}

func editLower(t *trial) {
	p, other := t.guest(plain), t.neighbour()
	p.on("A").do("echo changed >>/etc/bash.bashrc; echo new >/usr/bin/new; rm /usr/bin/tree; mv /usr/share/man /usr/share/nam; chown 1000 /usr/bin/less; chmod 777 /etc")
	for _, s := range []*shell{p.on("B"), other.on("A"), t.guest(plain).on("A")} {
		if _, exit := s.try("! grep changed /etc/bash.bashrc && test ! -e /usr/bin/new -a -e /usr/bin/tree -a -d /usr/share/man && test $(stat -c %u /usr/bin/less) = 0 -a $(stat -c %a /etc) = 755"); exit != 0 {
			t.fault("the change is seen on another host")
		}
	}
	if _, err := os.Stat(filepath.Join(t.o.Machine.Rootfs, "usr/bin/new")); err == nil {
		t.fault("the root file system itself was changed")
	}
}

// rebootLinks lets all that a boot writes or mounts lead to a folder of the
// machine, which is the same path inside.
func rebootLinks(t *trial) {
	trap := filepath.Join(t.dir, "trap")
	t.must(os.MkdirAll(filepath.Join(trap, "net"), 0o777))
	t.after(func() { os.RemoveAll(trap) })
	t.must(os.WriteFile(filepath.Join(trap, "file"), []byte("untouched"), 0o666))
	p := t.guest(plain)
	p.on("A").do(fmt.Sprintf(`mkdir /x && mount --bind / /x && cd /x && mkdir -p .%[1]s && for d in dev proc sys run tmp; do rmdir $d 2>/dev/null || mv $d $d.old 2>/dev/null; ln -s %[1]s $d; done
		rm -rf etc/hosts etc/resolv.conf etc/hostname etc/mtab; for f in hosts resolv.conf hostname mtab sysctl.conf; do ln -sf %[1]s/file etc/$f; done
		rm -rf etc/network root/.ssh etc/dropbear; ln -s %[1]s etc/network; ln -s %[1]s root/.ssh; ln -s %[1]s etc/dropbear; true`, trap))
	if a := p.ask(http.MethodPost, "/hosts/A/reboot", "{}"); a.Status >= 500 {
		t.say("the reboot: %d %s", a.Status, a.Body)
	}
	var seen []string
	_ = filepath.WalkDir(trap, func(path string, d os.DirEntry, err error) error {
		if err == nil {
			seen = append(seen, strings.TrimPrefix(path, trap))
		}
		return nil
	})
	if got := strings.Join(seen, " "); got != " /file /net" {
		t.fault("the machine's folder now has %s", got)
	}
	if b, _ := os.ReadFile(filepath.Join(trap, "file")); string(b) != "untouched" {
		t.fault("the machine's file now says %.100q", b)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	t.must(err)
	if strings.Contains(string(mounts), trap) {
		t.fault("something is mounted on the machine's folder")
	}
	p.on("B").do("true")
	if out, exit := p.on("A").try("test -c /dev/null && test -d /proc/1 && hostname"); exit != 0 || out != "A\n" {
		t.fault("the host is not as after other boots: exit status %d, %q", exit, out)
	}
}

func rebootCall(t *trial) {
	before, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	t.must(err)
	p := t.guest(plain)
	bad := p.attach(p.terminal("A"), "bad", -1, true)
	t.after(bad.close)
	bad.expect(":~# ")
	for _, how := range []string{"0x1234567", "0x4321fedc", "0xcdef0123", "0x45584543", "0xd000fce2"} { // and those that no namespace has: kexec, suspend
		bad.press(fmt.Sprintf("perl -e 'syscall(169, 0xfee1dead, 672274793, %s, 0)'\r", how))
	}
	_ = bad.see(t.within(most)/6, func() bool { return false })
	after, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	t.must(err)
	if string(before) != string(after) {
		t.fault("the machine has booted")
	}
	t.neighbour().on("A").do("true")
	p.on("B").do("true")
}
