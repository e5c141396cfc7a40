package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
)

// The shapes of the playground, as frontend/src/api/types.ts has them.
type (
	// Playground is what the playground begins with.
	Playground struct {
		Ready []ReadyTopology `json:"ready"`
		// Session and Text are of the learner's playground that runs; empty if none does.
		Session string `json:"session"`
		Text    string `json:"text"`
		MaxText int    `json:"maxText" jsonschema:"bytes of a topology's text"`
	}
	// ReadyTopology is one to start from.
	ReadyTopology struct {
		ID       string   `json:"id"`
		Title    string   `json:"title"`
		Summary  string   `json:"summary"`
		Text     string   `json:"text" jsonschema:"YAML, as topology in lab.yaml"`
		Topology Topology `json:"topology"`
	}
	// TopologyCheck is what the server makes of a topology's text.
	TopologyCheck struct {
		// Topology and State are null where there are problems.
		Topology *Topology `json:"topology"`
		// State is the network as it will be right after its start.
		State    *observe.State    `json:"state"`
		Problems []TopologyProblem `json:"problems"`
	}
	// TopologyProblem is one thing that is wrong, and what to do about it.
	TopologyProblem struct {
		Line    int    `json:"line" jsonschema:"from 1; 0 where the text as a whole is meant"`
		Column  int    `json:"column"`
		Message string `json:"message"`
		Remedy  string `json:"remedy"`
	}
)

// readyTopology is a ReadyTopology before it has a language.
type readyTopology struct {
	lab.ReadyTopology
	topology *lab.Topology
}

func readyTopologies() ([]readyTopology, error) {
	all, err := lab.ReadyTopologies()
	if err != nil {
		return nil, err
	}
	ready := make([]readyTopology, 0, len(all))
	for _, r := range all {
		t, err := lab.ParseTopology(r.Text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.ID, err)
		}
		ready = append(ready, readyTopology{r, t})
	}
	return ready, nil
}

func (a *API) getPlayground(c *call) error {
	in := c.caller.Language
	answer := Playground{Ready: []ReadyTopology{}, MaxText: lab.MaxTopology}
	for _, r := range a.ready {
		answer.Ready = append(answer.Ready, ReadyTopology{r.ID, r.Title.In(in), r.Summary.In(in), r.Text, topology(r.topology, in)})
	}
	if c.caller.Learner != "" {
		answer.Session, answer.Text = a.o.Sessions.Playground(c.caller)
	}
	return c.json(http.StatusOK, answer)
}

func (a *API) checkTopology(c *call) error {
	t, err := lab.ParseTopology(c.in.(*topologyRequest).Text)
	problems := problemsOf(err, c.caller.Language)
	if err != nil && len(problems) == 0 {
		return err
	}
	answer := TopologyCheck{Problems: problems}
	if t != nil {
		drawn := topology(t, c.caller.Language)
		answer.Topology, answer.State = &drawn, planned(t)
	}
	return c.json(http.StatusOK, answer)
}

// planned is the network as the topology will have it, so that it can be drawn
// before there is one: devices, addresses, gateways; no hardware addresses.
func planned(t *lab.Topology) *observe.State {
	st := &observe.State{Nodes: map[string]*observe.Node{}}
	namespace := func(kind, name string, first observe.Link) *observe.Namespace {
		inode := uint64(len(st.Nodes) + 1)
		first.Index, first.Up, first.Carrier = 1, true, true
		n := &observe.Namespace{Inode: inode, Links: []observe.Link{first}}
		st.Nodes[name] = &observe.Node{Kind: kind, Namespace: n}
		return n
	}
	for _, name := range slices.Sorted(maps.Keys(t.Hosts)) {
		h := t.Hosts[name]
		n := namespace("host", name, observe.Link{Name: "lo", Type: "loopback", Addresses: h.Interfaces["lo"].Addresses})
		n.Forwarding = h.Sysctl["net.ipv4.ip_forward"] == "1"
		n.Forwarding6 = h.Sysctl["net.ipv6.conf.all.forwarding"] == "1"
		for _, r := range h.Routes {
			via, _ := netip.ParseAddr(r.Via) // none, or good: it was validated
			to, err := netip.ParsePrefix(r.To)
			if err != nil { // the default
				to = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
				if via.Is6() {
					to = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
				}
			}
			n.Routes = append(n.Routes, observe.Route{To: to, Via: via, Dev: r.Dev})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Switches)) {
		namespace("switch", name, observe.Link{Name: "br0", Type: "bridge"})
	}
	up := func(e lab.End) bool { return e.Device == "" || t.Hosts[e.Node].Interfaces[e.Device].Up }
	device := func(e, far lab.End) string {
		switch {
		case e.Device != "":
			return e.Device
		case far.Device != "":
			return far.Node + "-" + far.Device
		}
		return far.Node
	}
	for _, l := range t.Links {
		for _, ends := range [][2]lab.End{{l.A, l.B}, {l.B, l.A}} {
			e, far := ends[0], ends[1]
			n := st.Nodes[e.Node].Namespace
			link := observe.Link{
				Index: len(n.Links) + 1, Name: device(e, far), Type: "veth", MTU: 1500, Up: up(e), Carrier: up(e) && up(far),
				Peer: &observe.Place{Node: far.Node, Dev: device(far, e)}, Addresses: t.Hosts[e.Node].Interfaces[e.Device].Addresses,
			}
			if e.Device == "" {
				link.Master = "br0"
			}
			n.Links = append(n.Links, link)
		}
	}
	return st
}

// problemsOf returns what is wrong with a text, in the language.
func problemsOf(err error, language string) []TopologyProblem {
	problems := []TopologyProblem{}
	for _, e := range lab.Errors(err) {
		message, remedy := e.In(language)
		problems = append(problems, TopologyProblem{e.Line, e.Column, message, remedy})
	}
	return problems
}

func (a *API) play(c *call) error {
	in := c.in.(*playRequest)
	def, err := lab.NewPlayground(in.Text)
	if err != nil {
		return badTopology(err)
	}
	made, err := a.o.Sessions.Play(c.Request().Context(), c.caller, def, in.Replace)
	if err != nil {
		return err
	}
	return c.opened(made)
}

// badTopology is the answer to a start of what cannot be started: the first
// thing that is wrong.
func badTopology(err error) error {
	all := lab.Errors(err)
	if len(all) == 0 {
		return err
	}
	detail := lab.Text{}
	for _, language := range lab.Languages {
		message, remedy := all[0].In(language)
		where := ""
		if all[0].Line > 0 {
			where = map[string]string{"en": "Line %d: ", "ko": "%d행: "}[language]
			where = fmt.Sprintf(where, all[0].Line)
		}
		detail[language] = where + strings.TrimSuffix(message, ".") + ". " + strings.TrimSuffix(remedy, ".") + "."
	}
	return &problem{status: http.StatusBadRequest, code: "topology", detail: detail, line: all[0].Line, column: all[0].Column, cause: err}
}

// getSessionLab answers with the lab of a session, which for a playground
// nobody else has.
func (a *API) getSessionLab(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	l, err := a.o.Sessions.Lab(c.Request().Context(), c.caller, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, a.catalog.Load().describe(l, c.caller.Language))
}

func (a *API) probe(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	in := c.in.(*probeRequest)
	found, err := a.o.Sessions.Probe(c.Request().Context(), c.caller, id, in.From, in.To)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, found)
}
