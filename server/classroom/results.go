package classroom

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/netground/netground/server/store"
)

// Results is what everybody in a class has done.
type Results struct {
	Class ClassName    `json:"class"`
	At    time.Time    `json:"at"`
	Labs  []ClassLab   `json:"labs"`
	Rows  []ResultsRow `json:"rows"`
}

// ClassName names a class.
type ClassName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ResultsRow is what one member has done.
type ResultsRow struct {
	Member     string   `json:"member"`
	Name       string   `json:"name"`
	ExternalID string   `json:"externalId"`
	Steps      []Result `json:"steps"`
}

// Result is one member at one step.
type Result struct {
	Lab      string     `json:"lab"`
	Step     string     `json:"step"`
	State    string     `json:"state" jsonschema:"none, trying, failed or passed"`
	PassedAt *time.Time `json:"passedAt"`
	Seconds  int        `json:"seconds" jsonschema:"active time at it"`
	Fails    int        `json:"fails"`
	Hints    int        `json:"hints"`
	Revealed bool       `json:"revealed"`
	CaughtUp bool       `json:"caughtUp"`
}

// Results returns what everybody has done, by name.
func (s *Service) Results(ctx context.Context, class, language string) (Results, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return Results{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := Results{Class: ClassName{r.id, r.class.Name}, At: *wall(r.now()), Labs: r.describe(language).Catalog, Rows: []ResultsRow{}}
	for _, w := range r.sorted() {
		row := ResultsRow{Member: w.m.ID, Name: w.m.Name, ExternalID: w.m.External, Steps: []Result{}}
		for _, l := range v.Labs {
			for _, step := range l.Steps {
				c := w.cells[place{l.Name, step.ID}]
				if c == nil {
					c = &cell{}
				}
				row.Steps = append(row.Steps, Result{
					Lab: l.Name, Step: step.ID, State: c.state(), PassedAt: wall(c.passed), Seconds: int(c.spent / time.Second),
					Fails: c.fails, Hints: c.hints, Revealed: c.revealed, CaughtUp: c.caughtUp,
				})
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return v, nil
}

// CSV writes results as a table of one line a member and step.
func (v Results) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	lines := [][]string{{"name", "id", "lab", "step", "state", "passed_at", "seconds", "fails", "hints", "solution_revealed", "caught_up"}}
	for _, row := range v.Rows {
		for _, x := range row.Steps {
			passed := ""
			if x.PassedAt != nil {
				passed = x.PassedAt.Format(time.RFC3339)
			}
			lines = append(lines, []string{
				inert(row.Name), inert(row.ExternalID), x.Lab, x.Step, x.State, passed, itoa(x.Seconds), itoa(x.Fails), itoa(x.Hints), flag(x.Revealed), flag(x.CaughtUp),
			})
		}
	}
	return out.WriteAll(lines)
}

// inert is a text that no spreadsheet takes for a formula: a learner chose it.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// retainEvery is how often it is looked which classes' time is over.
const retainEvery = time.Hour

// retain deletes classes whose time is over, until the service closes.
func (s *Service) retain() {
	for {
		if err := s.deleteOld(s.ctx); err != nil && s.ctx.Err() == nil {
			s.log.Warn("cannot delete classes whose time is over; will try again", "error", err)
		}
		select {
		case <-time.After(retainEvery):
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Service) deleteOld(ctx context.Context) error {
	all, err := s.store.Classes(ctx, "", true)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range all {
		if overdue(e.Class, s.o.Now()) {
			errs = append(errs, s.Delete(ctx, e.ID))
			s.log.Info("deleted a class whose time is over", "class", e.ID, "ended", e.Ended, "days", e.RetainDays)
		}
	}
	return errors.Join(errs...)
}

// overdue says whether a class is to be deleted: so many days after it was ended.
func overdue(c store.Class, now time.Time) bool {
	return c.State == Ended && c.RetainDays > 0 && !c.Ended.IsZero() && now.After(c.Ended.AddDate(0, 0, c.RetainDays))
}
