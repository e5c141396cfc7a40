package observe

import (
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A probe teaches the hosts on its way each other's hardware addresses, as any
// packet does. Whether a host knows a neighbour is something that labs ask,
// and that a learner has to bring about: so what a probe has taught is
// forgotten after it.

// mark is an entry of a neighbour table that probes may make.
type mark struct {
	space *space
	ip    netip.Addr
}

// marked counts the probes that may make an entry now, and remembers whether
// it was there before the first of them.
type marked struct {
	probes int
	known  bool
}

// coverTracks notes which neighbours are known where a probe leaves and where
// it arrives. The function that it returns forgets those that came since.
func (w *Watch) coverTracks(from Place, to netip.Addr, at *Place) (cover func()) {
	w.reading.Lock()
	defer w.reading.Unlock()
	leaves := w.space(from)
	if leaves == nil || leaves.last == nil {
		return func() {}
	}
	arrives := w.owner(to)
	if at != nil {
		arrives = w.space(*at)
	}
	marks := leaves.marks(to)
	if arrives != nil && arrives != leaves && arrives.last != nil {
		for _, l := range leaves.last.Links {
			for _, p := range l.Addresses {
				if p.Addr().Is4() == to.Is4() {
					marks = append(marks, arrives.marks(p.Addr())...)
				}
			}
		}
	}
	for _, m := range marks {
		if w.marks[m] == nil {
			w.marks[m] = &marked{known: m.space.knows(m.ip)}
		}
		w.marks[m].probes++
	}
	return func() { w.forgetTaught(marks) }
}

func (w *Watch) forgetTaught(marks []mark) {
	w.reading.Lock()
	defer w.reading.Unlock()
	for _, m := range marks {
		state := w.marks[m]
		if state.probes--; state.probes > 0 {
			continue
		}
		delete(w.marks, m)
		if !state.known && w.observes(m.space) {
			m.space.forget(m.ip)
		}
	}
}

// marks are the entries that a packet to the address may make in the
// namespace: the address itself, and the gateways to it.
func (s *space) marks(to netip.Addr) []mark {
	marks := []mark{{s, to}}
	for _, r := range s.last.Routes {
		if r.Via.IsValid() && r.To.Contains(to) {
			marks = append(marks, mark{s, r.Via})
		}
	}
	return marks
}

func (s *space) neighbours(ip netip.Addr) []netlink.Neigh {
	family := netlink.FAMILY_V4
	if ip.Is6() {
		family = netlink.FAMILY_V6
	}
	list, err := again(func() ([]netlink.Neigh, error) { return s.handle.NeighList(0, family) })
	if err != nil {
		return nil // the namespace is going
	}
	return slices.DeleteFunc(list, func(n netlink.Neigh) bool {
		a, ok := netip.AddrFromSlice(n.IP)
		return !ok || a.Unmap() != ip || n.State&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0
	})
}

func (s *space) knows(ip netip.Addr) bool { return len(s.neighbours(ip)) > 0 }

func (s *space) forget(ip netip.Addr) {
	for _, n := range s.neighbours(ip) {
		_ = s.handle.NeighDel(&n) // gone by itself, or with its namespace
	}
}

// space returns the observed namespace of a place; nil if there is none. It is
// called with the reading lock, as are the others below.
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

func (w *Watch) observes(s *space) bool { return w.space(s.place) == s }

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
