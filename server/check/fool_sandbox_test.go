//go:build sandbox

package check_test

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/netground/netground/server/app"
	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

// fooled is A, R and B in a row, with a learner who wants to pass without solving.
type fooled struct {
	t   *testing.T
	e   *app.Engine
	box session.Sandbox
	obs session.Observer
}

func start(t *testing.T) fooled {
	t.Helper()
	root := os.Getenv("NETGROUND_ROOTFS")
	if root == "" {
		root = "../../deploy/.cache/rootfs"
	}
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatalf("no root file system (%v): run deploy/rootfs, or set NETGROUND_ROOTFS", err)
	}
	root, _ = filepath.Abs(root)
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir+"/keeper", "github.com/netground/netground/cmd/keeper")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	e, err := app.OpenEngine(t.Context(), config.Machine{
		Rootfs: root, Keeper: dir + "/keeper", State: dir + "/state", Runtime: dir + "/run", Cgroup: "/netground-check",
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	dev := func(a ...string) lab.Interface {
		i := lab.Interface{Up: true}
		for _, s := range a {
			i.Addresses = append(i.Addresses, netip.MustParsePrefix(s))
		}
		return i
	}
	forward := map[string]string{"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
	box, err := e.Create(t.Context(), "fooled", session.Spec(&lab.Lab{Name: "fooled", Topology: lab.Topology{
		Hosts: map[string]lab.Host{
			"A": {Interfaces: map[string]lab.Interface{"eth0": dev("10.1.0.2/24", "2001:db8:1::2/64")},
				Routes: []lab.RouteSpec{{To: "default", Via: "10.1.0.1"}, {To: "default", Via: "2001:db8:1::1"}}},
			"R": {Interfaces: map[string]lab.Interface{"eth0": dev("10.1.0.1/24", "2001:db8:1::1/64"), "eth1": dev("10.2.0.1/24", "2001:db8:2::1/64")}, Sysctl: forward},
			"B": {Interfaces: map[string]lab.Interface{"eth0": dev("10.2.0.2/24", "2001:db8:2::2/64")},
				Routes: []lab.RouteSpec{{To: "default", Via: "10.2.0.1"}, {To: "default", Via: "2001:db8:2::1"}}},
		},
		Links: []lab.Link{{A: lab.End{Node: "A", Device: "eth0"}, B: lab.End{Node: "R", Device: "eth0"}}, {A: lab.End{Node: "R", Device: "eth1"}, B: lab.End{Node: "B", Device: "eth0"}}},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	obs, err := e.Watch(t.Context(), box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(obs.Close)
	f := fooled{t, e, box, obs}
	for _, h := range []string{"R", "B"} {
		f.run(h, "mkdir -p /srv/w; echo page of "+h+" > /srv/w/index.html; busybox httpd -p '[::]:80' -h /srv/w")
	}
	// New IPv6 addresses are silent until nobody objects to them (RFC 4862, 5.4).
	f.run("A", "for i in $(seq 50); do ping -c 1 -W 1 2001:db8:2::2 && exit 0; sleep 0.1; done; exit 1")
	return f
}

func (f fooled) run(host, line string) {
	f.t.Helper()
	out, err := f.box.Run(f.t.Context(), host, line)
	if err != nil || out.Exit != 0 {
		f.t.Fatalf("%s: %s: exit %d, %v: %s", host, line, out.Exit, err, out.Text)
	}
}

// is asks for a verdict.
func (f fooled) is(c lab.Check, want string) {
	f.t.Helper()
	if _, err := f.obs.Refresh(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	r := f.e.Evaluate(f.t.Context(), &c, f.obs, nil)
	if r.Reason != want {
		f.t.Errorf("%s: got %s (%s: %s), want %s", r.Expected["en"], r.Reason, r.Found["en"], r.Why["en"], want)
	}
}

// ways to B: by each protocol, over IPv4 and IPv6.
func ways(at string) []*lab.ReachCheck {
	return []*lab.ReachCheck{
		{From: "A", To: "10.2.0.2", At: at},
		{From: "A", To: "10.2.0.2", At: at, Proto: "tcp", Port: 80},
		{From: "A", To: "http://10.2.0.2/", At: at, Proto: "http", Contains: "page"},
		{From: "A", To: "2001:db8:2::2", At: at},
		{From: "A", To: "2001:db8:2::2", At: at, Proto: "tcp", Port: 80},
		{From: "A", To: "http://[2001:db8:2::2]/", At: at, Proto: "http", Contains: "page"},
	}
}

func TestNobodyAnswersInAnothersName(t *testing.T) {
	f := start(t)
	all := func(ways []*lab.ReachCheck, want string) {
		t.Helper()
		for _, w := range ways {
			f.is(lab.Check{Reach: w}, want)
		}
	}
	all(ways("B"), check.OK)
	all(ways("R"), "answered-elsewhere") // it only passes through

	// The router translates to itself, and back.
	f.run("R", "iptables -t nat -A PREROUTING -d 10.2.0.2 -j REDIRECT; ip6tables -t nat -A PREROUTING -d 2001:db8:2::2 -j REDIRECT")
	all(ways("B"), "answered-elsewhere")
	all(ways(""), check.OK) // what lint warns of
	f.run("R", "iptables -t nat -F; ip6tables -t nat -F; conntrack -F 2>/dev/null")

	// The router has the address, too.
	f.run("R", "ip addr add 10.2.0.2/32 dev lo; ip addr add 2001:db8:2::2/128 dev lo nodad")
	all(ways("B"), "answered-elsewhere")
	f.run("R", "ip addr del 10.2.0.2/32 dev lo; ip addr del 2001:db8:2::2/128 dev lo")

	// The sender has it, and answers itself.
	f.run("A", "ip addr add 10.2.0.2/32 dev lo; ip addr add 2001:db8:2::2/128 dev lo nodad; busybox httpd -p '[::]:80' -h /etc")
	for _, w := range ways("B") {
		if w.Proto != "http" {
			f.is(lab.Check{Reach: w}, "answered-elsewhere")
		}
	}
	f.run("A", "ip addr del 10.2.0.2/32 dev lo; ip addr del 2001:db8:2::2/128 dev lo")

	// A program on the way takes the connection and makes another.
	f.run("R", "iptables -t nat -A PREROUTING -p tcp -d 10.2.0.2 --dport 80 -j REDIRECT --to-ports 8080; (socat TCP-LISTEN:8080,fork,reuseaddr TCP:10.2.0.2:80 </dev/null >/dev/null 2>&1 &) ; for i in $(seq 50); do ss -ltn | grep -q :8080 && break; sleep 0.05; done")
	f.is(lab.Check{Reach: ways("B")[2]}, "answered-elsewhere")
	f.run("R", "iptables -t nat -F; conntrack -F 2>/dev/null")

	// Proxy ARP: the router answers for an address that nobody has.
	f.run("R", "sysctl -w net.ipv4.conf.all.proxy_arp=1")
	f.is(lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.2.0.9", At: "B"}}, "nobody")
	// Honest translation, as in front of a container, is no fraud.
	f.run("R", "iptables -t nat -A PREROUTING -p tcp -d 10.1.0.1 --dport 8081 -j DNAT --to-destination 10.2.0.2:80; iptables -t nat -A POSTROUTING -o eth1 -p tcp -j MASQUERADE --random-fully")
	f.is(lab.Check{Reach: &lab.ReachCheck{From: "A", To: "http://10.1.0.1:8081/", Proto: "http", Contains: "page of B", At: "B"}}, check.OK)
	f.is(lab.Check{Reach: &lab.ReachCheck{From: "A", To: "http://10.1.0.1:8081/nothing", Proto: "http", At: "B"}}, check.BadStatus)
}

func TestNoToolOfTheLearnersIsAsked(t *testing.T) {
	f := start(t)
	f.run("A", `for t in ip ping dig ss cat sysctl; do for d in /usr/local/sbin /usr/bin /bin /usr/sbin; do
  rm -f $d/$t; printf '#!/bin/sh\necho 10.9.9.9/24 is fine; exit 0\n' > $d/$t; chmod +x $d/$t; done; done
echo /nowhere/evil.so > /etc/ld.so.preload`)
	f.is(lab.Check{Address: &lab.AddressCheck{Where: lab.Where{Host: "A"}, Dev: "eth0", Has: netip.MustParsePrefix("10.9.9.9/24")}}, check.OtherAddress)
	f.is(lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.9.9.9"}}, "no-route")
	f.is(lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.2.0.2", At: "B"}}, check.OK)
	f.is(lab.Check{Sysctl: &lab.SysctlCheck{Where: lab.Where{Host: "A"}, Key: "net.ipv4.ip_forward", Value: "1"}}, check.WrongValue)
	f.is(lab.Check{Listens: &lab.ListensCheck{Where: lab.Where{Host: "A"}, Port: 80}}, check.NotListening)
}

func TestNamespacesThatAreNone(t *testing.T) {
	f := start(t)
	red := lab.Check{Namespace: &lab.NamespaceCheck{Host: "A", Name: "red"}}
	// Lazily, as ip does: the observer may be looking at it.
	const clean = "umount -l /run/netns/red 2>/dev/null; rm -rf /run/netns/red; "
	f.is(red, check.NoNamespace)
	f.run("A", "mkdir -p /run/netns; touch /run/netns/red")
	f.is(red, check.NoNamespace)
	f.run("A", clean+"mkdir /run/netns/red")
	f.is(red, check.NoNamespace)
	f.run("A", clean+"ln -s /proc/1/ns/net /run/netns/red")
	f.is(red, check.NoNamespace)
	f.run("A", clean+"mkfifo /run/netns/red")
	f.is(red, check.NoNamespace)
	f.run("A", clean+"touch /run/netns/red; mount --bind /proc/self/ns/uts /run/netns/red")
	f.is(red, check.NoNamespace)
	f.run("A", clean+"touch /run/netns/red; mount --bind /proc/self/ns/net /run/netns/red")
	f.is(red, check.SameNamespace)
	f.run("A", clean+"ip netns add blue; touch /run/netns/red; mount --bind /run/netns/blue /run/netns/red")
	f.is(red, check.SameNamespace)
	f.run("A", "ip netns del red; ip netns add red")
	f.is(red, check.OK)
}

func TestFilesThatAreNone(t *testing.T) {
	f := start(t)
	file := lab.Check{File: &lab.FileCheck{Host: "A", Path: "/root/answer", Matches: "^root:"}}
	for _, c := range []struct{ line, want string }{
		{"rm -f /root/answer", check.Missing},
		{"ln -sf /etc/shadow-of-the-host /root/answer", check.Missing},
		{"ln -sf ../../../../../../../../etc/netground-machine-id /root/answer", check.Missing},
		{"ln -sf /proc/1/root/etc/passwd /root/answer", check.Missing},
		{"ln -sf answer /root/answer", check.Missing},
		{"rm /root/answer; mkfifo /root/answer", check.NotRegular},
		{"rm /root/answer; mkdir /root/answer", check.NotRegular},
		{"rmdir /root/answer; ln -s /dev/zero /root/answer", check.NotRegular},
		{"rm /root/answer; truncate -s 10G /root/answer", check.NotRegular},
		{"rm /root/answer; printf 'no\\0root:\\n' > /root/answer", check.NoMatch},
		{"printf 'root:\\033[31m\\n' > /root/answer", check.OK},
	} {
		f.run("A", c.line)
		f.is(file, c.want)
	}
}
