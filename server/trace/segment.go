package trace

import (
	"net/netip"
	"slices"

	"github.com/netground/netground/server/observe"
)

// alive says what is wrong with a device that a packet is to leave by.
func alive(l *observe.Link, at observe.Place, to netip.Addr) Cause {
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
func (j *journey) neighbour(own *observe.Namespace, out observe.Place, a netip.Addr) (observe.Place, Cause) {
	st := j.st
	var found []observe.Place
	for _, p := range segment(st, out) {
		ns := st.Namespace(p.Node, p.NS)
		// Linux answers for every address of the namespace, whichever device asks.
		if p == out || !owns(ns, a) || slices.ContainsFunc(found, func(o observe.Place) bool { return o.Node == p.Node && o.NS == p.NS }) {
			continue
		}
		if l := ns.Link(p.Dev); !l.Up {
			return p, Cause{Code: LinkDown, Place: p, Addr: a}
		}
		found = append(found, p)
	}
	if len(found) > 0 {
		mac := func(p observe.Place) string { return st.Namespace(p.Node, p.NS).Link(p.Dev).MAC }
		at := slices.IndexFunc(own.Neighbors, func(n observe.Neighbour) bool {
			by := n.State == "permanent" || n.MAC != "" && n.State != "failed" && n.State != "incomplete" && mac(found[0]) != ""
			return by && n.IP == a && n.Dev == out.Dev && !slices.ContainsFunc(found, func(p observe.Place) bool { return mac(p) == n.MAC })
		})
		if at >= 0 {
			return found[0], Cause{Code: WrongNeighbour, Place: out, Addr: a, Other: found[0], Type: own.Neighbors[at].State}
		}
	}
	if len(found) > 1 {
		j.twice = Cause{Code: Duplicate, Place: found[0], Other: found[1], Addr: a}
	}
	if len(found) > 0 {
		return found[0], Cause{}
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
