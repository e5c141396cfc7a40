package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Playground is the name of the lab whose topology the learner writes. No
// folder of labs has it.
const Playground = "playground"

// Bounds of what a learner writes: a sandbox of it costs about as much as one
// of a lab.
const (
	// MaxTopology is the length of the text, in bytes.
	MaxTopology   = 16 << 10
	learnHosts    = 12
	learnSwitches = 8
	learnLinks    = 32
	learnAliases  = 8
	maxLabel      = 40 // characters
	maxProblems   = 20 // that are told at once
)

// authorsOnly are the keys of a host that a learner has no use for: what they
// do can be done in a terminal, and is then seen being done.
var authorsOnly = []string{"files", "start"}

// settingValue is what the settings of net.* hold: numbers, and names of algorithms.
var settingValue = regexp.MustCompile(`^[A-Za-z0-9_ \t-]{1,40}$`)

// sizes are how many hosts, switches and links fit.
func (b bounds) sizes() [3]int {
	if b.learner {
		return [3]int{learnHosts, learnSwitches, learnLinks}
	}
	return [3]int{maxHosts, maxSwitches, maxLinks}
}

// ParseTopology reads a topology that stands by itself, as a learner writes it:
// the value of topology in lab.yaml, held to the same rules and to some more.
// Hosts and switches without a place are given one. Its error joins one *Error
// for each thing that is wrong (see Errors), in the order of the lines; they
// have no file.
func ParseTopology(text string) (*Topology, error) {
	t := &Topology{}
	d := decodeWithin(bounds{bytes: MaxTopology, aliases: learnAliases, learner: true}, "", []byte(text), t)
	if len(d.list) == 0 {
		t.validate(d)
	}
	if len(d.list) > 0 {
		slices.SortStableFunc(d.list, func(a, b error) int {
			x, y := a.(*Error), b.(*Error) // problems has no others
			if x.Line != y.Line {
				return x.Line - y.Line
			}
			return x.Column - y.Column
		})
		d.list = d.list[:min(len(d.list), maxProblems)]
		return nil, d.err()
	}
	missing := map[string]bool{}
	for kind, names := range map[string][]string{"hosts": t.hostNames(), "switches": slices.Collect(maps.Keys(t.Switches))} {
		for _, n := range names {
			if child(d.node(kind, n), "at") == nil {
				missing[n] = true
			}
		}
	}
	t.arrange(missing)
	return t, nil
}

// NewPlayground makes the lab of a learner's topology, with notes in the place
// of steps.
func NewPlayground(text string) (*Lab, error) {
	t, err := ParseTopology(text)
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Name:     Playground,
		Title:    Text{"en": "Playground", "ko": "자유 실습"},
		Summary:  Text{"en": "Your own network, without steps and checks. Nothing can break but what you broke, and a reset mends it.", "ko": "단계도 검사도 없는 나만의 네트워크입니다. 마음껏 바꾸고, 망가지면 초기화하십시오."},
		Topology: *t,
		Source:   text,
		Lessons:  map[string]Lesson{},
	}
	for _, language := range Languages {
		l.Lessons[language] = Lesson{Language: language, Intro: notes(t, language)}
	}
	return l, nil
}

// validateBoot holds a host to what the kernel will accept at its boot. In a
// lab, the author sees that the sandbox does not start; a learner must be told.
func (h Host) validateBoot(d *document, name string, place func(...any) position) {
	for _, key := range []struct {
		name string
		n    int
	}{{"files", len(h.Files)}, {"start", len(h.Start)}} {
		if key.n > 0 {
			d.say(place(key.name), both("%s cannot be used here", "%s 항목은 여기서 쓸 수 없습니다", key.name),
				both("Do it in a terminal after the start", "시작한 뒤 터미널에서 하십시오"))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(h.Sysctl)) {
		if !settingValue.MatchString(h.Sysctl[k]) {
			d.say(place("sysctl", k), both("%q is no value of a setting", "%q: 설정의 값이 아닙니다", h.Sysctl[k]), both("Write a number or a word, such as \"1\"", "\"1\" 같은 수나 낱말을 쓰십시오"))
		}
	}
	seen := map[netip.Addr]bool{}
	for _, dev := range slices.Sorted(maps.Keys(h.Interfaces)) {
		for j, a := range h.Interfaces[dev].Addresses {
			switch addr := a.Addr(); {
			case !a.IsValid():
			case seen[addr]:
				d.say(place("interfaces", dev, "addresses", j), both("host %q has the address %s twice", "호스트 %q에 주소 %s이 두 번 나옵니다", name, addr), both("Keep one", "하나만 남기십시오"))
			case !hostAddress(addr) || addr.IsLoopback() && (dev != "lo" || addr.Is6()):
				d.say(place("interfaces", dev, "addresses", j), both("%s is no address for %s:%s", "%s: %s:%s에 줄 수 없는 주소입니다", a, name, dev),
					both("Use one of a host, such as 10.0.0.1/24", "10.0.0.1/24처럼 호스트의 주소를 쓰십시오"))
			}
			seen[a.Addr()] = true
		}
	}
	to := map[string]bool{}
	for i := range h.Routes {
		h.validateRoute(d, name, place, i, seen)
		r := h.Routes[i]
		key := r.To
		if via, err := netip.ParseAddr(r.Via); err == nil && via.Is6() && r.To == "default" {
			key = "default over IPv6"
		}
		if to[key] {
			d.say(place("routes", i), both("host %q has two routes to %s", "호스트 %q에 %s(으)로 가는 경로가 두 개입니다", name, r.To), both("Keep one", "하나만 남기십시오"))
		}
		to[key] = true
	}
}

// hostAddress says whether a device may have the address.
func hostAddress(a netip.Addr) bool {
	if a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 240) {
		return false
	}
	return !a.IsMulticast() && !a.IsUnspecified()
}

// validateRoute asks whether the kernel will take the route: its device must be
// up, and its gateway a neighbour.
func (h Host) validateRoute(d *document, name string, place func(...any) position, i int, own map[netip.Addr]bool) {
	r := h.Routes[i]
	isUp := func(dev string) bool { return dev == "lo" || h.Interfaces[dev].Up }
	if r.Dev != "" && !isUp(r.Dev) {
		d.say(place("routes", i, "dev"), both("the device %s:%s is down at the start, so it can have no route", "장치 %s:%s이 꺼진 채 시작하므로 경로를 둘 수 없습니다", name, r.Dev),
			both("Add up: true to the interface", "인터페이스에 up: true를 추가하십시오"))
		return
	}
	via, err := netip.ParseAddr(r.Via)
	if err != nil {
		return // none, or complained about already
	}
	switch {
	case own[via]:
		d.say(place("routes", i, "via"), both("the gateway %s is the host's own address", "게이트웨이 %s: 이 호스트 자신의 주소입니다", via), both("Write the address of the next router", "다음 라우터의 주소를 쓰십시오"))
		return
	case via.IsLinkLocalUnicast() && via.Is6() && r.Dev != "":
		return
	}
	for dev, itf := range h.Interfaces {
		near := func(a netip.Prefix) bool { return a.Masked().Contains(via) }
		if isUp(dev) && (r.Dev == "" || r.Dev == dev) && slices.ContainsFunc(itf.Addresses, near) {
			return
		}
	}
	d.say(place("routes", i, "via"), both("the gateway %s is in no network of %q that is up", "게이트웨이 %s: %q의 켜진 인터페이스 가운데 같은 네트워크에 있는 것이 없습니다", via, name),
		both("Give the host an address in the gateway's network first", "먼저 게이트웨이와 같은 네트워크의 주소를 호스트에 주십시오"))
}

// notes are what can be tried in a network, in markdown; its blocks run on
// hosts that are there.
func notes(t *Topology, language string) string {
	var b strings.Builder
	in := func(en, ko string) string { return Text{"en": en, "ko": ko}.In(language) }
	say := func(en, ko string) { fmt.Fprintf(&b, "%s\n\n", in(en, ko)) }
	block := func(host string, lines ...string) {
		fmt.Fprintf(&b, "```bash host=%s\n%s\n```\n\n", host, strings.Join(lines, "\n"))
	}
	hosts := t.hostNames()
	first := hosts[0]

	from, to, ok := t.pair()
	if ok {
		first = from.host
	}
	say("### Look around", "### 둘러보기")
	say("Devices, addresses, routes and neighbours of a host:", "호스트의 장치와 주소, 경로와 이웃입니다.")
	block(first, "ip -br link", "ip -br addr", "ip route", "ip neigh")

	if ok {
		say("### Send something", "### 보내 보기")
		say(fmt.Sprintf("Let %s watch what arrives:", to.host), fmt.Sprintf("%s에 도착하는 것을 지켜봅니다.", to.host))
		block(to.host, "tcpdump -ni any -c 6 icmp")
		say(fmt.Sprintf("Then send to it from %s. If no answer comes, look where the packet ends: at a device, a route, or on the way back.", from.host),
			fmt.Sprintf("이제 %s에서 그쪽으로 보냅니다. 응답이 없으면 패킷이 어디서 막히는지 찾아보십시오. 장치나 경로, 돌아오는 길 가운데 하나입니다.", from.host))
		block(from.host, "ping -c 3 "+to.address.String())
	} else if host, dev, ok := t.firstDevice(); ok {
		say("### Give an address", "### 주소 주기")
		say("A device that is up and has an address can talk to its network:", "장치를 켜고 주소를 주면 같은 네트워크와 통신할 수 있습니다.")
		block(host, "ip link set "+dev+" up", "ip addr add 10.0.0.1/24 dev "+dev)
	}

	if host, dev, ok := t.edge(); ok {
		say("### Hide a network behind a gateway", "### 게이트웨이 뒤에 네트워크 숨기기")
		say(fmt.Sprintf("%s has a private and a public side. Nobody outside knows a way back to private addresses, unless it sends packets out under its own:", host),
			fmt.Sprintf("%s의 한쪽은 사설, 다른 쪽은 공인 네트워크입니다. 바깥에서는 사설 주소로 돌아오는 길을 모르므로, 나가는 패킷의 출발지를 자기 주소로 바꿔 보내야 합니다.", host))
		block(host, "iptables -t nat -A POSTROUTING -o "+dev+" -j MASQUERADE", "iptables -t nat -nvL POSTROUTING")
	}

	say("### Build inside a host", "### 호스트 안에 만들기")
	say("Every host has network namespaces, bridges, firewall and NAT of its own. Two namespaces and a cable between them:",
		"호스트마다 네트워크 네임스페이스와 브리지, 방화벽과 NAT를 쓸 수 있습니다. 네임스페이스 두 개를 만들어 케이블로 이어 봅니다.")
	block(first, "ip netns add red", "ip netns add blue",
		"ip link add veth-red netns red type veth peer name veth-blue netns blue",
		"ip -n red addr add 192.168.15.1/24 dev veth-red", "ip -n blue addr add 192.168.15.2/24 dev veth-blue",
		"ip -n red link set veth-red up", "ip -n blue link set veth-blue up", "ip netns exec red ping -c 1 192.168.15.2")

	say("### Good to know", "### 알아 두기")
	say("- **Reset** brings the network back as you wrote it; **Reboot** starts one host again.\n- A reboot forgets what `ip` set, and keeps what files say.\n- Nothing leads out of this network: what is to be the Internet must be one of its hosts.",
		"- **초기화**하면 네트워크가 처음에 쓴 그대로 돌아옵니다. **다시 시작**은 호스트 한 대만 다시 켭니다.\n- 호스트를 다시 시작하면 `ip`로 한 설정은 사라지고 파일에 적은 설정은 남습니다.\n- 이 네트워크에서 밖으로 나가는 길은 없습니다. 인터넷이 필요하면 호스트 하나에 그 역할을 맡기십시오.")
	return b.String()
}

type placed struct {
	host    string
	address netip.Addr
}

// pair returns two hosts with addresses, in different networks and no routers
// if there are such.
func (t *Topology) pair() (from, to placed, ok bool) {
	type found struct {
		placed
		network netip.Prefix
	}
	var all []found
	names := t.hostNames()
	slices.SortStableFunc(names, func(a, b string) int {
		return len(t.Hosts[a].Interfaces) - len(t.Hosts[b].Interfaces)
	})
	for _, name := range names {
		for _, dev := range slices.Sorted(maps.Keys(t.Hosts[name].Interfaces)) {
			if itf := t.Hosts[name].Interfaces[dev]; dev != "lo" && itf.Up && len(itf.Addresses) > 0 {
				all = append(all, found{placed{name, itf.Addresses[0].Addr()}, itf.Addresses[0].Masked()})
				break
			}
		}
	}
	for _, f := range all[min(1, len(all)):] {
		if f.address.Is4() != all[0].address.Is4() {
			continue
		}
		far := f.network != all[0].network
		if far || !ok {
			from, to, ok = all[0].placed, f.placed, true
		}
		if far {
			break
		}
	}
	return from, to, ok
}

// edge returns a host that forwards between private and public addresses, and its
// public device.
func (t *Topology) edge() (host, dev string, ok bool) {
	for _, name := range t.hostNames() {
		h := t.Hosts[name]
		private, public := false, ""
		for _, d := range slices.Sorted(maps.Keys(h.Interfaces)) {
			for _, a := range h.Interfaces[d].Addresses {
				switch {
				case d == "lo" || !a.Addr().Is4():
				case a.Addr().IsPrivate():
					private = true
				default:
					public = d
				}
			}
		}
		if private && public != "" && h.Sysctl["net.ipv4.ip_forward"] == "1" {
			return name, public, true
		}
	}
	return "", "", false
}

// firstDevice returns the first device of a cable.
func (t *Topology) firstDevice() (host, dev string, ok bool) {
	for _, l := range t.Links {
		for _, e := range []End{l.A, l.B} {
			if e.Device != "" {
				return e.Node, e.Device, true
			}
		}
	}
	return "", "", false
}
