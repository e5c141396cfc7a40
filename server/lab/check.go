package lab

import "net/netip"

// Check is one fact about the network, or one probe of it. Exactly one of the
// kinds is set. In YAML: `- address: {host: A, dev: eth0, has: 192.168.1.10/24}`
// with an optional `hint` beside it.
type Check struct {
	Link      *LinkCheck      `yaml:"link,omitempty"`
	Address   *AddressCheck   `yaml:"address,omitempty"`
	Route     *RouteCheck     `yaml:"route,omitempty"`
	Neighbour *NeighbourCheck `yaml:"neighbour,omitempty"`
	Sysctl    *SysctlCheck    `yaml:"sysctl,omitempty"`
	Namespace *NamespaceCheck `yaml:"namespace,omitempty"`
	Bridge    *BridgeCheck    `yaml:"bridge,omitempty"`
	Reach     *ReachCheck     `yaml:"reach,omitempty"`
	Blocked   *ReachCheck     `yaml:"blocked,omitempty"`
	Resolves  *ResolvesCheck  `yaml:"resolves,omitempty"`
	File      *FileCheck      `yaml:"file,omitempty"`
	Listens   *ListensCheck   `yaml:"listens,omitempty"`
	Answer    *AnswerCheck    `yaml:"answer,omitempty"`

	// Hint is shown when this check fails and the learner asks.
	Hint Text `yaml:"hint,omitempty"`
}

// Where names a network namespace: a host, and optionally a namespace that the
// learner made on it with `ip netns add`.
type Where struct {
	Host string `yaml:"host"`
	NS   string `yaml:"ns,omitempty"`
}

// LinkCheck: the device exists and, where said, is up (administratively and
// with carrier), down, has a peer in another namespace or a master.
type LinkCheck struct {
	Where  `yaml:",inline"`
	Dev    string `yaml:"dev"`
	State  string `yaml:"state,omitempty"`  // "up" or "down"; empty: it exists
	Type   string `yaml:"type,omitempty"`   // veth, bridge, vxlan …
	Master string `yaml:"master,omitempty"` // the bridge that it is a port of
	Absent bool   `yaml:"absent,omitempty"` // the device must not be there
	// Peer is where the other end of a veth is: device and namespace.
	Peer *LinkPeer `yaml:"peer,omitempty"`
}

// LinkPeer is the far end of a veth pair.
type LinkPeer struct {
	Where `yaml:",inline"`
	Dev   string `yaml:"dev"`
}

// AddressCheck: the device has the address, or has none that Not names.
type AddressCheck struct {
	Where `yaml:",inline"`
	Dev   string       `yaml:"dev"`
	Has   netip.Prefix `yaml:"has,omitempty"` // address with prefix length
	Not   netip.Prefix `yaml:"not,omitempty"`
}

// RouteCheck: the main table sends To, or packets For an address, by Via and Dev, where said. Absent: it has no route To.
type RouteCheck struct {
	Where `yaml:",inline"`
	To    string `yaml:"to,omitempty"` // prefix or "default"
	// For, instead of To, asks by which route a packet to the address leaves,
	// however that is written in the table.
	For    netip.Addr `yaml:"for,omitempty"`
	Via    netip.Addr `yaml:"via,omitempty"`
	Dev    string     `yaml:"dev,omitempty"`
	Absent bool       `yaml:"absent,omitempty"`
}

// NeighbourCheck: the namespace knows the link-layer address of IP. Of, where
// said, is whose it must be.
type NeighbourCheck struct {
	Where `yaml:",inline"`
	IP    netip.Addr `yaml:"ip"`
	Of    *LinkPeer  `yaml:"of,omitempty"`
}

// SysctlCheck: the key has the value, as the kernel has it now.
type SysctlCheck struct {
	Where `yaml:",inline"`
	Key   string `yaml:"key"` // net.ipv4.ip_forward
	Value string `yaml:"value"`
}

// NamespaceCheck: a named network namespace is there (or not), of its own and
// not another name of the host's.
type NamespaceCheck struct {
	Host   string `yaml:"host"`
	Name   string `yaml:"name"`
	Absent bool   `yaml:"absent,omitempty"`
}

// BridgeCheck: the device is a bridge with these ports; a switch of the
// topology is named as host with an empty dev, and Learned asks whether it has
// learned the address of that device behind a port.
type BridgeCheck struct {
	Where   `yaml:",inline"`
	Dev     string    `yaml:"dev,omitempty"`
	Ports   []string  `yaml:"ports,omitempty"`
	Learned *LinkPeer `yaml:"learned,omitempty"`
}

// ReachCheck: a probe that the server itself sends from From's namespace
// arrives at To and is answered. At, where said, is the host on which it must
// really arrive (an address that somebody else answers for does not count).
// As Blocked: the probe is not answered.
type ReachCheck struct {
	From     string `yaml:"from"`               // host
	NS       string `yaml:"ns,omitempty"`       // namespace on From
	To       string `yaml:"to"`                 // address, or URL for http
	At       string `yaml:"at,omitempty"`       // host, or host/namespace
	Proto    string `yaml:"proto,omitempty"`    // icmp (default), tcp, http
	Port     int    `yaml:"port,omitempty"`     // for tcp
	Contains string `yaml:"contains,omitempty"` // text in the http body
	// Source and Destination are what the packet must have when it arrives At:
	// the address that it seems to come from, and that which it is sent to, with
	// or without a port. By them one sees whether it was translated on its way.
	Source      netip.Addr `yaml:"source,omitempty"`
	Destination string     `yaml:"destination,omitempty"`
}

// ResolvesCheck: what a name means on a host. Without Server, it is what the
// host's own programs would find: in the order of its nsswitch.conf, by its
// hosts file and by the servers of its resolv.conf, which the server asks from
// the host's namespace. With Server, it is what that server answers.
type ResolvesCheck struct {
	From   string     `yaml:"from"`             // host that asks
	Name   string     `yaml:"name"`             // as one would type it; for PTR an address
	Type   string     `yaml:"type,omitempty"`   // A (default), AAAA; with Server also CNAME, NS, PTR, MX, TXT, SRV
	Server netip.Addr `yaml:"server,omitempty"` // DNS server to ask; the name is a whole one then
	// Is are all values that there must be, in any order; none: any value will do.
	Is []string `yaml:"is,omitempty"`
	// By is the source of nsswitch.conf that must have given them: files or dns.
	By string `yaml:"by,omitempty"`
	// Absent: there must be no such name, or none with a record of the type, and
	// who is asked must say so.
	Absent bool `yaml:"absent,omitempty"`
}

// FileCheck: a regular file below the host's root has a line or not. Absent: it must not exist.
type FileCheck struct {
	Host string `yaml:"host"`
	Path string `yaml:"path"`
	// Or are the files of a folder that will do as well, *NAME-END in it:
	// /etc/sysctl.d/*.conf.
	Or      string `yaml:"or,omitempty"`
	Matches string `yaml:"matches,omitempty"` // RE2, multi-line mode
	Absent  bool   `yaml:"absent,omitempty"`
}

// ListensCheck: something listens on the port, by the kernel's socket table.
type ListensCheck struct {
	Where   `yaml:",inline"`
	Proto   string     `yaml:"proto,omitempty"` // tcp (default), udp
	Port    int        `yaml:"port"`
	Address netip.Addr `yaml:"address,omitempty"`
}

// AnswerCheck: the learner types or chooses a value. Exactly one of Value,
// Matches, From and Choices' correct entry says what is right.
type AnswerCheck struct {
	Name     string   `yaml:"name"`
	Question Text     `yaml:"question"`
	Value    string   `yaml:"value,omitempty"`   // compared without case and outer spaces
	Matches  string   `yaml:"matches,omitempty"` // RE2, whole value
	Choices  []Choice `yaml:"choices,omitempty"` // a choice instead of a text field
	// Is takes the right value from the sandbox as it is now.
	Is *AnswerSource `yaml:"is,omitempty"`
	// Own says that the right answer is another in each sandbox: Value or
	// Matches depends on the lab's values.
	Own bool `yaml:"-"`
}

// Choice is one answer to choose.
type Choice struct {
	Text  Text `yaml:"text"`
	Right bool `yaml:"right,omitempty"`
	Why   Text `yaml:"why,omitempty"` // shown after choosing
}

// AnswerSource is a fact of the sandbox: the MAC of a device, its index or MTU, its first
// address, the number of a host's named namespaces.
type AnswerSource struct {
	Where `yaml:",inline"`
	Dev   string `yaml:"dev,omitempty"`
	Fact  string `yaml:"fact"` // mac, ifindex, mtu, address, peer-ifindex
}

// Kind returns the name of the kind that is set, as written in YAML; "" if none is.
func (c *Check) Kind() string {
	switch {
	case c.Link != nil:
		return "link"
	case c.Address != nil:
		return "address"
	case c.Route != nil:
		return "route"
	case c.Neighbour != nil:
		return "neighbour"
	case c.Sysctl != nil:
		return "sysctl"
	case c.Namespace != nil:
		return "namespace"
	case c.Bridge != nil:
		return "bridge"
	case c.Reach != nil:
		return "reach"
	case c.Blocked != nil:
		return "blocked"
	case c.Resolves != nil:
		return "resolves"
	case c.File != nil:
		return "file"
	case c.Listens != nil:
		return "listens"
	case c.Answer != nil:
		return "answer"
	}
	return ""
}
