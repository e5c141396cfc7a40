package trace

import (
	"net/netip"
	"testing"

	"github.com/netground/netground/server/observe"
)

func exactly(field string, value ...byte) observe.Condition {
	return observe.Condition{Field: field, Among: []observe.Range{{From: value, To: value}}}
}

func named(field, dev string) observe.Condition { return exactly(field, append([]byte(dev), 0)...) }

func not(c observe.Condition) observe.Condition {
	c.Not = true
	return c
}

var (
	isTCP  = exactly(observe.Protocol, tcp)
	isICMP = exactly(observe.Protocol, icmp4)
	port80 = exactly(observe.Port, 0, 80)
	known  = observe.Condition{Field: observe.Tracked, Not: true, Mask: []byte{0, 0, 0, 6}, Among: []observe.Range{{From: []byte{0, 0, 0, 0}, To: []byte{0, 0, 0, 0}}}}
)

// chain is one of iptables, whose names follow from the hook.
func chain(table, hook string, rules ...observe.Rule) observe.Chain {
	names := map[string]string{"prerouting": "PREROUTING", "input": "INPUT", "forward": "FORWARD", "output": "OUTPUT", "postrouting": "POSTROUTING"}
	c := observe.Chain{Family: "ip", Table: table, Name: names[hook], Hook: hook, Type: table}
	for i, r := range rules {
		r.Number = i + 1
		c.Rules = append(c.Rules, r)
	}
	return c
}

func does(verdict string, conditions ...observe.Condition) observe.Rule {
	return observe.Rule{Verdict: verdict, Conditions: conditions}
}

func to(r observe.Rule, address string, port uint16) observe.Rule {
	a, _ := netip.ParseAddr(address)
	r.To = netip.AddrPortFrom(a, port)
	return r
}

func guarded(ns *observe.Namespace, chains ...observe.Chain) {
	ns.Depth = &observe.Depth{Firewall: &observe.Firewall{Chains: chains}}
}

func TestFirewalls(t *testing.T) {
	rule := func(place, chain string, number int, text string) Cause {
		table := "filter"
		return Cause{Code: Dropped, Place: observe.Place{Node: place}, Rule: Rule{Tool: "iptables", Family: "ip", Table: table, Chain: chain, Number: number, Text: text}}
	}
	for _, c := range []struct {
		name  string
		set   func(a, r, b *observe.Namespace)
		proto string
		want  Cause
	}{
		{"no rules", func(_, r, _ *observe.Namespace) { guarded(r) }, "icmp", Cause{}},
		{"a rule of the router", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("filter", "forward", does("accept", isTCP), does("drop", exactly(observe.Source, 10, 1, 0))))
		}, "icmp", rule("R", "FORWARD", 2, "-s 10.1.0.0/24 -j DROP")},
		{"an exception before the rule", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("filter", "forward", does("accept", isICMP), does("drop")))
		}, "icmp", Cause{}},
		{"a policy", func(_, r, _ *observe.Namespace) {
			c := chain("filter", "forward", does("accept", isTCP))
			c.Drops = true
			guarded(r, c)
		}, "icmp", rule("R", "FORWARD", 0, "")},
		{"answers are known", func(_, r, _ *observe.Namespace) {
			c := chain("filter", "forward", does("accept", known), does("accept", named(observe.InDevice, "eth0")))
			c.Drops = true
			guarded(r, c)
		}, "icmp", Cause{}},
		{"answers are forgotten", func(_, r, _ *observe.Namespace) {
			c := chain("filter", "forward", does("accept", named(observe.InDevice, "eth0")))
			c.Drops = true
			guarded(r, c)
		}, "icmp", Cause{Code: Dropped, Back: true, Source: netip.MustParseAddr("10.1.0.10"), Place: observe.Place{Node: "R"}, Rule: Rule{Tool: "iptables", Family: "ip", Table: "filter", Chain: "FORWARD"}}},
		{"the sender's own rule", func(a, _, _ *observe.Namespace) {
			guarded(a, chain("filter", "output", does("drop", exactly(observe.Destination, 10, 2, 0, 10))))
		}, "icmp", rule("A", "OUTPUT", 1, "-d 10.2.0.10 -j DROP")},
		{"the target rejects", func(_, _, b *observe.Namespace) {
			guarded(b, chain("filter", "input", does("reject", isTCP, port80)))
		}, "tcp", Cause{Code: Dropped, Place: observe.Place{Node: "B"}, Rule: Rule{Tool: "iptables", Family: "ip", Table: "filter", Chain: "INPUT", Number: 1, Text: "-p tcp --dport 80 -j REJECT", Rejects: true}}},
		{"a port that is not asked for", func(_, _, b *observe.Namespace) {
			guarded(b, chain("filter", "input", does("drop", isTCP, exactly(observe.Port, 31, 144))))
		}, "tcp", Cause{}},
		{"no port in a ping", func(_, _, b *observe.Namespace) {
			guarded(b, chain("filter", "input", does("drop", not(port80))))
		}, "icmp", Cause{}},
		{"a chain of its own", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("filter", "forward", observe.Rule{Verdict: "jump", Chain: "MINE"}, does("accept")),
				observe.Chain{Family: "ip", Table: "filter", Name: "MINE", Rules: []observe.Rule{does("return", isTCP), {Verdict: "drop", Number: 2}}})
		}, "icmp", rule("R", "MINE", 2, "-j DROP")},
		{"back from a chain of its own", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("filter", "forward", observe.Rule{Verdict: "jump", Chain: "MINE"}, does("accept")),
				observe.Chain{Family: "ip", Table: "filter", Name: "MINE", Rules: []observe.Rule{does("return", isICMP), {Verdict: "drop", Number: 2}}})
		}, "icmp", Cause{}},
		{"a chain that jumps to itself", func(_, r, _ *observe.Namespace) {
			c := chain("filter", "forward", observe.Rule{Verdict: "jump", Chain: "FORWARD"})
			guarded(r, c)
		}, "icmp", Cause{}},
		{"what is not understood", func(_, r, _ *observe.Namespace) {
			c := chain("filter", "forward", does("accept", observe.Condition{}))
			c.Drops = true
			guarded(r, c)
		}, "icmp", Cause{Code: Dropped, Place: observe.Place{Node: "R"}, Rule: Rule{Tool: "iptables", Family: "ip", Table: "filter", Chain: "FORWARD", Perhaps: true}}},
		{"what is not understood, and drops", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("filter", "forward", does("drop", isICMP, observe.Condition{})))
		}, "icmp", Cause{Code: Dropped, Place: observe.Place{Node: "R"}, Rule: Rule{Tool: "iptables", Family: "ip", Table: "filter", Chain: "FORWARD", Number: 1, Text: "-p icmp … -j DROP", Perhaps: true}}},
		{"what is not understood, of others", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("filter", "forward", does("drop", isTCP, observe.Condition{})))
		}, "icmp", Cause{}},
		{"rules of the legacy iptables", func(_, r, _ *observe.Namespace) {
			guarded(r)
			r.Depth.Firewall.Legacy = []string{"filter"}
		}, "icmp", Cause{Code: Legacy, Place: observe.Place{Node: "R"}}},
		{"nft's own table", func(_, r, _ *observe.Namespace) {
			guarded(r, observe.Chain{Family: "inet", Table: "mine", Name: "c", Hook: "forward", Type: "filter", Rules: []observe.Rule{{Number: 1, Verdict: "drop", Conditions: []observe.Condition{
				exactly(observe.Version, 2), not(exactly(observe.ICMPType, 0)), exactly(observe.InDevice, 'e', 't', 'h'),
			}}}})
		}, "icmp", Cause{Code: Dropped, Place: observe.Place{Node: "R"}, Rule: Rule{Tool: "nft", Family: "inet", Table: "mine", Chain: "c", Number: 1, Text: "… icmp type != echo-reply iifname eth+ drop"}}},
		{"the first chain by priority", func(_, r, _ *observe.Namespace) {
			second := chain("filter", "forward", does("drop"))
			first := chain("mangle", "forward", does("drop", isICMP))
			first.Type, first.Priority = "filter", -150
			guarded(r, second, first)
		}, "icmp", Cause{Code: Dropped, Place: observe.Place{Node: "R"}, Rule: Rule{Tool: "iptables", Family: "ip", Table: "mangle", Chain: "FORWARD", Number: 1, Text: "-p icmp -j DROP"}}},
		{"another IP version's rule", func(_, r, _ *observe.Namespace) {
			c := chain("filter", "forward", does("drop"))
			c.Family = "ip6"
			guarded(r, c)
		}, "icmp", Cause{}},

		{"nobody listens", func(_, _, b *observe.Namespace) {
			b.Depth = &observe.Depth{TCP: []observe.Listener{{Address: netip.MustParseAddr("127.0.0.1"), Port: 80}}}
		}, "tcp", Cause{Code: NotListening, Port: 80, Place: observe.Place{Node: "B"}}},
		{"somebody listens", func(_, _, b *observe.Namespace) {
			b.Depth = &observe.Depth{TCP: []observe.Listener{{Address: netip.IPv6Unspecified(), Port: 80}}}
		}, "tcp", Cause{}},

		{"masquerade makes up for the route back", func(_, r, b *observe.Namespace) {
			b.Routes = b.Routes[:1]
			guarded(r, chain("nat", "postrouting", does("masquerade", exactly(observe.Source, 10, 1, 0))))
		}, "icmp", Cause{}},
		{"masquerade of others", func(_, r, b *observe.Namespace) {
			b.Routes = b.Routes[:1]
			guarded(r, chain("nat", "postrouting", does("masquerade", exactly(observe.Source, 10, 9, 0))))
		}, "icmp", Cause{Code: NoRoute, Place: observe.Place{Node: "B"}, Back: true, Source: netip.MustParseAddr("10.1.0.10")}},
		{"translation to an address that nobody has", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("nat", "postrouting", to(does("snat", named(observe.OutDevice, "eth1")), "10.2.0.99", 0)))
		}, "icmp", Cause{Code: Nobody, Place: observe.Place{Node: "B", Dev: "eth0"}, Near: netip.MustParsePrefix("10.2.0.0/24"), Back: true, Source: netip.MustParseAddr("10.2.0.99")}},
		{"a destination that nobody has", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("nat", "prerouting", to(does("dnat", isTCP, port80), "10.2.0.99", 8080)))
		}, "tcp", Cause{Code: Nobody, Place: observe.Place{Node: "R", Dev: "eth1"}, Near: netip.MustParsePrefix("10.2.0.0/24"),
			Translated: Rule{Tool: "iptables", Family: "ip", Table: "nat", Chain: "PREROUTING", Number: 1, Text: "-p tcp --dport 80 -j DNAT --to-destination 10.2.0.99:8080"}}},
		{"a destination's port where nobody listens", func(_, r, b *observe.Namespace) {
			guarded(r, chain("nat", "prerouting", to(does("dnat", isTCP, port80), "10.2.0.10", 8080)))
			b.Depth = &observe.Depth{TCP: []observe.Listener{{Address: netip.IPv4Unspecified(), Port: 80}}}
		}, "tcp", Cause{Code: NotListening, Port: 8080, Place: observe.Place{Node: "B"},
			Translated: Rule{Tool: "iptables", Family: "ip", Table: "nat", Chain: "PREROUTING", Number: 1, Text: "-p tcp --dport 80 -j DNAT --to-destination 10.2.0.10:8080"}}},
		{"to the router itself", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("nat", "prerouting", to(does("redirect", isTCP, port80), "", 8080)))
			r.Depth.TCP = []observe.Listener{{Address: netip.IPv4Unspecified(), Port: 8080}}
		}, "tcp", Cause{}},
		{"a rule of forwarding sees what was translated", func(_, r, _ *observe.Namespace) {
			guarded(r, chain("nat", "prerouting", to(does("dnat", isTCP, port80), "10.2.0.10", 8080)), chain("filter", "forward", does("drop", isTCP, port80)))
		}, "tcp", Cause{}},
		{"answers keep the names that they were asked by", func(a, r, _ *observe.Namespace) {
			guarded(r, chain("nat", "prerouting", to(does("dnat", isTCP), "10.2.0.10", 0)), chain("nat", "postrouting", does("masquerade")))
			guarded(a, chain("filter", "input", does("drop", not(exactly(observe.Source, 10, 2, 0, 10)))))
		}, "tcp", Cause{}},
		{"the sender's own translation", func(a, _, _ *observe.Namespace) {
			guarded(a, chain("nat", "output", to(does("dnat", isTCP), "10.1.0.1", 0)))
		}, "tcp", Cause{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := routed()
			c.set(st.Nodes["A"].Namespace, st.Nodes["R"].Namespace, st.Nodes["B"].Namespace)
			got := Explain(st, Packet{From: observe.Place{Node: "A"}, To: netip.MustParseAddr("10.2.0.10"), Proto: c.proto, Port: 80})
			got.Addr = netip.Addr{}
			if got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}
