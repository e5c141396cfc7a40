package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/netground/netground/server/lab"
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
		// Topology is null where there are problems.
		Topology *Topology         `json:"topology"`
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
		answer.Topology = &drawn
	}
	return c.json(http.StatusOK, answer)
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
