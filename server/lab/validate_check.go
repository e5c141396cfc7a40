package lab

import (
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

type yamlNode = yaml.Node

// validateCheck checks that exactly one kind is set and makes sense.
func (l *Lab) validateCheck(d *document, c *Check, path ...any) {
	kinds := c.kinds()
	if len(kinds) != 1 {
		message := "a check without a kind"
		if len(kinds) > 1 {
			message = "a check of several kinds: " + strings.Join(kinds, ", ")
		}
		d.add(d.at(path...), message, "Each check has exactly one of: "+strings.Join(checkKinds(), ", "))
		return
	}
	kind := kinds[0]
	d.text(c.Hint, false, append(slices.Clone(path), "hint")...)
	path = append(slices.Clone(path), kind)
	bad := func(field, message, remedy string) {
		d.add(d.at(append(slices.Clone(path), field)...), message, remedy)
	}
	host := func(w Where) { l.knownHost(d, w.Host, append(slices.Clone(path), "host")...) }
	device := func(name string) {
		if !isDevice(name) {
			bad("dev", fmt.Sprintf("%q is no name for a device", name), "Name the device, such as eth0")
		}
	}
	oneOf := func(field, value string, known ...string) {
		if !slices.Contains(known, value) {
			bad(field, fmt.Sprintf("unknown %s %q", field, value), or(nearest(value, known), "Use one of: "+strings.Join(slices.DeleteFunc(known, func(s string) bool { return s == "" }), ", ")))
		}
	}
	pattern := func(field, p string) {
		if _, err := regexp.Compile(p); err != nil {
			bad(field, fmt.Sprintf("cannot read the pattern: %v", err), "Write it in RE2 syntax")
		}
	}
	peer := func(field string, p *LinkPeer) {
		if p == nil {
			return
		}
		l.knownHost(d, p.Host, append(slices.Clone(path), field, "host")...)
		if !isDevice(p.Dev) {
			d.add(d.at(append(slices.Clone(path), field, "dev")...), fmt.Sprintf("%q is no name for a device", p.Dev), "Name the device, such as eth0")
		}
	}
	// alone refuses what absent leaves no room for.
	alone := func(absent bool, more ...bool) {
		if absent && slices.Contains(more, true) {
			bad("absent", "the check asks that something is absent, and how it is", "Leave absent out, or the rest")
		}
	}
	if w := c.where(); w != nil && w.NS != "" && !isDevice(w.NS) {
		bad("ns", fmt.Sprintf("%q is no name for a namespace", w.NS), "Use letters, digits, hyphens")
	}
	switch {
	case c.Link != nil:
		host(c.Link.Where)
		device(c.Link.Dev)
		oneOf("state", c.Link.State, "", "up", "down")
		peer("peer", c.Link.Peer)
		alone(c.Link.Absent, c.Link.State != "", c.Link.Type != "", c.Link.Master != "", c.Link.Peer != nil)
	case c.Address != nil:
		host(c.Address.Where)
		device(c.Address.Dev)
		if c.Address.Has.IsValid() == c.Address.Not.IsValid() {
			bad("has", "an address check has either has or not", "Write has: 192.168.1.10/24")
		}
	case c.Route != nil:
		host(c.Route.Where)
		l.validateRoute(bad, c.Route)
		if c.Route.Dev != "" {
			device(c.Route.Dev)
		}
		alone(c.Route.Absent, c.Route.Via.IsValid(), c.Route.Dev != "", c.Route.For.IsValid())
	case c.Neighbour != nil:
		host(c.Neighbour.Where)
		peer("of", c.Neighbour.Of)
		if !c.Neighbour.IP.IsValid() {
			bad("ip", "the neighbour's address is missing", "Add ip: 192.168.1.11")
		}
	case c.Sysctl != nil:
		host(c.Sysctl.Where)
		if !sysctlKey.MatchString(c.Sysctl.Key) {
			bad("key", fmt.Sprintf("%q is no setting of a host's network", c.Sysctl.Key), "Use a net.* key")
		}
	case c.Namespace != nil:
		host(Where{Host: c.Namespace.Host})
		if !isDevice(c.Namespace.Name) {
			bad("name", fmt.Sprintf("%q is no name for a namespace", c.Namespace.Name), "Use letters, digits, hyphens")
		}
	case c.Bridge != nil:
		if _, isSwitch := l.Topology.Switches[c.Bridge.Host]; !isSwitch {
			host(c.Bridge.Where)
			device(c.Bridge.Dev)
		}
		if _, isSwitch := l.Topology.Switches[c.Bridge.Host]; isSwitch && (c.Bridge.Dev != "" || c.Bridge.NS != "" || len(c.Bridge.Ports) > 0) {
			bad("ports", fmt.Sprintf("the bridge and the ports of switch %q have no names of their own", c.Bridge.Host), "Ask what it has learned: {host: …, dev: …}")
		}
		if len(c.Bridge.Ports) == 0 && c.Bridge.Learned == nil {
			bad("ports", "the bridge check asks nothing", "Add ports: [...] or learned: {host: …, dev: …}")
		}
		for _, p := range c.Bridge.Ports {
			if !isDevice(p) {
				bad("ports", fmt.Sprintf("%q is no name for a device", p), "Name the ports, such as veth0")
			}
		}
		peer("learned", c.Bridge.Learned)
	case c.Reach != nil:
		l.validateReach(bad, host, oneOf, c.Reach)
	case c.Blocked != nil:
		l.validateReach(bad, host, oneOf, c.Blocked)
		if c.Blocked.Source.IsValid() || c.Blocked.Destination != "" {
			bad("from", "what is blocked has no addresses when it arrives", "Leave source and destination out")
		}
	case c.Resolves != nil:
		l.knownHost(d, c.Resolves.From, append(slices.Clone(path), "from")...)
		c.Resolves.validate(bad, oneOf, alone)
	case c.File != nil:
		host(Where{Host: c.File.Host})
		if f := c.File.Path; !strings.HasPrefix(f, "/") || f == "/" || strings.ContainsFunc(f, unicode.IsControl) {
			bad("path", fmt.Sprintf("%q is no absolute path of a file", f), "Begin it with /")
		}
		if f := c.File.Or; f != "" && !folderFiles.MatchString(f) {
			bad("or", fmt.Sprintf("%q names no files of a folder", f), "Write it like /etc/sysctl.d/*.conf")
		}
		if c.File.Or != "" && c.File.Matches == "" {
			bad("or", "the file check has or, but no matches", "Say with matches which line one of the files must have")
		}
		pattern("matches", "(?m)"+c.File.Matches)
		alone(c.File.Absent, c.File.Matches != "")
	case c.Listens != nil:
		host(c.Listens.Where)
		oneOf("proto", c.Listens.Proto, "", "tcp", "udp")
		if c.Listens.Port < 1 || c.Listens.Port > 65535 {
			bad("port", fmt.Sprintf("%d is no port", c.Listens.Port), "Use 1 to 65535")
		}
	case c.Answer != nil:
		l.validateAnswer(d, bad, pattern, c.Answer, path)
	}
}

func (l *Lab) validateRoute(bad func(field, message, remedy string), r *RouteCheck) {
	if r.For.IsValid() {
		switch {
		case r.To != "":
			bad("for", "the route check has both to and for", "Keep to for one line of the table, or for for what becomes of a packet")
		case !r.Via.IsValid() && r.Dev == "":
			bad("for", "the route check does not say by which way", "Add via: GATEWAY or dev: DEVICE")
		case r.Via.IsValid() && r.For.Is4() != r.Via.Is4():
			bad("via", fmt.Sprintf("the gateway %s is of another IP version than %s", r.Via, r.For), "Write a gateway of the same version")
		}
		return
	}
	if message, remedy := badTarget(r.To); message.en != "" {
		bad("to", message.en, remedy.en)
	}
	if to, _ := target(r.To); to.IsValid() && r.Via.IsValid() && to.Addr().Is4() != r.Via.Is4() {
		bad("via", fmt.Sprintf("the gateway %s is of another IP version than %s", r.Via, to), "Write a gateway of the same version")
	}
}

func (l *Lab) validateReach(bad func(field, message, remedy string), host func(Where), oneOf func(string, string, ...string), r *ReachCheck) {
	host(Where{Host: r.From})
	if r.At != "" {
		at, ns, named := strings.Cut(r.At, "/")
		host(Where{Host: at})
		if named && !isDevice(ns) {
			bad("at", fmt.Sprintf("%q is no name for a namespace", ns), "Write at: HOST or at: HOST/NAMESPACE")
		}
	}
	if r.NS != "" && !isDevice(r.NS) {
		bad("ns", fmt.Sprintf("%q is no name for a namespace", r.NS), "Use letters, digits, hyphens")
	}
	oneOf("proto", r.Proto, "", "icmp", "tcp", "http")
	if r.Port != 0 && r.Proto != "tcp" {
		bad("port", "a port belongs to proto: tcp", "Write proto: tcp, or the port into the URL")
	}
	if r.Contains != "" && r.Proto != "http" {
		bad("contains", "a text belongs to proto: http", "Write proto: http and a URL")
	}
	r.validateArrival(bad)
	if r.Proto == "http" {
		u, err := url.Parse(r.To)
		if err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsFunc(r.To, unicode.IsControl) {
			bad("to", fmt.Sprintf("%q is no http URL", r.To), "Write http://192.168.1.11/ or http://[2001:db8::11]/")
			return
		}
		if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
			bad("to", fmt.Sprintf("%q is no port", u.Port()), "Use 1 to 65535")
		}
		address(bad, u.Hostname())
		return
	}
	switch {
	case strings.Contains(r.To, "://"):
		bad("to", fmt.Sprintf("%q is a URL", r.To), "Add proto: http")
		return
	case r.Proto == "tcp" && (r.Port < 1 || r.Port > 65535):
		bad("port", fmt.Sprintf("%d is no port", r.Port), "Use 1 to 65535")
	}
	address(bad, r.To)
}

// validateArrival checks what must be seen of a packet when it arrives.
func (r *ReachCheck) validateArrival(bad func(field, message, remedy string)) {
	field := ""
	if r.Destination != "" {
		field = "destination"
		a, port, ok := Endpoint(r.Destination)
		switch {
		case !ok || !a.Is4():
			bad(field, fmt.Sprintf("%q is no IPv4 address", r.Destination), "Write 192.168.15.2 or 192.168.15.2:80")
		case port != 0 && (r.Proto == "" || r.Proto == "icmp"):
			bad(field, "a ping has no port", "Leave the port out, or write proto: tcp")
		}
	}
	if r.Source.IsValid() {
		field = "source"
	}
	if field != "" && r.At == "" {
		bad(field, "the check does not say where the packet arrives", "Add at: HOST or at: HOST/NAMESPACE")
	}
}

// Endpoint reads an address with or without a port, which is 0 then.
func Endpoint(s string) (a netip.Addr, port uint16, ok bool) {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr(), p.Port(), p.Port() != 0
	}
	a, err := netip.ParseAddr(s)
	return a, 0, err == nil
}

// address refuses what a probe cannot be sent to.
func address(bad func(field, message, remedy string), s string) {
	a, err := netip.ParseAddr(s)
	switch {
	case err == nil && !a.IsUnspecified() && !a.IsMulticast() && !a.Is4In6() && a.Zone() == "" && !(a.Is6() && a.IsLinkLocalUnicast()):
	case err == nil:
		bad("to", fmt.Sprintf("%q is no address of one host in the whole network", s), "Write a host's own address, not a link-local, multicast or mapped one")
	default:
		if _, err := netip.ParseAddrPort(s); err == nil {
			bad("to", fmt.Sprintf("%q has a port", s), "Write to: ADDRESS, proto: tcp, port: NUMBER")
			return
		}
		bad("to", fmt.Sprintf("%q is no address", s), "Write an address; a name could be answered by the learner's own files")
	}
}

// where is the namespace that a check is about, if it has one.
func (c *Check) where() *Where {
	switch {
	case c.Link != nil:
		return &c.Link.Where
	case c.Address != nil:
		return &c.Address.Where
	case c.Route != nil:
		return &c.Route.Where
	case c.Neighbour != nil:
		return &c.Neighbour.Where
	case c.Sysctl != nil:
		return &c.Sysctl.Where
	case c.Bridge != nil:
		return &c.Bridge.Where
	case c.Listens != nil:
		return &c.Listens.Where
	}
	return nil
}

func (l *Lab) validateAnswer(d *document, bad func(field, message, remedy string), pattern func(field, p string), a *AnswerCheck, path []any) {
	if !stepID.MatchString(a.Name) {
		bad("name", fmt.Sprintf("%q is no name for an answer", a.Name), "Use lower-case letters, digits and hyphens")
	}
	d.text(a.Question, true, append(slices.Clone(path), "question")...)
	ways := 0
	for _, set := range []bool{strings.TrimSpace(a.Value) != "", a.Matches != "", len(a.Choices) > 0, a.Is != nil} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		bad("name", "the answer does not say what is right, or says it twice", "Give exactly one of value, matches, choices, is")
	}
	pattern("matches", "^(?:"+a.Matches+")$")
	d.choices(a.Choices, append(slices.Clone(path), "choices")...)
	if a.Is != nil {
		l.knownHost(d, a.Is.Host, append(slices.Clone(path), "is", "host")...)
		if !isDevice(a.Is.Dev) {
			d.add(d.at(append(slices.Clone(path), "is", "dev")...), fmt.Sprintf("%q is no name for a device", a.Is.Dev), "Add dev: eth0")
		}
		known := []string{"mac", "ifindex", "mtu", "address", "peer-ifindex"}
		if !slices.Contains(known, a.Is.Fact) {
			d.add(d.at(append(slices.Clone(path), "is", "fact")...), fmt.Sprintf("unknown fact %q", a.Is.Fact), "Known are: "+strings.Join(known, ", "))
		}
	}
}

// choices checks what there is to choose from: one is right, and no two read the same.
func (d *document) choices(all []Choice, path ...any) {
	right := 0
	texts := map[string]bool{}
	for i, c := range all {
		at := append(slices.Clone(path), i)
		d.text(c.Text, true, append(slices.Clone(at), "text")...)
		d.text(c.Why, false, append(slices.Clone(at), "why")...)
		if c.Right {
			right++
		}
		for _, language := range Languages {
			text := language + strings.ToLower(strings.Join(strings.Fields(c.Text[language]), " "))
			if texts[text] && len(text) > len(language) {
				d.add(d.at(append(slices.Clone(at), "text")...), fmt.Sprintf("two choices read %q", c.Text[language]), "Tell them apart")
			}
			texts[text] = true
		}
	}
	if len(all) > 0 && right != 1 {
		d.add(d.at(path...), fmt.Sprintf("%d choices are right", right), "Mark exactly one with right: true")
	}
}

// checkKinds lists the kinds by the fields of Check.
func checkKinds() []string {
	return slices.DeleteFunc(yamlFields(reflect.TypeFor[Check]()), func(s string) bool { return s == "hint" })
}

// kinds lists the kinds that are set.
func (c *Check) kinds() []string {
	var kinds []string
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			kinds = append(kinds, tag)
		}
	}
	return kinds
}
