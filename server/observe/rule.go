package observe

import (
	"bytes"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// A rule of nftables is a little program: it loads parts of a packet into
// registers and compares them (linux/netfilter/nf_tables.h). decoder runs it
// without a packet, and notes what is compared.
type decoder struct {
	family, table string
	registers     map[uint32]operand
	rule          Rule
	rules         []Rule // of a verdict map
}

// operand is what a register has: a part of the packet, or a value.
type operand struct {
	field string
	mask  []byte
	value []byte
}

// decodeRule returns the rule of a message; several for a verdict map.
func decodeRule(a attributes, table string) []Rule {
	d := decoder{family: a.family, table: table, registers: map[uint32]operand{}}
	for _, e := range parseAttributes(a.of[unix.NFTA_RULE_EXPRESSIONS]).list {
		expression := parseAttributes(e)
		d.expression(expression.text(unix.NFTA_EXPR_NAME), expression.nested(unix.NFTA_EXPR_DATA))
	}
	return append(d.rules, d.rule)
}

// register brings the two ways to count registers together: 1 to 4 are of 16
// bytes, 8 to 23 of 4 bytes over the same memory.
func register(n uint32) uint32 {
	if n >= 1 && n <= 4 {
		return 8 + (n-1)*4
	}
	return n
}

func (d *decoder) condition(c Condition) { d.rule.Conditions = append(d.rule.Conditions, c) }

func (d *decoder) expression(name string, a attributes) {
	switch name {
	case "counter", "log", "comment":
	case "payload":
		d.registers[register(a.number(unix.NFTA_PAYLOAD_DREG))] = operand{field: d.payload(a)}
	case "meta":
		fields := map[uint32]string{
			unix.NFT_META_L4PROTO: Protocol, unix.NFT_META_NFPROTO: Version, unix.NFT_META_IIFNAME: InDevice, unix.NFT_META_OIFNAME: OutDevice,
			unix.NFT_META_IIF: InIndex, unix.NFT_META_OIF: OutIndex,
		}
		d.registers[register(a.number(unix.NFTA_META_DREG))] = operand{field: fields[a.number(unix.NFTA_META_KEY)]}
	case "ct":
		field := Mystery
		if a.number(unix.NFTA_CT_KEY) == unix.NFT_CT_STATE {
			field = Tracked
		}
		d.registers[register(a.number(unix.NFTA_CT_DREG))] = operand{field: field}
	case "fib":
		field := Mystery
		const addrtype = 3 // NFT_FIB_RESULT_ADDRTYPE
		if a.number(unix.NFTA_FIB_RESULT) == addrtype && a.number(unix.NFTA_FIB_FLAGS) == unix.NFTA_FIB_F_DADDR {
			field = Reaches
		}
		d.registers[register(a.number(unix.NFTA_FIB_DREG))] = operand{field: field}
	case "bitwise":
		o := d.registers[register(a.number(unix.NFTA_BITWISE_SREG))]
		if xor := a.data(unix.NFTA_BITWISE_XOR); len(bytes.Trim(xor, "\x00")) > 0 {
			o.field = Mystery
		}
		o.mask = o.ordered(a.data(unix.NFTA_BITWISE_MASK))
		d.registers[register(a.number(unix.NFTA_BITWISE_DREG))] = o
	case "cmp":
		o := d.registers[register(a.number(unix.NFTA_CMP_SREG))]
		d.condition(o.compared(a.number(unix.NFTA_CMP_OP), o.ordered(a.data(unix.NFTA_CMP_DATA))))
	case "range":
		o := d.registers[register(a.number(unix.NFTA_RANGE_SREG))]
		d.condition(Condition{Field: o.field, Mask: o.mask, Not: a.number(unix.NFTA_RANGE_OP) == 1,
			Among: []Range{{o.ordered(a.data(unix.NFTA_RANGE_FROM_DATA)), o.ordered(a.data(unix.NFTA_RANGE_TO_DATA))}}})
	case "lookup":
		d.lookup(a)
	case "immediate":
		to := a.number(unix.NFTA_IMMEDIATE_DREG)
		data := a.nested(unix.NFTA_IMMEDIATE_DATA)
		if to == unix.NFT_REG_VERDICT {
			d.rule.Verdict, d.rule.Chain = verdict(data.nested(unix.NFTA_DATA_VERDICT))
		} else {
			d.registers[register(to)] = operand{value: data.of[unix.NFTA_DATA_VALUE]}
		}
	case "reject":
		d.rule.Verdict = "reject"
	case "masq":
		d.rule.Verdict = "masquerade"
	case "redir":
		d.rule.Verdict = "redirect"
		d.translate(0, a.number(unix.NFTA_REDIR_REG_PROTO_MIN))
	case "nat":
		d.rule.Verdict = "snat"
		if a.number(unix.NFTA_NAT_TYPE) == 1 { // NFT_NAT_DNAT
			d.rule.Verdict = "dnat"
		}
		d.translate(a.number(unix.NFTA_NAT_REG_ADDR_MIN), a.number(unix.NFTA_NAT_REG_PROTO_MIN))
	case "match":
		d.match(a.text(unix.NFTA_MATCH_NAME), int(a.number(unix.NFTA_MATCH_REV)), a.of[unix.NFTA_MATCH_INFO])
	case "target":
		d.target(a.text(unix.NFTA_TARGET_NAME), int(a.number(unix.NFTA_TARGET_REV)), a.of[unix.NFTA_TARGET_INFO])
	default:
		d.condition(Condition{})
	}
}

// payload names what a load takes out of a packet, where it is an address,
// a port, or a type.
func (d *decoder) payload(a attributes) string {
	offset, n := a.number(unix.NFTA_PAYLOAD_OFFSET), a.number(unix.NFTA_PAYLOAD_LEN)
	switch a.number(unix.NFTA_PAYLOAD_BASE) {
	case unix.NFT_PAYLOAD_NETWORK_HEADER:
		six := d.family == "ip6" || n > 4 || offset == 8 || offset == 24
		switch {
		case six && offset == 8, !six && offset == 12:
			return Source
		case six && offset == 24, !six && offset == 16:
			return Destination
		case !six && offset == 9 && n == 1, six && offset == 6 && n == 1:
			return Protocol
		}
	case unix.NFT_PAYLOAD_TRANSPORT_HEADER:
		switch {
		case offset == 0 && n == 2:
			return SourcePort
		case offset == 2 && n == 2:
			return Port
		case offset == 0 && n == 1:
			return ICMPType
		}
	}
	return Mystery
}

// ordered turns a value that the kernel has in the machine's order.
func (o operand) ordered(b []byte) []byte {
	switch o.field {
	case Tracked, InIndex, OutIndex, Reaches:
		if len(b) == 4 {
			return binary.BigEndian.AppendUint32(nil, binary.NativeEndian.Uint32(b))
		}
	}
	return bytes.Clone(b)
}

func (o operand) compared(op uint32, v []byte) Condition {
	if o.field == InDevice || o.field == OutDevice {
		// A whole name has its zeros, or is 16 bytes long; a shorter one is a beginning.
		if at := bytes.IndexByte(v, 0); at >= 0 {
			v = v[:at+1]
		}
	}
	c := Condition{Field: o.field, Mask: o.mask, Among: []Range{{v, v}}}
	least, most := make([]byte, len(v)), bytes.Repeat([]byte{0xff}, len(v))
	switch op {
	case unix.NFT_CMP_NEQ:
		c.Not = true
	case unix.NFT_CMP_LT:
		c.Not, c.Among = true, []Range{{v, most}}
	case unix.NFT_CMP_LTE:
		c.Among = []Range{{least, v}}
	case unix.NFT_CMP_GT:
		c.Not, c.Among = true, []Range{{least, v}}
	case unix.NFT_CMP_GTE:
		c.Among = []Range{{v, most}}
	}
	return c
}

func verdict(a attributes) (name, chain string) {
	switch int32(a.number(unix.NFTA_VERDICT_CODE)) {
	case 0: // NF_DROP
		return "drop", ""
	case 1: // NF_ACCEPT
		return "accept", ""
	case unix.NFT_JUMP:
		return "jump", a.text(unix.NFTA_VERDICT_CHAIN)
	case unix.NFT_GOTO:
		return "goto", a.text(unix.NFTA_VERDICT_CHAIN)
	case unix.NFT_RETURN:
		return "return", ""
	}
	return "", ""
}

func (d *decoder) translate(address, port uint32) {
	a, _ := netip.AddrFromSlice(d.registers[register(address)].value)
	p := uint16(0)
	if v := d.registers[register(port)].value; port != 0 && len(v) >= 2 {
		p = binary.BigEndian.Uint16(v)
	}
	d.rule.To = netip.AddrPortFrom(a, p)
}

// lookup compares with the elements of a set, or decides by those of a verdict map.
func (d *decoder) lookup(a attributes) {
	o := d.registers[register(a.number(unix.NFTA_LOOKUP_SREG))]
	elements, whole := d.elements(a.text(unix.NFTA_LOOKUP_SET), o)
	if !whole {
		o.field = Mystery
	}
	if a.of[unix.NFTA_LOOKUP_DREG] == nil {
		c := Condition{Field: o.field, Mask: o.mask, Not: a.number(unix.NFTA_LOOKUP_FLAGS)&1 != 0}
		for _, e := range elements {
			c.Among = append(c.Among, e.keys)
		}
		d.condition(c)
		return
	}
	if a.number(unix.NFTA_LOOKUP_DREG) != unix.NFT_REG_VERDICT {
		d.registers[register(a.number(unix.NFTA_LOOKUP_DREG))] = operand{}
		d.condition(Condition{})
		return
	}
	for _, e := range elements {
		r := d.rule
		r.Conditions = append(slices.Clone(r.Conditions), Condition{Field: o.field, Mask: o.mask, Among: []Range{e.keys}})
		r.Verdict, r.Chain = e.verdict, e.chain
		d.rules = append(d.rules, r)
	}
}

type element struct {
	keys           Range
	verdict, chain string
}

// elements reads a set of the rule's table; whole is false where there is more
// in it than can be told.
func (d *decoder) elements(set string, o operand) (all []element, whole bool) {
	families := map[string]int{"ip": unix.NFPROTO_IPV4, "ip6": unix.NFPROTO_IPV6, "inet": unix.NFPROTO_INET}
	request := append(attribute(unix.NFTA_SET_ELEM_LIST_TABLE, d.table), attribute(unix.NFTA_SET_ELEM_LIST_SET, set)...)
	ends := map[string]bool{}
	whole = true
	err := ask(unix.NFT_MSG_GETSETELEM, families[d.family], unix.NLM_F_DUMP, request, func(a attributes) bool {
		for _, b := range parseAttributes(a.of[unix.NFTA_SET_ELEM_LIST_ELEMENTS]).list {
			e := parseAttributes(b)
			key := o.ordered(e.data(unix.NFTA_SET_ELEM_KEY))
			const intervalEnd = 1 // NFT_SET_ELEM_INTERVAL_END
			if e.number(unix.NFTA_SET_ELEM_FLAGS)&intervalEnd != 0 {
				ends[string(key)] = true
				continue
			}
			n := element{keys: Range{key, key}}
			n.verdict, n.chain = verdict(e.nested(unix.NFTA_SET_ELEM_DATA).nested(unix.NFTA_DATA_VERDICT))
			all = append(all, n)
			whole = whole && len(key) > 0
		}
		whole = whole && len(all)+len(ends) <= mostElements
		return whole
	})
	if len(ends) > 0 { // intervals: each lasts until before the next end
		sorted := slices.Sorted(maps.Keys(ends))
		for i := range all {
			k := &all[i].keys
			if at := slices.IndexFunc(sorted, func(s string) bool { return s > string(k.From) }); at >= 0 {
				k.To = before([]byte(sorted[at]))
			} else {
				k.To = bytes.Repeat([]byte{0xff}, len(k.From))
			}
		}
	}
	return all, whole && err == nil
}

// before returns the value that comes before another.
func before(b []byte) []byte {
	for i := len(b) - 1; i >= 0; i-- {
		b[i]--
		if b[i] != 0xff {
			break
		}
	}
	return b
}
