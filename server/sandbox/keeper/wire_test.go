package keeper

import (
	"net/netip"
	"reflect"
	"testing"
)

// FuzzWire decodes what a keeper, or whoever has taken its place, may send: it
// is refused, or it is a value that has a wire form again.
func FuzzWire(f *testing.F) {
	f.Add(encode(&Message{Kind: KindOpen, Seq: 7, ID: 3, Cols: 80, Rows: 24, Code: -1, Host: "A", Line: "ls", Error: "no", Data: []byte("x")}, codeMessage))
	f.Add(EncodeStart(&Start{ID: "s", Base: 1 << 20, Filter: []byte{1, 2}, Ucounts: []Ucount{{"max_net_namespaces", 9}}, DiskBytes: 1 << 20, Inodes: 100, CgroupDirs: 2, CgroupMounts: []string{"cpu", "name=systemd"}, Keys: Keys{[]byte("a"), []byte("b"), []byte("c")}}))
	f.Add(EncodeSpec(&Spec{Name: "lab", Switches: []string{"sw"}, Links: []Link{{End{"A", "eth0"}, End{"sw", ""}}}, Hosts: []Host{{
		Name: "A", Interfaces: []Interface{{Name: "eth0", MAC: "02:00:00:00:00:01", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("fd00::1/64")}}},
		Routes: []Route{{"default", "10.0.0.2", "eth0"}}, Sysctl: [][2]string{{"net.ipv4.ip_forward", "1"}}, Files: []File{{Path: "/etc/x", Content: "y"}}, Start: []string{"true"},
	}}}))
	f.Add(encode(&[]Timing{{"clone", 5}}, codeTimings))
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01})
	f.Add([]byte{2, 'x', 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		again(t, b, codeMessage)
		again(t, b, codeStart)
		again(t, b, codeTimings)
		if s := again(t, b, codeSpec); s != nil {
			_ = s.Validate() // whether it can be built; it must not panic
		}
	})
}

// again decodes b, and what it says a second time.
func again[T any](t *testing.T, b []byte, visit func(*coder, *T)) *T {
	t.Helper()
	v, err := decode(b, visit)
	if err != nil {
		return nil
	}
	second, err := decode(encode(v, visit), visit)
	if err != nil || !reflect.DeepEqual(v, second) {
		t.Errorf("%+v comes back as %+v, %v", v, second, err)
	}
	return v
}
