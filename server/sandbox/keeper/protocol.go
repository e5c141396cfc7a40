// Package keeper is the process inside a sandbox that owns its hosts, links
// and terminals, and the protocol between it and the server. It runs without
// any privilege on the machine. The server trusts nothing that it says: its
// answers steer, the kernel's state decides.
package keeper

import "net/netip"

// Version of the protocol, and the oldest that this server understands. A
// server takes over a keeper that an earlier one has started only if the
// keeper's version is from Oldest to Version, and ends the sandbox otherwise: it
// never talks to one that it does not know. Message's wire form, KindAttach and
// its reply's Code stay as they are in all versions.
//
//	1: the terminals' masters end with the server.
//	2: the keeper holds them, and tells of them and of exits when attached to.
const (
	Version = 2
	Oldest  = 2
)

// Spec is what a sandbox is made from.
type Spec struct {
	Hosts    []Host
	Switches []string
	Links    []Link
	// Hostname of the keeper's own namespace, for the logs.
	Name string
}

// Host is one machine. Lists are applied in order, at each boot.
type Host struct {
	Name       string
	Interfaces []Interface
	Routes     []Route
	Sysctl     [][2]string // key with dots, value
	// Files are written before the first boot only. Paths are absolute.
	Files []File
	// Start are shell lines run in the background at each boot.
	Start []string
}

// File is one file to write, mode 0644.
type File struct{ Path, Content string }

// Interface is the boot configuration of a device of a host.
type Interface struct {
	Name      string
	MAC       string // empty: a stable one made from the sandbox's and the device's name
	Up        bool
	Addresses []netip.Prefix
}

// Route is a route added at boot; To is a prefix or "default".
type Route struct{ To, Via, Dev string }

// Link is a veth pair between two ends.
type Link struct{ A, B End }

// End is a device of a host, or a port of a switch; a port's device name is
// chosen by the keeper when Device is empty.
type End struct{ Node, Device string }
