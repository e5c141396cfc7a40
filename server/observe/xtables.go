package observe

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// iptables-nft says in nftables' own words what these have words for, and
// carries the rest along as its old matches and targets, whose structures are
// those of linux/netfilter/xt_*.h. Their numbers are in the machine's order.

func port(p uint16) []byte { return binary.BigEndian.AppendUint16(nil, p) }

func (d *decoder) match(name string, revision int, b []byte) {
	n := binary.NativeEndian
	ports := func(field string, b []byte, not bool) {
		from, to := n.Uint16(b), n.Uint16(b[2:])
		if from != 0 || to != 0xffff {
			d.condition(Condition{Field: field, Not: not, Among: []Range{{port(from), port(to)}}})
		}
	}
	switch {
	case name == "comment":
	case name == "tcp" && len(b) >= 12: // struct xt_tcp
		ports(SourcePort, b, b[11]&1 != 0)
		ports(Port, b[4:], b[11]&2 != 0)
		if b[8] != 0 || b[9] != 0 { // an option, flags
			d.condition(Condition{})
		}
	case name == "udp" && len(b) >= 9: // struct xt_udp
		ports(SourcePort, b, b[8]&1 != 0)
		ports(Port, b[4:], b[8]&2 != 0)
	case name == "icmp" && len(b) >= 4: // struct ipt_icmp
		if b[0] != 0xff {
			d.condition(Condition{Field: ICMPType, Not: b[3]&1 != 0, Among: []Range{{b[:1], b[:1]}}})
		}
	case name == "multiport" && revision == 1 && len(b) >= 48: // struct xt_multiport_v1
		fields := [...]string{SourcePort, Port, Mystery}
		c := Condition{Field: fields[min(int(b[0]), 2)], Not: b[47] != 0}
		for i := 0; i < min(int(b[1]), 15); i++ {
			from := n.Uint16(b[2+2*i:])
			to := from
			if b[32+i] != 0 && i+1 < 15 { // the first of a range
				i++
				to = n.Uint16(b[2+2*i:])
			}
			c.Among = append(c.Among, Range{port(from), port(to)})
		}
		d.condition(c)
	case name == "conntrack" && (revision == 2 || revision == 3) && len(b) >= 152: // struct xt_conntrack_mtinfo3
		const byState = 1 // XT_CONNTRACK_STATE
		flags, inverted, states := n.Uint16(b[146:]), n.Uint16(b[148:]), n.Uint16(b[150:])
		if flags != byState {
			d.condition(Condition{})
			return
		}
		none := make([]byte, 4)
		d.condition(Condition{Field: Tracked, Not: inverted&byState == 0, Mask: binary.BigEndian.AppendUint32(nil, uint32(states)), Among: []Range{{none, none}}})
	case name == "addrtype" && revision == 1 && len(b) >= 8: // struct xt_addrtype_info_v1
		const local = 1 << 2 // XT_ADDRTYPE_LOCAL
		kind := binary.BigEndian.AppendUint32(nil, unix.RTN_LOCAL)
		if source, to, flags := n.Uint16(b), n.Uint16(b[2:]), n.Uint32(b[4:]); source != 0 || to != local || flags&^2 != 0 {
			d.condition(Condition{})
		} else {
			d.condition(Condition{Field: Reaches, Not: flags&2 != 0, Among: []Range{{kind, kind}}})
		}
	default:
		d.condition(Condition{})
	}
}

func (d *decoder) target(name string, revision int, b []byte) {
	verdicts := map[string]string{"REJECT": "reject", "MASQUERADE": "masquerade", "SNAT": "snat", "DNAT": "dnat", "REDIRECT": "redirect"}
	d.rule.Verdict = verdicts[name]
	switch name {
	case "SNAT", "DNAT", "REDIRECT":
		d.range2(b, revision == 0 && len(b) < 36)
	case "REJECT", "MASQUERADE", "LOG", "MARK", "CONNMARK", "CHECKSUM", "TCPMSS":
	default:
		d.condition(Condition{})
	}
}

// range2 reads where a translation leads: struct nf_nat_range, or the older
// nf_nat_ipv4_multi_range_compat.
func (d *decoder) range2(b []byte, old bool) {
	const byAddress, byPort = 1, 2 // NF_NAT_RANGE_MAP_IPS, NF_NAT_RANGE_PROTO_SPECIFIED
	var a netip.Addr
	var p uint16
	switch {
	case old && len(b) >= 20:
		flags := binary.NativeEndian.Uint32(b[4:])
		if flags&byAddress != 0 {
			a, _ = netip.AddrFromSlice(b[8:12])
		}
		if flags&byPort != 0 {
			p = binary.BigEndian.Uint16(b[16:])
		}
	case !old && len(b) >= 40:
		flags := binary.NativeEndian.Uint32(b)
		if flags&byAddress != 0 {
			n := 16
			if d.family == "ip" || len(bytes.Trim(b[8:20], "\x00")) == 0 {
				n = 4
			}
			a, _ = netip.AddrFromSlice(b[4 : 4+n])
		}
		if flags&byPort != 0 {
			p = binary.BigEndian.Uint16(b[36:])
		}
	}
	d.rule.To = netip.AddrPortFrom(a, p)
}
