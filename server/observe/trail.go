package observe

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A probe teaches the hosts on its way each other's hardware addresses, and the
// switches where they are, as any packet does. Whether a host knows a neighbour
// is something that labs ask, and that a learner has to bring about. So what a
// probe has taught is forgotten after it, and not told before. What was known
// already stays, and so does what somebody else's packet used or taught
// meanwhile: an ear hears that.

// mark is an entry of a table that a probe may make: a neighbour's, by its
// address, or a switch's, by the device's.
type mark struct {
	ip  netip.Addr
	mac string
}

// marked counts the probes that may make an entry now. Others says that the
// entry is not theirs alone: it was there before the first of them, or somebody
// else has used it since.
type marked struct {
	probes int
	others bool
}

// cover is what one probe may leave in one namespace.
type cover struct {
	space *space
	marks []mark
}

// coverTracks notes what is known where a probe passes. The function that it
// returns forgets what came since by the probe alone.
func (w *Watch) coverTracks(from Place, to netip.Addr, at *Place) func() {
	w.reading.Lock()
	defer w.reading.Unlock()
	covers, about := w.mayTeach(from, to, at)
	for _, a := range about {
		w.probed[a]++
	}
	for _, c := range covers {
		w.note(c)
	}
	return func() { w.forgetTaught(covers, about) }
}

// note marks what a probe may make in a namespace.
func (w *Watch) note(c cover) {
	known := map[mark]bool{}
	look := func() {
		for _, e := range c.space.entries(c.marks) {
			known[e.mark] = known[e.mark] || e.valid
		}
	}
	look()
	if c.space.ear == nil && slices.ContainsFunc(c.marks, func(m mark) bool { return c.space.marks[m] == nil && !known[m] }) {
		c.space.ear = w.listen(c.space)
		look() // what came before there was an ear
	}
	for _, m := range c.marks {
		if c.space.marks[m] == nil {
			c.space.marks[m] = &marked{others: known[m]}
		}
		c.space.marks[m].probes++
	}
}

func (w *Watch) forgetTaught(covers []cover, about []netip.Addr) {
	w.reading.Lock()
	defer w.reading.Unlock()
	for _, c := range covers {
		if w.space(c.space.place) != c.space {
			w.deafen(c.space) // its host has rebooted, or the namespace is gone
			continue
		}
		w.hear(c.space)
		ended := map[mark]bool{} // and whether the entry is to go
		for _, m := range c.marks {
			state := c.space.marks[m]
			if state.probes--; state.probes == 0 {
				ended[m] = !state.others
			}
		}
		kept := c.space.forget(ended, func() { w.hear(c.space) })
		for m := range ended {
			delete(c.space.marks, m)
		}
		if len(c.space.marks) == 0 {
			w.deafen(c.space)
		}
		if kept {
			w.changed(c.space, partNeighbours) // it was hidden
		}
	}
	for _, a := range about {
		if w.probed[a]--; w.probed[a] == 0 {
			delete(w.probed, a)
		}
	}
}

// mayTeach says what a probe may leave where, and about which addresses.
func (w *Watch) mayTeach(from Place, to netip.Addr, at *Place) (covers []cover, about []netip.Addr) {
	leaves := w.space(from)
	if leaves == nil || leaves.last == nil {
		return nil, nil
	}
	// Those who send, receive or forward it, as far as the routes tell.
	about = append(leaves.addresses(to), to)
	way := []*space{leaves}
	if at != nil {
		if s := w.space(*at); s != nil && s != leaves && s.last != nil {
			way, about = append(way, s), append(about, s.addresses(to)...)
		}
	}
	for i := 0; i < len(about) && len(way) < mostOnWay; i++ {
		s := w.owner(about[i])
		if s == nil {
			continue
		}
		if !slices.Contains(way, s) {
			way = append(way, s)
		}
		for _, r := range s.last.Routes {
			leads := slices.ContainsFunc(about, func(a netip.Addr) bool { return r.To.Contains(a) })
			if r.Via.IsValid() && leads && !slices.Contains(about, r.Via) {
				about = append(about, r.Via)
			}
		}
	}
	switches := map[*space][]mark{}
	for _, s := range way {
		var marks []mark
		for _, a := range about {
			if o := w.owner(a); o != s && (s.onLink(a) || o != nil && slices.ContainsFunc(s.addresses(a), o.onLink)) && !slices.Contains(marks, mark{ip: a}) {
				marks = append(marks, mark{ip: a})
			}
		}
		if len(marks) > 0 {
			covers = append(covers, cover{s, marks})
		}
		for _, l := range w.State().Namespace(s.place.Node, s.place.NS).links() {
			if l.MAC != "" && len(l.Addresses) > 0 {
				w.switches(l, func(b *space) { switches[b] = append(switches[b], mark{mac: l.MAC}) })
			}
		}
	}
	for s, marks := range switches {
		if i := slices.IndexFunc(covers, func(c cover) bool { return c.space == s }); i >= 0 {
			covers[i].marks = append(covers[i].marks, marks...)
		} else {
			covers = append(covers, cover{s, marks})
		}
	}
	return covers, about
}

// mostOnWay bounds the hosts of which a probe's traces are covered.
const mostOnWay = 32

// switches calls each with the namespaces whose bridges hear a device.
func (w *Watch) switches(l Link, each func(*space)) {
	st := w.State()
	var ends []*Place
	if l.Peer != nil {
		ends = append(ends, l.Peer)
	}
	for i := 0; i < len(ends) && i < mostOnWay; i++ {
		at := w.space(*ends[i])
		ns := st.Namespace(ends[i].Node, ends[i].NS)
		port := ns.Link(ends[i].Dev)
		if at == nil || port == nil || port.Master == "" {
			continue
		}
		if !slices.ContainsFunc(ends[:i], func(p *Place) bool { return w.space(*p) == at }) {
			each(at)
		}
		for _, other := range ns.Links {
			if other.Master == port.Master && other.Peer != nil && !slices.ContainsFunc(ends, func(p *Place) bool { return *p == *other.Peer }) {
				ends = append(ends, other.Peer)
			}
		}
	}
}

func (n *Namespace) links() []Link {
	if n == nil {
		return nil
	}
	return n.Links
}

// onLink says whether the namespace asks for an address itself: it takes it for
// a neighbour, or for a gateway.
func (s *space) onLink(a netip.Addr) bool {
	return slices.ContainsFunc(s.last.Routes, func(r Route) bool { return r.Via == a || !r.Via.IsValid() && r.To.Contains(a) })
}

// addresses returns those of the namespace that are of the other's version.
func (s *space) addresses(like netip.Addr) (all []netip.Addr) {
	for _, l := range s.last.Links {
		for _, p := range l.Addresses {
			if p.Addr().Is4() == like.Is4() && l.Type != "loopback" {
				all = append(all, p.Addr())
			}
		}
	}
	return all
}

// entry is one of a namespace's tables.
type entry struct {
	mark
	valid bool // it has a hardware address that was answered for
	netlink.Neigh
}

// family is that of the table which an entry of the mark is in.
func (m mark) family() int {
	switch {
	case m.mac != "":
		return unix.AF_BRIDGE
	case m.ip.Is6():
		return netlink.FAMILY_V6
	}
	return netlink.FAMILY_V4
}

// entries lists those that a packet can make, of the tables that the marks are in.
func (s *space) entries(marks []mark) (all []entry) {
	var families []int
	for _, m := range marks {
		if f := m.family(); !slices.Contains(families, f) {
			families = append(families, f)
		}
	}
	tables, err := s.tables(families...)
	if err != nil {
		return nil // the namespace is going
	}
	for _, list := range tables {
		for _, n := range list {
			if e, ok := entryOf(n); ok {
				all = append(all, e)
			}
		}
	}
	return all
}

// entryOf leaves out what stands in a table by somebody's hand.
func entryOf(n *netlink.Neigh) (e entry, ok bool) {
	if n.State&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0 {
		return e, false
	}
	e.Neigh = *n
	e.valid = len(n.HardwareAddr) == 6 && n.State&(unix.NUD_FAILED|unix.NUD_INCOMPLETE) == 0
	if n.Family == unix.AF_BRIDGE {
		e.mac = n.HardwareAddr.String()
		return e, e.valid
	}
	e.ip, ok = netip.AddrFromSlice(n.IP)
	e.ip = e.ip.Unmap()
	return e, ok
}

// forget deletes the entries of the marks that are to go, but for those that
// somebody else's packets have used: it says whether there are such. One that
// was used while it was deleted comes back.
func (s *space) forget(ended map[mark]bool, hear func()) (kept bool) {
	if !slices.Contains(slices.Collect(maps.Values(ended)), true) {
		return false
	}
	var gone []entry
	for _, e := range s.entries(slices.Collect(maps.Keys(ended))) {
		switch {
		case !ended[e.mark]:
		case s.ear.uses(e):
			kept = true
		default:
			n := e.Neigh
			if n.Family == unix.AF_BRIDGE {
				n.Flags = unix.NTF_MASTER
			}
			_ = s.handle.NeighDel(&n) // gone by itself, or with its namespace
			gone = append(gone, e)
		}
	}
	if len(gone) == 0 {
		return kept
	}
	hear()
	for _, e := range gone {
		if e.valid && e.Family != unix.AF_BRIDGE && s.ear.uses(e) {
			_ = s.handle.NeighAdd(&netlink.Neigh{LinkIndex: e.LinkIndex, Family: e.Family, State: unix.NUD_STALE, IP: e.IP, HardwareAddr: e.HardwareAddr})
		}
	}
	return kept
}

// hides says whether an entry may be there by probes alone.
func (s *space) hides(n *netlink.Neigh) bool {
	e, ok := entryOf(n)
	if !ok {
		return false
	}
	m := s.marks[e.mark]
	if m == nil {
		return false
	}
	m.others = m.others || s.ear.uses(e)
	return !m.others
}

// space returns the observed namespace of a place; nil if there is none. It is
// called with the reading lock, as are the others.
func (w *Watch) space(p Place) *space {
	n := w.nodes[p.Node]
	switch {
	case n == nil || n.down:
		return nil
	case p.NS != "":
		return n.named[p.NS]
	}
	return n.own
}

// owner finds the namespace that has the address.
func (w *Watch) owner(a netip.Addr) *space {
	for _, n := range w.nodes {
		for _, s := range n.spaces() {
			if s.last == nil {
				continue
			}
			for _, l := range s.last.Links {
				if slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Addr() == a }) {
					return s
				}
			}
		}
	}
	return nil
}
