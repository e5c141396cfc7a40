//go:build sandbox

package check_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/netground/netground/server/app"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/sandbox/boxtest"
	"github.com/netground/netground/server/session"
)

// fooled is A, R and B in a row, with a learner who can do everything there.
type fooled struct {
	t   *testing.T
	e   *app.Engine
	box session.Sandbox
	obs session.Observer
}

// built has the keeper, which is built once for all tests.
var built string

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil { // more than processors, as they mostly wait
		panic(err)
	}
	os.Exit(boxtest.Main(m, &built, "keeper"))
}

// start makes the network. Tests mostly wait, for what does not come, so they
// run beside each other: each has a number, for ids and groups of its own.
func start(t *testing.T, number uint32) fooled {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	e, err := app.OpenEngine(t.Context(), config.Machine{
		Rootfs: boxtest.Rootfs(t), Keeper: filepath.Join(built, "keeper"), State: dir + "/state", Runtime: dir + "/run",
		Cgroup: fmt.Sprintf("/netground-check-%d", number), IDBase: 1<<30 + number<<24, IDCount: 1 << 24,
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
