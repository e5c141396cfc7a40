//go:build sandbox

package sandbox

import (
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/netground/netground/server/sandbox/keeper"
)

// routed is A and B joined by a switch and by a cable of their own; A boots
// with an address on eth0.
func routed() keeper.Spec {
	s := two()
	s.Links = append(s.Links, keeper.Link{A: keeper.End{Node: "A", Device: "eth1"}, B: keeper.End{Node: "B", Device: "eth1"}})
	s.Hosts[0].Interfaces = []keeper.Interface{
		{Name: "eth0", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("fd00::1/64")}},
		{Name: "eth1", MAC: "02:00:00:00:00:0a", Up: true},
	}
	s.Hosts[0].Routes = []keeper.Route{{To: "10.9.0.0/16", Via: "10.0.0.2"}}
	s.Hosts[0].Sysctl = [][2]string{{"net.ipv4.ip_forward", "1"}}
	s.Hosts[0].Files = []keeper.File{{Path: "/etc/deep/er/file", Content: "first\n"}}
	s.Hosts[0].Start = []string{"echo started >>/root/started"}
	s.Hosts[1].Interfaces = []keeper.Interface{{Name: "eth0", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24")}}}
	return s
}

func TestBootConfiguration(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "boot", routed())
	if got := sh(t, s, "A", "ip -br addr show eth0"); !strings.Contains(got, "UP") || !strings.Contains(got, "10.0.0.1/24") || !strings.Contains(got, "fd00::1/64") {
		t.Errorf("eth0 is %q", got)
	}
	if got := sh(t, s, "A", "ip route; sysctl -n net.ipv4.ip_forward; cat /etc/deep/er/file; ip link show eth1"); !strings.Contains(got, "10.9.0.0/16 via 10.0.0.2") ||
		!strings.Contains(got, "\n1\nfirst\n") || !strings.Contains(got, "02:00:00:00:00:0a") {
		t.Errorf("A booted with\n%s", got)
	}
	if got := sh(t, s, "B", "sysctl -n net.ipv4.ip_forward; ip -br link show eth1"); !strings.HasPrefix(got, "0\n") || !strings.Contains(got, "DOWN") {
		t.Errorf("B booted with\n%s", got)
	}
	hosts := sh(t, s, "B", "cat /etc/hosts")
	if !strings.Contains(hosts, "10.0.0.1\tA\n") || !strings.Contains(hosts, "10.0.0.2\tB\n") {
		t.Errorf("/etc/hosts is %q", hosts)
	}
	sh(t, s, "B", "ping -c1 -W2 A")
	sh(t, s, "A", "ping -c1 -W2 A") // its own name
}

func TestRebootForgetsWhatIPSetAndKeepsFiles(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "reboot", routed())
	sh(t, s, "A", `ip addr add 10.5.5.5/24 dev eth0; ip link set eth1 down; ip link set eth1 name renamed; ip link set renamed mtu 1400 address 02:99:99:99:99:99
		ip link add br9 type bridge; ip netns add netns-red; sysctl -qw net.ipv4.ip_forward=0; echo kept >/root/note
		printf 'net.ipv4.conf.all.log_martians = 1\n' >>/etc/sysctl.conf
		printf 'auto eth1\niface eth1 inet static\n  address 10.7.0.1/24\n' >>/etc/network/interfaces`)
	sh(t, s, "B", "ip addr add 10.7.0.2/24 dev eth1; ip link set eth1 up; ip route add 10.8.0.0/16 via 10.0.0.1")
	before := sh(t, s, "B", "ip -o addr show dev eth1 scope global; ip route show 10.8.0.0/16")
	shell, err := s.OpenTerminal(t.Context(), "A", 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Master.Close()
	until(t, shell.Master, ":~# ")
	old := s.Nodes()[0]
	if err := s.Reboot(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	if e := event(t, s, "exit"); e.Shell != shell.ID {
		t.Errorf("exit event is %+v", e)
	}
	if e := event(t, s, "reboot"); e.Host != "A" || e.Node.NetNS == nil || e.Node.NetNS == old.NetNS {
		t.Errorf("reboot event is %+v", e)
	}
	got := sh(t, s, "A", "ip -o addr; ip -o link; ip netns; ip route; sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.log_martians; cat /root/note; sort /root/started")
	for _, want := range []string{"10.0.0.1/24", "10.9.0.0/16 via", "02:00:00:00:00:0a", "10.7.0.1/24", "\n1\n1\nkept\nstarted\nstarted\n", "mtu 1500"} {
		if !strings.Contains(got, want) {
			t.Errorf("after the reboot %q is missing", want)
		}
	}
	for _, gone := range []string{"10.5.5.5", "br9", "netns-red", "renamed", "mtu 1400"} {
		if strings.Contains(got, gone) {
			t.Errorf("after the reboot %q is still there", gone)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
	if after := sh(t, s, "B", "ip -o addr show dev eth1 scope global; ip route show 10.8.0.0/16"); after != before {
		t.Errorf("the neighbour changed from\n%sto\n%s", before, after)
	}
	sh(t, s, "B", "ping -c1 -W2 10.0.0.1 && ping -c1 -W2 10.7.0.1")
}

func TestRebootRestoresLinks(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "restore", routed())
	sh(t, s, "A", "ip link del eth0; ip netns add red; ip link set eth1 netns red")
	if err := s.Reboot(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	if got := sh(t, s, "A", "ip -br link"); !strings.Contains(got, "eth0@") || !strings.Contains(got, "eth1@") || !strings.Contains(got, "02:00:00:00:00:0a") {
		t.Errorf("the links are\n%s", got)
	}
	sh(t, s, "B", "ping -c1 -W2 10.0.0.1; ip -br link show eth1")
	sh(t, s, "A", "ping -c1 -W2 10.0.0.2")
}

func TestRebootAndHaltCommands(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "commands", routed())
	shell, err := s.OpenTerminal(t.Context(), "A", 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Master.Close()
	until(t, shell.Master, ":~# ")
	_, _ = io.WriteString(shell.Master, "reboot\r")
	event(t, s, "exit")
	if e := event(t, s, "reboot"); e.Host != "A" {
		t.Errorf("reboot event is %+v", e)
	}
	sh(t, s, "A", "ping -c1 -W2 10.0.0.2")
	if shell, err = s.OpenTerminal(t.Context(), "A", 80, 24); err != nil {
		t.Fatal(err)
	}
	defer shell.Master.Close()
	_, _ = io.WriteString(shell.Master, "poweroff\r")
	if e := event(t, s, "halt"); e.Host != "A" {
		t.Errorf("halt event is %+v", e)
	}
	if _, err := s.Run(t.Context(), "A", "true", nil); err == nil {
		t.Error("a halted host runs commands")
	}
	if got := fails(t, s, "B", "ping -c1 -W1 10.0.0.1"); strings.Contains(got, "1 received") {
		t.Error("a halted host answers")
	}
	if err := s.Reboot(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	sh(t, s, "A", "ping -c1 -W2 10.0.0.2")
}

func TestRebootOverReplacedDirectories(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "replaced", routed())
	// The mounts hide the directories; the learner reaches what lies under them
	// by a bind mount of the root.
	sh(t, s, "A", `mkdir /x && mount --bind / /x && cd /x && for d in dev proc run; do rmdir $d 2>/dev/null || mv $d $d.old; ln -s /etc $d; done; rm -rf sys; echo file >sys; mkdir -p usr; rm /x/usr/bin/catatonit; true`)
	if err := s.Reboot(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	sh(t, s, "A", "test -c /dev/null && test -e /proc/1/status && test -d /sys/class && test ! -L /dev")
	sh(t, s, "B", "test -c /dev/null && ping -c1 -W2 10.0.0.1")
}

func TestShutdownCommands(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "shutdown", routed())
	for _, c := range []struct{ line, event string }{
		{"halt", "halt"}, {"shutdown -r now", "reboot"}, {"shutdown -h now", "halt"}, {"ssh B reboot", "reboot"}, {"/sbin/reboot", "reboot"},
	} {
		if err := s.Reboot(t.Context(), "A"); err != nil {
			t.Fatal(err)
		}
		event(t, s, "reboot")
		y := sit(t, s, "A")
		y.keys(c.line + "\r")
		if e := event(t, s, c.event); e.Kind != c.event || e.Host != map[bool]string{true: "B", false: "A"}[strings.HasPrefix(c.line, "ssh")] {
			t.Errorf("%s: the event is %+v", c.line, e)
		}
	}
	sh(t, s, "A", "ping -c1 -W2 10.0.0.2")
	sh(t, s, "B", "ping -c1 -W2 10.0.0.1")
}

// What interfaces(5) and sysctl.conf(5) files say comes after the topology and
// survives; ifup and ifdown work by hand as well.
func TestBootFilesOfAHost(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "bootfiles", routed())
	sh(t, s, "A", `cat >/etc/network/interfaces <<X
auto lo
iface lo inet loopback
source /etc/network/interfaces.d/*
auto eth0
iface eth0 inet static
  address 10.0.0.77/24
  gateway 10.0.0.2
  up ip addr add 10.0.0.78/24 dev eth0
auto br7
iface br7 inet static
  bridge_ports none
  address 10.77.0.1/24
iface eth1 inet manual
X
printf 'auto eth1:0\niface eth1:0 inet static\n  address 10.78.0.1/24\n' >/etc/network/interfaces.d/more
printf '# forwards\nnet.ipv4.ip_forward=0\nnet.ipv4.conf.eth0.rp_filter = 2\nkernel.core_pattern=x\nnonsense\n' >/etc/sysctl.conf
printf 'net.ipv4.tcp_syncookies=0' >/etc/sysctl.d/50-x.conf; ifup br7 && ip -br addr show br7 && ifdown br7`)
	if err := s.Reboot(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	got := sh(t, s, "A", "ip -o -4 addr; ip route; sysctl -n net.ipv4.ip_forward net.ipv4.conf.eth0.rp_filter net.ipv4.tcp_syncookies; cat /run/network/boot.log")
	for _, want := range []string{"10.0.0.1/24", "10.0.0.77/24", "10.0.0.78/24", "10.77.0.1/24", "10.78.0.1/24", "default via 10.0.0.2", "\n0\n2\n0\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("after the reboot %q is missing in\n%s", want, got)
		}
	}
	// Files that hang or are none at all do not keep a host from booting.
	sh(t, s, "A", `rm /etc/sysctl.conf; mkfifo /etc/sysctl.conf; rm -rf /etc/network/interfaces.d; ln -s /etc/network /etc/network/interfaces.d; ln -sf /dev/zero /etc/network/interfaces; rm -r /etc/hosts; mv /bin/sh.distrib /bin/sh 2>/dev/null; true`)
	if err := s.Reboot(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	sh(t, s, "A", "ping -c1 -W2 10.0.0.2")
}

func TestRebootEndsWhateverRuns(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "busy", routed())
	sh(t, s, "A", `(setsid bash -c 'b() { b | b & }; b; wait' >/dev/null 2>&1 &); (setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' &); unshare -Urpf --mount-proc sleep 1000 & sleep 0.3`)
	done := make(chan error, 3)
	for range cap(done) { // at once
		go func() { done <- s.Reboot(t.Context(), "A") }()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := sh(t, s, "A", "pgrep -c sleep; true"); got != "0\n" {
		t.Errorf("%s processes survived", got)
	}
	sh(t, s, "A", "ping -c1 -W2 10.0.0.2")
	if err := s.Reboot(t.Context(), "sw"); err == nil {
		t.Error("a switch was rebooted")
	}
	if err := s.Reboot(t.Context(), "nobody"); err == nil {
		t.Error("nobody was rebooted")
	}
}
