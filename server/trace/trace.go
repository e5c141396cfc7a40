// Package trace reasons about why a packet does not arrive: it follows the
// packet through the devices, cables, routes, settings and firewalls of a State,
// as the kernel would, and names the place where it ends.
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
	Arrives        Code = ""                  // nothing that can be seen here stops it
	NoNamespace    Code = "no-namespace"      // the namespace that it starts from is not there
	HostDown       Code = "host-down"         // the host at Place reboots or has halted
	LinkDown       Code = "link-down"         // Place.Dev is switched off
	NoCarrier      Code = "no-carrier"        // Place.Dev is on, but its other end (Other) is not, or is gone
	NoAddress      Code = "no-address"        // no device of Place has an address
	NoRoute        Code = "no-route"          // Place knows no way to Addr
	RouteRefuses   Code = "route-refuses"     // a route at Place whose Type is blackhole, unreachable or prohibit
	NoForwarding   Code = "no-forwarding"     // Place gets the packet, but passes nothing on: nothing that comes in by Place.Dev, where that is said
	Nobody         Code = "nobody"            // nobody whom Place.Dev reaches has Addr
	Elsewhere      Code = "elsewhere"         // Other has Addr, but is not in the network that Place.Dev reaches
	WrongNeighbour Code = "wrong-neighbour"   // an entry at Place, whose Type is its state, says that somebody else has Addr
	EchoIgnored    Code = "echo-ignored"      // Place gets the echo request, and is set not to answer any
	Duplicate      Code = "duplicate-address" // both Place and Other have Addr
	Loop           Code = "loop"              // it goes round in circles; Place is on the circle
	Dropped        Code = "dropped"           // Rule at Place ends it
	ReversePath    Code = "reverse-path"      // Place drops it, since an answer to Addr would not leave by Place.Dev
	Legacy         Code = "legacy-rules"      // nothing else is wrong, but Place has rules that are not read here: of the legacy iptables, or too many
	NotListening   Code = "not-listening"     // it arrives at Place, where nobody listens on Port
)

// Cause is where and why a packet ends.
type Cause struct {
	Code  Code
	Place observe.Place // where
	Other observe.Place // see the codes
	Addr  netip.Addr    // who is looked for at that place: the target or a gateway
	Port  int           // NotListening
	// Near is the network of the own cable that Place takes Addr to be in, of
	// Nobody and Elsewhere without a gateway.
	Near netip.Prefix
	Type string // RouteRefuses, WrongNeighbour
	Rule Rule   // Dropped
	// Translated is the rule that gave the packet the destination with which it ends, if one did.
	Translated Rule
	// Back says that the packet arrives, coming from Source, and its answer does not.
	Back   bool
	Source netip.Addr
}

// Packet is one whose fate is asked.
type Packet struct {
	From  observe.Place // a namespace
	To    netip.Addr
	Proto string // icmp, also where empty; tcp, udp
	Port  int    // of tcp and udp
}

// Numbers of protocols (RFC 5237).
const (
	icmp4, icmp6 = 1, 58
	tcp, udp     = 6, 17
)

// someEphemeral stands for whichever port of ip_local_port_range is chosen.
const someEphemeral = 50000

// mostHops bounds a way, as a packet's time to live does.
const mostHops = 32

// Explain says why a packet, or its answer, does not arrive.
func Explain(st *observe.State, p Packet) Cause {
	p.From.Dev = ""
	f := flight{dst: p.To, sport: someEphemeral, dport: uint16(p.Port), icmp: 8, state: stateNew}
	switch {
	case p.Proto == "tcp":
		f.proto = tcp
	case p.Proto == "udp":
		f.proto = udp
	case p.To.Is6():
		f.proto, f.icmp = icmp6, 128
	default:
		f.proto = icmp4
	}
	j := journey{st: st, tracked: map[observe.Place][]tracked{}}
	end, c := j.walk(p.From, &f)
	if c.Code != Arrives {
		c.Translated = j.by
		return c
	}
	if !f.src.IsValid() {
		return Cause{}
	}
	back := flight{proto: f.proto, src: f.dst, dst: f.src, sport: f.dport, dport: f.sport, icmp: 0, state: stateEstablished, reply: true}
	if f.proto == icmp6 {
		back.icmp = 129
	}
	by := j.by
	home, c := j.walk(end, &back)
	if c.Code != Arrives {
		c.Back, c.Source = true, f.src
		return c
	}
	if home != p.From {
		return Cause{Code: Duplicate, Place: p.From, Other: home, Addr: back.dst}
	}
	if f.proto == tcp && !listens(st.Namespace(end.Node, end.NS), f.dst, int(f.dport)) {
		return Cause{Code: NotListening, Place: end, Addr: f.dst, Port: int(f.dport), Translated: by}
	}
	for _, c := range []Cause{j.twice, j.suspect} {
		if c.Code != Arrives {
			return c
		}
	}
	return j.legacy
}

// listens says whether somebody waits for connections; yes where nobody knows.
func listens(ns *observe.Namespace, to netip.Addr, port int) bool {
	if ns.Depth == nil || ns.Depth.TCP == nil {
		return true
	}
	return slices.ContainsFunc(ns.Depth.TCP, func(l observe.Listener) bool {
		return l.Port == port && (l.Address == to || l.Address.IsUnspecified() && (l.Address.Is6() || to.Is4()))
	})
}

// journey is a packet's way there and back.
type journey struct {
	st      *observe.State
	tracked map[observe.Place][]tracked
	by      Rule  // has changed the destination last
	twice   Cause // two have an address that was looked for
	suspect Cause // a rule may drop it
	legacy  Cause // a namespace on the way has rules that nobody reads
}

// tracked is what a namespace's connection tracking remembers: the addresses
// that a packet came with, and those that it left with.
type tracked struct {
	src, dst, newSrc, newDst netip.Addr
}

// walk follows a packet to the namespace where it arrives.
func (j *journey) walk(at observe.Place, f *flight) (end observe.Place, c Cause) {
	stop := func(code Code) (observe.Place, Cause) {
		return at, Cause{Code: code, Place: at, Addr: f.dst}
	}
	dropped := func(r Rule) (observe.Place, Cause) {
		return at, Cause{Code: Dropped, Place: at, Addr: f.dst, Rule: r}
	}
	for hop := range mostHops {
		ns, c := enter(j.st, at, f.dst)
		if ns == nil {
			return at, c
		}
		if d := ns.Depth; d != nil && d.Firewall != nil && (len(d.Firewall.Legacy) > 0 || d.Firewall.Cut) && j.legacy.Code == Arrives {
			j.legacy = Cause{Code: Legacy, Place: at, Addr: f.dst}
		}
		entry := tracked{src: f.src, dst: f.dst}
		known := j.known(at, f)
		if hop == 0 {
			if !f.src.IsValid() {
				if f.src, c = j.source(ns, at, f.dst); c.Code != Arrives {
					return at, c
				}
				entry.src = f.src
			}
			if r, ok := Lookup(ns, f.dst); ok && !owns(ns, f.dst) {
				f.oif = r.Dev
			} else {
				f.oif = "lo"
			}
			f.iif = ""
			j.arrive(ns, "output", f, known)
			if r, ok := j.drops(ns, at, "output", f); ok {
				return dropped(r)
			}
		} else {
			f.oif = ""
			if r, ok := j.drops(ns, at, "prerouting", f); ok {
				return dropped(r)
			}
			j.arrive(ns, "prerouting", f, known)
			if c := j.reverse(ns, at, f); c.Code != Arrives {
				return at, c
			}
		}
		if owns(ns, f.dst) || f.dst.IsLoopback() {
			if f.oif, f.iif = "", cmp.Or(f.iif, "lo"); known.src.IsValid() && f.reply {
				f.src = known.dst
			}
			if r, ok := j.drops(ns, at, "input", f); ok {
				return dropped(r)
			}
			if ignores(ns, f) {
				return stop(EchoIgnored)
			}
			if !f.reply {
				entry.newSrc, entry.newDst = f.src, f.dst
				j.tracked[at] = append(j.tracked[at], entry)
			}
			return at, Cause{}
		}
		if on, known := forwardsFrom(ns, f); hop > 0 && !on {
			if known && forwards(ns, f.dst) {
				at.Dev = f.iif
			}
			return stop(NoForwarding)
		}
		route, ok := Lookup(ns, f.dst)
		if !ok {
			return at, noRoute(ns, at, f.dst)
		}
		if route.Type != "" {
			_, c := stop(RouteRefuses)
			c.Type = route.Type
			return at, c
		}
		out := at
		out.Dev = route.Dev
		link := ns.Link(route.Dev)
		if link == nil {
			return stop(NoRoute)
		}
		f.oif = route.Dev
		if hop > 0 {
			if r, ok := j.drops(ns, at, "forward", f); ok {
				return dropped(r)
			}
		}
		if r, ok := j.drops(ns, at, "postrouting", f); ok {
			return dropped(r)
		}
		j.leave(ns, at, f, entry, known, sourceOf(route, link, f.dst))
		if c := alive(link, out, f.dst); c.Code != Arrives {
			return at, c
		}
		next := f.dst
		if route.Via.IsValid() {
			next = route.Via
		}
		found, c := j.neighbour(ns, out, next)
		if c.Code != Arrives {
			if (c.Code == Nobody || c.Code == Elsewhere) && !route.Via.IsValid() {
				c.Near = route.To
			}
			return at, c
		}
		f.iif = found.Dev
		at = observe.Place{Node: found.Node, NS: found.NS}
	}
	return stop(Loop)
}

// source chooses what a packet comes from, as it starts.
func (j *journey) source(ns *observe.Namespace, at observe.Place, to netip.Addr) (netip.Addr, Cause) {
	if owns(ns, to) || to.IsLoopback() {
		return to, Cause{}
	}
	route, ok := Lookup(ns, to)
	if !ok {
		return netip.Addr{}, noRoute(ns, at, to)
	}
	if link := ns.Link(route.Dev); link != nil {
		if a := sourceOf(route, link, to); a.IsValid() {
			return a, Cause{}
		}
	}
	// A device without addresses borrows one (inet_select_addr of the kernel).
	for i := range ns.Links {
		if a := sourceOf(observe.Route{}, &ns.Links[i], to); a.IsValid() && !a.IsLoopback() {
			return a, Cause{}
		}
	}
	return netip.Addr{}, Cause{}
}

// known finds what an answer belongs to in a namespace's connection tracking.
func (j *journey) known(at observe.Place, f *flight) tracked {
	if f.reply {
		for _, t := range j.tracked[at] {
			if t.newDst == f.src && t.newSrc == f.dst {
				return t
			}
		}
	}
	return tracked{}
}

// arrive changes the destination of a packet that comes into a namespace, or
// starts there: a new one by the rules, an answer by what is remembered.
func (j *journey) arrive(ns *observe.Namespace, hook string, f *flight, known tracked) {
	if f.reply {
		if known.src.IsValid() {
			f.dst = known.src
		}
		return
	}
	to, by, ok := translation(ns, hook, f)
	if !ok {
		return
	}
	switch to.Verdict {
	case "dnat":
		if to.To.Addr().IsValid() {
			f.dst = to.To.Addr()
		}
	case "redirect":
		f.dst = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if l := ns.Link(f.iif); l != nil && hook == "prerouting" {
			if a := sourceOf(observe.Route{}, l, f.dst); a.IsValid() {
				f.dst = a
			}
		}
	default:
		return
	}
	if to.To.Port() != 0 {
		f.dport = to.To.Port()
	}
	j.by = by
}

// leave changes the source of a packet that leaves a namespace, and remembers it.
func (j *journey) leave(ns *observe.Namespace, at observe.Place, f *flight, entry, known tracked, own netip.Addr) {
	if f.reply {
		if known.src.IsValid() {
			f.src = known.dst
		}
		return
	}
	if to, _, ok := translation(ns, "postrouting", f); ok {
		switch {
		case to.Verdict == "masquerade" && own.IsValid():
			f.src = own
		case to.Verdict == "snat" && to.To.Addr().IsValid():
			f.src = to.To.Addr()
		}
	}
	entry.newSrc, entry.newDst = f.src, f.dst
	j.tracked[at] = append(j.tracked[at], entry)
}

// reverse says whether the reverse path filter drops a packet (ip-sysctl,
// rp_filter).
func (j *journey) reverse(ns *observe.Namespace, at observe.Place, f *flight) Cause {
	if ns.Depth == nil || f.src.Is6() {
		return Cause{}
	}
	mode := ns.Depth.ReversePath[f.iif]
	if mode == 0 {
		return Cause{}
	}
	r, ok := Lookup(ns, f.src)
	if ok && r.Type == "" && (mode == 2 || r.Dev == f.iif) {
		return Cause{}
	}
	at.Dev = f.iif
	return Cause{Code: ReversePath, Place: at, Addr: f.src}
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

// forwardsFrom says whether what has come in by a device is passed on; known is
// false where only the setting for all devices is.
func forwardsFrom(ns *observe.Namespace, f *flight) (on, known bool) {
	if ns.Depth != nil && f.dst.Is4() {
		if on, known := ns.Depth.Forwarding[f.iif]; known {
			return on, true
		}
	}
	return forwards(ns, f.dst), false
}

// ignores says whether an echo request that has arrived is not answered (icmp(7)).
func ignores(ns *observe.Namespace, f *flight) bool {
	if ns.Depth == nil || f.reply {
		return false
	}
	return f.proto == icmp4 && ns.Depth.EchoIgnored || f.proto == icmp6 && ns.Depth.EchoIgnored6
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
func noRoute(ns *observe.Namespace, at observe.Place, to netip.Addr) Cause {
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
