package observe

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// neighbourState names the NUD_ states as ip-neighbour(8) does.
func neighbourState(state int) string {
	for _, s := range []struct {
		bit  int
		name string
	}{
		{unix.NUD_PERMANENT, "permanent"}, {unix.NUD_REACHABLE, "reachable"}, {unix.NUD_STALE, "stale"},
		{unix.NUD_DELAY, "delay"}, {unix.NUD_PROBE, "probe"}, {unix.NUD_FAILED, "failed"}, {unix.NUD_INCOMPLETE, "incomplete"},
	} {
		if state&s.bit != 0 {
			return s.name
		}
	}
	return ""
}

// mostNeighbours bounds what is kept of a table that a learner may fill.
const mostNeighbours = 256

// mostEntries bounds how many entries of a table are looked at.
const mostEntries = 4096

// neighbourTable reads the first entries of a table of the thread's own network
// namespace: the library's lists have no bound, and a learner fills a table with
// a million entries, charged to the sandbox and not to the server.
func neighbourTable(family int) (list []*netlink.Neigh, err error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETNEIGH, unix.NLM_F_DUMP)
	req.AddData(&netlink.Ndmsg{Family: uint8(family)})
	var bad error
	err = req.ExecuteIter(unix.NETLINK_ROUTE, unix.RTM_NEWNEIGH, func(m []byte) bool {
		n, err := netlink.NeighDeserialize(m)
		if err != nil {
			bad = err
			return false
		}
		if n.Family == family {
			list = append(list, n)
		}
		return len(list) < mostEntries
	})
	if bad != nil {
		err = bad
	}
	return list, err
}

// tables reads the neighbour tables of these families; AF_BRIDGE is what bridges
// have learned.
func (s *space) tables(families ...int) ([][]*netlink.Neigh, error) {
	tables := make([][]*netlink.Neigh, len(families))
	if err := inNetNS(s.file, func() (err error) {
		for i, family := range families {
			if tables[i], err = again(func() ([]*netlink.Neigh, error) { return neighbourTable(family) }); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("cannot read the neighbours of %s: %w", s.place, err)
	}
	return tables, nil
}

func (s *space) readNeighbours(names map[int]string, links []Link) ([]Neighbour, map[int][]string, error) {
	neighbours, fdb := []Neighbour{}, map[int][]string{}
	families := []int{netlink.FAMILY_V4, netlink.FAMILY_V6}
	if slices.ContainsFunc(links, func(l Link) bool { return l.Master != "" }) {
		families = append(families, unix.AF_BRIDGE)
	}
	tables, err := s.tables(families...)
	if err != nil {
		return nil, nil, err
	}
	for i := range tables {
		tables[i] = slices.DeleteFunc(tables[i], s.hides)
	}
	for _, list := range tables[:2] {
		for _, n := range list {
			ip, ok := netip.AddrFromSlice(n.IP)
			ip = ip.Unmap()
			state := neighbourState(n.State)
			if !ok || state == "" || ip.IsMulticast() || ip.Is6() && ip.IsLinkLocalUnicast() || len(neighbours) >= mostNeighbours {
				continue
			}
			one := Neighbour{IP: ip, Dev: names[n.LinkIndex], State: state}
			if len(n.HardwareAddr) > 0 {
				one.MAC = n.HardwareAddr.String()
			}
			neighbours = append(neighbours, one)
		}
	}
	slices.SortFunc(neighbours, func(a, b Neighbour) int { return a.IP.Compare(b.IP) })
	if len(tables) == 2 {
		return neighbours, fdb, nil
	}
	for _, n := range tables[2] { // what a switch has learned
		// Permanent entries are the ports' own addresses, and groups.
		if n.State&unix.NUD_PERMANENT != 0 || n.State&unix.NUD_NOARP != 0 || len(n.HardwareAddr) != 6 || n.HardwareAddr[0]&1 != 0 ||
			len(fdb[n.LinkIndex]) >= mostNeighbours {
			continue
		}
		fdb[n.LinkIndex] = append(fdb[n.LinkIndex], n.HardwareAddr.String())
	}
	for _, macs := range fdb {
		slices.Sort(macs)
	}
	return neighbours, fdb, nil
}
