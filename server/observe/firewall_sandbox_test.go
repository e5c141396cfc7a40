//go:build sandbox

package observe_test

import (
	"testing"

	"github.com/netground/netground/server/observe"
)

// Nothing of a network but its rules changes here, and it is heard of all the same.
func TestRulesAreHeardOf(t *testing.T) {
	n := start(t)
	for _, line := range []string{
		"iptables -A FORWARD -s 10.9.0.0/16 -j DROP",
		"iptables -F FORWARD",
		"nft add table inet mine",
	} {
		before := n.State().Nodes["A"].Namespace.Rules
		n.run("A", line)
		n.until("the rules have changed", func(st *observe.State) bool { return st.Nodes["A"].Namespace.Rules != before })
	}
	elsewhere := n.State().Nodes["B"].Namespace.Rules
	n.run("A", "nft add table inet another")
	if now := n.State().Nodes["B"].Namespace.Rules; now != elsewhere {
		t.Errorf("the rules of B have changed with those of A: %d, %d", elsewhere, now)
	}
}

func TestManyRulesAreCut(t *testing.T) {
	n := start(t)
	n.run("A", `set -e; nft add table ip many; nft 'add chain ip many c { type filter hook input priority 0; }'
for part in 1 2 3 4 5; do for i in $(seq 250); do echo "add rule ip many c ip saddr 10.9.$part.$i drop"; done | nft -f -; done`)
	st, err := n.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := st.Nodes["A"].Namespace.Depth.Firewall
	if !f.Cut || len(f.Chains) != 1 || len(f.Chains[0].Rules) != 1024 {
		t.Errorf("cut: %v, %d chains", f.Cut, len(f.Chains))
	}
	if n.State().Nodes["A"].Namespace.Depth != nil {
		t.Error("what is published has been changed")
	}
}
