package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Firewall is what netfilter does with the packets of a namespace: its chains
// of nftables, which are those of iptables, too, where that is iptables-nft.
type Firewall struct {
	Chains []Chain
	// Legacy are the tables of the legacy iptables with rules in them. The rules
	// themselves are not read.
	Legacy []string
	// Cut says that there were more rules than are read.
	Cut bool
}

// Chain is a chain of the families ip, ip6 and inet.
type Chain struct {
	Family, Table, Name string
	// Hook is where packets enter it: prerouting, input, forward, output,
	// postrouting; empty for one that others jump to.
	Hook     string
	Type     string // filter, nat, route
	Priority int
	Drops    bool // its policy
	Rules    []Rule
}

// Rule is an entry of a chain: what must hold of a packet, and what becomes of
// it then.
type Rule struct {
	Conditions []Condition
	// Verdict is accept, drop, reject, jump, goto, return, dnat, snat,
	// masquerade, redirect, or empty for a rule that decides nothing.
	Verdict string
	Chain   string         // of jump and goto
	To      netip.AddrPort // of a translation; the address or the port may be missing
	// Number counts the rules of the chain from 1, as iptables -L --line-numbers
	// does. The elements of a verdict map have one number.
	Number int
}

// What a condition is about.
const (
	Source      = "saddr"
	Destination = "daddr"
	Version     = "nfproto" // of IP, a byte: 2 or 10
	Protocol    = "l4proto"
	SourcePort  = "sport"
	Port        = "dport"
	ICMPType    = "icmp type"
	InDevice    = "iifname"
	OutDevice   = "oifname"
	InIndex     = "iif"
	OutIndex    = "oif"
	Tracked     = "ct state"   // bits, see nft(8)
	Reaches     = "daddr type" // RTN_LOCAL or another, see rtnetlink(7)
	Mystery     = ""           // what is not understood
)

// Condition holds for a packet whose Field, under Mask, lies in one of the
// ranges; with Not, if it lies in none. Values are big-endian; a shorter one is
// about the first bytes alone.
type Condition struct {
	Field string
	Not   bool
	Mask  []byte
	Among []Range
}

// Range is all values from one to another.
type Range struct{ From, To []byte }

// Bounds of what is read of tables that a learner may fill.
const (
	mostRules    = 1024
	mostDumped   = 1 << 20 // bytes
	mostElements = 256
)

var errCut = errors.New("there is more than is read")

// readFirewall reads the rules of the namespace that the thread is in.
func readFirewall() (*Firewall, error) {
	f := &Firewall{}
	err := dumpFilter(unix.NFT_MSG_GETCHAIN, nil, func(a attributes) bool {
		c := Chain{Family: a.family, Table: a.text(unix.NFTA_CHAIN_TABLE), Name: a.text(unix.NFTA_CHAIN_NAME), Type: a.text(unix.NFTA_CHAIN_TYPE)}
		if hook := a.nested(unix.NFTA_CHAIN_HOOK); hook.of != nil {
			hooks := [...]string{"prerouting", "input", "forward", "output", "postrouting"}
			if n := hook.number(unix.NFTA_HOOK_HOOKNUM); int(n) < len(hooks) {
				c.Hook = hooks[n]
			}
			c.Priority = int(int32(hook.number(unix.NFTA_HOOK_PRIORITY)))
			c.Drops = a.of[unix.NFTA_CHAIN_POLICY] != nil && a.number(unix.NFTA_CHAIN_POLICY) == 0 // NF_DROP
		}
		if c.Family != "" {
			f.Chains = append(f.Chains, c)
		}
		f.Cut = len(f.Chains) >= mostRules
		return !f.Cut
	})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		err = nil // a kernel without nftables
	}
	if f.Cut = f.Cut || errors.Is(err, errCut); err != nil && !f.Cut {
		return nil, fmt.Errorf("cannot read the firewall's chains: %w", err)
	}
	count := 0
	if !f.Cut && len(f.Chains) > 0 {
		err = dumpFilter(unix.NFT_MSG_GETRULE, nil, func(a attributes) bool {
			if f.Cut = count >= mostRules; f.Cut {
				return false
			}
			count++
			table, name := a.text(unix.NFTA_RULE_TABLE), a.text(unix.NFTA_RULE_CHAIN)
			for i := range f.Chains {
				if c := &f.Chains[i]; c.Family == a.family && c.Table == table && c.Name == name {
					number := 1
					if n := len(c.Rules); n > 0 {
						number = c.Rules[n-1].Number + 1
					}
					for _, r := range decodeRule(a, table) {
						r.Number = number
						c.Rules = append(c.Rules, r)
					}
				}
			}
			return true
		})
	}
	if f.Cut = f.Cut || errors.Is(err, errCut); err != nil && !f.Cut {
		return nil, fmt.Errorf("cannot read the firewall's rules: %w", err)
	}
	f.Legacy = legacyTables()
	return f, nil
}

// legacyTables asks the legacy iptables of the thread's namespace for the
// tables that do something: with other entries than the ends of their chains,
// or none. Only tables that are there already are asked for, since asking makes
// them.
func legacyTables() (tables []string) {
	b, err := os.ReadFile("/proc/thread-self/net/ip_tables_names")
	if err != nil {
		return nil
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	for _, name := range strings.Fields(string(b)) {
		// struct ipt_getinfo of linux/netfilter_ipv4/ip_tables.h
		var info struct {
			name             [32]byte
			hooks            uint32
			entry, underflow [5]uint32
			entries, size    uint32
		}
		copy(info.name[:31], name)
		size := uint32(unsafe.Sizeof(info))
		const getInfo = 64 // IPT_SO_GET_INFO
		if _, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_IP, getInfo, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0); e != 0 {
			continue
		}
		ends := uint32(1) // the last entry, of errors
		for h := range 5 {
			ends += info.hooks >> h & 1
		}
		if info.entries > ends {
			tables = append(tables, name)
		}
	}
	return tables
}

// attributes are those of a netlink message, by their types.
type attributes struct {
	family string
	of     map[uint16][]byte
	list   [][]byte // values in their order, of lists
}

func parseAttributes(b []byte) attributes {
	a := attributes{of: map[uint16][]byte{}}
	for len(b) >= unix.SizeofNlAttr {
		n := int(binary.NativeEndian.Uint16(b))
		kind := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
		if n < unix.SizeofNlAttr || n > len(b) {
			break
		}
		a.of[kind] = b[unix.SizeofNlAttr:n]
		a.list = append(a.list, b[unix.SizeofNlAttr:n])
		b = b[min(len(b), (n+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1)):]
	}
	return a
}

func (a attributes) text(kind uint16) string { return strings.TrimRight(string(a.of[kind]), "\x00") }

// number reads a number; those of nf_tables are big-endian.
func (a attributes) number(kind uint16) uint32 {
	switch b := a.of[kind]; len(b) {
	case 4:
		return binary.BigEndian.Uint32(b)
	case 1:
		return uint32(b[0])
	}
	return 0
}

func (a attributes) nested(kind uint16) attributes {
	b, ok := a.of[kind]
	if !ok {
		return attributes{}
	}
	return parseAttributes(b)
}

// data reads a value (NFTA_DATA_VALUE) within an attribute.
func (a attributes) data(kind uint16) []byte { return a.nested(kind).of[unix.NFTA_DATA_VALUE] }

func attribute(kind uint16, text string) []byte {
	n := unix.SizeofNlAttr + len(text) + 1
	b := make([]byte, (n+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1))
	binary.NativeEndian.PutUint16(b, uint16(n))
	binary.NativeEndian.PutUint16(b[2:], kind)
	copy(b[unix.SizeofNlAttr:], text)
	return b
}

// generation returns which generation of rules the thread's namespace has; 0
// where there is no nftables.
func generation() (n uint32) {
	_ = ask(unix.NFT_MSG_GETGEN, unix.AF_UNSPEC, 0, nil, func(a attributes) bool {
		n = a.number(unix.NFTA_GEN_ID)
		return false
	})
	return n
}

// dumpFilter asks nftables of the thread's namespace for all of a kind, until
// each says that it is enough.
func dumpFilter(message int, request []byte, each func(attributes) bool) error {
	return ask(message, unix.AF_UNSPEC, unix.NLM_F_DUMP, request, each)
}

func ask(message, family int, flags uint16, request []byte, each func(attributes) bool) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// The kernel answers before it returns from sending; whatever happens, nobody waits for it for ever.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2}); err != nil {
		return err
	}
	const head = unix.SizeofNlMsghdr + unix.SizeofNlAttr // and struct nfgenmsg, as long as an attribute's head
	b := make([]byte, head, head+len(request))
	binary.NativeEndian.PutUint32(b, uint32(head+len(request)))
	binary.NativeEndian.PutUint16(b[4:], uint16(unix.NFNL_SUBSYS_NFTABLES<<8|message))
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST|flags)
	b[unix.SizeofNlMsghdr] = byte(family)
	if err := unix.Sendto(fd, append(b, request...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	families := map[byte]string{unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6", unix.NFPROTO_INET: "inet"}
	buf := make([]byte, 64<<10)
	for read := 0; read < mostDumped; {
		// A dump's next part is there as soon as the one before it has been taken (netlink(7)).
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		read += n
		for m := buf[:n]; len(m) >= unix.SizeofNlMsghdr; {
			size := int(binary.NativeEndian.Uint32(m))
			if size < unix.SizeofNlMsghdr || size > len(m) {
				return errors.New("a message was cut")
			}
			switch kind := binary.NativeEndian.Uint16(m[4:]); {
			case kind == unix.NLMSG_DONE:
				return nil
			case kind == unix.NLMSG_ERROR && size >= unix.SizeofNlMsghdr+4:
				if e := int32(binary.NativeEndian.Uint32(m[unix.SizeofNlMsghdr:])); e != 0 {
					return unix.Errno(-e)
				}
				return nil
			case size >= head:
				a := parseAttributes(m[head:size])
				a.family = families[m[unix.SizeofNlMsghdr]]
				if !each(a) {
					return nil
				}
			}
			m = m[min(len(m), (size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1)):]
		}
	}
	return errCut
}
