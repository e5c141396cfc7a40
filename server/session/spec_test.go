package session

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/sandbox/keeper"
)

func TestSpec(t *testing.T) {
	l := &lab.Lab{Name: "demo", Topology: lab.Topology{
		Hosts: map[string]lab.Host{
			"b": {},
			"a": {
				Interfaces: map[string]lab.Interface{
					"eth1": {MAC: "02:00:00:00:00:01"},
					"eth0": {Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}},
				},
				Routes: []lab.RouteSpec{{To: "default", Via: "10.0.0.2"}, {To: "10.9.0.0/16", Dev: "eth1"}},
				Sysctl: map[string]string{"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.rp_filter": "0"},
				Files:  map[string]string{"/root/z": "1", "/root/a": "2"},
				Start:  []string{"second", "first"},
			},
		},
		Switches: map[string]lab.Switch{"sw2": {}, "sw1": {}},
		Links: []lab.Link{
			{A: lab.End{Node: "b", Device: "eth0"}, B: lab.End{Node: "sw2"}},
			{A: lab.End{Node: "a", Device: "eth0"}, B: lab.End{Node: "sw1"}},
		},
	}}
	want := keeper.Spec{
		Name: "demo",
		Hosts: []keeper.Host{
			{
				Name: "a",
				Interfaces: []keeper.Interface{
					{Name: "eth0", Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}},
					{Name: "eth1", MAC: "02:00:00:00:00:01"},
				},
				Routes: []keeper.Route{{To: "default", Via: "10.0.0.2"}, {To: "10.9.0.0/16", Dev: "eth1"}},
				Sysctl: [][2]string{{"net.ipv4.conf.all.rp_filter", "0"}, {"net.ipv4.ip_forward", "1"}},
				Files:  []keeper.File{{Path: "/root/a", Content: "2"}, {Path: "/root/z", Content: "1"}},
				Start:  []string{"second", "first"},
			},
			{Name: "b"},
		},
		Switches: []string{"sw1", "sw2"},
		Links: []keeper.Link{
			{A: keeper.End{Node: "b", Device: "eth0"}, B: keeper.End{Node: "sw2"}},
			{A: keeper.End{Node: "a", Device: "eth0"}, B: keeper.End{Node: "sw1"}},
		},
	}
	if got := Spec(l); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := firstHost(l); got != "a" {
		t.Errorf("first host is %q, want a", got)
	}
}
