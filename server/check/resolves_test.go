package check

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
)

// zone makes a network with a name server that knows web.corp.example.
func zone(n *network) {
	n.dns = func(server netip.AddrPort, query []byte) ([]byte, observe.Outcome) {
		switch server.Addr().String() {
		case "10.0.0.2":
		case "10.0.0.3":
			return nil, observe.Refused
		default:
			return nil, observe.Silence
		}
		var m dnsmessage.Message
		if err := m.Unpack(query); err != nil {
			return nil, observe.Silence
		}
		m.Response = true
		switch q := m.Questions[0]; {
		case q.Name.String() == "web.corp.example." && q.Type == dnsmessage.TypeA:
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: [4]byte{10, 0, 0, 80}},
			}}
		case q.Name.String() == "web.corp.example.":
		case strings.HasSuffix(q.Name.String(), ".com."):
			m.RCode = dnsmessage.RCodeRefused
		case strings.HasSuffix(q.Name.String(), ".net."):
			m.RCode = dnsmessage.RCodeServerFailure
		default:
			m.RCode = dnsmessage.RCodeNameError
		}
		b, err := m.Pack()
		if err != nil {
			return nil, observe.Silence
		}
		return b, observe.Answered
	}
	n.files = map[string]string{
		"/etc/nsswitch.conf": "hosts: files dns",
		"/etc/resolv.conf":   "nameserver 10.0.0.2\nsearch corp.example",
		"/etc/hosts":         "10.0.0.9 old",
	}
}

func TestResolves(t *testing.T) {
	file := func(path, text string) func(*network) { return func(n *network) { n.files[path] = text } }
	server := func(c lab.ResolvesCheck, address string) lab.ResolvesCheck {
		c.Server = ip(address)
		return c
	}
	web := lab.ResolvesCheck{From: "A", Name: "web"}
	whole := lab.ResolvesCheck{From: "A", Name: "web.corp.example"}
	for _, c := range []struct {
		name       string
		check      lab.ResolvesCheck
		set        func(*network)
		want, says string
	}{
		{"by DNS, with a search domain", lab.ResolvesCheck{From: "A", Name: "web", Is: []string{"10.0.0.80"}, By: "dns"}, nil, OK, "10.0.0.80, by the name server 10.0.0.2"},
		{"by files", lab.ResolvesCheck{From: "A", Name: "old", By: "files"}, nil, OK, "10.0.0.9, by /etc/hosts"},
		{"files answer first", lab.ResolvesCheck{From: "A", Name: "web", Is: []string{"10.0.0.80"}}, file("/etc/hosts", "10.0.0.7 web"), WrongValue, "The /etc/hosts of A answers first"},
		{"the right value from the wrong place", lab.ResolvesCheck{From: "A", Name: "web", By: "dns"}, file("/etc/hosts", "10.0.0.80 web"), WrongSource, "answers first"},
		{"another value", lab.ResolvesCheck{From: "A", Name: "web", Is: []string{"10.0.0.81"}}, nil, WrongValue, "10.0.0.2 was asked for web.corp.example"},
		{"one value too few", lab.ResolvesCheck{From: "A", Name: "web", Is: []string{"10.0.0.80", "10.0.0.81"}}, nil, WrongValue, ""},
		{"no such name", lab.ResolvesCheck{From: "A", Name: "wep"}, nil, "nxdomain", "asked for: wep.corp.example, wep."},
		{"no such record", lab.ResolvesCheck{From: "A", Name: "web", Type: "AAAA"}, nil, "no-data", "no AAAA record"},
		{"no name server", web, file("/etc/resolv.conf", "search corp.example"), "no-nameserver", "no nameserver in /etc/resolv.conf"},
		{"a name server that is not there", web, file("/etc/resolv.conf", "nameserver 192.168.9.9\noptions attempts:1"), "nobody", "192.168.9.9 does not answer on port 53"},
		{"nothing listens", web, file("/etc/resolv.conf", "nameserver 10.0.0.3"), "refused", "no name server listens"},
		{"files only", web, file("/etc/nsswitch.conf", "hosts: files"), "not-in-hosts", "looks into /etc/hosts only"},
		{"nowhere", web, file("/etc/nsswitch.conf", "hosts: nis"), "no-source", "neither files nor dns"},
		{"a refusal", lab.ResolvesCheck{From: "A", Name: "example.com"}, nil, "server-failed", "REFUSED"},
		{"a failure", lab.ResolvesCheck{From: "A", Name: "example.net"}, nil, "server-failed", "SERVFAIL"},
		{"absent", lab.ResolvesCheck{From: "A", Name: "wep", Absent: true}, nil, OK, "no such name"},
		{"absent from files", lab.ResolvesCheck{From: "A", Name: "wep", Absent: true}, file("/etc/nsswitch.conf", "hosts: files"), OK, ""},
		{"still there", lab.ResolvesCheck{From: "A", Name: "old", Absent: true}, nil, Present, "still found"},
		{"nobody says that it is absent", lab.ResolvesCheck{From: "A", Name: "wep", Absent: true}, file("/etc/resolv.conf", "nameserver 10.0.0.3"), "refused", ""},
		{"a server", server(whole, "10.0.0.2"), nil, OK, "10.0.0.80"},
		{"a server that has no search domains", server(web, "10.0.0.2"), nil, "nxdomain", ""},
		{"a server that does not listen", server(whole, "10.0.0.3"), nil, "refused", ""},
		{"a FIFO for a file counts as none", web, func(n *network) { n.fileErr = observe.ErrNotRegular }, "no-nameserver", ""},
		{"the host is down", lab.ResolvesCheck{From: "D", Name: "web"}, nil, NoHost, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := example()
			zone(n)
			if c.set != nil {
				c.set(n)
			}
			check := lab.Check{Resolves: &c.check}
			r := Evaluate(t.Context(), &check, n, nil)
			judged(t, r, &check, c.want)
			if said := r.Found["en"] + " " + r.Why["en"]; !strings.Contains(said, c.says) {
				t.Errorf("%q lacks %q", said, c.says)
			}
		})
	}
}
