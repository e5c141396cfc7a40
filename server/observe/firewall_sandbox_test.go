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
	n.run("A", "{ echo 'table ip many { chain c { type filter hook input priority 0;'; for i in $(seq 3000); do echo \"ip saddr 10.9.$((i / 250)).$((i % 250)) drop\"; done; echo '}'; echo '}'; } | nft -f -")
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
