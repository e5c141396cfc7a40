package session

import (
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/netground/netground/server/observe"
)

// digest sums up what decides where packets go: devices, addresses, routes,
// forwarding, firewalls. What packets themselves change (neighbours, what switches have
// learned) is left out: or each probe would call for the next one.
func digest(st *observe.State) uint64 {
	if st == nil {
		return 0
	}
	h := fnv.New64a()
	add := func(parts ...string) {
		for _, p := range parts {
			_, _ = io.WriteString(h, p)
			_, _ = h.Write([]byte{0})
		}
	}
	namespace := func(n *observe.Namespace) {
		if n == nil {
			add("none")
			return
		}
		add("namespace", strconv.FormatUint(n.Inode, 10), strconv.FormatBool(n.Forwarding), strconv.FormatBool(n.Forwarding6), strconv.FormatUint(uint64(n.Rules), 10))
		for i := range n.Links {
			l := &n.Links[i]
			add("link", l.Name, l.Type, l.MAC, l.Master, strconv.Itoa(l.MTU), strconv.FormatBool(l.Up), strconv.FormatBool(l.Carrier))
			for _, a := range l.Addresses {
				add(a.String())
			}
			if l.Peer != nil {
				add("peer", l.Peer.Node, l.Peer.NS, l.Peer.Dev)
			}
		}
		for _, r := range n.Routes {
			add("route", r.To.String(), r.Via.String(), r.Dev, r.Source.String(), strconv.Itoa(r.Metric), r.Type)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(st.Nodes)) {
		n := st.Nodes[name]
		add("node", name, strconv.FormatBool(n.Down))
		namespace(n.Namespace)
		for _, ns := range slices.Sorted(maps.Keys(n.Named)) {
			add("named", ns)
			namespace(n.Named[ns])
		}
	}
	return h.Sum64()
}
