package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Bounds of a lab.
const (
	maxHosts    = 32
	maxSwitches = 16
	maxLinks    = 64
	maxSteps    = 40
	maxChecks   = 32 // of a step
	maxTexts    = 32 // entries of a host's lists: addresses, routes, settings, files, start commands
	maxCommand  = 16 << 10
	maxGrid     = 100 // columns and rows of the diagram
)

var (
	nodeName   = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9-]{0,13}[A-Za-z0-9])?$`)
	deviceName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,14}$`) // below IFNAMSIZ, without what ip(8) would trip over
	stepID     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	sysctlKey  = regexp.MustCompile(`^net(\.[A-Za-z0-9_-]+)+$`)
)

func (t *Topology) hostNames() []string { return slices.Sorted(maps.Keys(t.Hosts)) }

func (l *Lab) validate(d *document) {
	d.text(l.Title, true, "title")
	d.text(l.Summary, false, "summary")
	if l.Minutes < 1 || l.Minutes > 240 {
		d.add(d.at("minutes"), fmt.Sprintf("minutes is %d", l.Minutes), "Give an estimate from 1 to 240")
	}
	l.Topology.validate(d)
	if len(l.Steps) == 0 {
		d.add(d.at("steps"), "the lab has no steps", "Give it at least one")
	}
	if len(l.Steps) > maxSteps {
		d.add(d.at("steps"), fmt.Sprintf("the lab has %d steps, more than %d", len(l.Steps), maxSteps), "Make two labs of it")
	}
	seen := map[string]bool{}
	for i := range l.Steps {
		s := &l.Steps[i]
		s.line = d.at("steps", i).line
		switch {
		case !stepID.MatchString(s.ID) || s.ID == summaryID:
			d.add(d.at("steps", i, "id"), fmt.Sprintf("%q is no id for a step", s.ID), "Use lower-case letters, digits and hyphens; it is the anchor in the lesson")
		case seen[s.ID]:
			d.add(d.at("steps", i, "id"), fmt.Sprintf("two steps have the id %q", s.ID), "Rename one")
		}
		seen[s.ID] = true
		l.validateStep(d, i, s)
	}
}

func (t *Topology) validate(d *document) {
	if len(t.Hosts) == 0 {
		d.add(d.at("topology"), "the topology has no hosts", "Add one: hosts: {A: {at: [0, 0]}}")
	}
	if len(t.Hosts) > maxHosts || len(t.Switches) > maxSwitches || len(t.Links) > maxLinks {
		d.add(d.at("topology"), fmt.Sprintf("the topology has %d hosts, %d switches and %d links", len(t.Hosts), len(t.Switches), len(t.Links)),
			fmt.Sprintf("At most %d hosts, %d switches and %d links fit", maxHosts, maxSwitches, maxLinks))
	}
	lower := map[string]string{}
	name := func(kind, n string) {
		at := d.at("topology", kind, n)
		if !nodeName.MatchString(n) || n == AnswerHost || strings.EqualFold(n, "localhost") {
			d.add(at, fmt.Sprintf("%q is no name for a host or switch", n), "Use 1 to 15 letters, digits and inner hyphens, a letter first; answer and localhost mean something else")
		}
		if other, ok := lower[strings.ToLower(n)]; ok {
			d.add(at, fmt.Sprintf("%q and %q are the same name to DNS", other, n), "Rename one")
		}
		lower[strings.ToLower(n)] = n
	}
	devices := t.validateLinks(d)
	for _, n := range t.hostNames() {
		name("hosts", n)
		t.Hosts[n].validate(d, n, devices[n])
	}
	for _, n := range slices.Sorted(maps.Keys(t.Switches)) {
		name("switches", n)
		d.text(t.Switches[n].Label, false, "topology", "switches", n, "label")
		d.place(t.Switches[n].At, "switch", n, "topology", "switches", n)
	}
}

// validateLinks returns the devices that links give each host.
func (t *Topology) validateLinks(d *document) map[string]map[string]bool {
	devices := map[string]map[string]bool{}
	group := map[string]string{} // switches that are joined: a union-find by name
	var find func(string) string
	find = func(s string) string {
		if p, ok := group[s]; ok && p != s {
			return find(p)
		}
		return s
	}
	known := append(t.hostNames(), slices.Sorted(maps.Keys(t.Switches))...)
	for i, l := range t.Links {
		at := d.at("topology", "links", i)
		if l.A.Node == l.B.Node {
			d.add(at, fmt.Sprintf("a link joins %q with itself", l.A.Node), "A cable needs two machines")
			continue
		}
		switches := 0
		for _, e := range []End{l.A, l.B} {
			_, isHost := t.Hosts[e.Node]
			_, isSwitch := t.Switches[e.Node]
			switch {
			case !isHost && !isSwitch:
				d.add(at, fmt.Sprintf("link to unknown node %q; the topology has %s", e.Node, strings.Join(known, ", ")), or(nearest(e.Node, known), "Add it under hosts or switches, or correct the link"))
			case isHost && e.Device == "":
				d.add(at, fmt.Sprintf("the link to host %q does not say which device", e.Node), fmt.Sprintf("Write %s:eth0", e.Node))
			case isHost && !isDevice(e.Device) || e.Device == "lo":
				d.add(at, fmt.Sprintf("%q is no name for a device", e.Device), "Use 1 to 15 letters, digits, dots, hyphens and underscores, a letter first")
			case isHost:
				if devices[e.Node] == nil {
					devices[e.Node] = map[string]bool{}
				}
				if devices[e.Node][e.Device] {
					d.add(at, fmt.Sprintf("device %s:%s is on two links", e.Node, e.Device), "A network card takes one cable; give the second another device")
				}
				devices[e.Node][e.Device] = true
			case e.Device != "":
				d.add(at, fmt.Sprintf("the link names a device %q of switch %q", e.Device, e.Node), "Ports of a switch have no names of their own: write "+e.Node)
			default:
				switches++
			}
		}
		if switches == 2 {
			a, b := find(l.A.Node), find(l.B.Node)
			if a == b {
				d.add(at, fmt.Sprintf("this link closes a loop of switches between %q and %q", l.A.Node, l.B.Node), "Frames would circle for ever; remove one link of the loop")
			}
			group[a] = b
		}
	}
	return devices
}

func (h Host) validate(d *document, name string, devices map[string]bool) {
	place := func(p ...any) position { return d.at(append([]any{"topology", "hosts", name}, p...)...) }
	d.place(h.At, "host", name, "topology", "hosts", name)
	if !slices.Contains([]string{"", "host", "router", "server"}, h.Kind) {
		d.add(place("kind"), fmt.Sprintf("unknown kind %q of host %q", h.Kind, name), "Use host, router or server")
	}
	d.text(h.Label, false, "topology", "hosts", name, "label")
	addresses := 0
	for _, dev := range slices.Sorted(maps.Keys(h.Interfaces)) {
		i := h.Interfaces[dev]
		addresses += len(i.Addresses)
		if dev != "lo" && !devices[dev] {
			d.add(place("interfaces", dev), fmt.Sprintf("host %q has no device %q", name, dev), or(nearest(dev, slices.Sorted(maps.Keys(devices))), "Give it one by a link"))
		}
		if i.MAC != "" && !isMAC(i.MAC) {
			d.add(place("interfaces", dev, "mac"), fmt.Sprintf("%q is no MAC address for a device", i.MAC), "Write it as 02:42:ac:11:00:02, in quotes; the first byte is even")
		}
		if slices.ContainsFunc(i.Addresses, func(a netip.Prefix) bool { return !a.IsValid() || a.Addr().Is4In6() }) {
			d.add(place("interfaces", dev, "addresses"), fmt.Sprintf("an address of %s:%s is none", name, dev), "Write it as 192.168.1.10/24 or 2001:db8::1/64")
		}
	}
	for i := range h.Routes {
		h.Routes[i].validate(d, devices, place, i)
	}
	for _, list := range []struct {
		what string
		n    int
	}{{"interfaces", max(len(h.Interfaces), addresses)}, {"routes", len(h.Routes)}, {"sysctl", len(h.Sysctl)}, {"files", len(h.Files)}, {"start", len(h.Start)}} {
		if list.n > maxTexts {
			d.add(place(list.what), fmt.Sprintf("host %q has %d entries in %s, more than %d", name, list.n, list.what, maxTexts), "Leave the rest to a start command")
		}
	}
	for i, line := range h.Start {
		if !isCommand(line) {
			d.add(place("start", i), fmt.Sprintf("start command %d of host %q is empty, too long or has control characters", i+1, name), "Write one command, of several lines maybe")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(h.Sysctl)) {
		if !sysctlKey.MatchString(k) {
			d.add(place("sysctl", k), fmt.Sprintf("a lab cannot set %q", k), "Only net.* settings belong to a host")
		}
		if strings.ContainsFunc(h.Sysctl[k], unicode.IsControl) {
			d.add(place("sysctl", k), fmt.Sprintf("the value of %q has control characters", k), "Write it in one line")
		}
	}
	for _, f := range slices.Sorted(maps.Keys(h.Files)) {
		if !path.IsAbs(f) || path.Clean(f) != f || f == "/" || strings.ContainsFunc(f, unicode.IsControl) {
			d.add(place("files", f), fmt.Sprintf("%q is no path for a file", f), "Write an absolute path without .. in it")
		}
	}
}

// text checks that a text has every language and nothing else.
func (d *document) text(t Text, needed bool, path ...any) {
	if len(t) == 0 {
		if needed {
			d.add(d.at(path...), fmt.Sprintf("%v is missing", path[len(path)-1]), `Write it in each language: {en: "…", ko: "…"}`)
		}
		return
	}
	for _, language := range Languages {
		if strings.TrimSpace(t[language]) == "" {
			d.add(d.at(path...), fmt.Sprintf("%v has no text in language %q", path[len(path)-1], language), "Write it in each language: "+strings.Join(Languages, ", "))
		}
		if strings.ContainsFunc(t[language], func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			d.add(d.at(append(path, language)...), fmt.Sprintf("%v has control characters", path[len(path)-1]), "Write plain text")
		}
	}
	for language := range t {
		if !slices.Contains(Languages, language) {
			d.add(d.at(append(path, language)...), fmt.Sprintf("unknown language %q", language), "Known are: "+strings.Join(Languages, ", "))
		}
	}
}

func (l *Lab) validateStep(d *document, i int, s *Step) {
	at := func(p ...any) position { return d.at(append([]any{"steps", i}, p...)...) }
	if len(s.Checks) > maxChecks {
		d.add(at("checks"), fmt.Sprintf("step %q has %d checks, more than %d", s.ID, len(s.Checks), maxChecks), "Make two steps of it")
	}
	l.validatePredictions(d, i, s)
	answers := map[string]bool{}
	for j := range s.Checks {
		l.validateCheck(d, &s.Checks[j], "steps", i, "checks", j)
		if a := s.Checks[j].Answer; a != nil {
			if answers[a.Name] {
				d.add(at("checks", j, "answer", "name"), fmt.Sprintf("two answers of step %q have the name %q", s.ID, a.Name), "Rename one")
			}
			answers[a.Name] = true
		}
	}
	for j, h := range s.Hints {
		d.text(h, true, "steps", i, "hints", j)
	}
	script := func(sc Script, p ...any) {
		for _, c := range sc {
			if c.Host == AnswerHost {
				if name, _ := s.Answer(c.Line); name == "" {
					d.add(at(p...), fmt.Sprintf("no answer check of step %q fits the answer %q", s.ID, c.Line), "Write answer: {name: value} with the name of an answer check of this step")
				}
				continue
			}
			l.knownHost(d, c.Host, append([]any{"steps", i}, p...)...)
			if !isCommand(c.Line) {
				d.add(at(p...), fmt.Sprintf("a command on %q is empty, too long or has control characters", c.Host), "Write a text for one command, of several lines maybe, or a list for several")
			}
		}
	}
	script(s.Solution, "solution")
	for j, m := range s.Mistakes {
		if len(m.Run) == 0 {
			d.add(at("mistakes", j), "the mistake does not say what is run", "Add run: {HOST: command}")
		}
		script(m.Run, "mistakes", j, "run")
		d.text(m.Hint, false, "steps", i, "mistakes", j, "hint")
		if c := s.failing(m.Fails); c != nil && c.Answer != nil && (m.Reason != "" || m.Found != "") {
			d.add(at("mistakes", j), "a mistake of an answer has a reason or found", "Leave them out: its value tells it")
		}
		if s.failing(m.Fails) == nil {
			d.add(at("mistakes", j, "fails"), fmt.Sprintf("step %q has no check %q", s.ID, m.Fails), "Name the kind of a check of this step, or kind#2 for the second of that kind")
		}
	}
}

// failing finds the check that a mistake names: kind, or kind#N.
func (s *Step) failing(name string) *Check {
	kind, number, numbered := strings.Cut(name, "#")
	n := 1
	if numbered {
		var err error
		if n, err = strconv.Atoi(number); err != nil || n < 1 || number[0] == '+' {
			return nil
		}
	}
	for i := range s.Checks {
		if s.Checks[i].Kind() == kind && kind != "" {
			if n--; n == 0 {
				return &s.Checks[i]
			}
		}
	}
	return nil
}

// FailingCheck is the index of the check that the mistake says must fail; -1 if there is none.
func (s *Step) FailingCheck(m Mistake) int {
	c := s.failing(m.Fails)
	for i := range s.Checks {
		if &s.Checks[i] == c {
			return i
		}
	}
	return -1
}

func (l *Lab) knownHost(d *document, host string, path ...any) {
	if _, ok := l.Topology.Hosts[host]; !ok {
		known := l.Topology.hostNames()
		d.add(d.at(path...), fmt.Sprintf("unknown host %q; the topology has %s", host, strings.Join(known, ", ")), or(nearest(host, known), "Correct the name"))
	}
}

// node finds a node itself, for the question whether it has a key.
func (d *document) node(path ...any) (n *yamlNode) {
	n = d.root
	for _, p := range path {
		if n = child(n, p); n == nil {
			return nil
		}
		if n.Alias != nil {
			n = n.Alias
		}
	}
	return n
}
