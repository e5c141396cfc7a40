package lab

import (
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

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
		if !deviceName.MatchString(name) {
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
	peer := func(p *LinkPeer) {
		if p != nil {
			host(p.Where)
			device(p.Dev)
		}
	}
	switch {
	case c.Link != nil:
		host(c.Link.Where)
		device(c.Link.Dev)
		oneOf("state", c.Link.State, "", "up", "down")
		peer(c.Link.Peer)
	case c.Address != nil:
		host(c.Address.Where)
		device(c.Address.Dev)
		if c.Address.Has.IsValid() == c.Address.Not.IsValid() {
			bad("has", "an address check has either has or not", "Write has: 192.168.1.10/24")
		}
	case c.Route != nil:
		host(c.Route.Where)
		if !isRouteTarget(c.Route.To) {
			bad("to", fmt.Sprintf("%q is no destination of a route", c.Route.To), "Write a network such as 10.0.0.0/24, or default")
		}
	case c.Neighbour != nil:
		host(c.Neighbour.Where)
		peer(c.Neighbour.Of)
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
		if !deviceName.MatchString(c.Namespace.Name) {
			bad("name", fmt.Sprintf("%q is no name for a namespace", c.Namespace.Name), "Use letters, digits, hyphens")
		}
	case c.Bridge != nil:
		if _, isSwitch := l.Topology.Switches[c.Bridge.Host]; !isSwitch {
			host(c.Bridge.Where)
			device(c.Bridge.Dev)
		}
		if len(c.Bridge.Ports) == 0 && c.Bridge.Learned == nil {
			bad("ports", "the bridge check asks nothing", "Add ports: [...] or learned: {host: …, dev: …}")
		}
		peer(c.Bridge.Learned)
	case c.Reach != nil:
		l.validateReach(bad, host, oneOf, c.Reach)
	case c.Blocked != nil:
		l.validateReach(bad, host, oneOf, c.Blocked)
	case c.File != nil:
		host(Where{Host: c.File.Host})
		if !strings.HasPrefix(c.File.Path, "/") {
			bad("path", fmt.Sprintf("%q is no absolute path", c.File.Path), "Begin it with /")
		}
		pattern("matches", c.File.Matches)
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

func (l *Lab) validateReach(bad func(field, message, remedy string), host func(Where), oneOf func(string, string, ...string), r *ReachCheck) {
	host(Where{Host: r.From})
	if r.At != "" {
		at, _, _ := strings.Cut(r.At, "/")
		host(Where{Host: at})
	}
	oneOf("proto", r.Proto, "", "icmp", "tcp", "http")
	switch r.Proto {
	case "http":
		if u, err := url.Parse(r.To); err != nil || u.Scheme != "http" || u.Host == "" {
			bad("to", fmt.Sprintf("%q is no http URL", r.To), "Write http://192.168.1.11/")
		}
	default:
		if _, err := netip.ParseAddr(r.To); err != nil {
			bad("to", fmt.Sprintf("%q is no address", r.To), "Write an address; a name could be answered by the learner's own files")
		}
		if r.Proto == "tcp" && (r.Port < 1 || r.Port > 65535) {
			bad("port", fmt.Sprintf("%d is no port", r.Port), "Use 1 to 65535")
		}
	}
}

func (l *Lab) validateAnswer(d *document, bad func(field, message, remedy string), pattern func(field, p string), a *AnswerCheck, path []any) {
	if !stepID.MatchString(a.Name) {
		bad("name", fmt.Sprintf("%q is no name for an answer", a.Name), "Use lower-case letters, digits and hyphens")
	}
	d.text(a.Question, true, append(slices.Clone(path), "question")...)
	ways := 0
	for _, set := range []bool{a.Value != "", a.Matches != "", len(a.Choices) > 0, a.Is != nil} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		bad("name", "the answer does not say what is right, or says it twice", "Give exactly one of value, matches, choices, is")
	}
	pattern("matches", a.Matches)
	right := 0
	for i, c := range a.Choices {
		d.text(c.Text, true, append(slices.Clone(path), "choices", i, "text")...)
		d.text(c.Why, false, append(slices.Clone(path), "choices", i, "why")...)
		if c.Right {
			right++
		}
	}
	if len(a.Choices) > 0 && right != 1 {
		bad("choices", fmt.Sprintf("%d choices are right", right), "Mark exactly one with right: true")
	}
	if a.Is != nil {
		l.knownHost(d, a.Is.Host, append(slices.Clone(path), "is", "host")...)
		known := []string{"mac", "ifindex", "mtu", "address", "peer-ifindex"}
		if !slices.Contains(known, a.Is.Fact) {
			d.add(d.at(append(slices.Clone(path), "is", "fact")...), fmt.Sprintf("unknown fact %q", a.Is.Fact), "Known are: "+strings.Join(known, ", "))
		}
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
