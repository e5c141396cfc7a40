//go:build sandbox

package sandbox

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/netground/netground/server/sandbox/keeper"
)

func TestBadSpecsLeaveNothing(t *testing.T) {
	o := options(t)
	m := open(t, o)
	create(t, m, "warm", two()) // what is made once and stays
	drain(t, m)
	c := census{TB: t}
	before := c.take()
	end := func(node, dev string) keeper.End { return keeper.End{Node: node, Device: dev} }
	for name, c := range map[string]struct {
		change func(*keeper.Spec)
		want   string
	}{
		"no host":              {func(s *keeper.Spec) { *s = keeper.Spec{} }, "there is no host"},
		"unknown node":         {func(s *keeper.Spec) { s.Links[0].B = end("nobody", "") }, `the unknown node "nobody"`},
		"host twice":           {func(s *keeper.Spec) { s.Hosts = append(s.Hosts, keeper.Host{Name: "A"}) }, `"A" is used twice`},
		"same but for case":    {func(s *keeper.Spec) { s.Hosts = append(s.Hosts, keeper.Host{Name: "a"}) }, `"a" is used twice`},
		"host named as switch": {func(s *keeper.Spec) { s.Switches = append(s.Switches, "B") }, `"B" is used twice`},
		"device twice":         {func(s *keeper.Spec) { s.Links[1].A = end("A", "eth0") }, "has two links"},
		"both ends the same":   {func(s *keeper.Spec) { s.Links[0] = keeper.Link{A: end("A", "e"), B: end("A", "e")} }, "has two links"},
		"switch to itself":     {func(s *keeper.Spec) { s.Links[0] = keeper.Link{A: end("sw", ""), B: end("sw", "")} }, "with itself"},
		"link without device":  {func(s *keeper.Spec) { s.Links[0].A.Device = "" }, "names no device"},
		"control character":    {func(s *keeper.Spec) { s.Hosts[0].Name = "A\x1b[31m" }, "is not a host name"},
		"NUL":                  {func(s *keeper.Spec) { s.Hosts[0].Name = "A\x00" }, "is not a host name"},
		"path":                 {func(s *keeper.Spec) { s.Hosts[0].Name = ".." }, "is not a host name"},
		"overlay option":       {func(s *keeper.Spec) { s.Hosts[0].Name = "a,lowerdir=x" }, "is not a host name"},
		"empty name":           {func(s *keeper.Spec) { s.Switches[0] = "" }, "is not a host name"},
		"long name":            {func(s *keeper.Spec) { s.Hosts[0].Name = strings.Repeat("x", 33) }, "at most 32"},
		"long device":          {func(s *keeper.Spec) { s.Links[0].A.Device = "ethernet01234567" }, "device name"},
		"device with slash":    {func(s *keeper.Spec) { s.Links[0].A.Device = "a/b" }, "device name"},
		"device with newline":  {func(s *keeper.Spec) { s.Links[0].A.Device = "a\nb" }, "device name"},
		"loopback cabled":      {func(s *keeper.Spec) { s.Links[0].A.Device = "lo" }, "device name"},
		"port named as bridge": {func(s *keeper.Spec) { s.Links[0].B.Device = "br0" }, "device name"},
		"unlinked device":      {func(s *keeper.Spec) { s.Hosts[0].Interfaces = []keeper.Interface{{Name: "eth7"}} }, "has no link"},
		"MAC of a group": {func(s *keeper.Spec) {
			s.Hosts[0].Interfaces = []keeper.Interface{{Name: "eth0", MAC: "ff:ff:ff:ff:ff:ff"}}
		}, "not a unicast"},
		"invalid address": {func(s *keeper.Spec) {
			s.Hosts[0].Interfaces = []keeper.Interface{{Name: "eth0", Addresses: make([]netip.Prefix, 1)}}
		}, "not valid"},
		"many hosts":    {func(s *keeper.Spec) { s.Hosts = make([]keeper.Host, 1000); numbered(s) }, "at most 32"},
		"many links":    {func(s *keeper.Spec) { s.Links = make([]keeper.Link, 100_000) }, "at most 128"},
		"many switches": {func(s *keeper.Spec) { s.Switches = make([]string, 5000) }, "at most 16"},
		"many addresses": {func(s *keeper.Spec) {
			s.Hosts[0].Interfaces = []keeper.Interface{{Name: "eth0", Addresses: prefixes(100_000)}}
		}, "addresses"},
		"many routes":           {func(s *keeper.Spec) { s.Hosts[0].Routes = repeat(keeper.Route{To: "default", Dev: "eth0"}, 100_000) }, "routes"},
		"many start lines":      {func(s *keeper.Spec) { s.Hosts[0].Start = repeat("sleep 1", 100_000) }, "start lines"},
		"many files":            {func(s *keeper.Spec) { s.Hosts[0].Files = repeat(keeper.File{Path: "/f"}, 100_000) }, "files"},
		"sysctl of the machine": {func(s *keeper.Spec) { s.Hosts[0].Sysctl = [][2]string{{"kernel.core_pattern", "|/x"}} }, "only net.*"},
		"sysctl with dots":      {func(s *keeper.Spec) { s.Hosts[0].Sysctl = [][2]string{{"net.//.//kernel.x", "1"}} }, "only net.*"},
		"file outside":          {func(s *keeper.Spec) { s.Hosts[0].Files = []keeper.File{{Path: "/../../etc/x"}} }, "clean path"},
		"file too large": {func(s *keeper.Spec) {
			s.Hosts[0].Files = []keeper.File{{Path: "/f", Content: strings.Repeat("x", 2<<20)}}
		}, "larger than"},
		"route to nonsense":  {func(s *keeper.Spec) { s.Hosts[0].Routes = []keeper.Route{{To: "10.0.0.1/8", Via: "10.0.0.1"}} }, "bits set beyond"},
		"route by no device": {func(s *keeper.Spec) { s.Hosts[0].Routes = []keeper.Route{{To: "default", Dev: "eth9"}} }, "eth9"},
	} {
		spec := two()
		c.change(&spec)
		s, err := m.Create(t.Context(), "bad", spec)
		if err == nil {
			s.Destroy()
			t.Errorf("%s: it was made", name)
		} else if !strings.Contains(err.Error(), c.want) || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' }) || len(err.Error()) > 1<<20 {
			t.Errorf("%s: the error is %.300q", name, err)
		}
		if err := m.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"", "..", "a/b", "a b", strings.Repeat("x", 65), "-x", "x\n"} {
		if _, err := m.Create(t.Context(), id, two()); err == nil {
			t.Errorf("a sandbox named %q was made", id)
		}
	}
	if _, err := m.Create(t.Context(), "warm", two()); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("a second sandbox of a name: %v", err)
	}
	drain(t, m)
	c.same(before)
}

func numbered(s *keeper.Spec) {
	for i := range s.Hosts {
		s.Hosts[i].Name = fmt.Sprintf("n%d", i)
	}
}

func repeat[T any](v T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func prefixes(n int) (out []netip.Prefix) {
	for i := range n {
		out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 8))
	}
	return out
}

// The largest network that is allowed is made.
func TestLargestNetwork(t *testing.T) {
	m := open(t, options(t))
	spec := keeper.Spec{Name: "large", Hosts: make([]keeper.Host, 32)}
	numbered(&spec)
	for i := range 16 {
		spec.Switches = append(spec.Switches, fmt.Sprintf("sw%d", i))
	}
	for i := range 128 {
		spec.Links = append(spec.Links, keeper.Link{
			A: keeper.End{Node: fmt.Sprintf("n%d", i%32), Device: fmt.Sprintf("eth%d", i/32)}, B: keeper.End{Node: fmt.Sprintf("sw%d", i%16)},
		})
	}
	s := create(t, m, "large", spec)
	if n := len(s.Nodes()); n != 48 {
		t.Errorf("it has %d nodes", n)
	}
	sh(t, s, "n0", "ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up")
	sh(t, s, "n16", "ip addr add 10.0.0.2/24 dev eth0; ip link set eth0 up; ping -c1 -W2 10.0.0.1")
}
