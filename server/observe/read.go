package observe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// space is one network namespace that is observed.
type space struct {
	place  Place // Dev is empty
	inode  uint64
	file   *os.File // owned
	handle *netlink.Handle
	events *subscription
	// dirty says what may have changed since the last reading; guarded by Watch.mu.
	dirty part
	last  *Namespace // what was read last; Links without Peer
	links map[int]raw
	ids   map[uint64]int // nsid of other namespaces here, by inode
	// marks are what probes may make here now, see coverTracks; ear hears who else
	// sends, while something of it was not there before.
	marks map[mark]*marked
	ear   *ear
}

// raw is what a link says of its veth peer (rtnetlink(7), IFLA_LINK and
// IFLA_LINK_NETNSID): the index there, and the id of that namespace here, -1
// for this one.
type raw struct{ peer, nsid int }

type part uint8

const (
	partLinks part = 1 << iota // devices; addresses and routes with them
	partRoutes
	partNeighbours
	partSettings
	partAll = partLinks | partRoutes | partNeighbours | partSettings
)

// newSpace takes the file over, on an error too.
func newSpace(p Place, f *os.File, notify func(*space, part)) (_ *space, err error) {
	s := &space{place: p, file: f, dirty: partAll, ids: map[uint64]int{}, marks: map[mark]*marked{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.inode, err = inodeOf(f); err != nil {
		return nil, err
	}
	// Events first: what changes after the first reading must be heard of.
	if s.events, err = subscribe(f, func(p part) { notify(s, p) }); err != nil {
		return nil, err
	}
	if s.handle, err = netlink.NewHandleAt(netns.NsHandle(f.Fd()), unix.NETLINK_ROUTE); err != nil {
		return nil, fmt.Errorf("cannot open a netlink socket: %w", err)
	}
	return s, nil
}

func (s *space) close() {
	if s.events != nil {
		s.events.close()
	}
	if s.handle != nil {
		s.handle.Close()
	}
	s.file.Close()
}

// read brings these parts of last up to date.
func (s *space) read(what part) error {
	next := Namespace{Inode: s.inode}
	if s.last != nil {
		next = *s.last
	}
	if what&partLinks != 0 || s.links == nil {
		links, raws, err := s.readLinks()
		if err != nil {
			return err
		}
		next.Links, s.links = links, raws
		what |= partRoutes | partNeighbours
	}
	names := map[int]string{}
	for i := range next.Links {
		names[next.Links[i].Index] = next.Links[i].Name
	}
	if what&partRoutes != 0 {
		routes, err := s.readRoutes(names)
		if err != nil {
			return err
		}
		next.Routes = routes
	}
	if what&partNeighbours != 0 {
		neighbours, fdb, err := s.readNeighbours(names, next.Links)
		if err != nil {
			return err
		}
		next.Neighbors = neighbours
		next.Links = slices.Clone(next.Links) // published ones never change
		for i := range next.Links {
			next.Links[i].FDB = fdb[next.Links[i].Index]
		}
	}
	if what&partSettings != 0 {
		if err := inNetNS(s.file, func() error {
			next.Forwarding = setting("net/ipv4/ip_forward") == "1"
			next.Forwarding6 = setting("net/ipv6/conf/all/forwarding") == "1"
			next.Rules = generation()
			return nil
		}); err != nil {
			return err
		}
	}
	s.last = &next
	return nil
}

// setting reads a file of the thread's own /proc/sys; "" where it is missing.
func setting(path string) string {
	b, err := os.ReadFile("/proc/sys/" + path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// again repeats a dump that a change interrupted (NLM_F_DUMP_INTR, netlink(7)).
func again[T any](dump func() ([]T, error)) (list []T, err error) {
	for range 5 {
		if list, err = dump(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return list, err
		}
	}
	return list, nil // a busy network: what was read is as true as can be
}

// mostAddresses bounds what is kept of the addresses of a device.
const mostAddresses = 256

func (s *space) readLinks() ([]Link, map[int]raw, error) {
	list, err := again(s.handle.LinkList)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the devices of %s: %w", s.place, err)
	}
	addresses, err := again(func() ([]netlink.Addr, error) { return s.handle.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the addresses of %s: %w", s.place, err)
	}
	names := map[int]string{}
	for _, l := range list {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	byIndex := map[int][]netip.Prefix{}
	for _, a := range addresses {
		p, ok := prefix(a.IPNet)
		if ok && !(p.Addr().Is6() && p.Addr().IsLinkLocalUnicast()) && len(byIndex[a.LinkIndex]) < mostAddresses {
			byIndex[a.LinkIndex] = append(byIndex[a.LinkIndex], p)
		}
	}
	raws := map[int]raw{}
	links := make([]Link, 0, len(list))
	for _, l := range list {
		a := l.Attrs()
		n := Link{
			Index: a.Index, Name: a.Name, Type: l.Type(), MTU: a.MTU, Addresses: byIndex[a.Index],
			Up: a.Flags&net.FlagUp != 0, Carrier: a.RawFlags&unix.IFF_LOWER_UP != 0,
			Master: names[a.MasterIndex],
		}
		if a.Flags&net.FlagLoopback != 0 {
			n.Type = "loopback"
		}
		if len(a.HardwareAddr) == 6 && n.Type != "loopback" {
			n.MAC = a.HardwareAddr.String()
		}
		if n.Type == "veth" && a.ParentIndex != 0 {
			raws[a.Index] = raw{peer: a.ParentIndex, nsid: a.NetNsID}
		}
		links = append(links, n)
	}
	slices.SortFunc(links, func(a, b Link) int { return a.Index - b.Index })
	return links, raws, nil
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	a, ok := netip.AddrFromSlice(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(a.Unmap(), ones), ok
}

// routeTypes are the RTN_ constants of rtnetlink(7) as ip(8) names them.
func routeType(t int) string {
	switch t {
	case unix.RTN_UNICAST:
		return ""
	case unix.RTN_BLACKHOLE:
		return "blackhole"
	case unix.RTN_UNREACHABLE:
		return "unreachable"
	case unix.RTN_PROHIBIT:
		return "prohibit"
	case unix.RTN_THROW:
		return "throw"
	case unix.RTN_NAT:
		return "nat"
	case unix.RTN_LOCAL:
		return "local"
	case unix.RTN_MULTICAST:
		return "multicast"
	}
	return strconv.Itoa(t)
}

// mostRoutes bounds what is kept of the routes of each family: a learner can add
// hundreds of thousands, which are charged to the sandbox and not to the server.
const mostRoutes = 1000

func (s *space) readRoutes(names map[int]string) ([]Route, error) {
	routes := []Route{}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		list, err := again(func() (list []netlink.Route, err error) {
			// The kernel tells the shortest prefixes first, the default route among them.
			err = s.handle.RouteListFilteredIter(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE, func(r netlink.Route) bool {
				list = append(list, r)
				return len(list) < mostRoutes
			})
			return list, err
		})
		if err != nil {
			return nil, fmt.Errorf("cannot read the routes of %s: %w", s.place, err)
		}
		for _, r := range list {
			n := Route{Type: routeType(r.Type), Metric: r.Priority, Kernel: r.Protocol == unix.RTPROT_KERNEL, Dev: names[r.LinkIndex]}
			if p, ok := prefix(r.Dst); ok {
				n.To = p
			} else if family == netlink.FAMILY_V4 {
				n.To = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
			} else {
				n.To = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
			}
			if n.To.Addr().Is6() && (n.To.Addr().IsLinkLocalUnicast() || n.To.Addr().IsMulticast()) {
				continue
			}
			via := r.Gw
			if via == nil && len(r.MultiPath) > 0 {
				via, n.Dev = r.MultiPath[0].Gw, names[r.MultiPath[0].LinkIndex]
			}
			if a, ok := netip.AddrFromSlice(via); ok {
				n.Via = a.Unmap()
			}
			if a, ok := netip.AddrFromSlice(r.Src); ok {
				n.Source = a.Unmap()
			}
			routes = append(routes, n)
		}
	}
	return routes, nil
}

// nsid returns the id that another namespace has in this one, or -1.
func (s *space) nsid(other *space) int {
	if id, ok := s.ids[other.inode]; ok {
		return id
	}
	id, err := s.handle.GetNetNsIdByFd(int(other.file.Fd()))
	if err != nil {
		return -1
	}
	if id >= 0 {
		s.ids[other.inode] = id // ids stay as long as both namespaces
	}
	return id
}

// String is for errors: A, or A/red.
func (p Place) String() string {
	s := p.Node
	if p.NS != "" {
		s += "/" + p.NS
	}
	return s
}
