package session

import (
	"context"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

// Predict stores what the learner expects to happen, and returns the step with
// the truth beside it. It grades nothing, and the first word counts: a
// prediction that is made already stays as it is.
func (m *Manager) Predict(ctx context.Context, c Caller, id, step, name, value string) (StepState, error) {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > maxAnswer || !utf8.ValidString(value) {
		return StepState{}, badAnswer()
	}
	return m.change(ctx, c, id, step, func(l *live, i int) error {
		s := &l.steps[i]
		p := s.def.Prediction(name)
		if p == nil {
			return noAnswer()
		}
		if len(p.Choices) > 0 {
			at := p.Choice(value)
			if at < 0 {
				return badAnswer()
			}
			value = p.Choices[at].Text.In("en")
		}
		if _, made := s.predictions[name]; made {
			return nil
		}
		s.keepPrediction(name, value)
		a := store.Answer{Step: l.key(i), Name: name, Value: value, At: m.o.Now()}
		m.journal.put("prediction "+a.Learner+" "+a.Lab+" "+step+" "+name, func(ctx context.Context) error {
			return m.store.SavePrediction(ctx, a)
		}, nil)
		l.publishStep(i)
		return nil
	})
}

func (s *step) keepPrediction(name, value string) {
	all := maps.Clone(s.predictions)
	if all == nil {
		all = map[string]string{}
	}
	all[name] = value
	s.predictions = all
}

// predicted shows a prediction in the caller's language.
func predicted(v view, p *lab.Prediction, value string) Prediction {
	shown := Prediction{Value: value, Truth: v.html(p.Truth)}
	if at := p.Choice(value); at >= 0 {
		c := &p.Choices[at]
		shown.Value, shown.Right = v.text(c.Text), &c.Right
		if len(c.Why) > 0 {
			shown.Why = v.html(c.Why)
		}
	}
	return shown
}
