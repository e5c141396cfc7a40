package check

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/trace"
)

func (e *evaluation) link(c *lab.LinkCheck) {
	w := where(c.Where)
	switch {
	case c.Absent:
		e.expect(tx("no %[1]s in %[2]s", "%[2]s에 %[1]s 장치 없음", c.Dev, w))
	case c.Peer != nil:
		e.expect(tx("%s, its other end %s", "%s, 반대쪽 끝은 %s", device(c.Where, c.Dev), device(c.Peer.Where, c.Peer.Dev)))
	case c.Master != "":
		e.expect(tx("%s is a port of %s", "%s: %s의 포트", device(c.Where, c.Dev), c.Master))
	case c.State == "up":
		e.expect(tx("%s is up", "%s: 켜짐", device(c.Where, c.Dev)))
	case c.State == "down":
		e.expect(tx("%s is down", "%s: 꺼짐", device(c.Where, c.Dev)))
	default:
		e.expect(tx("a device %[1]s in %[2]s", "%[2]s에 장치 %[1]s", c.Dev, w))
	}
	if c.Absent {
		ns := e.at(c.Where)
		switch {
		case ns == nil:
		case ns.Link(c.Dev) == nil:
			e.ok(tx("no %s", "%s 없음", c.Dev))
		default:
			e.fail(Present, plain(c.Dev), tx("%[1]s is still in %[2]s.", "%[2]s에 %[1]s 장치가 아직 있습니다.", c.Dev, w))
		}
		return
	}
	l := e.device(c.Where, c.Dev)
	if l == nil {
		return
	}
	if c.Type != "" && l.Type != c.Type {
		e.fail(WrongType, plain(l.Type), tx("%[1]s is of the type %[2]s, not %[3]s.", "%[1]s 장치의 종류는 %[2]s입니다. %[3]s 장치가 있어야 합니다.", c.Dev, l.Type, c.Type))
		return
	}
	if c.Peer != nil && !e.peer(c, l) {
		return
	}
	if c.Master != "" && l.Master != c.Master {
		found := tx("a port of no bridge", "어느 브리지의 포트도 아님")
		if l.Master != "" {
			found = tx("a port of %s", "%s의 포트", l.Master)
		}
		e.fail(WrongMaster, found, tx("%[1]s is not plugged into %[2]s. ip link set %[1]s master %[2]s plugs it in.",
			"%[1]s 장치를 %[2]s에 아직 꽂지 않았습니다. ip link set %[1]s master %[2]s 명령으로 꽂습니다.", c.Dev, c.Master))
		return
	}
	on := tx("%s: up", "%s: 켜짐", c.Dev)
	off := tx("%s: down", "%s: 꺼짐", c.Dev)
	switch {
	case c.State == "up" && !l.Up:
		e.fail(Down, off, tx("%s is switched off.", "%s 장치가 꺼져 있습니다.", device(c.Where, c.Dev)))
	case c.State == "up" && !l.Carrier:
		e.noCarrier(device(c.Where, c.Dev), l)
	case c.State == "down" && l.Up:
		e.fail(Up, on, tx("%s is switched on.", "%s 장치가 켜져 있습니다.", device(c.Where, c.Dev)))
	case c.State == "up":
		e.ok(on)
	case c.State == "down":
		e.ok(off)
	default:
		e.ok(plain(c.Dev))
	}
}

func (e *evaluation) noCarrier(d lab.Text, l *observe.Link) {
	found := tx("%s: no carrier", "%s: 신호 없음", l.Name)
	if l.Type == "bridge" {
		e.fail(NoCarrier, found, tx("%s is on, but none of its ports is.", "%s 브리지는 켜져 있지만 켜져 있는 포트가 없습니다.", d))
		return
	}
	if l.Peer == nil {
		e.fail(NoCarrier, found, tx("%s is on, but nothing is at the other end of its cable.", "%s 장치는 켜져 있지만 케이블 반대쪽에 아무것도 없습니다.", d))
		return
	}
	e.fail(NoCarrier, found, tx("%s is on, but has no carrier: the other end of its cable, %s, is down.",
		"%s 장치는 켜져 있지만 신호가 없습니다. 케이블 반대쪽 끝(%s)이 꺼져 있습니다.", d, place(*l.Peer)))
}

// peer says whether the far end of a cable is where it should be.
func (e *evaluation) peer(c *lab.LinkCheck, l *observe.Link) bool {
	want := observe.Place{Node: c.Peer.Host, NS: c.Peer.NS, Dev: c.Peer.Dev}
	if l.Peer != nil && *l.Peer == want {
		return true
	}
	if l.Peer == nil {
		e.fail(WrongPeer, tx("no other end that can be seen", "보이는 반대쪽 끝 없음"),
			tx("%s has no other end in this network.", "%s 장치에는 이 네트워크 안에 반대쪽 끝이 없습니다.", device(c.Where, c.Dev)))
		return false
	}
	e.fail(WrongPeer, tx("other end: %s", "반대쪽 끝: %s", place(*l.Peer)),
		tx("The other end of %[1]s is %[2]s; it should be %[3]s.", "%[1]s 장치는 지금 %[2]s 장치와 이어져 있습니다. %[3]s 장치와 이어져 있어야 합니다.", c.Dev, place(*l.Peer), place(want)))
	return false
}

func (e *evaluation) address(c *lab.AddressCheck) {
	if c.Not.IsValid() {
		e.expect(tx("%s without %s", "%s에 %s 없음", device(c.Where, c.Dev), c.Not))
	} else {
		e.expect(tx("%[2]s on %[1]s", "%[1]s에 %[2]s", device(c.Where, c.Dev), c.Has))
	}
	l := e.device(c.Where, c.Dev)
	if l == nil {
		return
	}
	if c.Not.IsValid() {
		if slices.Contains(l.Addresses, c.Not) {
			e.fail(Present, addresses(l), tx("%[1]s still has the address %[2]s.", "%[1]s에 %[2]s 주소가 아직 있습니다.", c.Dev, c.Not))
		} else {
			e.ok(addresses(l))
		}
		return
	}
	if slices.Contains(l.Addresses, c.Has) {
		e.ok(addresses(l))
		return
	}
	for _, a := range l.Addresses {
		if a.Addr() == c.Has.Addr() {
			e.fail(WrongPrefix, addresses(l), tx("The address is right, but its prefix length is /%[1]d, not /%[2]d.",
				"주소는 맞지만 프리픽스 길이가 /%[2]d 대신 /%[1]d입니다.", a.Bits(), c.Has.Bits()))
			return
		}
	}
	if p := e.owner(c.Has.Addr()); p != nil {
		e.fail(OtherDevice, addresses(l), tx("%[1]s is on %[2]s.", "%[1]s 주소는 %[2]s에 있습니다.", c.Has.Addr(), place(*p)))
		return
	}
	if len(l.Addresses) == 0 {
		e.fail(NoAddress, addresses(l), tx("%s has no address.", "%s에 주소가 없습니다.", device(c.Where, c.Dev)))
		return
	}
	e.fail(OtherAddress, addresses(l), tx("%s has another address.", "%s에 다른 주소가 있습니다.", device(c.Where, c.Dev)))
}

// owner finds who has an address.
func (e *evaluation) owner(a netip.Addr) *observe.Place {
	if all := e.owners(a); len(all) > 0 {
		return &all[0]
	}
	return nil
}

// owners finds all who have an address.
func (e *evaluation) owners(a netip.Addr) (all []observe.Place) {
	for _, node := range slices.Sorted(maps.Keys(e.st.Nodes)) {
		n := e.st.Nodes[node]
		for _, name := range append([]string{""}, slices.Sorted(maps.Keys(n.Named))...) {
			ns := e.st.Namespace(node, name)
			if ns == nil {
				continue
			}
			for _, l := range ns.Links {
				for _, p := range l.Addresses {
					if p.Addr() == a {
						all = append(all, observe.Place{Node: node, NS: name, Dev: l.Name})
					}
				}
			}
		}
	}
	return all
}

func (e *evaluation) route(c *lab.RouteCheck) {
	if c.For.IsValid() {
		e.routeFor(c)
		return
	}
	want := c.To
	if c.Via.IsValid() {
		want += " via " + c.Via.String()
	}
	if c.Dev != "" {
		want += " dev " + c.Dev
	}
	if c.Absent {
		e.expect(tx("no route %[1]s in %[2]s", "%[2]s에 %[1]s 경로 없음", c.To, where(c.Where)))
	} else {
		e.expect(tx("%[2]s: %[1]s", "%[2]s: %[1]s", want, where(c.Where)))
	}
	ns := e.at(c.Where)
	if ns == nil {
		return
	}
	var routes []observe.Route
	var texts []string
	for _, r := range ns.Routes {
		if sameTarget(r.To, c) {
			routes = append(routes, r)
			texts = append(texts, routeText(r))
		}
	}
	none := tx("no route %s", "%s 경로 없음", c.To)
	switch {
	case c.Absent && len(routes) == 0:
		e.ok(none)
		return
	case c.Absent:
		e.fail(Present, plain(strings.Join(texts, "; ")), tx("%[2]s still has a route %[1]s.", "%[2]s의 라우팅 테이블에 %[1]s 경로가 아직 있습니다.", c.To, where(c.Where)))
		return
	case len(routes) == 0:
		e.fail(NoRoute, none, tx("The routing table of %[2]s has no route %[1]s.", "%[2]s의 라우팅 테이블에 %[1]s 경로가 없습니다.", c.To, where(c.Where)))
		return
	}
	found := plain(strings.Join(texts, "; "))
	reason := WrongVia
	for _, r := range routes {
		viaOK, devOK := !c.Via.IsValid() || r.Via == c.Via, c.Dev == "" || r.Dev == c.Dev
		if viaOK && devOK && r.Type == "" {
			e.ok(found)
			return
		}
		if viaOK {
			reason = WrongDev
		}
	}
	if reason == WrongVia {
		e.fail(WrongVia, found, tx("There is a route %[1]s, but it does not lead to %[2]s.", "%[1]s 경로가 있지만 %[2]s 쪽으로 보내지 않습니다.", c.To, c.Via))
		return
	}
	e.fail(WrongDev, found, tx("There is a route %[1]s, but it does not leave by %[2]s.", "%[1]s 경로가 있지만 %[2]s 장치로 나가지 않습니다.", c.To, c.Dev))
}

// routeFor asks by which way a packet leaves, whatever lines of the table say so.
func (e *evaluation) routeFor(c *lab.RouteCheck) {
	want := ""
	if c.Via.IsValid() {
		want += " via " + c.Via.String()
	}
	if c.Dev != "" {
		want += " dev " + c.Dev
	}
	e.expect(tx("%[2]s: packets to %[1]s go%[3]s", "%[2]s: %[1]s행 패킷 →%[3]s", c.For, where(c.Where), want))
	ns := e.at(c.Where)
	if ns == nil {
		return
	}
	r, ok := trace.Lookup(ns, c.For)
	if !ok {
		e.fail(NoRoute, tx("no route", "경로 없음"), tx("No line in the routing table of %[2]s fits %[1]s.", "%[2]s의 라우팅 테이블에 %[1]s에 맞는 줄이 없습니다.", c.For, where(c.Where)))
		return
	}
	found := plain(routeText(r))
	switch {
	case r.Type != "":
		e.fail(WrongVia, found, tx("The route refuses packets to %s.", "이 경로는 %s행 패킷을 거부합니다.", c.For))
	case c.Via.IsValid() && !r.Via.IsValid():
		e.fail(WrongDev, found, tx("The route takes %[1]s for a neighbour on the own cable: it names no gateway.", "게이트웨이가 없는 경로라서 %[1]s 주소를 같은 케이블에 있는 이웃으로 여깁니다.", c.For))
	case c.Via.IsValid() && r.Via != c.Via:
		e.fail(WrongVia, found, tx("The route that fits hands packets to %[1]s, not to %[2]s.", "맞는 경로가 %[2]s 대신 %[1]s 쪽으로 넘깁니다.", r.Via, c.Via))
	case c.Dev != "" && r.Dev != c.Dev:
		e.fail(WrongDev, found, tx("The route that fits leaves by %[1]s, not by %[2]s.", "맞는 경로가 %[2]s 대신 %[1]s 장치로 나갑니다.", r.Dev, c.Dev))
	default:
		e.ok(found)
	}
}

func sameTarget(p netip.Prefix, c *lab.RouteCheck) bool {
	if c.To == "default" {
		// ::/0 is the default of IPv6, which a lab asks for by its gateway.
		return p.Bits() == 0 && p.Addr().Is6() == (c.Via.IsValid() && c.Via.Is6())
	}
	if want, err := netip.ParsePrefix(c.To); err == nil {
		return p == want.Masked()
	}
	a, err := netip.ParseAddr(c.To)
	return err == nil && p == netip.PrefixFrom(a, a.BitLen())
}

func routeText(r observe.Route) string {
	s := to(r.To)
	if r.Type != "" {
		s = r.Type + " " + s
	}
	if r.Via.IsValid() {
		s += " via " + r.Via.String()
	}
	if r.Dev != "" {
		s += " dev " + r.Dev
	}
	return s
}

func (e *evaluation) neighbour(c *lab.NeighbourCheck) {
	e.expect(tx("%[2]s knows who has %[1]s", "%[2]s의 이웃 테이블에 %[1]s", c.IP, where(c.Where)))
	ns := e.at(c.Where)
	if ns == nil {
		return
	}
	at := slices.IndexFunc(ns.Neighbors, func(n observe.Neighbour) bool { return n.IP == c.IP && n.MAC != "" })
	if at < 0 || ns.Neighbors[at].State == "failed" || ns.Neighbors[at].State == "incomplete" {
		found := tx("no entry for %s", "%s 항목 없음", c.IP)
		if slices.ContainsFunc(ns.Neighbors, func(n observe.Neighbour) bool { return n.IP == c.IP }) {
			found = tx("%s did not answer", "%s: 응답 없음", c.IP)
		}
		e.fail(Unknown, found, tx("%[2]s does not know the hardware address of %[1]s. It asks when it sends something there.",
			"%[2]s의 이웃 테이블에 %[1]s의 하드웨어 주소가 없습니다. 그 주소로 무언가를 보내면 알아냅니다.", c.IP, where(c.Where)))
		return
	}
	n := ns.Neighbors[at]
	found := plain(n.IP.String() + " " + n.MAC + " (" + n.State + ")")
	if c.Of != nil {
		l := e.device(c.Of.Where, c.Of.Dev)
		if l == nil {
			return
		}
		if l.MAC != n.MAC {
			e.fail(WrongMAC, found, tx("This is not the hardware address of %[1]s, which is %[2]s.", "이것은 %[1]s의 하드웨어 주소(%[2]s)가 아닙니다.",
				place(observe.Place{Node: c.Of.Host, NS: c.Of.NS, Dev: c.Of.Dev}), l.MAC))
			return
		}
	}
	e.ok(found)
}

func (e *evaluation) namespace(c *lab.NamespaceCheck) {
	if c.Absent {
		e.expect(tx("no namespace %[1]s on %[2]s", "%[2]s에 네임스페이스 %[1]s 없음", c.Name, c.Host))
	} else {
		e.expect(tx("a namespace %[1]s on %[2]s", "%[2]s에 네임스페이스 %[1]s", c.Name, c.Host))
	}
	if e.at(lab.Where{Host: c.Host}) == nil {
		return
	}
	n := e.st.Nodes[c.Host]
	names := slices.Sorted(maps.Keys(n.Named))
	found := tx("no namespaces", "네임스페이스 없음")
	if len(names) > 0 {
		found = plain(strings.Join(names, ", "))
	}
	ns := n.Named[c.Name]
	switch {
	case c.Absent && ns != nil:
		e.fail(Present, found, tx("The namespace %s is still there.", "이름이 %s인 네임스페이스가 아직 있습니다.", c.Name))
	case c.Absent:
		e.ok(found)
	case ns == nil:
		e.fail(NoNamespace, found, tx("There is no network namespace %[1]s on %[2]s.", "%[2]s에 이름이 %[1]s인 네트워크 네임스페이스가 없습니다.", c.Name, c.Host))
	case ns.Inode == n.Namespace.Inode:
		e.fail(SameNamespace, found, tx("%[1]s is only another name of the host's own network namespace.", "%[1]s: 호스트 자신의 네트워크 네임스페이스에 붙인 다른 이름일 뿐입니다.", c.Name))
	default:
		if other := e.same(c, ns.Inode); other != nil {
			e.fail(SameNamespace, found, tx("%[1]s and %[2]s are two names of the same namespace.", "%[1]s, %[2]s: 같은 네임스페이스에 붙인 두 이름입니다.", c.Name, other))
			return
		}
		e.ok(found)
	}
}

// same finds another name of a namespace, on this host or on another one.
func (e *evaluation) same(c *lab.NamespaceCheck, inode uint64) lab.Text {
	for _, node := range slices.Sorted(maps.Keys(e.st.Nodes)) {
		n := e.st.Nodes[node]
		if n.Namespace != nil && n.Namespace.Inode == inode {
			return plain(node)
		}
		for _, name := range slices.Sorted(maps.Keys(n.Named)) {
			switch {
			case n.Named[name].Inode != inode || node == c.Host && name == c.Name:
			case node == c.Host:
				return plain(name)
			default:
				return place(observe.Place{Node: node, NS: name})
			}
		}
	}
	return nil
}

func (e *evaluation) bridge(c *lab.BridgeCheck) {
	name := c.Dev
	w := where(c.Where)
	ns := e.at(c.Where)
	if ns == nil {
		return
	}
	if name == "" { // a switch of the topology has one bridge
		if at := slices.IndexFunc(ns.Links, func(l observe.Link) bool { return l.Type == "bridge" }); at >= 0 {
			name = ns.Links[at].Name
		}
	}
	var ports []string
	for _, l := range ns.Links {
		if l.Master == name && name != "" {
			ports = append(ports, l.Name)
		}
	}
	found := tx("no ports", "포트 없음")
	if len(ports) > 0 {
		found = tx("ports: %s", "포트: %s", strings.Join(ports, ", "))
	}
	switch {
	case c.Learned != nil:
		e.expect(tx("%[1]s has learned where %[2]s is", "%[1]s: %[2]s의 위치를 배움", w, place(observe.Place{Node: c.Learned.Host, NS: c.Learned.NS, Dev: c.Learned.Dev})))
	case len(c.Ports) > 0:
		e.expect(tx("bridge %[1]s of %[2]s with the ports %[3]s", "%[2]s의 브리지 %[1]s, 포트: %[3]s", name, w, strings.Join(c.Ports, ", ")))
	default:
		e.expect(tx("a bridge %[1]s in %[2]s", "%[2]s에 브리지 %[1]s", name, w))
	}
	l := e.device(c.Where, name)
	if l == nil {
		return
	}
	if l.Type != "bridge" {
		e.fail(NotABridge, plain(l.Type), tx("%[1]s is no bridge, but a device of the type %[2]s.", "%[1]s 장치는 브리지가 아닙니다. 종류가 %[2]s입니다.", name, l.Type))
		return
	}
	for _, p := range c.Ports {
		if !slices.Contains(ports, p) {
			e.fail(Missing, found, tx("%[1]s is no port of %[2]s yet. ip link set %[1]s master %[2]s plugs it in.",
				"%[1]s 장치를 %[2]s에 아직 꽂지 않았습니다. ip link set %[1]s master %[2]s 명령으로 꽂습니다.", p, name))
			return
		}
	}
	if c.Learned == nil {
		e.ok(found)
		return
	}
	of := e.device(c.Learned.Where, c.Learned.Dev)
	if of == nil {
		return
	}
	for _, port := range ns.Links {
		if port.Master == name && slices.Contains(port.FDB, of.MAC) {
			e.ok(tx("%[1]s is behind %[2]s", "%[1]s: %[2]s 포트 쪽", of.MAC, port.Name))
			return
		}
	}
	e.fail(NotLearned, tx("%s is not in its table", "테이블에 %s 없음", of.MAC),
		tx("%[1]s learns where a device is from what the device sends. It has heard nothing of %[2]s yet, or forgotten it.",
			"%[1]s 스위치는 장치가 보낸 것을 보고 위치를 배웁니다. %[2]s에서는 아직 아무것도 오지 않았거나, 이미 잊었습니다.", w,
			place(observe.Place{Node: c.Learned.Host, NS: c.Learned.NS, Dev: c.Learned.Dev})))
}
