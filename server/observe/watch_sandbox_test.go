//go:build sandbox

package observe_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/sandbox"
	"github.com/netground/netground/server/sandbox/boxtest"
	"github.com/netground/netground/server/sandbox/keeper"
)

// built has the keeper, which is built once for all tests.
var built string

func TestMain(m *testing.M) { os.Exit(boxtest.Main(m, &built, "keeper")) }

type network struct {
	t *testing.T
	*observe.Watch
	box *sandbox.Sandbox
}

// start makes hosts A (10.0.0.1/24), B (10.0.0.2/24) and C (no address) on a switch, and watches them.
func start(t *testing.T) network {
	t.Helper()
	dir := t.TempDir()
	m, err := sandbox.Open(t.Context(), sandbox.Options{
		Rootfs: boxtest.Rootfs(t), Keeper: filepath.Join(built, "keeper"), StateDir: dir + "/state", RuntimeDir: dir + "/run", CgroupParent: "/netground-observe",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	host := func(name, address string) keeper.Host {
		h := keeper.Host{Name: name, Sysctl: [][2]string{{"net.ipv6.conf.all.disable_ipv6", "1"}}}
		if address != "" {
			h.Interfaces = []keeper.Interface{{Name: "eth0", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix(address)}}}
		}
		return h
	}
	link := func(name string) keeper.Link {
		return keeper.Link{A: keeper.End{Node: name, Device: "eth0"}, B: keeper.End{Node: "sw"}}
	}
	box, err := m.Create(t.Context(), "watched", keeper.Spec{
		Name: "net", Switches: []string{"sw"},
		Hosts: []keeper.Host{host("A", "10.0.0.1/24"), host("B", "10.0.0.2/24"), host("C", "")},
		Links: []keeper.Link{link("A"), link("B"), link("C")},
	})
	if err != nil {
		t.Fatal(err)
	}
	service, err := observe.Open(slog.New(slog.NewTextHandler(testLog{t}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var targets []observe.Target
	for _, n := range box.Nodes() {
		targets = append(targets, observe.Target(n))
	}
	w, err := service.Watch(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Close()
		service.Close()
	})
	return network{t, w, box}
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func (n network) run(host, line string) string {
	n.t.Helper()
	out, err := n.box.Run(n.t.Context(), host, line, nil)
	if err != nil || out.Exit != 0 {
		n.t.Fatalf("%s: %s: exit %d, %v: %s%s", host, line, out.Exit, err, out.Stdout, out.Stderr)
	}
	return strings.TrimSpace(string(out.Stdout))
}

// until waits for a published state in which the condition holds.
func (n network) until(what string, holds func(*observe.State) bool) *observe.State {
	n.t.Helper()
	states, cancel := n.Subscribe()
	defer cancel()
	limit := time.After(10 * time.Second)
	for st := n.State(); ; {
		if holds(st) {
			return st
		}
		select {
		case st = <-states:
		case <-limit:
			state, _ := json.MarshalIndent(st.Nodes, "", " ")
			n.t.Fatalf("it did not come about that %s; the state is\n%s", what, state)
		}
	}
}

func TestStateFollowsTheKernel(t *testing.T) {
	n := start(t)
	st := n.State()
	eth0 := st.Namespace("A", "").Link("eth0")
	if eth0 == nil || !eth0.Up || !eth0.Carrier || eth0.Type != "veth" || eth0.MTU != 1500 || len(eth0.MAC) != 17 {
		t.Fatalf("eth0 of A is %+v", eth0)
	}
	if len(eth0.Addresses) != 1 || eth0.Addresses[0].String() != "10.0.0.1/24" {
		t.Errorf("its addresses are %v", eth0.Addresses)
	}
	if eth0.Peer == nil || eth0.Peer.Node != "sw" {
		t.Fatalf("its peer is %+v", eth0.Peer)
	}
	port := st.Namespace("sw", "").Link(eth0.Peer.Dev)
	if port == nil || port.Master == "" || port.Peer == nil || *port.Peer != (observe.Place{Node: "A", Dev: "eth0"}) {
		t.Errorf("the switch's port is %+v", port)
	}
	if c := st.Namespace("C", "").Link("eth0"); c.Up || c.Peer == nil {
		t.Errorf("eth0 of C is %+v", c)
	}
	routes := st.Namespace("A", "").Routes
	if len(routes) != 1 || routes[0].To.String() != "10.0.0.0/24" || routes[0].Dev != "eth0" || !routes[0].Kernel {
		t.Errorf("the routes of A are %+v", routes)
	}

	n.run("C", "ip addr add 10.0.0.3/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.0.1")
	n.until("C has its address and route", func(st *observe.State) bool {
		c := st.Namespace("C", "")
		return len(c.Link("eth0").Addresses) == 1 && c.Link("eth0").Carrier && len(c.Routes) == 2 &&
			c.Routes[0].To.Bits() == 0 && c.Routes[0].Via.String() == "10.0.0.1"
	})
	n.run("A", "sysctl -qw net.ipv4.ip_forward=1")
	n.until("A forwards", func(st *observe.State) bool { return st.Namespace("A", "").Forwarding })
	n.run("A", "ping -qc1 10.0.0.2")
	mac := st.Namespace("B", "").Link("eth0").MAC
	n.until("A knows B, and the switch where it is", func(st *observe.State) bool {
		known, learned := false, false
		for _, x := range st.Namespace("A", "").Neighbors {
			known = known || x.IP.String() == "10.0.0.2" && x.MAC == mac
		}
		for _, l := range st.Namespace("sw", "").Links {
			for _, m := range l.FDB {
				learned = learned || m == mac && l.Peer != nil && l.Peer.Node == "B"
			}
		}
		return known && learned
	})
	n.run("A", "ip link del eth0")
	n.until("eth0 of A is gone", func(st *observe.State) bool { return st.Namespace("A", "").Link("eth0") == nil })
}

func TestNamedNamespaces(t *testing.T) {
	n := start(t)
	n.run("A", `ip netns add red; ip netns add blue
ip link add v-red type veth peer name v-blue
ip link set v-red netns red; ip link set v-blue netns blue`)
	want := observe.Place{Node: "A", NS: "blue", Dev: "v-blue"}
	n.until("red and blue are joined", func(st *observe.State) bool {
		l := st.Namespace("A", "red").Link("v-red")
		return l != nil && l.Peer != nil && *l.Peer == want
	})
	n.run("A", "touch /run/netns/fake; mount --bind /proc/1/ns/net /run/netns/fake")
	st := n.until("the other name of the host's own namespace shows", func(st *observe.State) bool {
		return st.Namespace("A", "fake") != nil
	})
	if st.Namespace("A", "fake").Inode != st.Namespace("A", "").Inode {
		t.Error("another name of a namespace is not told by its inode")
	}
	n.run("A", "ip -n red addr add 10.9.0.1/24 dev v-red; ip -n red link set v-red up; ip -n blue addr add 10.9.0.2/24 dev v-blue; ip -n blue link set v-blue up")
	p, err := n.Ping(t.Context(), observe.Place{Node: "A", NS: "red"}, netip.MustParseAddr("10.9.0.2"), &observe.Place{Node: "A", NS: "blue"})
	if err != nil || p.Outcome != observe.Answered || !p.Arrived {
		t.Errorf("ping from red to blue: %+v, %v", p, err)
	}
	n.run("A", "umount /run/netns/fake && rm /run/netns/fake && ip netns del red")
	n.until("red is gone", func(st *observe.State) bool { return len(st.Nodes["A"].Named) == 1 })
}

func TestPing(t *testing.T) {
	n := start(t)
	a, b := observe.Place{Node: "A"}, observe.Place{Node: "B"}
	ping := func(to string, at *observe.Place, want observe.Outcome) {
		t.Helper()
		p, err := n.Ping(t.Context(), a, netip.MustParseAddr(to), at)
		if err != nil || p.Outcome != want {
			t.Errorf("ping of %s: %+v, %v; want %s", to, p, err, want)
		}
	}
	ping("10.0.0.2", &b, observe.Answered)
	ping("10.7.0.2", nil, observe.NoRoute)
	ping("10.0.0.9", nil, observe.Silence)
	n.run("B", "iptables -A INPUT -p icmp -j DROP")
	ping("10.0.0.2", &b, observe.Silence)
	n.run("B", "iptables -F")
	// Somebody else answers in B's name.
	n.run("C", "ip addr add 10.0.0.2/24 dev eth0; ip link set eth0 up")
	n.run("B", "ip link set eth0 down")
	n.run("A", "ip neigh flush all")
	ping("10.0.0.2", &b, observe.Elsewhere)
	if _, err := n.Ping(t.Context(), observe.Place{Node: "A", NS: "none"}, netip.MustParseAddr("10.0.0.2"), nil); err == nil {
		t.Error("a probe from a namespace that is not there was sent")
	}
}

func TestTCPAndFiles(t *testing.T) {
	n := start(t)
	n.run("B", "mkdir /srv/www; echo 'hello from B' >/srv/www/index.html; cd /srv/www; setsid busybox httpd -p 80 -h /srv/www")
	a := observe.Place{Node: "A"}
	if p, err := n.DialTCP(t.Context(), a, netip.MustParseAddrPort("10.0.0.2:80"), nil); err != nil || p.Outcome != observe.Answered {
		t.Errorf("port 80: %+v, %v", p, err)
	}
	if p, err := n.DialTCP(t.Context(), a, netip.MustParseAddrPort("10.0.0.2:81"), nil); err != nil || p.Outcome != observe.Refused {
		t.Errorf("port 81: %+v, %v", p, err)
	}
	if p, err := n.Get(t.Context(), a, "http://10.0.0.2/", nil); err != nil || p.Status != 200 || string(p.Body) != "hello from B\n" {
		t.Errorf("http: %+v, %v", p, err)
	}
	if _, err := n.Get(t.Context(), a, "http://localhost:8080/", nil); err == nil {
		t.Error("the server resolved a name for a learner")
	}
	list, err := n.Listeners(t.Context(), observe.Place{Node: "B"}, "tcp")
	found := false
	for _, l := range list {
		found = found || l.Port == 80
	}
	if err != nil || !found {
		t.Errorf("B listens on %v, %v", list, err)
	}
	if v, ok, err := n.Sysctl(t.Context(), a, "net.ipv4.ip_forward"); err != nil || !ok || v != "0" {
		t.Errorf("ip_forward is %q, %v, %v", v, ok, err)
	}
	if _, _, err := n.Sysctl(t.Context(), a, "kernel.hostname"); err == nil {
		t.Error("a setting of the machine was read")
	}

	n.run("A", `cd /root; echo yes >plain; ln -s plain good; ln -s /etc/shadow-of-nobody dangling; ln -s ../../../../../../../../etc/hostname up
mkfifo fifo; truncate -s 10G sparse; mkdir d; mount -t tmpfs none /mnt; echo in >/mnt/f`)
	read := func(path, want string, wrong error) {
		t.Helper()
		b, err := n.ReadFile(t.Context(), "A", path)
		if string(b) != want || !errors.Is(err, wrong) {
			t.Errorf("%s: %q, %v; want %q, %v", path, b, err, want, wrong)
		}
	}
	read("/root/plain", "yes\n", nil)
	read("/root/good", "yes\n", nil)
	read("/root/up", "A\n", nil) // the host's own, not the machine's
	read("/root/dangling", "", fs.ErrNotExist)
	read("/root/plain/x", "", fs.ErrNotExist)
	read("/root/fifo", "", observe.ErrNotRegular)
	read("/root/d", "", observe.ErrNotRegular)
	read("/root/sparse", "", observe.ErrTooBig)
	read("/dev/zero", "", observe.ErrNotRegular)
	read("/proc/1/environ", "", observe.ErrNotRegular)
	read("/proc/1/root/root/plain", "", fs.ErrNotExist) // a magic link

	within := func(path string, want ...string) {
		t.Helper()
		if got, err := n.ListFiles(t.Context(), "A", path); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has %v, %v; want %v", path, got, err, want)
		}
	}
	n.run("A", "mkdir -p /root/l/sub /root/many; touch /root/l/b /root/l/a; ln -s ../../../../root/l /root/link; cd /root/many; seq 1 2000 | xargs touch")
	within("/root/l", "a", "b", "sub")
	within("/root/link", "a", "b", "sub")
	within("/root/none")
	within("/root/fifo")
	within("/proc/1")
	if got, err := n.ListFiles(t.Context(), "A", "/root/many"); err != nil || len(got) != 256 {
		t.Errorf("of many files %d are named, %v", len(got), err)
	}
}

func TestReplaceAfterReboot(t *testing.T) {
	n := start(t)
	n.run("A", "ip addr add 10.5.5.5/32 dev eth0")
	n.until("the address is there", func(st *observe.State) bool { return len(st.Namespace("A", "").Link("eth0").Addresses) == 2 })
	n.SetDown("A")
	n.until("A is down", func(st *observe.State) bool { return st.Nodes["A"].Down && st.Namespace("A", "") == nil })
	if err := n.box.Reboot(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	for e := range n.box.Events() {
		if e.Kind == "reboot" {
			if err := n.Replace(t.Context(), observe.Target(e.Node)); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	st := n.State()
	l := st.Namespace("A", "").Link("eth0")
	if st.Nodes["A"].Down || len(l.Addresses) != 1 || l.Peer == nil || l.Peer.Node != "sw" {
		t.Errorf("after its reboot A has %+v", l)
	}
	if p, err := n.Ping(t.Context(), observe.Place{Node: "B"}, netip.MustParseAddr("10.0.0.1"), &observe.Place{Node: "A"}); err != nil || p.Outcome != observe.Answered {
		t.Errorf("ping of A after its reboot: %+v, %v", p, err)
	}
}
