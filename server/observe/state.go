// Package observe gives the network of a sandbox as a value, State, and as a
// stream of changes. Everything is read from the kernel through namespace file
// descriptors; no learner's binary runs and no path is resolved in a learner's
// tree but beneath its root (openat2(2), RESOLVE_IN_ROOT).
package observe

import (
	"net/netip"
	"reflect"
	"time"
)

// State is the network of one sandbox at one moment. It is immutable once
// published; readers share it.
type State struct {
	// Version grows by one with each published change.
	Version uint64    `json:"version"`
	At      time.Time `json:"at"`
	// Nodes are the hosts and switches by name.
	Nodes map[string]*Node `json:"nodes"`
}

// Node is a host or a switch.
type Node struct {
	Kind string `json:"kind"` // "host" or "switch"
	// Namespace is the node's own network namespace.
	Namespace *Namespace `json:"namespace"`
	// Named are the namespaces beneath /run/netns of a host, by name.
	Named map[string]*Namespace `json:"named,omitempty"`
	// Down says that a host is rebooting, or has halted.
	Down bool `json:"down,omitempty"`
}

// Namespace is the state of one network namespace.
type Namespace struct {
	// Inode identifies the namespace (st_ino of its nsfs file).
	Inode     uint64      `json:"inode"`
	Links     []Link      `json:"links"`
	Routes    []Route     `json:"routes"` // main table, IPv4 and IPv6, without link-local noise
	Neighbors []Neighbour `json:"neighbours"`
	// Forwarding is net.ipv4.ip_forward, Forwarding6 net.ipv6.conf.all.forwarding.
	Forwarding  bool `json:"forwarding"`
	Forwarding6 bool `json:"forwarding6"`
	// Rules is the generation of nftables' rules: it is another after each change of them.
	Rules uint32 `json:"-"`
	// Depth is nil but after Inspect.
	Depth *Depth `json:"-"`
}

// Link is a network device.
type Link struct {
	Index     int            `json:"index"`
	Name      string         `json:"name"`
	Type      string         `json:"type"` // veth, bridge, vxlan, loopback, tun …
	MAC       string         `json:"mac,omitempty"`
	MTU       int            `json:"mtu"`
	Up        bool           `json:"up"`      // IFF_UP: administratively
	Carrier   bool           `json:"carrier"` // IFF_LOWER_UP
	Master    string         `json:"master,omitempty"`
	Addresses []netip.Prefix `json:"addresses"` // without IPv6 link-local
	// Peer is where the other end of a veth is, if it is in this sandbox.
	Peer *Place `json:"peer,omitempty"`
	// FDB is what a bridge has learned behind this port.
	FDB []string `json:"fdb,omitempty"`
}

// Place is a device of a namespace of a node.
type Place struct {
	Node string `json:"node"`
	NS   string `json:"ns,omitempty"` // a named namespace of the node
	Dev  string `json:"dev"`
}

// Route is an entry of the main routing table.
type Route struct {
	To     netip.Prefix `json:"to"` // 0.0.0.0/0 or ::/0 is the default route
	Via    netip.Addr   `json:"via,omitzero"`
	Dev    string       `json:"dev,omitempty"`
	Source netip.Addr   `json:"source,omitzero"`
	Metric int          `json:"metric,omitempty"`
	Type   string       `json:"type,omitempty"` // unicast is empty; blackhole, unreachable …
	Kernel bool         `json:"kernel,omitempty"`
}

// Neighbour is an entry of the neighbour (ARP, NDP) table.
type Neighbour struct {
	IP    netip.Addr `json:"ip"`
	MAC   string     `json:"mac,omitempty"`
	Dev   string     `json:"dev"`
	State string     `json:"state"` // reachable, stale, delay, probe, failed, incomplete, permanent
}

// Namespace returns the named namespace of the node, or the node's own where
// ns is empty; nil if there is none.
func (s *State) Namespace(node, ns string) *Namespace {
	n := s.Nodes[node]
	if n == nil {
		return nil
	}
	if ns == "" {
		return n.Namespace
	}
	return n.Named[ns]
}

// Link returns the device with the name; nil if there is none.
func (n *Namespace) Link(name string) *Link {
	if n == nil {
		return nil
	}
	for i := range n.Links {
		if n.Links[i].Name == name {
			return &n.Links[i]
		}
	}
	return nil
}

// same says whether two states differ in nothing but version and time.
func same(a, b *State) bool { return reflect.DeepEqual(a.Nodes, b.Nodes) }
