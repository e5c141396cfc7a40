package lab

import (
	"maps"
	"slices"
)

// arrange gives a place in the diagram to the nodes that miss one. If all do,
// the whole network is drawn from left to right; otherwise each stands as near
// as possible to a neighbour that has its place.
func (t *Topology) arrange(missing map[string]bool) {
	if len(missing) == 0 {
		return
	}
	g := newGraph(t)
	at := map[string]Point{}
	if len(missing) == len(g.nodes) {
		at = g.draw()
	} else {
		for _, n := range g.nodes {
			if !missing[n] {
				at[n] = t.at(n)
			}
		}
		g.fill(at)
	}
	for n := range missing {
		if h, ok := t.Hosts[n]; ok {
			h.At = at[n]
			t.Hosts[n] = h
		} else {
			t.Switches[n] = Switch{At: at[n], Label: t.Switches[n].Label}
		}
	}
}

func (t *Topology) at(name string) Point {
	if h, ok := t.Hosts[name]; ok {
		return h.At
	}
	return t.Switches[name].At
}

// graph is who has a cable to whom. Everything is in the order of names, so
// that the same text is always drawn in the same way.
type graph struct {
	nodes []string
	near  map[string][]string
}

func newGraph(t *Topology) graph {
	g := graph{nodes: append(t.hostNames(), slices.Sorted(maps.Keys(t.Switches))...), near: map[string][]string{}}
	for _, l := range t.Links {
		for _, e := range [][2]string{{l.A.Node, l.B.Node}, {l.B.Node, l.A.Node}} {
			if !slices.Contains(g.near[e[0]], e[1]) {
				g.near[e[0]] = append(g.near[e[0]], e[1])
			}
		}
	}
	for _, n := range g.nodes {
		slices.Sort(g.near[n])
	}
	return g
}

// Distances in the drawing: a host is one wide.
const (
	column = 2.0 // between machines that a cable joins
	row    = 1.0
)

// draw places the parts of the network below each other.
func (g graph) draw() map[string]Point {
	at := map[string]Point{}
	bottom := 0.0
	for _, part := range g.parts() {
		places := g.drawPart(part)
		top, low := 0.0, 0.0
		for _, p := range places {
			top, low = min(top, p[1]), max(low, p[1])
		}
		for n, p := range places {
			at[n] = Point{p[0], p[1] - top + bottom}
		}
		bottom += low - top + 2*row
	}
	return at
}

// parts are the nodes that hang together, each part in the order of names.
func (g graph) parts() [][]string {
	var parts [][]string
	seen := map[string]bool{}
	for _, n := range g.nodes {
		if seen[n] {
			continue
		}
		var part []string
		for m := range g.distances([]string{n}, nil) {
			seen[m] = true
			part = append(part, m)
		}
		slices.Sort(part)
		parts = append(parts, part)
	}
	return parts
}

// distances counts cables from the beginning, within only (nil: everywhere).
func (g graph) distances(from []string, only map[string]bool) map[string]int {
	d := map[string]int{}
	for _, n := range from {
		d[n] = 0
	}
	for queue := slices.Clone(from); len(queue) > 0; queue = queue[1:] {
		for _, m := range g.near[queue[0]] {
			if _, seen := d[m]; !seen && (only == nil || only[m]) {
				d[m] = d[queue[0]] + 1
				queue = append(queue, m)
			}
		}
	}
	return d
}

// drawPart places what joins others (switches and routers, as a rule) from left
// to right, and around each of them what hangs on it alone.
func (g graph) drawPart(part []string) map[string]Point {
	core := map[string]bool{}
	for _, n := range part {
		if len(g.near[n]) > 1 {
			core[n] = true
		}
	}
	if len(core) == 0 { // one machine, or two with a cable
		at := map[string]Point{}
		for i, n := range part {
			at[n] = Point{float64(i) * column, 0}
		}
		return at
	}
	layers := g.layers(core)
	at := map[string]Point{}
	taken := map[Point]bool{}
	put := func(n string, p Point) {
		for taken[p] {
			p[1] += row
		}
		at[n], taken[p] = p, true
	}
	for x, layer := range layers {
		for i, n := range layer {
			put(n, Point{float64(x) * column, (float64(i) - float64(len(layer)-1)/2) * 2 * row})
		}
	}
	for x, layer := range layers {
		for _, n := range layer {
			var leaves []string
			for _, m := range g.near[n] {
				if !core[m] {
					leaves = append(leaves, m)
				}
			}
			hang(leaves, at[n], x == 0, x == len(layers)-1, put)
		}
	}
	return at
}

// layers orders the core by distance from an end of it.
func (g graph) layers(core map[string]bool) [][]string {
	names := slices.Sorted(maps.Keys(core))
	start, far := names[0], -1
	for _, n := range names { // the end from which the drawing is longest
		longest := 0
		for _, d := range g.distances([]string{n}, core) {
			longest = max(longest, d)
		}
		if longest > far {
			start, far = n, longest
		}
	}
	layers := make([][]string, far+1)
	d := g.distances([]string{start}, core)
	for _, n := range names {
		layers[d[n]] = append(layers[d[n]], n)
	}
	return layers
}

// hang puts leaves to the left of the first layer, to the right of the last,
// on both sides where there is one layer alone, and else above and below.
func hang(leaves []string, at Point, first, last bool, put func(string, Point)) {
	stack := func(leaves []string, x float64) {
		for i, n := range leaves {
			put(n, Point{x, at[1] + (float64(i)-float64(len(leaves)-1)/2)*row})
		}
	}
	half := (len(leaves) + 1) / 2
	switch {
	case first && last:
		stack(leaves[:half], at[0]-column)
		stack(leaves[half:], at[0]+column)
	case first:
		stack(leaves, at[0]-column)
	case last:
		stack(leaves, at[0]+column)
	default:
		for i, n := range leaves {
			y := -2 * row
			if i >= half {
				y = 2 * row
			}
			side := float64(i % half)
			put(n, Point{at[0] + (side-float64(half-1)/2)*column/2, at[1] + y})
		}
	}
}

// fill gives places near their neighbours to those that are missing in at.
func (g graph) fill(at map[string]Point) {
	taken := map[Point]bool{}
	low := 0.0
	for _, p := range at {
		taken[p] = true
		low = max(low, p[1])
	}
	around := []Point{{column, 0}, {-column, 0}, {0, 2 * row}, {0, -2 * row}, {column, row}, {-column, row}, {column, -row}, {-column, -row}}
	place := func(n string, p Point) {
		at[n], taken[p] = p, true
		low = max(low, p[1])
	}
	beside := func(n string) bool {
		for _, m := range g.near[n] {
			from, known := at[m]
			for far := 1.0; known; far++ { // some ring has a free place
				for _, d := range around {
					if p := (Point{from[0] + far*d[0], from[1] + far*d[1]}); !taken[p] {
						place(n, p)
						return true
					}
				}
			}
		}
		return false
	}
	for left := len(g.nodes); left > 0; {
		left = 0
		var lonely string
		moved := false
		for _, n := range g.nodes {
			if _, ok := at[n]; ok {
				continue
			}
			if beside(n) {
				moved = true
				continue
			}
			left++
			if lonely == "" {
				lonely = n
			}
		}
		if left > 0 && !moved { // nothing that has a place leads to it
			place(lonely, Point{0, low + 2*row})
		}
	}
}
