package observe

import (
	"context"
	"maps"
)

// Depth is what matters of a namespace only when a packet is lost in it. It is
// read when somebody asks, see Inspect, and is no part of what is published.
type Depth struct {
	Firewall *Firewall
	// TCP and UDP are who listens.
	TCP, UDP []Listener
	// ReversePath is the net.ipv4.conf.*.rp_filter that is in force, by device: 1 drops a
	// packet from where an answer would not go, 2 one that could not be answered at all.
	ReversePath map[string]int
	// Forwarding is net.ipv4.conf.*.forwarding by device: whether what comes in by it is
	// passed on.
	Forwarding map[string]bool
	// EchoIgnored is net.ipv4.icmp_echo_ignore_all, EchoIgnored6 that of IPv6.
	EchoIgnored, EchoIgnored6 bool
}

// Inspect returns the state with the depth of each namespace. What cannot be
// read of one is left out of it.
func (w *Watch) Inspect(ctx context.Context) (*State, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	state := *w.State()
	state.Nodes = maps.Clone(state.Nodes)
	for name, n := range state.Nodes {
		if n.Kind != "host" || n.Down {
			continue
		}
		node := *n
		node.Namespace = w.deepen(ctx, Place{Node: name}, n.Namespace)
		node.Named = maps.Clone(n.Named)
		for ns, at := range node.Named {
			node.Named[ns] = w.deepen(ctx, Place{Node: name, NS: ns}, at)
		}
		state.Nodes[name] = &node
	}
	return &state, ctx.Err()
}

func (w *Watch) deepen(ctx context.Context, at Place, ns *Namespace) *Namespace {
	if ns == nil {
		return nil
	}
	d := &Depth{ReversePath: map[string]int{}, Forwarding: map[string]bool{}}
	if err := w.in(ctx, at.Node, at.NS, func() (err error) {
		strict := map[string]int{"1": 1, "2": 2}
		for _, l := range ns.Links {
			if v := max(strict[setting("net/ipv4/conf/"+l.Name+"/rp_filter")], strict[setting("net/ipv4/conf/all/rp_filter")]); v != 0 {
				d.ReversePath[l.Name] = v
			}
			if on := setting("net/ipv4/conf/" + l.Name + "/forwarding"); on != "" {
				d.Forwarding[l.Name] = on == "1"
			}
		}
		d.EchoIgnored = setting("net/ipv4/icmp_echo_ignore_all") == "1"
		d.EchoIgnored6 = setting("net/ipv6/icmp/echo_ignore_all") == "1"
		d.Firewall, err = readFirewall()
		return err
	}); err != nil {
		w.service.log.Debug("cannot look into a namespace", "place", at.String(), "error", err)
	}
	for proto, list := range map[string]*[]Listener{"tcp": &d.TCP, "udp": &d.UDP} {
		all, err := w.Listeners(ctx, at, proto)
		if err == nil {
			*list = append([]Listener{}, all...) // that there are none is known, too
		}
	}
	deep := *ns
	deep.Depth = d
	return &deep
}
