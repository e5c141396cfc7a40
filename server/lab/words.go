package lab

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"path"
	"strings"
	"unicode"
)

// isDevice accepts what a network card may be called.
func isDevice(s string) bool { return deviceName.MatchString(s) && s != "all" && s != "default" }

// isMAC accepts a single device's address, as ip prints it.
func isMAC(s string) bool {
	m, err := net.ParseMAC(s)
	return err == nil && len(m) == 6 && m[0]&1 == 0 && m.String() != "00:00:00:00:00:00" && strings.Count(s, ":") == 5
}

// isCommand accepts what can be typed into a shell: a command, of several lines maybe.
func isCommand(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= maxCommand &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' })
}

// isFile accepts where a file of a host may be.
func isFile(s string) bool {
	return path.IsAbs(s) && path.Clean(s) == s && s != "/" && !strings.ContainsFunc(s, unicode.IsControl)
}

// target reads the destination of a route; valid is false for the default.
func target(s string) (p netip.Prefix, ok bool) {
	if s == "default" {
		return p, true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil && p == p.Masked() && !p.Addr().Is4In6()
}

// badTarget says what is wrong with the destination of a route, if something is.
func badTarget(s string) (message, remedy phrase) {
	p, ok := target(s)
	switch {
	case ok:
		return phrase{}, phrase{}
	case p.IsValid():
		return both("%q is an address in a network, not a network", "%q: 네트워크가 아니라 네트워크 안의 주소입니다", s),
			both("The network is %s; a single address is %s", "네트워크는 %s, 주소 하나는 %s로 씁니다", p.Masked(), netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
	}
	message = both("%q is no destination of a route", "%q: 경로의 목적지가 아닙니다", s)
	if a, err := netip.ParseAddr(s); err == nil {
		return message, both("A single address is written %s", "주소 하나는 %s로 씁니다", netip.PrefixFrom(a, a.BitLen()))
	}
	return message, both("Write a network such as 10.0.0.0/24 or 2001:db8::/64, or default", "10.0.0.0/24나 2001:db8::/64 같은 네트워크, 또는 default를 쓰십시오")
}

func (r RouteSpec) validate(d *document, devices map[string]bool, place func(...any) position, i int) {
	if message, remedy := badTarget(r.To); message.en != "" {
		d.say(place("routes", i, "to"), message, remedy)
	}
	if r.Via == "" && r.Dev == "" {
		d.say(place("routes", i), both("the route says neither via nor dev", "경로에 via도 dev도 없습니다"), both("Say by which gateway or device", "어느 게이트웨이나 장치를 거치는지 쓰십시오"))
	}
	if r.Via != "" {
		via, err := netip.ParseAddr(r.Via)
		switch to, _ := target(r.To); {
		case err != nil || via.Zone() != "" || via.Is4In6():
			d.say(place("routes", i, "via"), both("%q is no address", "%q: 올바른 주소가 아닙니다", r.Via), both("Write the gateway's address", "게이트웨이의 주소를 쓰십시오"))
		case to.IsValid() && via.Is4() != to.Addr().Is4():
			d.say(place("routes", i, "via"), both("the gateway %s is of another IP version than %s", "게이트웨이 %s: %s와 IP 버전이 다릅니다", via, to), both("Write a gateway of the same version", "같은 버전의 게이트웨이를 쓰십시오"))
		}
	}
	if r.Dev != "" && r.Dev != "lo" && !devices[r.Dev] {
		d.say(place("routes", i, "dev"), both("the host has no device %q", "호스트에 %q 장치가 없습니다", r.Dev),
			both("Give it one by a link, or add the route in a start command", "링크로 장치를 달거나, 시작한 뒤에 경로를 추가하십시오"))
	}
}

// place checks where a node stands in the diagram.
func (d *document) place(at Point, kind phrase, name string, path ...any) {
	if child(d.node(path...), "at") == nil {
		if !d.learner {
			d.say(d.at(path...), phrase{fmt.Sprintf("%s %q has no place in the diagram", kind.en, name), fmt.Sprintf("%s %q의 위치가 없습니다", kind.ko, name)}, both("Add at: [column, row]", "at: [열, 행]을 추가하십시오"))
		}
		return
	}
	for _, v := range at {
		if math.IsNaN(v) || math.Abs(v) > maxGrid {
			d.say(d.at(append(path, "at")...), phrase{fmt.Sprintf("%s %q stands outside of the diagram", kind.en, name), fmt.Sprintf("%s %q: 그림 밖에 있습니다", kind.ko, name)},
				both("Use columns and rows of %d to %d; a host is one wide", "열과 행은 %d에서 %d까지이며, 호스트 하나의 너비가 1입니다", -maxGrid, maxGrid))
			return
		}
	}
}

// idsAreGood says whether lessons can be compared with the steps.
func (l *Lab) idsAreGood() bool {
	seen := map[string]bool{}
	for _, s := range l.Steps {
		if !stepID.MatchString(s.ID) || s.ID == summaryID || seen[s.ID] {
			return false
		}
		seen[s.ID] = true
	}
	return true
}
