package resolve

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netground/netground/server/observe"
)

// server answers from a zone: "name type" → values; a value of rcode!… is an
// error of the server. One whose outcome is set does not answer.
type server struct {
	zone    map[string]string
	outcome observe.Outcome
}

// world exchanges with servers by their addresses, and notes what was asked.
type world struct {
	t       *testing.T
	servers map[string]server
	asked   []string
}

func (w *world) exchange(_ context.Context, to netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, observe.Outcome, error) {
	s, ok := w.servers[to.Addr().String()]
	if !ok || to.Port() != 53 {
		return nil, observe.Silence, nil
	}
	if s.outcome != "" {
		return nil, s.outcome, nil
	}
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		w.t.Fatal(err)
	}
	q := m.Questions[0]
	name := Name(q.Name.String())
	kind := strings.TrimPrefix(q.Type.String(), "Type")
	w.asked = append(w.asked, to.Addr().String()+" "+name+" "+kind)
	m.Response = true
	known := false
	for key := range s.zone {
		known = known || strings.HasPrefix(key, name+" ")
	}
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	header := func(name string, t dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Type: t, Class: dnsmessage.ClassINET}
	}
	for range 20 {
		if target, ok := s.zone[name+" CNAME"]; ok && kind != "CNAME" {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header(name, dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target + ".")}})
			name = target
			continue
		}
		break
	}
	for v := range strings.FieldsSeq(s.zone[name+" "+kind]) {
		switch v {
		case "SERVFAIL":
			m.RCode = dnsmessage.RCodeServerFailure
			continue
		case "REFUSED":
			m.RCode = dnsmessage.RCodeRefused
			continue
		}
		r := dnsmessage.Resource{Header: header(name, q.Type)}
		switch kind {
		case "A":
			r.Body = &dnsmessage.AResource{A: netip.MustParseAddr(v).As4()}
		case "AAAA":
			r.Body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(v).As16()}
		case "CNAME":
			r.Body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(v + ".")}
		case "PTR":
			r.Body = &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(v + ".")}
		}
		m.Answers = append(m.Answers, r)
	}
	other := m
	other.ID++
	for _, b := range []dnsmessage.Message{other, m} { // somebody else's reply comes first
		packed, err := b.Pack()
		if err != nil {
			w.t.Fatal(err)
		}
		if accept(packed) {
			return packed, observe.Answered, nil
		}
	}
	w.t.Errorf("the reply to %s was not taken", w.asked[len(w.asked)-1])
	return nil, observe.Silence, nil
}

func example(t *testing.T) *world {
	return &world{t: t, servers: map[string]server{
		"10.0.0.53": {zone: map[string]string{
			"web.corp.example A":         "10.0.0.10",
			"web.corp.example AAAA":      "2001:db8::10",
			"www.corp.example CNAME":     "web.corp.example",
			"both.corp.example A":        "10.0.0.12 10.0.0.11",
			"loop.corp.example CNAME":    "loop.corp.example",
			"six.corp.example AAAA":      "2001:db8::6",
			"broken.corp.example A":      "SERVFAIL",
			"refused.x A":                "REFUSED",
			"refused.x.corp.example A":   "10.0.0.3",
			"foreign.example A":          "REFUSED",
			"a.b A":                      "10.0.0.1",
			"a.b.corp.example A":         "10.0.0.2",
			"web A":                      "10.0.0.99",
			"11.0.0.10.in-addr.arpa PTR": "both.corp.example",
		}},
		"10.0.0.54": {zone: map[string]string{"broken.corp.example A": "10.0.0.54", "foreign.example A": "10.0.0.55"}},
		"10.0.0.60": {outcome: observe.Silence},
		"10.0.0.61": {outcome: observe.Refused},
		"127.0.0.1": {outcome: observe.Refused},
	}}
}

const hosts = "127.0.0.1\tlocalhost\n10.0.0.20 DB db.corp.example # the database\n#10.0.0.21 db\n10.0.0.22 db\n2001:db8::20 db\nnonsense db\n"

func TestHost(t *testing.T) {
	for _, c := range []struct {
		what                  string
		nsswitch, resolv, ask string
		six                   bool
		status                Status
		values, by            string
	}{
		{"the hosts file, all lines", "hosts: files dns", "", "db", false, Found, "10.0.0.20 10.0.0.22", "files"},
		{"an alias, whatever its case", "hosts: files dns", "", "DB.corp.example", false, Found, "10.0.0.20", "files"},
		{"the other version", "hosts: files dns", "", "db", true, Found, "2001:db8::20", "files"},
		{"not in the hosts file, and no DNS", "hosts: files", "nameserver 10.0.0.53", "web", false, NotInHosts, "", "files"},
		{"no name server", "hosts: files dns", "# none\n", "web", false, NoServer, "", "dns"},
		{"the name as it is", "hosts: files dns", "nameserver 10.0.0.53", "web.corp.example", false, Found, "10.0.0.10", "dns"},
		{"AAAA", "hosts: files dns", "nameserver 10.0.0.53", "web.corp.example", true, Found, "2001:db8::10", "dns"},
		{"by an alias", "hosts: files dns", "nameserver 10.0.0.53", "www.corp.example", false, Found, "10.0.0.10", "dns"},
		{"an alias of itself", "hosts: files dns", "nameserver 10.0.0.53", "loop.corp.example", false, NoData, "", "dns"},
		{"two addresses", "hosts: files dns", "nameserver 10.0.0.53", "both.corp.example", false, Found, "10.0.0.11 10.0.0.12", "dns"},
		{"a search domain comes first", "hosts: files dns", "nameserver 10.0.0.53\nsearch corp.example", "web", false, Found, "10.0.0.10", "dns"},
		{"a dot at the end: no search", "hosts: files dns", "nameserver 10.0.0.53\nsearch corp.example", "web.", false, Found, "10.0.0.99", "dns"},
		{"the second search domain", "hosts: files dns", "nameserver 10.0.0.53\nsearch nowhere.example corp.example", "web", false, Found, "10.0.0.10", "dns"},
		{"the later of domain and search", "hosts: files dns", "nameserver 10.0.0.53\nsearch corp.example\ndomain nowhere.example", "both", false, NoName, "", "dns"},
		{"a dot within: as it is first", "hosts: files dns", "nameserver 10.0.0.53\nsearch corp.example", "a.b", false, Found, "10.0.0.1", "dns"},
		{"unless ndots says otherwise", "hosts: files dns", "nameserver 10.0.0.53\nsearch corp.example\noptions ndots:5", "a.b", false, Found, "10.0.0.2", "dns"},
		{"no search domain", "hosts: files dns", "nameserver 10.0.0.53", "both", false, NoName, "", "dns"},
		{"no such record", "hosts: files dns", "nameserver 10.0.0.53\nsearch corp.example", "six", false, NoData, "", "dns"},
		{"a server that says nothing", "hosts: files dns", "nameserver 10.0.0.60\noptions attempts:1", "web", false, NotAnswered, "", "dns"},
		{"the next server is asked", "hosts: files dns", "nameserver 10.0.0.61\nnameserver 10.0.0.53", "web.corp.example", false, Found, "10.0.0.10", "dns"},
		{"not after a server has said no", "hosts: files dns", "nameserver 10.0.0.53\nnameserver 10.0.0.54", "nothing.example", false, NoName, "", "dns"},
		{"but after an error", "hosts: files dns", "nameserver 10.0.0.53\nnameserver 10.0.0.54", "broken.corp.example", false, Found, "10.0.0.54", "dns"},
		{"and a refusal", "hosts: files dns", "nameserver 10.0.0.53\nnameserver 10.0.0.54", "foreign.example", false, Found, "10.0.0.55", "dns"},
		{"an error", "hosts: files dns", "nameserver 10.0.0.53", "broken.corp.example", false, Trouble, "", "dns"},
		{"a fourth server is not asked", "hosts: files dns", "nameserver 10.0.0.60\nnameserver 10.0.0.60\nnameserver 10.0.0.60\nnameserver 10.0.0.53", "web.corp.example", false, NotAnswered, "", "dns"},
		{"a keyword must begin its line", "hosts: files dns", "  nameserver 10.0.0.53", "web.corp.example", false, NoServer, "", "dns"},
		{"a name is no server", "hosts: files dns", "nameserver ns", "web.corp.example", false, NoServer, "", "dns"},
		{"DNS before files", "hosts: dns files", "nameserver 10.0.0.53\nsearch corp.example", "web", false, Found, "10.0.0.10", "dns"},
		{"files when DNS does not know", "hosts: dns files", "nameserver 10.0.0.53", "db", false, Found, "10.0.0.20 10.0.0.22", "files"},
		{"unless that ends the search", "hosts: dns [NOTFOUND=return] files", "nameserver 10.0.0.53", "db", false, NoName, "", "dns"},
		{"which a silent server does not", "hosts: dns [NOTFOUND=return] files", "nameserver 10.0.0.60", "db", false, Found, "10.0.0.20 10.0.0.22", "files"},
		{"the default without a hosts line", "passwd: files", "nameserver 10.0.0.53", "db", false, Found, "10.0.0.20 10.0.0.22", "files"},
		{"and its second source", "passwd: files", "nameserver 10.0.0.53", "web.corp.example", false, Found, "10.0.0.10", "dns"},
		{"a refusal ends the search", "hosts: dns files", "nameserver 10.0.0.53\nsearch example corp.example", "foreign", false, Trouble, "", "files"},
		{"but not of the name as it is", "hosts: dns", "nameserver 10.0.0.53\nsearch nowhere.example x corp.example", "foreign.example", false, Trouble, "", "dns"},
		{"a name that goes on to the search domains", "hosts: dns", "nameserver 10.0.0.53\nsearch corp.example", "refused.x", false, Found, "10.0.0.3", "dns"},
		{"a server with a comment", "hosts: dns", "nameserver 10.0.0.53 # x", "web.corp.example", false, Found, "10.0.0.10", "dns"},
		{"a server with a comment that touches it", "hosts: dns", "nameserver 10.0.0.53;x", "web.corp.example", false, NoServer, "", "dns"},
		{"an error does not", "hosts: dns files", "nameserver 10.0.0.53\nsearch nowhere.example corp.example", "broken", false, Trouble, "", "files"},
		{"a source that nobody knows", "hosts: mymachines files # dns", "nameserver 10.0.0.53", "db", false, Found, "10.0.0.20 10.0.0.22", "files"},
		{"nowhere to look", "hosts: nis", "nameserver 10.0.0.53", "db", false, NoSource, "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := example(t)
			r, err := Host(t.Context(), w.exchange, Files{c.nsswitch, c.resolv, hosts}, c.ask, c.six)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Values, " "); r.Status != c.status || got != c.values || r.By != c.by {
				t.Errorf("got %s %q by %s, want %s %q by %s; asked: %q", r.Status, got, r.By, c.status, c.values, c.by, w.asked)
			}
		})
	}
}

func TestServer(t *testing.T) {
	at := netip.MustParseAddr("10.0.0.53")
	for _, c := range []struct {
		name, kind string
		status     Status
		values     string
	}{
		{"web.corp.example", "A", Found, "10.0.0.10"},
		{"WEB.corp.example.", "AAAA", Found, "2001:db8::10"},
		{"www.corp.example", "CNAME", Found, "web.corp.example"},
		{"web.corp.example", "CNAME", NoData, ""},
		{"10.0.0.11", "PTR", Found, "both.corp.example"},
		{"nobody.corp.example", "A", NoName, ""},
		{"broken.corp.example", "A", Trouble, ""},
	} {
		r, err := Server(t.Context(), example(t).exchange, at, c.name, c.kind)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(r.Values, " "); r.Status != c.status || got != c.values {
			t.Errorf("%s %s: got %s %q, want %s %q", c.kind, c.name, r.Status, got, c.status, c.values)
		}
	}
	if r, err := Server(t.Context(), example(t).exchange, netip.MustParseAddr("10.0.0.61"), "web.corp.example", "A"); err != nil || r.Status != NotAnswered || r.Outcome != observe.Refused {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := Server(t.Context(), example(t).exchange, at, strings.Repeat("x", 300), "A"); err == nil {
		t.Error("a name of 300 characters was asked for")
	}
}

func TestReverse(t *testing.T) {
	for a, want := range map[string]string{
		"192.168.1.10": "10.1.168.192.in-addr.arpa",
		"2001:db8::1":  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		if got := reverse(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %s", a, got)
		}
	}
}

// Whatever a learner writes into the files, and whatever a server sends.
func FuzzFiles(f *testing.F) {
	f.Add("hosts: files [!UNAVAIL=return] dns", "nameserver 1.1.1.1\noptions ndots:99999999999999999999 timeout:-1", hosts)
	f.Fuzz(func(t *testing.T, nsswitch, resolv, hosts string) {
		r := ParseResolv(resolv)
		if len(r.Servers) > mostServers || len(r.Search) > mostDomains || r.Attempts < 1 || r.Timeout < 1 || r.Ndots < 0 {
			t.Errorf("got %+v", r)
		}
		for _, s := range ParseNsswitch(nsswitch) {
			if s.Name == "" || strings.ContainsAny(s.Name, "[] \t") {
				t.Errorf("a source called %q", s.Name)
			}
		}
		for _, a := range LookupHosts(hosts, "db", false) {
			if !a.Is4() {
				t.Errorf("got %s", a)
			}
		}
	})
}

func FuzzReply(f *testing.F) {
	q := dnsmessage.Question{Name: dnsmessage.MustNewName("a.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
	b, err := (&dnsmessage.Message{Header: dnsmessage.Header{ID: 7, Response: true}, Questions: []dnsmessage.Question{q}}).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if !answers(b, 7, q) {
			return
		}
		if r, ok := read(b, q); ok && !slices.IsSorted(r.Values) {
			t.Errorf("got %q", r.Values)
		}
	})
}

func TestParseNsswitch(t *testing.T) {
	for line, want := range map[string]string{
		"hosts: files dns":                            "files[success] dns[success]",
		"hosts:\tfiles  [NOTFOUND=return]  dns":       "files[notfound success] dns[success]",
		"hosts: dns [!UNAVAIL=return] files":          "dns[notfound success tryagain] files[success]",
		"hosts: files [ success=continue ] dns":       "files[] dns[success]",
		" hosts: dns":                                 "dns[success]",
		"nothosts: dns":                               "files[success] dns[success]",
		"hosts: [SUCCESS=return] files":               "files[success]",
		"hosts: mdns4_minimal [NOTFOUND=return] dns#": "mdns4_minimal[notfound success] dns[success]",
	} {
		var got []string
		for _, s := range ParseNsswitch(line) {
			var ends []string
			for _, end := range slices.Sorted(maps.Keys(s.Returns)) {
				if s.Returns[end] {
					ends = append(ends, string(end))
				}
			}
			got = append(got, fmt.Sprintf("%s%v", s.Name, ends))
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%q: got %s, want %s", line, g, want)
		}
	}
}
