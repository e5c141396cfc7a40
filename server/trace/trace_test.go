package trace

import (
	"net/netip"
	"testing"

	"github.com/netground/netground/server/observe"
)

func dev(name, address string, peer observe.Place) observe.Link {
	l := observe.Link{Name: name, Type: "veth", Up: true, Carrier: true}
	if address != "" {
		l.Addresses = []netip.Prefix{netip.MustParsePrefix(address)}
	}
	if peer.Node != "" {
		l.Peer = &peer
	}
	return l
}

func direct(dev, to string) observe.Route {
	return observe.Route{To: netip.MustParsePrefix(to), Dev: dev, Kernel: true}
}

func via(gateway, dev string) observe.Route {
	return observe.Route{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr(gateway), Dev: dev}
}

// routed is A – sw – R – B: 10.1.0.10, 10.1.0.1 and 10.2.0.1, 10.2.0.10.
func routed() *observe.State {
	return &observe.State{Nodes: map[string]*observe.Node{
		"A": {Kind: "host", Namespace: &observe.Namespace{
			Links:  []observe.Link{dev("eth0", "10.1.0.10/24", observe.Place{Node: "sw", Dev: "p1"})},
			Routes: []observe.Route{direct("eth0", "10.1.0.0/24"), via("10.1.0.1", "eth0")},
		}},
		"sw": {Kind: "switch", Namespace: &observe.Namespace{Links: []observe.Link{
			{Name: "br0", Type: "bridge", Up: true, Carrier: true},
			port("p1", observe.Place{Node: "A", Dev: "eth0"}), port("p2", observe.Place{Node: "R", Dev: "eth0"}),
		}}},
		"R": {Kind: "host", Namespace: &observe.Namespace{
			Forwarding: true,
			Links: []observe.Link{
				dev("eth0", "10.1.0.1/24", observe.Place{Node: "sw", Dev: "p2"}), dev("eth1", "10.2.0.1/24", observe.Place{Node: "B", Dev: "eth0"}),
			},
			Routes: []observe.Route{direct("eth0", "10.1.0.0/24"), direct("eth1", "10.2.0.0/24")},
		}},
		"B": {Kind: "host", Namespace: &observe.Namespace{
			Links:  []observe.Link{dev("eth0", "10.2.0.10/24", observe.Place{Node: "R", Dev: "eth1"})},
			Routes: []observe.Route{direct("eth0", "10.2.0.0/24"), via("10.2.0.1", "eth0")},
		}},
	}}
}

func port(name string, peer observe.Place) observe.Link {
	l := dev(name, "", peer)
	l.Master = "br0"
	return l
}

func TestExplain(t *testing.T) {
	place := func(node, dev string) observe.Place { return observe.Place{Node: node, Dev: dev} }
	for _, c := range []struct {
		name  string
		spoil func(map[string]*observe.Node)
		want  Cause
	}{
		{"nothing wrong", func(map[string]*observe.Node) {}, Cause{}},
		{"sender's device off", func(n map[string]*observe.Node) {
			n["A"].Namespace.Links[0].Up = false
		}, Cause{Code: LinkDown, Place: place("A", "eth0")}},
		{"sender's device off, its routes gone", func(n map[string]*observe.Node) {
			n["A"].Namespace.Links[0].Up, n["A"].Namespace.Routes = false, nil
		}, Cause{Code: NoRoute, Place: place("A", "")}},
		{"no carrier", func(n map[string]*observe.Node) {
			n["A"].Namespace.Links[0].Carrier = false
		}, Cause{Code: NoCarrier, Place: place("A", "eth0"), Other: place("sw", "p1")}},
		{"no address", func(n map[string]*observe.Node) {
			n["A"].Namespace.Links[0].Addresses, n["A"].Namespace.Routes = nil, nil
		}, Cause{Code: NoAddress, Place: place("A", "")}},
		{"no default route", func(n map[string]*observe.Node) {
			n["A"].Namespace.Routes = n["A"].Namespace.Routes[:1]
		}, Cause{Code: NoRoute, Place: place("A", "")}},
		{"a gateway that nobody is", func(n map[string]*observe.Node) {
			n["A"].Namespace.Routes[1].Via = netip.MustParseAddr("10.1.0.99")
		}, Cause{Code: Nobody, Place: place("A", "eth0")}},
		{"the switch's port is off", func(n map[string]*observe.Node) {
			n["sw"].Namespace.Links[2].Up = false
		}, Cause{Code: Elsewhere, Place: place("A", "eth0"), Other: place("R", "eth0")}},
		{"sender takes the target for a neighbour", func(n map[string]*observe.Node) {
			n["A"].Namespace.Routes = []observe.Route{direct("eth0", "10.0.0.0/8")}
		}, Cause{Code: Elsewhere, Place: place("A", "eth0"), Other: place("B", "eth0"), Near: netip.MustParsePrefix("10.0.0.0/8")}},
		{"target takes the sender for a neighbour", func(n map[string]*observe.Node) {
			n["B"].Namespace.Routes = []observe.Route{direct("eth0", "10.0.0.0/8")}
		}, Cause{Code: Elsewhere, Place: place("B", "eth0"), Other: place("A", "eth0"), Near: netip.MustParsePrefix("10.0.0.0/8"), Back: true, Source: netip.MustParseAddr("10.1.0.10")}},
		{"two have the gateway's address", func(n map[string]*observe.Node) {
			n["sw"].Namespace.Links = append(n["sw"].Namespace.Links, port("p3", observe.Place{Node: "X", Dev: "eth0"}))
			n["X"] = &observe.Node{Kind: "host", Namespace: &observe.Namespace{Links: []observe.Link{dev("eth0", "10.1.0.1/24", observe.Place{Node: "sw", Dev: "p3"})}}}
		}, Cause{Code: Duplicate, Place: place("R", "eth0"), Other: place("X", "eth0")}},
		{"an entry by hand for the gateway", func(n map[string]*observe.Node) {
			n["A"].Namespace.Neighbors = []observe.Neighbour{{IP: netip.MustParseAddr("10.1.0.1"), MAC: "02:00:00:00:00:99", Dev: "eth0", State: "permanent"}}
		}, Cause{Code: WrongNeighbour, Place: place("A", "eth0"), Other: place("R", "eth0"), Type: "permanent"}},
		{"a wrong entry for the gateway", func(n map[string]*observe.Node) {
			n["R"].Namespace.Links[0].MAC = "02:00:00:00:00:01"
			n["A"].Namespace.Neighbors = []observe.Neighbour{{IP: netip.MustParseAddr("10.1.0.1"), MAC: "02:00:00:00:00:99", Dev: "eth0", State: "reachable"}}
		}, Cause{Code: WrongNeighbour, Place: place("A", "eth0"), Other: place("R", "eth0"), Type: "reachable"}},
		{"a right entry for the gateway", func(n map[string]*observe.Node) {
			n["R"].Namespace.Links[0].MAC = "02:00:00:00:00:01"
			n["A"].Namespace.Neighbors = []observe.Neighbour{{IP: netip.MustParseAddr("10.1.0.1"), MAC: "02:00:00:00:00:01", Dev: "eth0", State: "stale"}}
		}, Cause{}},
		{"an entry for the gateway that nobody answered", func(n map[string]*observe.Node) {
			n["R"].Namespace.Links[0].MAC = "02:00:00:00:00:01"
			n["A"].Namespace.Neighbors = []observe.Neighbour{{IP: netip.MustParseAddr("10.1.0.1"), Dev: "eth0", State: "failed"}}
		}, Cause{}},
		{"the target has the sender's address, too", func(n map[string]*observe.Node) {
			n["B"].Namespace.Links = append(n["B"].Namespace.Links, dev("eth9", "10.1.0.10/32", observe.Place{}))
		}, Cause{Code: Duplicate, Place: place("A", ""), Other: place("B", "")}},
		{"the target answers no ping", func(n map[string]*observe.Node) {
			n["B"].Namespace.Depth = &observe.Depth{EchoIgnored: true}
		}, Cause{Code: EchoIgnored, Place: place("B", "")}},
		{"the sender answers no ping", func(n map[string]*observe.Node) {
			n["A"].Namespace.Depth = &observe.Depth{EchoIgnored: true}
		}, Cause{}},
		{"no forwarding of what comes in by a device", func(n map[string]*observe.Node) {
			n["R"].Namespace.Depth = &observe.Depth{Forwarding: map[string]bool{"eth0": false, "eth1": true}}
		}, Cause{Code: NoForwarding, Place: place("R", "eth0")}},
		{"forwarding by devices alone", func(n map[string]*observe.Node) {
			n["R"].Namespace.Forwarding = false
			n["R"].Namespace.Depth = &observe.Depth{Forwarding: map[string]bool{"eth0": true, "eth1": true}}
		}, Cause{}},
		{"the strict filter of a router with a strange route back", func(n map[string]*observe.Node) {
			n["R"].Namespace.Depth = &observe.Depth{ReversePath: map[string]int{"eth0": 1}}
			n["R"].Namespace.Routes[0] = direct("eth1", "10.1.0.0/24")
		}, Cause{Code: ReversePath, Place: place("R", "eth0")}},
		{"the loose filter of a router without a route back", func(n map[string]*observe.Node) {
			n["R"].Namespace.Depth = &observe.Depth{ReversePath: map[string]int{"eth0": 2}}
			n["R"].Namespace.Routes = n["R"].Namespace.Routes[1:]
		}, Cause{Code: ReversePath, Place: place("R", "eth0")}},
		{"the loose filter of a router with a strange route back", func(n map[string]*observe.Node) {
			n["R"].Namespace.Depth = &observe.Depth{ReversePath: map[string]int{"eth0": 2}}
			n["R"].Namespace.Routes[0] = direct("eth1", "10.1.0.0/24")
		}, Cause{Code: Elsewhere, Place: place("R", "eth1"), Other: place("A", "eth0"), Near: netip.MustParsePrefix("10.1.0.0/24"), Back: true, Source: netip.MustParseAddr("10.1.0.10")}},
		{"no forwarding", func(n map[string]*observe.Node) {
			n["R"].Namespace.Forwarding = false
		}, Cause{Code: NoForwarding, Place: place("R", "")}},
		{"router's far device off", func(n map[string]*observe.Node) {
			n["R"].Namespace.Links[1].Up = false
		}, Cause{Code: LinkDown, Place: place("R", "eth1")}},
		{"blackhole", func(n map[string]*observe.Node) {
			n["R"].Namespace.Routes = append(n["R"].Namespace.Routes, observe.Route{To: netip.MustParsePrefix("10.2.0.10/32"), Type: "blackhole"})
		}, Cause{Code: RouteRefuses, Type: "blackhole", Place: place("R", "")}},
		{"target's device off", func(n map[string]*observe.Node) {
			n["B"].Namespace.Links[0].Up = false
		}, Cause{Code: LinkDown, Place: place("B", "eth0")}},
		{"no way back", func(n map[string]*observe.Node) {
			n["B"].Namespace.Routes = n["B"].Namespace.Routes[:1]
		}, Cause{Code: NoRoute, Place: place("B", ""), Back: true, Source: netip.MustParseAddr("10.1.0.10")}},
		{"circle", func(n map[string]*observe.Node) {
			n["R"].Namespace.Routes = []observe.Route{direct("eth0", "10.1.0.0/24"), via("10.1.0.10", "eth0")}
			n["A"].Namespace.Forwarding = true
		}, Cause{Code: Loop}},
		{"target reboots", func(n map[string]*observe.Node) { n["A"].Down = true }, Cause{Code: HostDown, Place: place("A", "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := routed()
			c.spoil(st.Nodes)
			got := Explain(st, Packet{From: observe.Place{Node: "A"}, To: netip.MustParseAddr("10.2.0.10")})
			if c.want.Code == Loop {
				got.Place = observe.Place{}
			}
			got.Addr = netip.Addr{}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestExplainFromNowhere(t *testing.T) {
	if c := Explain(routed(), Packet{From: observe.Place{Node: "A", NS: "red"}, To: netip.MustParseAddr("10.2.0.10")}); c.Code != NoNamespace {
		t.Errorf("got %+v", c)
	}
}
