package classroom

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/store"
)

// The rest is called with the room's lock, unless it says otherwise.

// row is a member as the grid shows them.
func (r *room) row(w *who, language string) Row {
	row := Row{
		Member: w.m.ID, Name: w.m.Name, Joined: w.m.Learner != "", Presence: r.presenceOf(w), LastInput: wall(w.input),
		Cells: map[string][]Cell{}, Watchers: w.watchers(), Keyboard: w.keyboard.state,
	}
	row.Lab, row.Step = r.at(w)
	if b, ok := r.here(w); ok {
		row.Session = b.ID
	}
	if c := w.cells[place{row.Lab, row.Step}]; c != nil && row.Step != "" {
		row.OnStepSince, row.OnStepSeconds = wall(c.begun), int(c.spent/time.Second)
	}
	for _, name := range r.class.Labs {
		if l := r.labs[name]; l != nil {
			if cells := w.row(l, language); cells != nil {
				row.Cells[name] = cells
			}
		}
	}
	if w.hand != nil {
		h := handOf(*w.hand)
		row.Hand = &h
	}
	return row
}

// at returns the lab and the step where the member is: of the session that is
// shown, else of the lab where they were last.
func (r *room) at(w *who) (labName, step string) {
	if b, ok := r.here(w); ok {
		return b.Lab, b.Step
	}
	l := r.labs[w.lab]
	if l == nil || !slices.Contains(r.class.Labs, w.lab) {
		return "", ""
	}
	for i := range l.Steps {
		c := w.cells[place{w.lab, l.Steps[i].ID}]
		if len(l.Steps[i].Checks) > 0 && (c == nil || c.passed.IsZero()) {
			return w.lab, l.Steps[i].ID
		}
	}
	return w.lab, ""
}

// row returns a lab's cells; nil if nothing was begun.
func (w *who) row(l *lab.Lab, language string) []Cell {
	cells, any := make([]Cell, len(l.Steps)), false
	for i := range l.Steps {
		c := w.cells[place{l.Name, l.Steps[i].ID}]
		if c == nil {
			cells[i] = Cell{State: NotStarted}
			continue
		}
		cells[i] = c.view(language)
		any = any || cells[i].State != NotStarted
	}
	if !any {
		return nil
	}
	return cells
}

func (c *cell) view(language string) Cell {
	v := Cell{
		State: c.state(), Fails: c.fails, Same: c.same, Hints: c.hints, Revealed: c.revealed, CaughtUp: c.caughtUp,
		PassedAt: wall(c.passed), Seconds: int(c.spent / time.Second),
	}
	if !c.passed.IsZero() {
		v.Holds = c.holds
	}
	if c.last != nil {
		first := c.last.Failing[0]
		v.Check, v.Kind, v.Reason, v.Why = &first.Place, first.Kind, first.Reason, lab.Text(first.Why).In(language)
	}
	return v
}

func handOf(h store.Hand) Hand {
	return Hand{Member: h.Member, At: *wall(h.At), Lab: h.Lab, Step: h.Step, Text: h.Text, ClaimedBy: h.ClaimedBy, ClaimedAt: wall(h.Claimed)}
}

// sorted returns the members by name.
func (r *room) sorted() []*who {
	return slices.SortedFunc(maps.Values(r.rows), func(a, b *who) int {
		return cmp.Or(cmp.Compare(a.m.Name, b.m.Name), cmp.Compare(a.m.ID, b.m.ID))
	})
}

// Grid returns where everybody stands.
func (s *Service) Grid(ctx context.Context, m Me, class, language string) (Grid, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return Grid{}, err
	}
	c, err := s.Class(ctx, m, class, language)
	if err != nil {
		return Grid{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.grid(c, language), nil
}

func (r *room) grid(c Class, language string) Grid {
	g := Grid{Class: c, Rows: make([]Row, 0, len(r.rows)), Board: r.board(language), Messages: []Message{}, Now: *wall(r.now())}
	for _, w := range r.sorted() {
		g.Rows = append(g.Rows, r.row(w, language))
	}
	for _, m := range r.messages[max(0, len(r.messages)-shownMessages):] {
		g.Messages = append(g.Messages, messageOf(m))
	}
	return g
}

// shownMessages is how many a page gets at first.
const shownMessages = 50

func messageOf(m store.Message) Message {
	return Message{ID: m.ID, At: *wall(m.At), From: m.From, Text: m.Text, To: MessageTarget{m.Member, m.Lab, m.Step}, Reached: len(m.Members)}
}

// thumbOf reduces a network to what a thumbnail draws.
func thumbOf(st *observe.State) Thumb {
	t := Thumb{Nodes: map[string]ThumbNode{}}
	for name, n := range st.Nodes {
		node := ThumbNode{Down: n.Down, Namespaces: len(n.Named), Devs: []ThumbDev{}}
		if n.Namespace != nil {
			for i := range n.Namespace.Links {
				l := &n.Namespace.Links[i]
				if l.Type == "loopback" {
					continue
				}
				node.Devs = append(node.Devs, ThumbDev{l.Name, l.Up, l.Carrier, len(l.Addresses)})
			}
		}
		t.Nodes[name] = node
	}
	return t
}
