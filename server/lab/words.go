package lab

import (
	"fmt"
	"math"
	"net"
	"net/netip"
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

// target reads the destination of a route; valid is false for the default.
func target(s string) (p netip.Prefix, ok bool) {
	if s == "default" {
		return p, true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil && p == p.Masked() && !p.Addr().Is4In6()
}

// badTarget says what is wrong with the destination of a route, if something is.
func badTarget(s string) (message, remedy string) {
	p, ok := target(s)
	switch {
	case ok:
		return "", ""
	case p.IsValid():
		return fmt.Sprintf("%q is an address in a network, not a network", s), fmt.Sprintf("The network is %s; a single address is %s", p.Masked(), netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return fmt.Sprintf("%q is no destination of a route", s), fmt.Sprintf("A single address is written %s", netip.PrefixFrom(a, a.BitLen()))
	}
	return fmt.Sprintf("%q is no destination of a route", s), "Write a network such as 10.0.0.0/24 or 2001:db8::/64, or default"
}

func (r RouteSpec) validate(d *document, devices map[string]bool, place func(...any) position, i int) {
	if message, remedy := badTarget(r.To); message != "" {
		d.add(place("routes", i, "to"), message, remedy)
	}
	if r.Via == "" && r.Dev == "" {
		d.add(place("routes", i), "the route says neither via nor dev", "Say by which gateway or device")
	}
	if r.Via != "" {
		via, err := netip.ParseAddr(r.Via)
		switch to, _ := target(r.To); {
		case err != nil || via.Zone() != "" || via.Is4In6():
			d.add(place("routes", i, "via"), fmt.Sprintf("%q is no address", r.Via), "Write the gateway's address")
		case to.IsValid() && via.Is4() != to.Addr().Is4():
			d.add(place("routes", i, "via"), fmt.Sprintf("the gateway %s is of another IP version than %s", via, to), "Write a gateway of the same version")
		}
	}
	if r.Dev != "" && r.Dev != "lo" && !devices[r.Dev] {
		d.add(place("routes", i, "dev"), fmt.Sprintf("the host has no device %q", r.Dev), "Give it one by a link, or add the route in a start command")
	}
}

// place checks where a node stands in the diagram.
func (d *document) place(at Point, kind, name string, path ...any) {
	if child(d.node(path...), "at") == nil {
		d.add(d.at(path...), fmt.Sprintf("%s %q has no place in the diagram", kind, name), "Add at: [column, row]")
		return
	}
	for _, v := range at {
		if math.IsNaN(v) || math.Abs(v) > maxGrid {
			d.add(d.at(append(path, "at")...), fmt.Sprintf("%s %q stands outside of the diagram", kind, name), fmt.Sprintf("Use columns and rows of %d to %d; a host is one wide", -maxGrid, maxGrid))
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
