package httpapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/render"
)

// The shapes of the course and its labs, as frontend/src/api/types.ts has them.
type (
	// Course is the overview, with what one learner has done.
	Course struct {
		Title    string    `json:"title"`
		Chapters []Chapter `json:"chapters"`
		// Playground says whether the learner's playground runs.
		Playground bool `json:"playground"`
	}
	// Chapter is a titled run of labs.
	Chapter struct {
		ID      string      `json:"id"`
		Title   string      `json:"title"`
		Summary string      `json:"summary"`
		Labs    []CourseLab `json:"labs"`
	}
	// CourseLab is a lab in the overview.
	CourseLab struct {
		Name    string `json:"name"`
		Title   string `json:"title"`
		Summary string `json:"summary"`
		Minutes int    `json:"minutes"`
		Steps   int    `json:"steps"`
		Passed  int    `json:"passed"`
		Session bool   `json:"session"`
	}
	// Lab is a lab with its lesson.
	Lab struct {
		Name        string        `json:"name"`
		Title       string        `json:"title"`
		Summary     string        `json:"summary"`
		Minutes     int           `json:"minutes"`
		Intro       string        `json:"intro" jsonschema:"sanitised HTML"`
		SummaryHTML string        `json:"summaryHtml" jsonschema:"sanitised HTML"`
		Topology    Topology      `json:"topology"`
		Steps       []LabStep     `json:"steps"`
		Prev        *LabReference `json:"prev"`
		Next        *LabReference `json:"next"`
	}
	// LabReference names another lab.
	LabReference struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	}
	// LabStep is a step and its section of the lesson.
	LabStep struct {
		ID          string     `json:"id"`
		Title       string     `json:"title"`
		HTML        string     `json:"html" jsonschema:"sanitised HTML"`
		Checks      int        `json:"checks"`
		Hints       int        `json:"hints" jsonschema:"how many there are at most"`
		HasSolution bool       `json:"hasSolution"`
		Answers     []Question `json:"answers"`
		Predictions []Question `json:"predictions" jsonschema:"asked where the lesson has figure.predict of the name"`
	}
	// Question is what a step asks; Choices is null where the learner types.
	Question struct {
		Name     string   `json:"name"`
		Question string   `json:"question"`
		Choices  []string `json:"choices"`
	}
	// Topology is the network as its author drew it.
	Topology struct {
		Nodes []TopologyNode `json:"nodes"`
		Links []TopologyLink `json:"links"`
	}
	// TopologyNode is a host or a switch.
	TopologyNode struct {
		Name  string    `json:"name"`
		Kind  string    `json:"kind" jsonschema:"host or switch"`
		Label string    `json:"label"`
		At    lab.Point `json:"at"`
	}
	// TopologyLink is a cable.
	TopologyLink struct {
		A TopologyEnd `json:"a"`
		B TopologyEnd `json:"b"`
	}
	// TopologyEnd is an end of a cable; a switch's port has no device.
	TopologyEnd struct {
		Node string `json:"node"`
		Dev  string `json:"dev"`
	}
)

// catalog is a course and its labs at one time. Answers about labs are the same
// for everybody, and made once in each language.
type catalog struct {
	course *lab.Course
	labs   map[string]*lab.Lab
	render *render.Renderer

	mu   sync.Mutex
	made map[[2]string]*document // by lab and language
}

func newCatalog(course *lab.Course, labs map[string]*lab.Lab, r *render.Renderer) *catalog {
	return &catalog{course: course, labs: maps.Clone(labs), render: r, made: map[[2]string]*document{}}
}

func (a *API) getCourse(c *call) error {
	progress := map[string]struct {
		passed  int
		session bool
	}{}
	if c.caller.Learner != "" {
		done, err := a.o.Sessions.Progress(c.Request().Context(), c.caller.Learner)
		if err != nil {
			return err
		}
		for name, p := range done {
			progress[name] = struct {
				passed  int
				session bool
			}{p.Passed, p.Session != ""}
		}
	}
	cat, in := a.catalog.Load(), c.caller.Language
	answer := Course{Title: cat.course.Title.In(in), Chapters: []Chapter{}, Playground: progress[lab.Playground].session}
	for _, ch := range cat.course.Chapters {
		chapter := Chapter{ID: ch.ID, Title: ch.Title.In(in), Summary: ch.Summary.In(in), Labs: []CourseLab{}}
		for _, name := range ch.Labs {
			l := cat.labs[name]
			if l == nil {
				continue
			}
			p := progress[name]
			chapter.Labs = append(chapter.Labs, CourseLab{
				Name: name, Title: l.Title.In(in), Summary: l.Summary.In(in), Minutes: l.Minutes, Steps: len(l.Steps), Passed: p.passed, Session: p.session,
			})
		}
		answer.Chapters = append(answer.Chapters, chapter)
	}
	return c.json(http.StatusOK, answer)
}

func (a *API) getLab(c *call) error {
	d, err := a.catalog.Load().lab(c.id("lab"), c.caller.Language)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Language", c.caller.Language)
	return c.document(d, "application/json")
}

// lab returns the answer about a lab.
func (cat *catalog) lab(name, language string) (*document, error) {
	l := cat.labs[name]
	if l == nil {
		return nil, noLab()
	}
	cat.mu.Lock()
	defer cat.mu.Unlock()
	key := [2]string{name, language}
	if d := cat.made[key]; d != nil {
		return d, nil
	}
	b, err := json.Marshal(cat.describe(l, language))
	if err != nil {
		return nil, err
	}
	d := newDocument(b)
	cat.made[key] = d
	return d, nil
}

func (cat *catalog) describe(l *lab.Lab, language string) Lab {
	lesson := l.Lessons[language]
	v := Lab{
		Name: l.Name, Title: l.Title.In(language), Summary: l.Summary.In(language), Minutes: l.Minutes,
		Intro: cat.html(lesson.Intro), SummaryHTML: cat.html(lesson.Summary),
		Topology: topology(&l.Topology, language), Steps: []LabStep{},
	}
	sections := map[string]lab.Section{}
	for _, s := range lesson.Sections {
		sections[s.Step] = s
	}
	for i := range l.Steps {
		s := &l.Steps[i]
		section := sections[s.ID]
		step := LabStep{
			ID: s.ID, Title: section.Title, HTML: cat.html(section.Markdown), Checks: len(s.Checks),
			Hints: len(s.Hints), HasSolution: len(s.Solution) > 0, Answers: []Question{}, Predictions: []Question{},
		}
		for _, m := range s.Mistakes {
			if m.Hint != nil {
				step.Hints++
			}
		}
		for _, check := range s.Checks {
			if check.Hint != nil {
				step.Hints++
			}
			if check.Answer == nil {
				continue
			}
			step.Answers = append(step.Answers, question(check.Answer.Name, check.Answer.Question, check.Answer.Choices, language))
		}
		for _, p := range s.Predict {
			step.Predictions = append(step.Predictions, question(p.Name, p.Question, p.Choices, language))
		}
		v.Steps = append(v.Steps, step)
	}
	v.Prev, v.Next = cat.around(l.Name, language)
	return v
}

func question(name string, text lab.Text, choices []lab.Choice, language string) Question {
	q := Question{Name: name, Question: text.In(language)}
	for _, choice := range choices {
		q.Choices = append(q.Choices, choice.Text.In(language))
	}
	return q
}

func (cat *catalog) html(markdown string) string {
	if markdown == "" {
		return "" // the page asks whether there is any
	}
	return cat.render.Lesson(markdown)
}

// around returns the labs before and behind one in the course.
func (cat *catalog) around(name, language string) (prev, next *LabReference) {
	var order []*lab.Lab
	for _, ch := range cat.course.Chapters {
		for _, n := range ch.Labs {
			if l := cat.labs[n]; l != nil {
				order = append(order, l)
			}
		}
	}
	i := slices.IndexFunc(order, func(l *lab.Lab) bool { return l.Name == name })
	if i > 0 {
		prev = &LabReference{order[i-1].Name, order[i-1].Title.In(language)}
	}
	if i >= 0 && i+1 < len(order) {
		next = &LabReference{order[i+1].Name, order[i+1].Title.In(language)}
	}
	return prev, next
}

func topology(t *lab.Topology, language string) Topology {
	v := Topology{Nodes: []TopologyNode{}, Links: []TopologyLink{}}
	label := func(l lab.Text, name string) string {
		if s := l.In(language); s != "" {
			return s
		}
		return name
	}
	for _, name := range slices.Sorted(maps.Keys(t.Hosts)) {
		h := t.Hosts[name]
		v.Nodes = append(v.Nodes, TopologyNode{name, "host", label(h.Label, name), h.At})
	}
	for _, name := range slices.Sorted(maps.Keys(t.Switches)) {
		s := t.Switches[name]
		v.Nodes = append(v.Nodes, TopologyNode{name, "switch", label(s.Label, name), s.At})
	}
	for _, l := range t.Links {
		v.Links = append(v.Links, TopologyLink{TopologyEnd{l.A.Node, l.A.Device}, TopologyEnd{l.B.Node, l.B.Device}})
	}
	return v
}
