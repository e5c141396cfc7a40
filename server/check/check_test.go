package check

import (
	"context"
	"io/fs"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
)

// network is a State built by hand, and what probes are to find.
type network struct {
	st        *observe.State
	probe     observe.Probe
	at        *observe.Place // what Ping was asked
	listeners []observe.Listener
	sysctl    map[string]string
	files     map[string]string
	fileErr   error
	// dns answers a query to a server.
	dns func(server netip.AddrPort, query []byte) ([]byte, observe.Outcome)
}

func (n *network) State() *observe.State                           { return n.st }
func (n *network) Inspect(context.Context) (*observe.State, error) { return n.st, nil }
func (n *network) Ping(_ context.Context, _ observe.Place, _ netip.Addr, at *observe.Place) (observe.Probe, error) {
	n.at = at
	return n.probe, nil
}
func (n *network) DialTCP(_ context.Context, _ observe.Place, _ netip.AddrPort, at *observe.Place) (observe.Probe, error) {
	n.at = at
	return n.probe, nil
}
func (n *network) Get(_ context.Context, _ observe.Place, _ string, at *observe.Place) (observe.Probe, error) {
	n.at = at
	return n.probe, nil
}
func (n *network) Listeners(context.Context, observe.Place, string) ([]observe.Listener, error) {
	return n.listeners, nil
}
func (n *network) Sysctl(_ context.Context, _ observe.Place, key string) (string, bool, error) {
	v, ok := n.sysctl[key]
	return v, ok, nil
}
func (n *network) Exchange(_ context.Context, _ observe.Place, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, observe.Outcome, error) {
	if n.dns == nil {
		return nil, observe.Silence, nil
	}
	b, o := n.dns(server, query)
	if o == observe.Answered && !accept(b) {
		return nil, observe.Silence, nil
	}
	return b, o, nil
}
func (n *network) ReadFile(_ context.Context, _, path string) ([]byte, error) {
	if n.fileErr != nil {
		return nil, n.fileErr
	}
	if text, ok := n.files[path]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func (n *network) ListFiles(_ context.Context, _, dir string) (names []string, err error) {
	for _, p := range slices.Sorted(maps.Keys(n.files)) {
		if path.Dir(p) == dir {
			names = append(names, path.Base(p))
		}
	}
	return names, nil
}

// also gives A another file.
func also(path, text string) func(*network) {
	return func(n *network) { n.files[path] = text }
}

func prefixes(s ...string) (all []netip.Prefix) {
	for _, p := range s {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

const macB = "02:00:00:00:00:0b"

// example is A and B on the switch sw; A has the namespaces red and blue, and
// the name fake for its own.
func example() *network {
	red := observe.Link{Index: 3, Name: "veth-red", Type: "veth", Up: true, Peer: &observe.Place{Node: "A", NS: "blue", Dev: "veth-blue"}}
	blue := observe.Link{Index: 4, Name: "veth-blue", Type: "veth", Peer: &observe.Place{Node: "A", NS: "red", Dev: "veth-red"}, Addresses: prefixes("10.9.0.2/32")}
	return &network{
		probe:  observe.Probe{Outcome: observe.Silence},
		sysctl: map[string]string{"net.ipv4.ip_forward": "0"},
		files:  map[string]string{"/etc/motd": "hello\nworld\n"},
		st: &observe.State{Nodes: map[string]*observe.Node{
			"A": {Kind: "host",
				Namespace: &observe.Namespace{Inode: 1,
					Links: []observe.Link{
						{Index: 1, Name: "lo", Type: "loopback", Up: true, Carrier: true},
						{Index: 2, Name: "eth0", Type: "veth", MTU: 1500, MAC: "02:00:00:00:00:0a", Up: true, Carrier: true, Addresses: prefixes("10.0.0.1/24"), Peer: &observe.Place{Node: "sw", Dev: "p1"}},
						{Index: 5, Name: "br1", Type: "bridge", Up: true}, {Index: 6, Name: "tap", Type: "veth", Master: "br1"},
					},
					Routes: []observe.Route{
						{To: netip.MustParsePrefix("10.0.0.0/24"), Dev: "eth0", Kernel: true},
						{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("10.0.0.254"), Dev: "eth0"},
					},
					Neighbors: []observe.Neighbour{
						{IP: netip.MustParseAddr("10.0.0.2"), MAC: macB, Dev: "eth0", State: "stale"},
						{IP: netip.MustParseAddr("10.0.0.3"), Dev: "eth0", State: "failed"},
						{IP: netip.MustParseAddr("10.0.0.4"), MAC: "02:00:00:00:00:ff", Dev: "eth0", State: "reachable"},
					}},
				Named: map[string]*observe.Namespace{
					"red": {Inode: 2, Links: []observe.Link{red}}, "blue": {Inode: 3, Links: []observe.Link{blue}}, "fake": {Inode: 1}, "twin": {Inode: 2},
				}},
			"B": {Kind: "host", Namespace: &observe.Namespace{Inode: 9, Links: []observe.Link{
				{Index: 2, Name: "eth0", Type: "veth", MAC: macB, Addresses: prefixes("10.0.0.2/24"), Peer: &observe.Place{Node: "sw", Dev: "p2"}},
			}}},
			"D": {Kind: "host", Down: true},
			"sw": {Kind: "switch", Namespace: &observe.Namespace{Links: []observe.Link{
				{Name: "br0", Type: "bridge", Up: true},
				{Name: "p1", Type: "veth", Master: "br0", Up: true, Carrier: true, Peer: &observe.Place{Node: "A", Dev: "eth0"}},
				{Name: "p2", Type: "veth", Master: "br0", Up: true, Peer: &observe.Place{Node: "B", Dev: "eth0"}, FDB: []string{macB}},
			}}},
		}},
	}
}

func at(host string) lab.Where     { return lab.Where{Host: host} }
func in(host, ns string) lab.Where { return lab.Where{Host: host, NS: ns} }
func ip(s string) netip.Addr       { return netip.MustParseAddr(s) }
func pfx(s string) netip.Prefix    { return netip.MustParsePrefix(s) }

// particle finds a Korean particle that depends on the syllable before it,
// right behind a name.
var particle = regexp.MustCompile(`[A-Za-z0-9](은|는|이|가|을|를|과|와|으로|로|이고|이며|이나|나)([\s.,)]|$)`)

func TestEvaluate(t *testing.T) {
	probe := func(o observe.Outcome) func(*network) { return func(n *network) { n.probe.Outcome = o } }
	none := func(*network) {}
	right := []lab.Choice{{Text: lab.Text{"en": "Yes", "ko": "예"}, Right: true}, {Text: lab.Text{"en": "No", "ko": "아니요"}, Why: lab.Text{"en": "Because.", "ko": "그래서입니다."}}}
	for _, c := range []struct {
		name  string
		check lab.Check
		set   func(*network)
		want  string
	}{
		{"link up", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "eth0", State: "up"}}, none, OK},
		{"link down", lab.Check{Link: &lab.LinkCheck{Where: at("B"), Dev: "eth0", State: "up"}}, none, Down},
		{"link off wanted", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "eth0", State: "down"}}, none, Up},
		{"no carrier", lab.Check{Link: &lab.LinkCheck{Where: in("A", "red"), Dev: "veth-red", State: "up"}}, none, NoCarrier},
		{"no device", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "eth7"}}, none, NoDevice},
		{"device elsewhere", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "veth-red"}}, none, OtherDevice},
		{"no namespace", lab.Check{Link: &lab.LinkCheck{Where: in("A", "green"), Dev: "x"}}, none, NoNamespace},
		{"host down", lab.Check{Link: &lab.LinkCheck{Where: at("D"), Dev: "x"}}, none, NoHost},
		{"wrong type", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "eth0", Type: "vxlan"}}, none, WrongType},
		{"peer", lab.Check{Link: &lab.LinkCheck{Where: in("A", "red"), Dev: "veth-red", Peer: &lab.LinkPeer{Where: in("A", "blue"), Dev: "veth-blue"}}}, none, OK},
		{"other peer", lab.Check{Link: &lab.LinkCheck{Where: in("A", "red"), Dev: "veth-red", Peer: &lab.LinkPeer{Where: at("A"), Dev: "veth-blue"}}}, none, WrongPeer},
		{"master", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "tap", Master: "br1"}}, none, OK},
		{"no master", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "eth0", Master: "br1"}}, none, WrongMaster},
		{"absent", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "eth9", Absent: true}}, none, OK},
		{"not absent", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "eth0", Absent: true}}, none, Present},

		{"address", lab.Check{Address: &lab.AddressCheck{Where: at("A"), Dev: "eth0", Has: pfx("10.0.0.1/24")}}, none, OK},
		{"wrong prefix", lab.Check{Address: &lab.AddressCheck{Where: in("A", "blue"), Dev: "veth-blue", Has: pfx("10.9.0.2/24")}}, none, WrongPrefix},
		{"no address", lab.Check{Address: &lab.AddressCheck{Where: in("A", "red"), Dev: "veth-red", Has: pfx("10.9.0.1/24")}}, none, NoAddress},
		{"other address", lab.Check{Address: &lab.AddressCheck{Where: at("A"), Dev: "eth0", Has: pfx("10.0.0.9/24")}}, none, OtherAddress},
		{"address elsewhere", lab.Check{Address: &lab.AddressCheck{Where: at("A"), Dev: "eth0", Has: pfx("10.0.0.2/24")}}, none, OtherDevice},
		{"address to go", lab.Check{Address: &lab.AddressCheck{Where: at("A"), Dev: "eth0", Not: pfx("10.0.0.1/24")}}, none, Present},

		{"route", lab.Check{Route: &lab.RouteCheck{Where: at("A"), To: "default", Via: ip("10.0.0.254")}}, none, OK},
		{"route dev", lab.Check{Route: &lab.RouteCheck{Where: at("A"), To: "10.0.0.0/24", Dev: "eth0"}}, none, OK},
		{"wrong via", lab.Check{Route: &lab.RouteCheck{Where: at("A"), To: "default", Via: ip("10.0.0.1")}}, none, WrongVia},
		{"wrong dev", lab.Check{Route: &lab.RouteCheck{Where: at("A"), To: "default", Dev: "eth1"}}, none, WrongDev},
		{"no route", lab.Check{Route: &lab.RouteCheck{Where: at("B"), To: "default"}}, none, NoRoute},
		{"a packet by the default", lab.Check{Route: &lab.RouteCheck{Where: at("A"), For: ip("8.8.8.8"), Via: ip("10.0.0.254")}}, none, OK},
		{"a packet by a device", lab.Check{Route: &lab.RouteCheck{Where: at("A"), For: ip("10.0.0.9"), Dev: "eth0"}}, none, OK},
		{"a packet by another gateway", lab.Check{Route: &lab.RouteCheck{Where: at("A"), For: ip("8.8.8.8"), Via: ip("10.0.0.1")}}, none, WrongVia},
		{"a packet without gateway", lab.Check{Route: &lab.RouteCheck{Where: at("A"), For: ip("10.0.0.9"), Via: ip("10.0.0.254")}}, none, WrongDev},
		{"a packet by another device", lab.Check{Route: &lab.RouteCheck{Where: at("A"), For: ip("8.8.8.8"), Dev: "eth1"}}, none, WrongDev},
		{"a packet without route", lab.Check{Route: &lab.RouteCheck{Where: at("B"), For: ip("8.8.8.8"), Via: ip("10.0.0.254")}}, none, NoRoute},
		{"route to go", lab.Check{Route: &lab.RouteCheck{Where: at("A"), To: "default", Absent: true}}, none, Present},

		{"neighbour", lab.Check{Neighbour: &lab.NeighbourCheck{Where: at("A"), IP: ip("10.0.0.2"), Of: &lab.LinkPeer{Where: at("B"), Dev: "eth0"}}}, none, OK},
		{"failed neighbour", lab.Check{Neighbour: &lab.NeighbourCheck{Where: at("A"), IP: ip("10.0.0.3")}}, none, Unknown},
		{"false neighbour", lab.Check{Neighbour: &lab.NeighbourCheck{Where: at("A"), IP: ip("10.0.0.4"), Of: &lab.LinkPeer{Where: at("B"), Dev: "eth0"}}}, none, WrongMAC},

		{"sysctl", lab.Check{Sysctl: &lab.SysctlCheck{Where: at("A"), Key: "net.ipv4.ip_forward", Value: "0"}}, none, OK},
		{"sysctl wrong", lab.Check{Sysctl: &lab.SysctlCheck{Where: at("A"), Key: "net.ipv4.ip_forward", Value: "1"}}, none, WrongValue},
		{"sysctl missing", lab.Check{Sysctl: &lab.SysctlCheck{Where: at("A"), Key: "net.x", Value: "1"}}, none, Missing},

		{"namespace", lab.Check{Namespace: &lab.NamespaceCheck{Host: "A", Name: "blue"}}, none, OK},
		{"namespace missing", lab.Check{Namespace: &lab.NamespaceCheck{Host: "A", Name: "green"}}, none, NoNamespace},
		{"the host's own", lab.Check{Namespace: &lab.NamespaceCheck{Host: "A", Name: "fake"}}, none, SameNamespace},
		{"two names of one", lab.Check{Namespace: &lab.NamespaceCheck{Host: "A", Name: "red"}}, none, SameNamespace},
		{"another host's", lab.Check{Namespace: &lab.NamespaceCheck{Host: "A", Name: "blue"}}, func(n *network) { n.st.Nodes["A"].Named["blue"].Inode = 9 }, SameNamespace},
		{"a bridge without life", lab.Check{Link: &lab.LinkCheck{Where: at("A"), Dev: "br1", State: "up"}}, none, NoCarrier},
		{"namespace to go", lab.Check{Namespace: &lab.NamespaceCheck{Host: "A", Name: "blue", Absent: true}}, none, Present},

		{"bridge", lab.Check{Bridge: &lab.BridgeCheck{Where: at("A"), Dev: "br1", Ports: []string{"tap"}}}, none, OK},
		{"port missing", lab.Check{Bridge: &lab.BridgeCheck{Where: at("A"), Dev: "br1", Ports: []string{"tap", "eth0"}}}, none, Missing},
		{"no bridge", lab.Check{Bridge: &lab.BridgeCheck{Where: at("A"), Dev: "eth0"}}, none, NotABridge},
		{"learned", lab.Check{Bridge: &lab.BridgeCheck{Where: at("sw"), Learned: &lab.LinkPeer{Where: at("B"), Dev: "eth0"}}}, none, OK},
		{"not learned", lab.Check{Bridge: &lab.BridgeCheck{Where: at("sw"), Learned: &lab.LinkPeer{Where: at("A"), Dev: "eth0"}}}, none, NotLearned},

		{"reach", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.0.0.2", At: "B"}}, probe(observe.Answered), OK},
		{"answered by another", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.0.0.2", At: "B"}}, probe(observe.Elsewhere), "answered-elsewhere"},
		{"reach explained", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.0.0.2"}}, none, "link-down"},
		{"refused", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.0.0.2", Proto: "tcp", Port: 80}}, probe(observe.Refused), "refused"},
		{"http", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "http://10.0.0.2/", Proto: "http", Contains: "hi"}}, func(n *network) {
			n.probe = observe.Probe{Outcome: observe.Answered, Status: 200, Body: []byte("oh, hi")}
		}, OK},
		{"http error", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "http://10.0.0.2/", Proto: "http", At: "B"}}, func(n *network) {
			n.probe = observe.Probe{Outcome: observe.Answered, Status: 502}
		}, BadStatus},
		{"http error is an answer", lab.Check{Blocked: &lab.ReachCheck{From: "A", To: "http://10.0.0.2/", Proto: "http"}}, func(n *network) {
			n.probe = observe.Probe{Outcome: observe.Answered, Status: 502}
		}, Answered},
		{"tcp answered by another", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.0.0.2", Proto: "tcp", Port: 80, At: "B"}}, probe(observe.Elsewhere), "answered-elsewhere"},
		{"http text", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "http://10.0.0.2/", Proto: "http", Contains: "hi"}}, func(n *network) {
			n.probe = observe.Probe{Outcome: observe.Answered, Status: 404, Body: []byte("lost")}
		}, NoMatch},
		{"reach from nowhere", lab.Check{Reach: &lab.ReachCheck{From: "A", NS: "green", To: "10.0.0.2"}}, probe(observe.Answered), NoNamespace},
		{"reach at nowhere", lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.0.0.2", At: "A/green"}}, probe(observe.Answered), NoNamespace},
		{"blocked", lab.Check{Blocked: &lab.ReachCheck{From: "A", To: "10.0.0.2"}}, none, OK},
		{"not blocked", lab.Check{Blocked: &lab.ReachCheck{From: "A", To: "10.0.0.2"}}, probe(observe.Answered), Answered},
		{"not blocked by a broken network", lab.Check{Blocked: &lab.ReachCheck{From: "D", To: "10.0.0.2"}}, none, NoHost},

		{"file", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/etc/motd", Matches: "^wor"}}, none, OK},
		{"file without the line", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/etc/motd", Matches: "^orld"}}, none, NoMatch},
		{"another file will do", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/x", Or: "/etc/*.conf", Matches: "^a=1$"}}, also("/etc/z.conf", "b=1\na=1\n"), OK},
		{"not any other file", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/etc/motd", Or: "/etc/*.conf", Matches: "^a=1$"}}, also("/etc/z.cfg", "a=1\n"), NoMatch},
		{"no hidden file", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/x", Or: "/etc/*", Matches: "^a=1$"}}, also("/etc/.z", "a=1\n"), Missing},
		{"no file", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/x"}}, none, Missing},
		{"file to go", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/etc/motd", Absent: true}}, none, Present},
		{"a FIFO", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/x"}}, func(n *network) { n.fileErr = observe.ErrNotRegular }, NotRegular},
		{"a FIFO to go", lab.Check{File: &lab.FileCheck{Host: "A", Path: "/x", Absent: true}}, func(n *network) { n.fileErr = observe.ErrNotRegular }, Present},

		{"listens", lab.Check{Listens: &lab.ListensCheck{Where: at("A"), Port: 80}}, func(n *network) { n.listeners = []observe.Listener{{Address: ip("0.0.0.0"), Port: 80}} }, OK},
		{"listens on all", lab.Check{Listens: &lab.ListensCheck{Where: at("A"), Port: 80, Address: ip("10.0.0.1")}}, func(n *network) { n.listeners = []observe.Listener{{Address: ip("::"), Port: 80}} }, OK},
		{"listens on all of another version", lab.Check{Listens: &lab.ListensCheck{Where: at("A"), Port: 80, Address: ip("2001:db8::1")}}, func(n *network) { n.listeners = []observe.Listener{{Address: ip("0.0.0.0"), Port: 80}} }, OtherAddress},
		{"nobody listens", lab.Check{Listens: &lab.ListensCheck{Where: at("A"), Port: 81}}, func(n *network) { n.listeners = []observe.Listener{{Address: ip("0.0.0.0"), Port: 80}} }, NotListening},
		{"listens elsewhere", lab.Check{Listens: &lab.ListensCheck{Where: at("A"), Port: 80, Address: ip("10.0.0.1")}}, func(n *network) { n.listeners = []observe.Listener{{Address: ip("127.0.0.1"), Port: 80}} }, OtherAddress},

		{"answer", lab.Check{Answer: &lab.AnswerCheck{Name: "right", Value: "two words"}}, none, OK},
		{"no answer", lab.Check{Answer: &lab.AnswerCheck{Name: "nothing", Value: "x"}}, none, Unanswered},
		{"wrong answer", lab.Check{Answer: &lab.AnswerCheck{Name: "right", Value: "x"}}, none, Wrong},
		{"pattern", lab.Check{Answer: &lab.AnswerCheck{Name: "right", Matches: "(?i)two +words"}}, none, OK},
		{"choice", lab.Check{Answer: &lab.AnswerCheck{Name: "ko", Choices: right}}, none, OK},
		{"wrong choice", lab.Check{Answer: &lab.AnswerCheck{Name: "no", Choices: right}}, none, Wrong},
		{"unknown choice", lab.Check{Answer: &lab.AnswerCheck{Name: "right", Choices: right}}, none, Wrong},
		{"fact", lab.Check{Answer: &lab.AnswerCheck{Name: "mac", Is: &lab.AnswerSource{Where: at("B"), Dev: "eth0", Fact: "mac"}}}, none, OK},
		{"fact without device", lab.Check{Answer: &lab.AnswerCheck{Name: "mac", Is: &lab.AnswerSource{Where: at("B"), Dev: "eth9", Fact: "mac"}}}, none, NoDevice},
		{"address without length", lab.Check{Answer: &lab.AnswerCheck{Name: "address", Is: &lab.AnswerSource{Where: at("A"), Dev: "eth0", Fact: "address"}}}, none, OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := example()
			c.set(n)
			answers := map[string]string{"right": " Two  words ", "ko": "예", "no": "No", "mac": "02-00-00-00-00-0B", "address": "10.0.0.1"}
			judged(t, Evaluate(t.Context(), &c.check, n, answers), &c.check, c.want)
		})
	}
}

// judged fails the test unless the result has the reason, and says it in every language.
func judged(t *testing.T, r Result, c *lab.Check, want string) {
	t.Helper()
	if r.Reason != want || r.OK != (want == OK) || r.Kind != c.Kind() {
		t.Errorf("got %+v, want %s", r, want)
	}
	for what, text := range map[string]lab.Text{"expected": r.Expected, "found": r.Found, "why": r.Why} {
		for _, language := range lab.Languages {
			s := text[language]
			if (s == "") != (what == "why" && r.OK) || strings.Contains(s, "%!") {
				t.Errorf("%s in %s is %q", what, language, s)
			}
		}
	}
	for _, s := range []string{r.Expected["ko"], r.Found["ko"], r.Why["ko"]} {
		if p := particle.FindString(s); p != "" {
			t.Errorf("%q: what stands before the particle may be any name: %s", p, s)
		}
	}
	t.Logf("%s | %s | %s", r.Expected["en"], r.Found["en"], r.Why["en"])
	t.Logf("%s | %s | %s", r.Expected["ko"], r.Found["ko"], r.Why["ko"])
}

func TestReachAsksWhereItArrives(t *testing.T) {
	n := example()
	n.probe.Outcome = observe.Answered
	Evaluate(t.Context(), &lab.Check{Reach: &lab.ReachCheck{From: "A", To: "10.9.0.2", At: "A/blue"}}, n, nil)
	if n.at == nil || *n.at != (observe.Place{Node: "A", NS: "blue"}) {
		t.Errorf("the probe had to arrive at %+v", n.at)
	}
}

func TestAnswersAreShownHarmless(t *testing.T) {
	r := Evaluate(t.Context(), &lab.Check{Answer: &lab.AnswerCheck{Name: "x", Value: "1"}}, example(), map[string]string{"x": "\x1b[31m\x00red" + strings.Repeat("a", 200)})
	if found := r.Found["en"]; strings.ContainsAny(found, "\x1b\x00") || len([]rune(found)) > 81 {
		t.Errorf("found is %q", found)
	}
}

func TestRight(t *testing.T) {
	st := example().st
	for fact, want := range map[string]string{"mac": "02:00:00:00:00:0a", "mtu": "1500", "ifindex": "2", "address": "10.0.0.1/24"} {
		if got, ok := Right(&lab.AnswerCheck{Is: &lab.AnswerSource{Where: at("A"), Dev: "eth0", Fact: fact}}, st); !ok || got != want {
			t.Errorf("%s is %q, want %q", fact, got, want)
		}
	}
	if got, ok := Right(&lab.AnswerCheck{Is: &lab.AnswerSource{Where: in("A", "red"), Dev: "veth-red", Fact: "peer-ifindex"}}, st); !ok || got != "4" {
		t.Errorf("peer-ifindex is %q", got)
	}
	if _, ok := Right(&lab.AnswerCheck{Matches: "x"}, st); ok {
		t.Error("a pattern has a right answer")
	}
}
