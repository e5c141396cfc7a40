package observe

import "slices"

// compose makes a State of what was read.
func (w *Watch) compose() *State {
	st := &State{Nodes: make(map[string]*Node, len(w.nodes))}
	var spaces []*space
	for _, n := range w.nodes {
		spaces = append(spaces, n.spaces()...)
	}
	for name, n := range w.nodes {
		out := &Node{Kind: n.Kind, Down: n.down}
		if !n.down {
			out.Namespace = n.own.compose(spaces)
		}
		if n.Kind == "host" && len(n.named) > 0 && !n.down {
			out.Named = make(map[string]*Namespace, len(n.named))
			for name, s := range n.named {
				out.Named[name] = s.compose(spaces)
			}
		}
		st.Nodes[name] = out
	}
	return st
}

// compose returns the namespace with the other ends of its cables.
func (s *space) compose(all []*space) *Namespace {
	if s.last == nil {
		return nil
	}
	n := *s.last
	if len(s.links) == 0 {
		return &n
	}
	n.Links = slices.Clone(n.Links)
	for i := range n.Links {
		l := &n.Links[i]
		r, ok := s.links[l.Index]
		if !ok {
			continue
		}
		l.Peer = nil
		for _, other := range all {
			back, ok := other.links[r.peer]
			if !ok || back.peer != l.Index || other.last == nil {
				continue
			}
			if r.nsid < 0 && other.inode != s.inode || r.nsid >= 0 && (other.inode == s.inode || s.nsid(other) != r.nsid) {
				continue
			}
			p := other.place
			if at := slices.IndexFunc(other.last.Links, func(l Link) bool { return l.Index == r.peer }); at >= 0 {
				p.Dev = other.last.Links[at].Name
				l.Peer = &p
				break
			}
		}
	}
	return &n
}
