package trace

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/netground/netground/server/observe"
)

// Rule names the rule, or the policy, that decides on a packet.
type Rule struct {
	// Tool is iptables or ip6tables, where the chain is theirs, else nft.
	Tool, Family, Table, Chain string
	// Number is that of iptables -L --line-numbers; 0 for the chain's policy.
	Number int
	Text   string
	// Rejects says that the sender is told.
	Rejects bool
	// Perhaps says that a condition was met before which is not understood here.
	Perhaps bool
}

// Connection tracking's bits of a packet's state (nft(8), CT_STATE).
const (
	stateEstablished = 2
	stateNew         = 8
)

// flight is a packet at a place.
type flight struct {
	src, dst     netip.Addr
	proto        byte
	sport, dport uint16
	icmp         byte
	iif, oif     string
	state        uint32
	reply        bool // it answers another
}

type truth int

const (
	no truth = iota
	perhaps
	yes
)

// filter is the walk of a packet through the chains of one hook.
type filter struct {
	ns      *observe.Namespace
	f       *flight
	doubt   bool      // a rule was passed by of which nobody knows whether it fits
	suspect *decision // the first such that would end the packet
	jumps   int
	address func(netip.Addr) bool // is it the namespace's own
}

// mostJumps bounds the rules that are looked at; nft allows a depth of 16.
const mostJumps = 64

// base returns the chains of a hook in the order in which packets pass them.
func base(ns *observe.Namespace, hook string, six, nat bool) []*observe.Chain {
	if ns.Depth == nil || ns.Depth.Firewall == nil {
		return nil
	}
	family := "ip"
	if six {
		family = "ip6"
	}
	var chains []*observe.Chain
	for i := range ns.Depth.Firewall.Chains {
		c := &ns.Depth.Firewall.Chains[i]
		if c.Hook == hook && (c.Type == "nat") == nat && (c.Family == family || c.Family == "inet") {
			chains = append(chains, c)
		}
	}
	slices.SortStableFunc(chains, func(a, b *observe.Chain) int { return cmp.Compare(a.Priority, b.Priority) })
	return chains
}

// drops returns the rule that ends a packet at a hook.
func (j *journey) drops(ns *observe.Namespace, at observe.Place, hook string, f *flight) (Rule, bool) {
	w := filter{ns: ns, f: f, address: func(a netip.Addr) bool { return owns(ns, a) }}
	for _, c := range base(ns, hook, f.dst.Is6(), false) {
		r, decided := w.chain(c)
		switch {
		case decided && (r.rule.Verdict == "drop" || r.rule.Verdict == "reject"):
			return w.named(r), true
		case !decided && c.Drops:
			return w.named(decision{chain: c}), true
		}
	}
	if w.suspect != nil && j.suspect.Code == Arrives {
		j.suspect = Cause{Code: Dropped, Place: at, Addr: f.dst, Rule: w.named(*w.suspect)}
	}
	return Rule{}, false
}

// translation returns the rule that changes a packet's addresses at a hook.
func translation(ns *observe.Namespace, hook string, f *flight) (observe.Rule, Rule, bool) {
	w := filter{ns: ns, f: f, address: func(a netip.Addr) bool { return owns(ns, a) }}
	for _, c := range base(ns, hook, f.dst.Is6(), true) {
		if r, decided := w.chain(c); decided && r.rule.Verdict != "accept" {
			return *r.rule, w.named(r), true
		}
	}
	return observe.Rule{}, Rule{}, false
}

// decision is the rule that decides, or the chain whose policy does.
type decision struct {
	chain *observe.Chain
	rule  *observe.Rule
}

func (w *filter) named(d decision) Rule {
	c := d.chain
	r := Rule{Tool: "nft", Family: c.Family, Table: c.Table, Chain: c.Name, Perhaps: w.doubt}
	// iptables' tables are told by their names and those of their chains.
	if (c.Family == "ip" || c.Family == "ip6") && slices.Contains([]string{"filter", "nat", "mangle", "raw", "security"}, c.Table) && (c.Hook == "" || c.Name == strings.ToUpper(c.Hook)) {
		r.Tool = c.Family + "tables"
		if c.Family == "ip" {
			r.Tool = "iptables"
		}
	}
	if d.rule != nil {
		r.Number, r.Rejects = d.rule.Number, d.rule.Verdict == "reject"
		r.Text = text(d.rule, r.Tool != "nft")
	}
	return r
}

// chain passes a packet through a chain; decided says that a rule has ended that.
func (w *filter) chain(c *observe.Chain) (d decision, decided bool) {
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.Verdict == "" {
			continue
		}
		switch w.fits(r) {
		case no:
			continue
		case perhaps:
			if w.doubt = true; w.suspect == nil && (r.Verdict == "drop" || r.Verdict == "reject") {
				w.suspect = &decision{c, r}
			}
			continue
		}
		switch r.Verdict {
		case "return":
			return decision{}, false
		case "jump", "goto":
			to := w.find(c, r.Chain)
			if w.jumps++; to == nil || w.jumps > mostJumps {
				w.doubt = true
				continue
			}
			if d, decided := w.chain(to); decided {
				return d, true
			}
			if r.Verdict == "goto" {
				return decision{}, false
			}
		default:
			return decision{c, r}, true
		}
	}
	return decision{}, false
}

func (w *filter) find(from *observe.Chain, name string) *observe.Chain {
	for i := range w.ns.Depth.Firewall.Chains {
		if c := &w.ns.Depth.Firewall.Chains[i]; c.Family == from.Family && c.Table == from.Table && c.Name == name {
			return c
		}
	}
	return nil
}

func (w *filter) fits(r *observe.Rule) truth {
	least := yes
	for i := range r.Conditions {
		least = min(least, w.holds(&r.Conditions[i]))
	}
	return least
}

func (w *filter) holds(c *observe.Condition) truth {
	v, known := w.value(c.Field)
	if !known {
		return perhaps
	}
	if v == nil { // the packet has no such thing
		return no
	}
	within := false
	for _, r := range c.Among {
		within = within || between(v, c.Mask, r)
	}
	if within != c.Not {
		return yes
	}
	return no
}

// between compares as many bytes as the range has.
func between(v, mask []byte, r observe.Range) bool {
	n := len(r.From)
	if n == 0 || n != len(r.To) || n > len(v) {
		return false
	}
	v = bytes.Clone(v[:n])
	for i := range min(n, len(mask)) {
		v[i] &= mask[i]
	}
	return bytes.Compare(v, r.From) >= 0 && bytes.Compare(v, r.To) <= 0
}

// value returns what a field is of the packet, nil where the packet has none.
func (w *filter) value(field string) (v []byte, known bool) {
	f := w.f
	name := func(dev string) []byte { return append([]byte(dev), 0) }
	index := func(dev string) []byte {
		if l := w.ns.Link(dev); l != nil {
			return binary.BigEndian.AppendUint32(nil, uint32(l.Index))
		}
		return []byte{0, 0, 0, 0}
	}
	ports := f.proto == tcp || f.proto == udp
	switch field {
	case observe.Source:
		return f.src.AsSlice(), f.src.IsValid()
	case observe.Destination:
		return f.dst.AsSlice(), true
	case observe.Version:
		if f.dst.Is6() {
			return []byte{10}, true
		}
		return []byte{2}, true
	case observe.Protocol:
		return []byte{f.proto}, true
	case observe.SourcePort:
		if !ports {
			return nil, true
		}
		return binary.BigEndian.AppendUint16(nil, f.sport), f.sport != 0
	case observe.Port:
		if !ports {
			return nil, true
		}
		return binary.BigEndian.AppendUint16(nil, f.dport), f.dport != 0
	case observe.ICMPType:
		if ports {
			return nil, true
		}
		return []byte{f.icmp}, true
	case observe.InDevice:
		return name(f.iif), true
	case observe.OutDevice:
		return name(f.oif), true
	case observe.InIndex:
		return index(f.iif), true
	case observe.OutIndex:
		return index(f.oif), true
	case observe.Tracked:
		return binary.BigEndian.AppendUint32(nil, f.state), true
	case observe.Reaches:
		kind := uint32(1) // RTN_UNICAST
		if w.address(f.dst) {
			kind = 2 // RTN_LOCAL
		}
		return binary.BigEndian.AppendUint32(nil, kind), true
	}
	return nil, false
}

// text writes a rule as its tool would, short; what is not understood is …
func text(r *observe.Rule, iptables bool) string {
	var parts []string
	for i := range r.Conditions {
		parts = append(parts, condition(&r.Conditions[i], iptables))
	}
	verdict := r.Verdict
	if r.Chain != "" {
		verdict += " " + r.Chain
	}
	to := ""
	switch {
	case r.To.Addr().IsValid() && r.To.Port() != 0:
		to = r.To.String()
	case r.To.Addr().IsValid():
		to = r.To.Addr().String()
	case r.To.Port() != 0:
		to = fmt.Sprintf(":%d", r.To.Port())
	}
	if iptables {
		verdict = "-j " + strings.ToUpper(r.Verdict)
		option := map[string]string{"snat": " --to-source ", "dnat": " --to-destination ", "redirect": " --to-ports "}[r.Verdict]
		if to != "" {
			verdict += option + strings.TrimPrefix(to, ":")
		}
	} else if to != "" {
		verdict += " to " + to
	}
	return strings.Join(append(parts, verdict), " ")
}

func condition(c *observe.Condition, iptables bool) string {
	name := c.Field
	if iptables {
		name = map[string]string{
			observe.Source: "-s", observe.Destination: "-d", observe.Protocol: "-p", observe.SourcePort: "--sport", observe.Port: "--dport",
			observe.InDevice: "-i", observe.OutDevice: "-o", observe.ICMPType: "--icmp-type",
		}[c.Field]
	}
	var values []string
	for _, r := range c.Among {
		v := value(c, r.From)
		if !bytes.Equal(r.From, r.To) {
			v += "-" + value(c, r.To)
		}
		values = append(values, v)
	}
	if name == "" || len(values) == 0 || slices.ContainsFunc(values, func(s string) bool { return strings.HasPrefix(s, "?") }) {
		return "…"
	}
	not := ""
	switch {
	case c.Not && iptables:
		name = "! " + name
	case c.Not:
		not = "!= "
	}
	return name + " " + not + strings.Join(values, ",")
}

func value(c *observe.Condition, b []byte) string {
	switch c.Field {
	case observe.Source, observe.Destination:
		bits := 8 * len(b)
		if len(c.Mask) > 0 {
			bits = 0
			for _, m := range c.Mask {
				for ; m&0x80 != 0; m <<= 1 {
					bits++
				}
			}
		}
		whole := make([]byte, 4)
		if len(b) > 4 {
			whole = make([]byte, 16)
		}
		copy(whole, b)
		a, _ := netip.AddrFromSlice(whole)
		if bits == a.BitLen() {
			return a.String()
		}
		return netip.PrefixFrom(a, bits).String()
	case observe.SourcePort, observe.Port:
		if len(b) == 2 {
			return fmt.Sprint(binary.BigEndian.Uint16(b))
		}
	case observe.Protocol:
		if len(b) == 1 {
			return cmp.Or(map[byte]string{icmp4: "icmp", tcp: "tcp", udp: "udp", icmp6: "ipv6-icmp"}[b[0]], fmt.Sprint(b[0]))
		}
	case observe.ICMPType:
		if len(b) == 1 {
			return cmp.Or(map[byte]string{8: "echo-request", 0: "echo-reply"}[b[0]], fmt.Sprint(b[0]))
		}
	case observe.InDevice, observe.OutDevice:
		if s, whole := bytes.CutSuffix(b, []byte{0}); whole {
			return string(s)
		}
		return string(b) + "+"
	}
	return "?"
}
