// Package trace reasons about why a packet does not arrive: it follows the
// packet through the devices, cables, routes and settings of a State, as the
// kernel would, and names the place where it ends. It sees no firewalls.
package trace

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/netground/netground/server/observe"
)

// Code says what stops a packet.
type Code string

// The codes. Where it helps, Cause says more.
const (
	Arrives      Code = ""              // nothing that can be seen here stops it
	NoNamespace  Code = "no-namespace"  // the namespace that it starts from is not there
	HostDown     Code = "host-down"     // the host at Place reboots or has halted
	LinkDown     Code = "link-down"     // Place.Dev is switched off
	NoCarrier    Code = "no-carrier"    // Place.Dev is on, but its other end (Other) is not, or is gone
	NoAddress    Code = "no-address"    // no device of Place has an address
	NoRoute      Code = "no-route"      // Place knows no way to Addr
	RouteRefuses Code = "route-refuses" // a blackhole, unreachable or prohibit route at Place
	NoForwarding Code = "no-forwarding" // Place gets the packet, but passes nothing on
	Nobody       Code = "nobody"        // nobody whom Place.Dev reaches has Addr
	Elsewhere    Code = "elsewhere"     // Other has Addr, but is not in the network that Place.Dev reaches
	Loop         Code = "loop"          // it goes round in circles; Place is on the circle
)

// Cause is where and why a packet ends.
type Cause struct {
	Code  Code
	Place observe.Place // where
	Other observe.Place // see the codes
	Addr  netip.Addr    // who is looked for at that place: the target or a gateway
	// Back says that the packet arrives, and its answer does not.
	Back bool
}

// mostHops bounds a way, as a packet's time to live does.
const mostHops = 32

// Explain says why a packet from a namespace to an address, or its answer,
// does not arrive.
func Explain(st *observe.State, from observe.Place, to netip.Addr) Cause {
	from.Dev = ""
	source, end, c := walk(st, from, to)
	if c.Code != Arrives {
		return c
	}
	if !source.IsValid() || end == from {
		return Cause{}
	}
	if _, _, c = walk(st, end, source); c.Code != Arrives {
		c.Back = true
	}
	return c
}

// walk follows a packet. It returns the address that the packet comes from and
// the namespace where it arrives.
func walk(st *observe.State, at observe.Place, to netip.Addr) (source netip.Addr, end observe.Place, c Cause) {
	for range mostHops {
		ns, c := enter(st, at, to)
		if ns == nil {
			return source, at, c
		}
		if owns(ns, to) {
			return source, at, Cause{}
		}
		if source.IsValid() && !forwards(ns, to) {
			return source, at, Cause{Code: NoForwarding, Place: at, Addr: to}
		}
		route, ok := Lookup(ns, to)
		if !ok {
			return source, at, noRoute(st, ns, at, to)
		}
		if route.Type != "" {
			return source, at, Cause{Code: RouteRefuses, Place: at, Addr: to}
		}
		out := at
		out.Dev = route.Dev
		link := ns.Link(route.Dev)
		if link == nil {
			return source, at, Cause{Code: NoRoute, Place: at, Addr: to}
		}
		if !source.IsValid() {
			source = sourceOf(route, link, to)
		}
		if c := alive(st, link, out, to); c.Code != Arrives {
			return source, at, c
		}
		next := to
		if route.Via.IsValid() {
			next = route.Via
		}
		found, c := neighbour(st, out, next)
		if c.Code != Arrives {
			return source, at, c
		}
		at = observe.Place{Node: found.Node, NS: found.NS}
	}
	return source, at, Cause{Code: Loop, Place: at, Addr: to}
}

func enter(st *observe.State, at observe.Place, to netip.Addr) (*observe.Namespace, Cause) {
	if n := st.Nodes[at.Node]; n != nil && n.Down {
		return nil, Cause{Code: HostDown, Place: at, Addr: to}
	}
	ns := st.Namespace(at.Node, at.NS)
	if ns == nil {
		return nil, Cause{Code: NoNamespace, Place: at, Addr: to}
	}
	return ns, Cause{}
}

func owns(ns *observe.Namespace, a netip.Addr) bool {
	return slices.ContainsFunc(ns.Links, func(l observe.Link) bool { return has(&l, a) })
}

func has(l *observe.Link, a netip.Addr) bool {
	return slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

func forwards(ns *observe.Namespace, to netip.Addr) bool {
	if to.Is6() {
		return ns.Forwarding6
	}
	return ns.Forwarding
}

// Lookup finds the route that the kernel takes: the longest prefix, then the
// smallest metric (ip-route(8)).
func Lookup(ns *observe.Namespace, to netip.Addr) (observe.Route, bool) {
	var fit []observe.Route
	for _, r := range ns.Routes {
		if r.To.Contains(to) {
			fit = append(fit, r)
		}
	}
	if len(fit) == 0 {
		return observe.Route{}, false
	}
	return slices.MinFunc(fit, func(a, b observe.Route) int {
		return cmp.Or(b.To.Bits()-a.To.Bits(), a.Metric-b.Metric)
	}), true
}

func sourceOf(r observe.Route, l *observe.Link, to netip.Addr) netip.Addr {
	if r.Source.IsValid() {
		return r.Source
	}
	for _, p := range l.Addresses {
		if p.Addr().Is4() == to.Is4() {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// noRoute looks for what a missing route is the consequence of: routes of a
// device go when it is switched off.
func noRoute(st *observe.State, ns *observe.Namespace, at observe.Place, to netip.Addr) Cause {
	addressed := false
	for i := range ns.Links {
		l := &ns.Links[i]
		if l.Type == "loopback" {
			continue
		}
		out := at
		out.Dev = l.Name
		for _, p := range l.Addresses {
			addressed = true
			if p.Contains(to) && !l.Up {
				return Cause{Code: LinkDown, Place: out, Addr: to}
			}
		}
	}
	if !addressed {
		return Cause{Code: NoAddress, Place: at, Addr: to}
	}
	return Cause{Code: NoRoute, Place: at, Addr: to}
}

// alive says what is wrong with a device that a packet is to leave by.
func alive(st *observe.State, l *observe.Link, at observe.Place, to netip.Addr) Cause {
	if !l.Up {
		return Cause{Code: LinkDown, Place: at, Addr: to}
	}
	if !l.Carrier && l.Type == "veth" {
		c := Cause{Code: NoCarrier, Place: at, Addr: to}
		if l.Peer != nil {
			c.Other = *l.Peer
		}
		return c
	}
	return Cause{}
}

// neighbour finds who has the address in the network that a device is part of.
func neighbour(st *observe.State, out observe.Place, a netip.Addr) (observe.Place, Cause) {
	for _, p := range segment(st, out) {
		l := st.Namespace(p.Node, p.NS).Link(p.Dev)
		// Linux answers for every address of the namespace, whichever device asks.
		if ns := st.Namespace(p.Node, p.NS); p != out && owns(ns, a) {
			if !l.Up {
				return p, Cause{Code: LinkDown, Place: p, Addr: a}
			}
			return p, Cause{}
		}
	}
	c := Cause{Code: Nobody, Place: out, Addr: a}
	for node, n := range st.Nodes {
		places := map[string]*observe.Namespace{"": n.Namespace}
		for name, ns := range n.Named {
			places[name] = ns
		}
		for name, ns := range places {
			if ns == nil {
				continue
			}
			for _, l := range ns.Links {
				if !has(&l, a) {
					continue
				}
				c = Cause{Code: Elsewhere, Place: out, Addr: a, Other: observe.Place{Node: node, NS: name, Dev: l.Name}}
				if !l.Up {
					return c.Other, Cause{Code: LinkDown, Place: c.Other, Addr: a}
				}
			}
		}
	}
	return out, c
}

// segment lists the devices that hear what leaves by a device: over its cable,
// and through switches.
func segment(st *observe.State, out observe.Place) []observe.Place {
	var ends []observe.Place
	seen := map[observe.Place]bool{}
	var visit func(p observe.Place)
	// visit looks at a device that a frame comes out of or goes into.
	visit = func(p observe.Place) {
		if seen[p] {
			return
		}
		seen[p] = true
		ns := st.Namespace(p.Node, p.NS)
		l := ns.Link(p.Dev)
		if l == nil {
			return
		}
		if l.Type == "bridge" {
			ends = append(ends, p)
			if !l.Up {
				return
			}
			for i := range ns.Links {
				if port := &ns.Links[i]; port.Master == l.Name && port.Up {
					visit(observe.Place{Node: p.Node, NS: p.NS, Dev: port.Name})
				}
			}
			return
		}
		if l.Master != "" {
			visit(observe.Place{Node: p.Node, NS: p.NS, Dev: l.Master})
		} else {
			ends = append(ends, p)
		}
		if l.Peer != nil && l.Up {
			visit(*l.Peer)
		}
	}
	visit(out)
	return ends
}
