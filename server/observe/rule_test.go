package observe

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// What a rule carries along for iptables is read by its length, however short,
// and whatever is in it.
func TestDecodeTakesAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		b := make([]byte, n)
		for range 50 {
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			for revision := range 4 {
				d := decoder{family: "ip", registers: map[uint32]operand{}}
				for _, name := range []string{"comment", "tcp", "udp", "icmp", "multiport", "conntrack", "addrtype", "other"} {
					d.match(name, revision, b)
				}
				for _, name := range []string{"REJECT", "MASQUERADE", "SNAT", "DNAT", "REDIRECT", "OTHER"} {
					d.target(name, revision, b)
				}
				decodeRule(attributes{family: "inet", of: map[uint16][]byte{4: b}}, "t") // NFTA_RULE_EXPRESSIONS
			}
		}
	}
}

func TestTranslationsOfIptables(t *testing.T) {
	old := make([]byte, 20)
	binary.NativeEndian.PutUint32(old[4:], 3)
	copy(old[8:], []byte{192, 168, 15, 2, 192, 168, 15, 2, 0, 80, 0, 80})
	young := make([]byte, 44)
	binary.NativeEndian.PutUint32(young, 3)
	copy(young[4:], []byte{192, 168, 15, 2})
	copy(young[36:], []byte{0, 80, 0, 80})
	for revision, b := range map[int][]byte{0: old, 2: young} {
		d := decoder{family: "ip"}
		d.target("DNAT", revision, b)
		if d.rule.Verdict != "dnat" || d.rule.To != netip.MustParseAddrPort("192.168.15.2:80") {
			t.Errorf("revision %d: %+v", revision, d.rule)
		}
	}
}

func TestBefore(t *testing.T) {
	if b := before([]byte{1, 0}); b[0] != 0 || b[1] != 255 {
		t.Errorf("before 256 comes %v", b)
	}
}
