package keeper

import (
	"fmt"
	"hash/fnv"
	"runtime"

	"golang.org/x/sys/unix"
)

// The bridge of a switch; it is alone in its namespace with its ports.
const (
	bridgeName  = "br0"
	bridgeIndex = 2
	firstPort   = 101
)

// cable is a veth pair that the topology asks for.
type cable struct{ a, b cableEnd }

type cableEnd struct {
	node     string
	isSwitch bool
	dev      string
	mac      [6]byte
	up       bool
	// index is the ifindex that the device has for good: moving between
	// namespaces keeps it where it is free.
	index int
}

func (c *cable) ends() [2]*cableEnd { return [2]*cableEnd{&c.a, &c.b} }

// layCables decides names, addresses and numbers of all devices.
func layCables(spec *Spec) []*cable {
	isSwitch := map[string]bool{}
	for _, s := range spec.Switches {
		isSwitch[s] = true
	}
	hosts := map[string]*Host{}
	for i := range spec.Hosts {
		hosts[spec.Hosts[i].Name] = &spec.Hosts[i]
	}
	used := map[string]int{}
	taken := map[End]bool{}
	for _, l := range spec.Links {
		taken[l.A], taken[l.B] = true, true
	}
	end := func(e, other End) cableEnd {
		out := cableEnd{node: e.Node, dev: e.Device, isSwitch: isSwitch[e.Node]}
		if used[e.Node]++; out.isSwitch {
			out.index, out.up = firstPort+used[e.Node]-1, true
			if out.dev == "" {
				out.dev = portName(e.Node, other, out.index, taken)
			}
		} else {
			// Far from the machine's own low numbers on the other end: the kernel
			// defers the carrier of a device whose peer has its number.
			out.index = 1 + used[e.Node]
		}
		out.mac = stableMAC(spec.Name, out.node, out.dev)
		if h := hosts[e.Node]; h != nil {
			for _, itf := range h.Interfaces {
				if itf.Name == out.dev {
					out.up = itf.Up
					if itf.MAC != "" {
						out.mac, _ = parseMAC(itf.MAC) // Validate has read it
					}
				}
			}
		}
		return out
	}
	var cables []*cable
	for _, l := range spec.Links {
		cables = append(cables, &cable{end(l.A, l.B), end(l.B, l.A)})
	}
	return cables
}

func portName(node string, far End, index int, taken map[End]bool) string {
	name := far.Node
	if far.Device != "" {
		name += "-" + far.Device
	}
	if !validDevice(name) || name == bridgeName || taken[End{node, name}] {
		name = "port" + itoa(index-firstPort+1)
	}
	taken[End{node, name}] = true
	return name
}

// stableMAC makes a locally administered unicast address.
func stableMAC(words ...string) (mac [6]byte) {
	h := fnv.New64a()
	for _, w := range words {
		h.Write([]byte(w))
		h.Write([]byte{0})
	}
	sum := h.Sum64()
	for i := range mac {
		mac[i] = byte(sum >> (8 * i))
	}
	mac[0] = mac[0]&^1 | 2
	return mac
}

// makeSwitch prepares the thread's network namespace for a switch.
func makeSwitch() (*netNode, error) {
	n, err := currentNetNode()
	if err != nil {
		return nil, err
	}
	// A switch has no address of its own and says nothing.
	for _, which := range []string{"all", "default"} {
		if err := writeProc("/proc/sys/net/ipv6/conf/"+which+"/disable_ipv6", "1"); err != nil {
			continue // a kernel without IPv6
		}
	}
	if err := n.nl.newBridge(bridgeName, bridgeIndex); err != nil {
		n.close()
		return nil, fmt.Errorf("cannot make a bridge: %w", err)
	}
	return n, nil
}

// newSwitch makes a switch in a namespace of its own.
func newSwitch() (n *netNode, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			err = fmt.Errorf("cannot make the namespace of a switch: %w", err)
			return
		}
		n, err = makeSwitch()
	}()
	<-done
	return n, err
}

func (k *keeper) node(name string) *netNode {
	if n := k.switches[name]; n != nil {
		return n
	}
	return k.hosts[name].current().net
}

// connect makes the veth pair of a cable.
func (k *keeper) connect(c *cable) error {
	near, far := &c.a, &c.b
	if far.isSwitch && !near.isSwitch {
		near, far = far, near // only the near end can get its bridge at once
	}
	n, f := k.node(near.node), k.node(far.node)
	at := func(e *cableEnd, n *netNode) vethEnd {
		v := vethEnd{netns: n.netns, name: e.dev, index: e.index, mac: e.mac, up: e.up}
		if e.isSwitch {
			v.master = bridgeIndex
		}
		return v
	}
	err := n.nl.newVeth(at(near, n), at(far, f))
	if err == nil && (far.up || far.isSwitch) {
		err = f.nl.plug(at(far, f))
	}
	if err != nil {
		return fmt.Errorf("cannot make the link %s:%s – %s:%s: %w", c.a.node, c.a.dev, c.b.node, c.b.dev, err)
	}
	return nil
}

// replug brings a host's cables from the namespace of its last boot to the new
// one, so that their other ends see only a loss of carrier. What is not where
// it should be, deleted or moved away by the learner, is made anew.
func (k *keeper) replug(h *host, from, to *netNode) error {
	there := map[int]linkInfo{}
	if old, err := from.nl.links(); err == nil {
		for _, l := range old {
			there[l.index] = l
		}
	}
	for _, c := range k.cables {
		mine, other := &c.a, &c.b
		if mine.node != h.spec.Name {
			mine, other = other, mine
		}
		if mine.node != h.spec.Name {
			continue
		}
		v := vethEnd{netns: to.netns, name: mine.dev, mac: mine.mac, up: mine.up}
		if l, ok := there[mine.index]; ok && l.kind == "veth" && l.peer == other.index && k.moveEnd(l.index, v, from, to) == nil {
			if other.node == h.spec.Name { // both ends on this host
				w := vethEnd{netns: to.netns, name: other.dev, mac: other.mac, up: other.up}
				if k.moveEnd(other.index, w, from, to) == nil {
					continue
				}
			} else {
				continue
			}
		}
		if err := k.remake(c, mine, other); err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) moveEnd(index int, v vethEnd, from, to *netNode) error {
	if err := from.nl.move(index, v); err != nil {
		return err
	}
	return to.nl.reset(index, v)
}

// remake makes a cable of which the far end may still be plugged in.
func (k *keeper) remake(c *cable, mine, other *cableEnd) error {
	if other.node != mine.node {
		n := k.node(other.node)
		if links, err := n.nl.links(); err == nil {
			for _, l := range links {
				if l.index == other.index && l.kind == "veth" && l.name == other.dev {
					_ = n.nl.deleteLink(l.index) // waits until it is gone
				}
			}
		}
	}
	err := k.connect(c)
	if err != nil || other.isSwitch || other.node == mine.node {
		return err
	}
	// The neighbour's device is new as well: as it was after its boot.
	neighbour := k.hosts[other.node]
	for _, itf := range neighbour.spec.Interfaces {
		if itf.Name == other.dev {
			for _, a := range itf.Addresses {
				_ = k.node(other.node).nl.addAddress(other.index, a)
			}
		}
	}
	return nil
}
