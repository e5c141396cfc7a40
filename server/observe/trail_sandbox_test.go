//go:build sandbox

package observe_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/netground/netground/server/observe"
)

// TestProbesTeachNothing: hosts know each other only by what the learner sends.
func TestProbesTeachNothing(t *testing.T) {
	n := start(t)
	a, b, to := observe.Place{Node: "A"}, observe.Place{Node: "B"}, netip.MustParseAddr("10.0.0.2")
	probe := func() {
		t.Helper()
		var all sync.WaitGroup
		for range 3 { // side by side, as the checks of a step
			all.Go(func() {
				if p, err := n.Ping(t.Context(), a, to, &b); err != nil || p.Outcome != observe.Answered {
					t.Errorf("ping: %+v, %v", p, err)
				}
			})
			all.Go(func() {
				if p, err := n.DialTCP(t.Context(), a, netip.AddrPortFrom(to, 80), nil); err != nil || p.Outcome != observe.Refused {
					t.Errorf("tcp: %+v, %v", p, err)
				}
			})
		}
		all.Wait()
	}
	probe()
	for _, host := range []string{"A", "B"} {
		if known := n.run(host, "ip neigh"); known != "" {
			t.Errorf("%s has learned %s", host, known)
		}
	}
	n.run("A", "ping -qc1 10.0.0.2")
	probe()
	if known := n.run("A", "ip neigh"); !strings.Contains(known, "10.0.0.2 dev eth0 lladdr") {
		t.Errorf("what the learner's packet has taught is gone: %q", known)
	}
}
