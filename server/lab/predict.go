package lab

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxPredictions bounds those of a step.
const maxPredictions = 8

func (l *Lab) validatePredictions(d *document, i int, s *Step) {
	path := func(p ...any) []any { return append([]any{"steps", i, "predict"}, p...) }
	if len(s.Predict) > maxPredictions {
		d.add(d.at(path()...), fmt.Sprintf("step %q has %d predictions, more than %d", s.ID, len(s.Predict), maxPredictions), "Ask less")
	}
	seen := map[string]bool{}
	for j := range s.Predict {
		p := &s.Predict[j]
		switch {
		case !stepID.MatchString(p.Name):
			d.add(d.at(path(j, "name")...), fmt.Sprintf("%q is no name for a prediction", p.Name), "Use lower-case letters, digits and hyphens")
		case seen[p.Name]:
			d.add(d.at(path(j, "name")...), fmt.Sprintf("two predictions of step %q have the name %q", s.ID, p.Name), "Rename one")
		}
		seen[p.Name] = true
		d.text(p.Question, true, path(j, "question")...)
		d.text(p.Truth, true, path(j, "truth")...)
		d.choices(p.Choices, path(j, "choices")...)
		if len(p.Choices) == 1 {
			d.add(d.at(path(j, "choices")...), "there is only one choice", "Add another, or leave choices out for a free text")
		}
	}
}

// Place is where a section of a lesson asks a prediction.
type Place struct {
	Name string
	Line int // counted from the section's heading
}

var predictInfo = regexp.MustCompile(`^predict(?:\s+(\S+))?\s*$`)

// Predictions returns where the section asks for predictions, in order.
func (s *Section) Predictions() []Place {
	var all []Place
	for _, f := range s.fences() {
		if m := predictInfo.FindStringSubmatch(f.info); m != nil {
			all = append(all, Place{m[1], f.line})
		}
	}
	return all
}

// checkPredictions compares the predictions that a section asks for with those of its step.
func (s *Section) checkPredictions(p *problems, step *Step) {
	placed := map[string]bool{}
	for _, at := range s.Predictions() {
		here := position{s.Line + at.Line, 1}
		var known []string
		for _, q := range step.Predict {
			known = append(known, q.Name)
		}
		switch {
		case at.Name == "":
			p.add(here, "a prediction without a name", "Write ```predict NAME")
		case step.Prediction(at.Name) == nil && len(known) == 0:
			p.add(here, fmt.Sprintf("step %q has no prediction %q in lab.yaml", step.ID, at.Name), "Add it under predict:")
		case step.Prediction(at.Name) == nil:
			p.add(here, fmt.Sprintf("step %q has no prediction %q in lab.yaml", step.ID, at.Name), or(nearest(at.Name, known), "It has: "+strings.Join(known, ", ")))
		case placed[at.Name]:
			p.add(here, fmt.Sprintf("the prediction %q is asked twice", at.Name), "Keep one")
		}
		placed[at.Name] = true
	}
	for _, q := range step.Predict {
		if !placed[q.Name] {
			p.add(position{s.Line, 1}, fmt.Sprintf("the section of step %q does not ask the prediction %q", step.ID, q.Name), fmt.Sprintf("Place it before a command: ```predict %s", q.Name))
		}
	}
}

// Choice returns the index of the choice that reads so in some language; -1 if none does.
func (p *Prediction) Choice(text string) int { return chosen(p.Choices, text) }

func chosen(choices []Choice, text string) int {
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	return slices.IndexFunc(choices, func(c Choice) bool {
		for _, t := range c.Text {
			if plain(t) == plain(text) {
				return true
			}
		}
		return false
	})
}
