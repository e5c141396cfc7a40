package keeper

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
)

// Limits of a Spec.
const (
	maxHosts    = 32
	maxSwitches = 16
	maxLinks    = 128
	maxFileSize = 1 << 20
	// Of one host: what a start does in order must end in time.
	maxAddresses = 64
	maxRoutes    = 256
	maxSysctls   = 256
	maxHostFiles = 256
	maxStart     = 32
	maxSpec      = 8 << 20
)

// Validate says what is wrong with the Spec, all of it at once.
func (s *Spec) Validate() error {
	v := validator{nodes: map[string]string{}, devices: map[End]bool{}}
	switch {
	case len(s.Hosts) == 0:
		v.add("there is no host")
	case len(s.Hosts) > maxHosts:
		v.add("there are %d hosts; at most %d are possible", len(s.Hosts), maxHosts)
	}
	if len(s.Switches) > maxSwitches {
		v.add("there are %d switches; at most %d are possible", len(s.Switches), maxSwitches)
	}
	if len(s.Links) > maxLinks {
		v.add("there are %d links; at most %d are possible", len(s.Links), maxLinks)
	}
	for i := range s.Hosts[:min(len(s.Hosts), maxHosts)] {
		v.sizes(&s.Hosts[i])
	}
	if len(v.errs) > 0 { // the rest would be as long as the lists
		return fmt.Errorf("cannot make this network: %w", errors.Join(v.errs...))
	}
	for _, h := range s.Hosts {
		v.node(h.Name, "host")
	}
	for _, name := range s.Switches {
		v.node(name, "switch")
	}
	for _, l := range s.Links {
		v.link(l)
	}
	size := 0
	for i := range s.Hosts {
		size += v.host(&s.Hosts[i])
	}
	if size > maxSpec {
		v.add("the files are %d bytes together; at most %d are possible", size, maxSpec)
	}
	if err := errors.Join(v.errs...); err != nil {
		return fmt.Errorf("cannot make this network: %w", err)
	}
	return nil
}

type validator struct {
	errs    []error
	nodes   map[string]string
	devices map[End]bool
}

func (v *validator) add(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}

func (v *validator) node(name, kind string) {
	if !validName(name) {
		v.add("the %s name %q is not a host name of letters, digits and inner hyphens, at most 32 long", kind, name)
	}
	for other := range v.nodes {
		if strings.EqualFold(other, name) {
			v.add("the name %q is used twice", name)
		}
	}
	v.nodes[name] = kind
}

func (v *validator) link(l Link) {
	for _, e := range []End{l.A, l.B} {
		switch v.nodes[e.Node] {
		case "":
			v.add("a link names the unknown node %q", e.Node)
		case "host":
			if e.Device == "" {
				v.add("a link to host %q names no device", e.Node)
				continue
			}
			fallthrough
		case "switch":
			if e.Device == "" {
				continue
			}
			if !validDevice(e.Device) || e.Device == "lo" || v.nodes[e.Node] == "switch" && e.Device == bridgeName {
				v.add("the device name %q of %q is not usable", e.Device, e.Node)
			}
			if v.devices[e] {
				v.add("the device %q of %q has two links", e.Device, e.Node)
			}
			v.devices[e] = true
		}
	}
	if l.A.Node == l.B.Node && v.nodes[l.A.Node] == "switch" {
		v.add("a link joins switch %q with itself", l.A.Node)
	}
}

func (v *validator) sizes(h *Host) {
	addresses := 0
	for _, i := range h.Interfaces {
		addresses += 1 + len(i.Addresses)
	}
	for _, c := range []struct {
		n, most int
		what    string
	}{
		{addresses, maxAddresses, "interfaces and addresses"}, {len(h.Routes), maxRoutes, "routes"}, {len(h.Sysctl), maxSysctls, "sysctls"},
		{len(h.Files), maxHostFiles, "files"}, {len(h.Start), maxStart, "start lines"},
	} {
		if c.n > c.most {
			v.add("host %q has %d %s; at most %d are possible", h.Name, c.n, c.what, c.most)
		}
	}
}

func (v *validator) host(h *Host) (size int) {
	seen := map[string]bool{}
	for _, i := range h.Interfaces {
		if !v.devices[End{h.Name, i.Name}] && i.Name != "lo" {
			v.add("host %q configures %q, which has no link", h.Name, i.Name)
		}
		if seen[i.Name] {
			v.add("host %q configures %q twice", h.Name, i.Name)
		}
		seen[i.Name] = true
		if i.MAC != "" {
			if mac, err := parseMAC(i.MAC); err != nil || mac[0]&1 == 1 || mac == [6]byte{} {
				v.add("the MAC %q of %s:%s is not a unicast address like 02:00:00:00:00:01", i.MAC, h.Name, i.Name)
			}
		}
		for _, p := range i.Addresses {
			if !p.IsValid() {
				v.add("an address of %s:%s is not valid", h.Name, i.Name)
			}
		}
	}
	for _, r := range h.Routes {
		if _, err := parseRoute(r); err != nil {
			v.add("host %q: %w", h.Name, err)
		} else if r.Dev != "" && r.Dev != "lo" && !v.devices[End{h.Name, r.Dev}] {
			v.add("host %q: the route to %s names the device %q, which has no link", h.Name, r.To, r.Dev)
		}
	}
	for _, kv := range h.Sysctl {
		if _, err := sysctlPath(kv[0]); err != nil {
			v.add("host %q: %w", h.Name, err)
		}
		if strings.ContainsAny(kv[1], "\x00\n") {
			v.add("host %q: the value of %s has a control character", h.Name, kv[0])
		}
	}
	for _, f := range h.Files {
		if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == "/" || hasControl(f.Path) {
			v.add("host %q: the file name %q is not an absolute, clean path", h.Name, f.Path)
		}
		if len(f.Content) > maxFileSize {
			v.add("host %q: the file %s is larger than %d bytes", h.Name, f.Path, maxFileSize)
		}
		size += len(f.Content)
	}
	for _, line := range h.Start {
		if strings.ContainsRune(line, 0) || len(line) > maxLine {
			v.add("host %q: a start line is too long or has a NUL", h.Name)
		}
	}
	return size
}

// maxLine is the length of the longest shell line that a host runs.
const maxLine = 64 << 10

// validName accepts what RFC 1123 accepts as one label, but shorter.
func validName(s string) bool {
	if len(s) == 0 || len(s) > 32 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return !strings.EqualFold(s, "localhost")
}

// validDevice is stricter than the kernel's dev_valid_name, so that names are
// harmless in shells and pages.
func validDevice(s string) bool {
	if len(s) == 0 || len(s) > 15 || s[0] == '-' || s[0] == '.' || s == "all" || s == "default" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.@", c) >= 0) {
			return false
		}
	}
	return true
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func parseMAC(s string) (mac [6]byte, err error) {
	parts := strings.Split(s, ":")
	if len(parts) != 6 {
		return mac, fmt.Errorf("cannot read the MAC %q", s)
	}
	for i, p := range parts {
		if len(p) != 2 {
			return mac, fmt.Errorf("cannot read the MAC %q", s)
		}
		for _, c := range []byte(strings.ToLower(p)) {
			d := strings.IndexByte("0123456789abcdef", c)
			if d < 0 {
				return mac, fmt.Errorf("cannot read the MAC %q", s)
			}
			mac[i] = mac[i]<<4 | byte(d)
		}
	}
	return mac, nil
}

// sysctlPath gives the file of a net.* key. Slashes stand for dots inside a
// component, as sysctl(8) has it.
func sysctlPath(key string) (string, error) {
	if !strings.HasPrefix(key, "net.") || strings.Contains(key, "..") || hasControl(key) || len(key) > 200 {
		return "", fmt.Errorf("cannot set the sysctl %q: only net.* keys can be set", key)
	}
	swap := strings.NewReplacer(".", "/", "/", ".")
	p := "/proc/sys/" + swap.Replace(key)
	if path.Clean(p) != p || !strings.HasPrefix(p, "/proc/sys/net/") {
		return "", fmt.Errorf("cannot set the sysctl %q: only net.* keys can be set", key)
	}
	return p, nil
}

// route is a Route, read.
type route struct {
	to  netip.Prefix
	via netip.Addr
	dev string
}

func parseRoute(r Route) (route, error) {
	out := route{dev: r.Dev}
	var err error
	if r.Via != "" {
		if out.via, err = netip.ParseAddr(r.Via); err != nil {
			return out, fmt.Errorf("cannot read the gateway %q of the route to %s", r.Via, r.To)
		}
	}
	switch {
	case r.Via == "" && r.Dev == "":
		return out, fmt.Errorf("the route to %q has neither gateway nor device", r.To)
	case r.Dev != "" && !validDevice(r.Dev):
		return out, fmt.Errorf("the route to %q has the bad device name %q", r.To, r.Dev)
	case r.To == "default" && out.via.Is6():
		out.to = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	case r.To == "default":
		out.to = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	default:
		if out.to, err = netip.ParsePrefix(r.To); err != nil {
			addr, err := netip.ParseAddr(r.To)
			if err != nil {
				return out, fmt.Errorf("cannot read the route's destination %q", r.To)
			}
			out.to = netip.PrefixFrom(addr, addr.BitLen())
		}
	}
	if out.to != out.to.Masked() {
		return out, fmt.Errorf("the route's destination %s has bits set beyond its prefix", r.To)
	}
	if out.via.IsValid() && out.via.Is4() != out.to.Addr().Is4() {
		return out, fmt.Errorf("the route to %s goes through a gateway of the other IP version", r.To)
	}
	return out, nil
}
