//go:build sandbox

package observe_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netground/netground/server/observe"
)

// probes sends all kinds of probes from A to B side by side, as the checks of a step.
func (n network) probes(ctx context.Context) {
	n.t.Helper()
	a, b, to := observe.Place{Node: "A"}, observe.Place{Node: "B"}, netip.MustParseAddr("10.0.0.2")
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if p, err := n.Ping(ctx, a, to, &b); ctx.Err() == nil && (err != nil || p.Outcome != observe.Answered) {
				n.t.Errorf("ping: %+v, %v", p, err)
			}
		})
		all.Go(func() {
			if p, err := n.DialTCP(ctx, a, netip.AddrPortFrom(to, 81), nil); ctx.Err() == nil && (err != nil || p.Outcome != observe.Refused) {
				n.t.Errorf("tcp: %+v, %v", p, err)
			}
		})
		all.Go(func() {
			if p, err := n.DialTCP(ctx, a, netip.AddrPortFrom(to, 80), &b); ctx.Err() == nil && (err != nil || p.Outcome != observe.Answered) {
				n.t.Errorf("tcp to who listens: %+v, %v", p, err)
			}
		})
		all.Go(func() {
			if p, err := n.Get(ctx, a, "http://10.0.0.2/", &b); ctx.Err() == nil && (err != nil || p.Status != 200) {
				n.t.Errorf("http: %+v, %v", p, err)
			}
		})
		all.Go(func() {
			// How often a host says that nobody listens is limited (icmp(7), icmp_ratelimit).
			short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			_, o, err := n.Exchange(short, a, netip.AddrPortFrom(to, 53), []byte("nobody answers"), func([]byte) bool { return true })
			if ctx.Err() == nil && (err != nil || o != observe.Refused && o != observe.Silence) {
				n.t.Errorf("udp: %v, %v", o, err)
			}
		})
	}
	all.Wait()
}

func (n network) serve() {
	n.run("B", "mkdir /srv/www; echo hello >/srv/www/index.html; setsid busybox httpd -p 80 -h /srv/www")
}

// learned returns what the switch has learned, and neighbours what a state tells.
func learned(st *observe.State) (macs []string) {
	for _, l := range st.Namespace("sw", "").Links {
		macs = append(macs, l.FDB...)
	}
	return macs
}

func neighbours(st *observe.State) (list []observe.Neighbour) {
	for _, n := range st.Nodes {
		list = append(list, n.Namespace.Neighbors...)
		for _, ns := range n.Named {
			list = append(list, ns.Neighbors...)
		}
	}
	return list
}

// TestProbesTeachNothing: hosts know each other, and switches hosts, only by
// what the learner sends; and a state never tells of anything else.
func TestProbesTeachNothing(t *testing.T) {
	n := start(t)
	n.serve()
	n.run("B", "ip netns add far; ip link add near type veth peer name eth0 netns far")
	n.run("B", "sysctl -qw net.ipv4.ip_forward=1; ip addr add 10.9.0.1/24 dev near; ip link set near up; ip -n far addr add 10.9.0.2/24 dev eth0; ip -n far link set eth0 up; ip -n far route add default via 10.9.0.1")
	n.run("A", "ip route add 10.9.0.0/24 via 10.0.0.2")
	n.until("A can reach what is behind B", func(st *observe.State) bool {
		return len(st.Namespace("A", "").Routes) == 2 && st.Namespace("B", "").Forwarding && st.Namespace("B", "far").Link("eth0") != nil &&
			len(st.Namespace("B", "far").Routes) == 2 && st.Namespace("B", "far").Link("eth0").Carrier
	})
	st, err := n.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := learned(st) // by what devices said as they came up
	fresh := func(st *observe.State) []string {
		return slices.DeleteFunc(learned(st), func(mac string) bool { return slices.Contains(before, mac) })
	}
	states, cancel := n.Subscribe()
	told := make(chan struct{})
	go func() {
		defer close(told)
		for st := range states {
			if all, macs := neighbours(st), fresh(st); len(all)+len(macs) > 0 {
				t.Errorf("it is told that hosts know %+v, and the switch %v", all, macs)
			}
		}
	}()
	far := observe.Place{Node: "B", NS: "far"}
	for range 5 {
		n.probes(t.Context())
		if p, err := n.Ping(t.Context(), observe.Place{Node: "A"}, netip.MustParseAddr("10.9.0.2"), &far); err != nil || p.Outcome != observe.Answered {
			t.Errorf("ping of what is behind B: %+v, %v", p, err)
		}
		if p, err := n.Ping(t.Context(), observe.Place{Node: "A"}, netip.MustParseAddr("10.0.0.77"), nil); err != nil || p.Outcome != observe.Silence {
			t.Errorf("ping of nobody: %+v, %v", p, err)
		}
	}
	cancel()
	<-told
	for _, look := range [][2]string{{"A", "ip neigh"}, {"B", "ip neigh"}, {"B", "ip -n far neigh"}} {
		if known := n.run(look[0], look[1]); known != "" {
			t.Errorf("%s has learned %s", look[0], known)
		}
	}
	if st, err := n.Refresh(t.Context()); err != nil || len(fresh(st)) > 0 {
		t.Errorf("the switch has learned %v, %v", fresh(st), err)
	}
}

// TestProbesTakeNothingAway: what the learner's packet has taught stays, though
// a probe is under way when it is sent, and has taught the same.
func TestProbesTakeNothingAway(t *testing.T) {
	n := start(t)
	n.serve()
	n.run("B", "iptables -A INPUT -p udp --dport 5353 -j DROP")
	hosts := []string{"A", "B"}
	mac := map[string]string{}
	for _, host := range hosts {
		mac[host] = n.State().Namespace(host, "").Link("eth0").MAC
	}
	other := map[string]string{"A": "10.0.0.2 dev eth0 lladdr " + mac["B"], "B": "10.0.0.1 dev eth0 lladdr " + mac["A"]}
	knows := func(host string) bool { return strings.Contains(n.run(host, "ip neigh"), other[host]) }
	for round := range 4 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		ended := make(chan struct{})
		go func() { // waits for an answer that does not come
			defer close(ended)
			_, _, _ = n.Exchange(ctx, observe.Place{Node: "A"}, netip.MustParseAddrPort("10.0.0.2:5353"), []byte("nobody answers"), func([]byte) bool { return true })
		}()
		for !knows("A") || !knows("B") {
			select {
			case <-ended:
				t.Fatalf("the probe has ended: %v", ctx.Err())
			default:
			}
		}
		if all := neighbours(n.State()); len(all) > 0 {
			t.Errorf("while only a probe is under way it is told that hosts know %+v", all)
		}
		if round%2 == 0 {
			n.run("A", "ping -qc1 -W5 10.0.0.2")
		} else {
			n.run("B", "wget -qO- 10.0.0.1 || true; ping -qc1 -W5 10.0.0.1")
		}
		told := func(st *observe.State) bool {
			macs := learned(st)
			return slices.ContainsFunc(st.Namespace("A", "").Neighbors, func(x observe.Neighbour) bool { return x.MAC == mac["B"] }) &&
				slices.Contains(macs, mac["A"]) && slices.Contains(macs, mac["B"])
		}
		if st, err := n.Refresh(t.Context()); err != nil || !told(st) {
			t.Errorf("round %d: it is not told while the probe goes on: A knows %+v, the switch has learned %v", round, st.Namespace("A", "").Neighbors, learned(st))
		}
		n.probes(t.Context())
		cancel()
		<-ended
		for _, host := range hosts {
			if !knows(host) {
				t.Errorf("round %d: what the learner's packet has taught %s is gone", round, host)
			}
		}
		n.until("it is told afterwards", told)
		// Without the learner's packet it is forgotten: by the hosts, as in the test above.
		for _, host := range hosts {
			n.run(host, "ip neigh flush all")
		}
		n.until("the hosts have forgotten", func(st *observe.State) bool { return len(neighbours(st)) == 0 })
	}
}

// TestProbesUnderWay: however probes and the learner's packets fall together,
// what the learner has taught stays.
func TestProbesUnderWay(t *testing.T) {
	n := start(t)
	n.serve()
	for round := range 20 {
		var probing sync.WaitGroup
		probing.Go(func() { n.probes(t.Context()) })
		n.run("A", "ping -qc1 -W5 10.0.0.2")
		probing.Wait()
		if known := n.run("A", "ip neigh"); !strings.Contains(known, "10.0.0.2 dev eth0 lladdr") {
			t.Fatalf("round %d: what the learner's packet has taught is gone: A knows %q", round, known)
		}
		n.run("A", "ip neigh flush all")
		n.run("B", "ip neigh flush all")
	}
}
