package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
	nodeName    = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9-]{0,13}[A-Za-z0-9])?$`)
	deviceName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,14}$`) // below IFNAMSIZ, without what ip(8) would trip over
	stepID      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	folderFiles = regexp.MustCompile(`^(/[^/*\pC]+)+/\*[^/*\pC]*$`) // /etc/sysctl.d/*.conf
	sysctlKey   = regexp.MustCompile(`^net(\.[A-Za-z0-9_-]+)+$`)
)

func (t *Topology) hostNames() []string { return slices.Sorted(maps.Keys(t.Hosts)) }

func (l *Lab) validate(d *document) {
	d.text(l.Title, true, "title")
	d.text(l.Summary, false, "summary")
	l.memoryLine = d.at("memory").line
	if l.Memory != 0 && (l.Memory <= 64 || l.Memory > 64<<10) {
		d.add(d.at("memory"), fmt.Sprintf("memory is %d", l.Memory), "Give the MiB that a session takes, from 65 to 65536; leave it out where 64 do")
	}
	if l.Minutes < 1 || l.Minutes > 240 {
		d.add(d.at("minutes"), fmt.Sprintf("minutes is %d", l.Minutes), "Give an estimate from 1 to 240")
	}
	l.Topology.validate(d, "topology")
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
	l.validateFaults(d)
}

func (t *Topology) validate(d *document, path ...any) {
	at := func(p ...any) position { return d.at(slices.Concat(path, p)...) }
	if len(t.Hosts) == 0 {
		d.say(at(), both("the topology has no hosts", "호스트가 없습니다"), both("Add one: hosts: {A: {at: [0, 0]}}", "하나를 추가하십시오: hosts: {A: {at: [0, 0]}}"))
	}
	if most := d.sizes(); len(t.Hosts) > most[0] || len(t.Switches) > most[1] || len(t.Links) > most[2] {
		d.say(at(), both("the topology has %d hosts, %d switches and %d links", "호스트 %d대, 스위치 %d대, 링크 %d개가 있습니다", len(t.Hosts), len(t.Switches), len(t.Links)),
			both("At most %d hosts, %d switches and %d links fit", "호스트는 %d대, 스위치는 %d대, 링크는 %d개까지 둘 수 있습니다", most[0], most[1], most[2]))
		return // the rest would be as long as the lists
	}
	lower := map[string]string{}
	name := func(kind, n string) {
		if !nodeName.MatchString(n) || n == AnswerHost || strings.EqualFold(n, "localhost") {
			d.say(at(kind, n), both("%q is no name for a host or switch", "%q: 호스트나 스위치의 이름으로 쓸 수 없습니다", n),
				both("Use 1 to 15 letters, digits and inner hyphens, a letter first; answer and localhost mean something else",
					"영문자로 시작해 영문자, 숫자, 사이의 하이픈으로 1~15자를 쓰십시오. answer와 localhost는 쓸 수 없습니다"))
		}
		if other, ok := lower[strings.ToLower(n)]; ok {
			d.say(at(kind, n), both("%q and %q are the same name to DNS", "%q와 %q: DNS에서는 같은 이름입니다", other, n), both("Rename one", "하나의 이름을 바꾸십시오"))
		}
		lower[strings.ToLower(n)] = n
	}
	devices := t.validateLinks(d, path)
	for _, n := range t.hostNames() {
		name("hosts", n)
		t.Hosts[n].validate(d, n, devices[n], slices.Concat(path, []any{"hosts", n}))
	}
	for _, n := range slices.Sorted(maps.Keys(t.Switches)) {
		name("switches", n)
		here := slices.Concat(path, []any{"switches", n})
		d.text(t.Switches[n].Label, false, slices.Concat(here, []any{"label"})...)
		d.place(t.Switches[n].At, both("switch", "스위치"), n, here...)
	}
}

// validateLinks returns the devices that links give each host.
func (t *Topology) validateLinks(d *document, path []any) map[string]map[string]bool {
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
		at := d.at(slices.Concat(path, []any{"links", i})...)
		if l.A.Node == l.B.Node {
			d.say(at, both("a link joins %q with itself", "링크의 두 끝이 모두 %q입니다", l.A.Node), both("A cable needs two machines", "케이블은 서로 다른 두 장비를 잇습니다"))
			continue
		}
		switches := 0
		for _, e := range []End{l.A, l.B} {
			_, isHost := t.Hosts[e.Node]
			_, isSwitch := t.Switches[e.Node]
			switch {
			case !isHost && !isSwitch:
				d.say(at, both("link to unknown node %q; the topology has %s", "링크가 가리키는 %q: 그런 호스트나 스위치가 없습니다(있는 것: %s)", e.Node, strings.Join(known, ", ")),
					meant(e.Node, known).orElse(both("Add it under hosts or switches, or correct the link", "hosts나 switches에 추가하거나 링크를 고치십시오")))
			case isHost && e.Device == "":
				d.say(at, both("the link to host %q does not say which device", "호스트 %q의 어느 장치에 꽂는지 없습니다", e.Node), both("Write %s:eth0", "%s:eth0처럼 쓰십시오", e.Node))
			case isHost && !isDevice(e.Device) || e.Device == "lo":
				d.say(at, both("%q is no name for a device", "%q: 장치의 이름으로 쓸 수 없습니다", e.Device),
					both("Use 1 to 15 letters, digits, dots, hyphens and underscores, a letter first", "영문자로 시작해 영문자, 숫자, 점, 하이픈, 밑줄로 1~15자를 쓰십시오"))
			case isHost:
				if devices[e.Node] == nil {
					devices[e.Node] = map[string]bool{}
				}
				if devices[e.Node][e.Device] {
					d.say(at, both("device %s:%s is on two links", "장치 %s:%s에 링크가 두 개입니다", e.Node, e.Device),
						both("A network card takes one cable; give the second another device", "네트워크 카드 하나에는 케이블 하나만 꽂힙니다. 두 번째는 다른 장치에 꽂으십시오"))
				}
				devices[e.Node][e.Device] = true
			case e.Device != "":
				d.say(at, both("the link names a device %q of switch %q", "장치 이름 %q: 링크의 이쪽 끝 %q의 종류는 스위치입니다", e.Device, e.Node),
					both("Ports of a switch have no names of their own: write %s", "스위치의 포트에는 이름이 없습니다. %s만 쓰십시오", e.Node))
			default:
				switches++
			}
		}
		if switches == 2 {
			a, b := find(l.A.Node), find(l.B.Node)
			if a == b {
				d.say(at, both("this link closes a loop of switches between %q and %q", "이 링크로 스위치 %q와 %q 사이에 루프가 생깁니다", l.A.Node, l.B.Node),
					both("Frames would circle for ever; remove one link of the loop", "프레임이 끝없이 돌게 되니 루프에서 링크 하나를 빼십시오"))
			}
			group[a] = b
		}
	}
	return devices
}

func (h Host) validate(d *document, name string, devices map[string]bool, path []any) {
	place := func(p ...any) position { return d.at(slices.Concat(path, p)...) }
	d.place(h.At, both("host", "호스트"), name, path...)
	if !slices.Contains([]string{"", "host", "router", "server"}, h.Kind) {
		d.say(place("kind"), both("unknown kind %q of host %q", "알 수 없는 종류 %q: 호스트 %q", h.Kind, name), both("Use host, router or server", "host, router, server 가운데 하나를 쓰십시오"))
	}
	d.text(h.Label, false, slices.Concat(path, []any{"label"})...)
	addresses := 0
	for _, dev := range slices.Sorted(maps.Keys(h.Interfaces)) {
		i := h.Interfaces[dev]
		addresses += len(i.Addresses)
		if dev != "lo" && !devices[dev] {
			d.say(place("interfaces", dev), both("host %q has no device %q", "호스트 %q에 %q 장치가 없습니다", name, dev),
				meant(dev, slices.Sorted(maps.Keys(devices))).orElse(both("Give it one by a link", "링크로 장치를 다십시오")))
		}
		if i.MAC != "" && !isMAC(i.MAC) {
			d.say(place("interfaces", dev, "mac"), both("%q is no MAC address for a device", "%q: 장치에 줄 수 있는 MAC 주소가 아닙니다", i.MAC),
				both("Write it as 02:42:ac:11:00:02, in quotes; the first byte is even", "따옴표로 묶어 02:42:ac:11:00:02처럼 쓰십시오. 첫 바이트는 짝수입니다"))
		}
		if slices.ContainsFunc(i.Addresses, func(a netip.Prefix) bool { return !a.IsValid() || a.Addr().Is4In6() }) {
			d.say(place("interfaces", dev, "addresses"), both("an address of %s:%s is none", "%s:%s의 주소가 올바르지 않습니다", name, dev), prefixForm)
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
			d.say(place(list.what), both("host %q has %d entries in %s, more than %d", "호스트 %q의 항목이 %d개입니다(%s, 최대 %d개)", name, list.n, list.what, maxTexts),
				both("Leave the rest to a start command", "나머지는 시작한 뒤에 설정하십시오"))
		}
	}
	for i, line := range h.Start {
		if !isCommand(line) {
			d.add(place("start", i), fmt.Sprintf("start command %d of host %q is empty, too long or has control characters", i+1, name), "Write one command, of several lines maybe")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(h.Sysctl)) {
		if !sysctlKey.MatchString(k) {
			d.say(place("sysctl", k), both("a lab cannot set %q", "설정할 수 없는 항목 %q", k), both("Only net.* settings belong to a host", "호스트에 딸린 설정은 net.*뿐입니다"))
		}
		if strings.ContainsFunc(h.Sysctl[k], unicode.IsControl) {
			d.say(place("sysctl", k), both("the value of %q has control characters", "%q의 값에 제어 문자가 있습니다", k), both("Write it in one line", "한 줄로 쓰십시오"))
		}
	}
	for _, f := range slices.Sorted(maps.Keys(h.Files)) {
		if !isFile(f) {
			d.add(place("files", f), fmt.Sprintf("%q is no path for a file", f), "Write an absolute path without .. in it")
		}
	}
	if d.learner {
		h.validateBoot(d, name, place)
	}
}

// text checks that a text has every language and nothing else.
func (d *document) text(t Text, needed bool, path ...any) {
	what := path[len(path)-1]
	if len(t) == 0 {
		if needed {
			d.say(d.at(path...), both("%v is missing", "%v 항목이 없습니다", what), inLanguages)
		}
		return
	}
	for _, language := range Languages {
		if strings.TrimSpace(t[language]) == "" {
			d.say(d.at(path...), both("%v has no text in language %q", "%v 항목에 언어 %q의 글이 없습니다", what, language), both("Write it in each language: %s", "언어마다 쓰십시오: %s", strings.Join(Languages, ", ")))
		}
		if strings.ContainsFunc(t[language], func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
			d.say(d.at(append(path, language)...), both("%v has control characters", "%v 항목에 제어 문자가 있습니다", what), both("Write plain text", "보통 글자로 쓰십시오"))
		}
		if d.learner && utf8.RuneCountInString(t[language]) > maxLabel {
			d.say(d.at(append(path, language)...), both("%v is longer than %d characters", "%v 항목이 %d자보다 깁니다", what, maxLabel), both("Shorten it", "줄이십시오"))
		}
	}
	for language := range t {
		if !slices.Contains(Languages, language) {
			d.say(d.at(append(path, language)...), both("unknown language %q", "알 수 없는 언어 %q", language), both("Known are: %s", "쓸 수 있는 언어: %s", strings.Join(Languages, ", ")))
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
