// Package resolve finds what a name means: by a question to one DNS server, or
// in the order in which a host's own programs would find it, as glibc does with
// the sources files and dns. It is pure: files come in as text, and packets are
// exchanged by whoever is asked to.
package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netground/netground/server/observe"
)

// Exchange sends a query to a server and returns its reply, the first that
// accept takes; what became of it where there is none.
type Exchange func(ctx context.Context, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, observe.Outcome, error)

// types are the record types that can be asked for.
var types = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME, "NS": dnsmessage.TypeNS,
	"PTR": dnsmessage.TypePTR, "MX": dnsmessage.TypeMX, "TXT": dnsmessage.TypeTXT, "SRV": dnsmessage.TypeSRV,
}

// Reply is a server's answer to one question.
type Reply struct {
	Code   string   // NOERROR, NXDOMAIN, SERVFAIL, REFUSED …
	Values []string // of the type asked for, sorted; names without the last dot
}

var errNoName = errors.New("it is no name for DNS")

// Ask asks a server for records of an absolute name. Where there is no reply,
// the outcome says why.
func Ask(ctx context.Context, x Exchange, server netip.AddrPort, name, kind string) (Reply, observe.Outcome, error) {
	if a, err := netip.ParseAddr(name); err == nil && kind == "PTR" {
		name = reverse(a)
	}
	n, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil || kind != "" && types[kind] == 0 {
		return Reply{}, "", fmt.Errorf("cannot ask for %s %q: %w", kind, name, errNoName)
	}
	q := dnsmessage.Question{Name: n, Type: types[kind], Class: dnsmessage.ClassINET}
	id := uint16(rand.Uint32())
	query, err := (&dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true}, Questions: []dnsmessage.Question{q}}).Pack()
	if err != nil {
		return Reply{}, "", fmt.Errorf("cannot ask for %s %q: %w", kind, name, errNoName)
	}
	b, outcome, err := x(ctx, server, query, func(b []byte) bool { return answers(b, id, q) })
	if err != nil || outcome != observe.Answered {
		return Reply{}, outcome, err
	}
	reply, ok := read(b, q)
	if !ok {
		return Reply{}, observe.Silence, nil // whatever it said, it was not DNS
	}
	return reply, outcome, nil
}

// reverse is the name under which DNS keeps the name of an address (RFC 1035, 3.5; RFC 3596, 2.5).
func reverse(a netip.Addr) string {
	var b strings.Builder
	bytes := a.AsSlice()
	for _, v := range slices.Backward(bytes) {
		if a.Is4() {
			fmt.Fprintf(&b, "%d.", v)
		} else {
			fmt.Fprintf(&b, "%x.%x.", v&15, v>>4)
		}
	}
	if a.Is4() {
		return b.String() + "in-addr.arpa"
	}
	return b.String() + "ip6.arpa"
}

// answers says whether a message is the reply to the question.
func answers(b []byte, id uint16, q dnsmessage.Question) bool {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || h.ID != id || !h.Response {
		return false
	}
	asked, err := p.Question()
	return err == nil && asked.Type == q.Type && asked.Class == q.Class && strings.EqualFold(asked.Name.String(), q.Name.String())
}

// mostAliases is how long a chain of CNAME records may be.
const mostAliases = 16

// read follows the CNAME records of an answer to the values of the type asked for.
func read(b []byte, q dnsmessage.Question) (Reply, bool) {
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		return Reply{}, false
	}
	r := Reply{Code: code(m.RCode)}
	name := strings.ToLower(q.Name.String())
	for range mostAliases {
		alias := ""
		for _, a := range m.Answers {
			if strings.ToLower(a.Header.Name.String()) != name {
				continue
			}
			if a.Header.Type == q.Type {
				r.Values = append(r.Values, value(a.Body))
			} else if c, ok := a.Body.(*dnsmessage.CNAMEResource); ok {
				alias = strings.ToLower(c.CNAME.String())
			}
		}
		if len(r.Values) > 0 || alias == "" {
			break
		}
		name = alias
	}
	slices.Sort(r.Values)
	r.Values = slices.Compact(r.Values)
	return r, true
}

func code(c dnsmessage.RCode) string {
	switch c {
	case dnsmessage.RCodeSuccess:
		return "NOERROR"
	case dnsmessage.RCodeFormatError:
		return "FORMERR"
	case dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case dnsmessage.RCodeNameError:
		return "NXDOMAIN"
	case dnsmessage.RCodeNotImplemented:
		return "NOTIMP"
	case dnsmessage.RCodeRefused:
		return "REFUSED"
	}
	return fmt.Sprintf("RCODE%d", c)
}

// value writes a record's data as dig does, but for the dots at the end of names.
func value(body dnsmessage.ResourceBody) string {
	switch b := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return Name(b.CNAME.String())
	case *dnsmessage.NSResource:
		return Name(b.NS.String())
	case *dnsmessage.PTRResource:
		return Name(b.PTR.String())
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", b.Pref, Name(b.MX.String()))
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", b.Priority, b.Weight, b.Port, Name(b.Target.String()))
	case *dnsmessage.TXTResource:
		return strings.Join(b.TXT, "")
	}
	return ""
}

// Name makes names comparable: lower case, without the dot at the end.
func Name(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
