package session

import (
	"maps"
	"slices"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/sandbox/keeper"
)

// Spec turns a lab's topology into what a keeper builds. Hosts, switches,
// devices, settings and files come in the order of their names, so that the
// same lab always boots the same way; links, addresses, routes and start
// commands keep the order in which the lab names them.
func Spec(l *lab.Lab) keeper.Spec {
	t := l.Topology
	spec := keeper.Spec{
		Name:     l.Name,
		Switches: slices.Sorted(maps.Keys(t.Switches)),
	}
	for _, name := range slices.Sorted(maps.Keys(t.Hosts)) {
		spec.Hosts = append(spec.Hosts, hostSpec(name, t.Hosts[name]))
	}
	for _, l := range t.Links {
		spec.Links = append(spec.Links, keeper.Link{
			A: keeper.End{Node: l.A.Node, Device: l.A.Device},
			B: keeper.End{Node: l.B.Node, Device: l.B.Device},
		})
	}
	return spec
}

func hostSpec(name string, h lab.Host) keeper.Host {
	host := keeper.Host{Name: name, Start: slices.Clone(h.Start)}
	for _, dev := range slices.Sorted(maps.Keys(h.Interfaces)) {
		i := h.Interfaces[dev]
		host.Interfaces = append(host.Interfaces, keeper.Interface{
			Name: dev, MAC: i.MAC, Up: i.Up, Addresses: slices.Clone(i.Addresses),
		})
	}
	for _, r := range h.Routes {
		host.Routes = append(host.Routes, keeper.Route{To: r.To, Via: r.Via, Dev: r.Dev})
	}
	for _, key := range slices.Sorted(maps.Keys(h.Sysctl)) {
		host.Sysctl = append(host.Sysctl, [2]string{key, h.Sysctl[key]})
	}
	for _, path := range slices.Sorted(maps.Keys(h.Files)) {
		host.Files = append(host.Files, keeper.File{Path: path, Content: h.Files[path]})
	}
	return host
}

// firstHost is the host whose shell opens with the session: the one that a
// learner reads first, being first by name.
func firstHost(l *lab.Lab) string {
	names := slices.Sorted(maps.Keys(l.Topology.Hosts))
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
