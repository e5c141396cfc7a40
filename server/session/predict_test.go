package session

import (
	"strings"
	"testing"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

// A prediction is kept as it was first, is shown in the language that is asked
// for, comes back in another session, and grades nothing.
func TestPredict(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	if got := w.step(ann, s.ID, "two"); len(got.Predictions) != 0 {
		t.Errorf("before: %+v", got.Predictions)
	}
	got := must[StepState](w)(w.m.Predict(t.Context(), ann, s.ID, "two", "p", " 아래\n"))
	p := got.Predictions["p"]
	if p.Right == nil || *p.Right || p.Value != "down" || p.Why != "<p>no</p>" || p.Truth != "<p>it is **up**</p>" || got.Passed {
		t.Errorf("%+v", got)
	}
	got = must[StepState](w)(w.m.Predict(t.Context(), ann, s.ID, "two", "p", "up"))
	if p := got.Predictions["p"]; p.Value != "down" {
		t.Errorf("the first prediction was forgotten: %+v", p)
	}
	got = must[StepState](w)(w.m.Predict(t.Context(), ann, s.ID, "two", "free", "seven"))
	if p := got.Predictions["free"]; p.Value != "seven" || p.Right != nil || p.Truth != "<p>three</p>" {
		t.Errorf("%+v", p)
	}
	for _, bad := range [][2]string{{"p", "sideways"}, {"free", " "}, {"free", strings.Repeat("x", maxAnswer+1)}, {"free", "\xff"}} {
		_, err := w.m.Predict(t.Context(), ann, s.ID, "two", bad[0], bad[1])
		isCode(w, err, Invalid)
	}
	_, err := w.m.Predict(t.Context(), ann, s.ID, "two", "nothing", "x")
	isCode(w, err, NotFound)

	w.flush()
	rec := must[store.LabRecord](w)(w.store.LabRecord(t.Context(), "ann", "demo"))
	if len(rec.Predictions) != 2 || rec.Predictions[0].Value != "seven" || rec.Predictions[1].Value != "down" {
		t.Errorf("stored: %+v", rec.Predictions)
	}
	if err := w.m.End(t.Context(), ann, s.ID); err != nil {
		t.Fatal(err)
	}
	next := w.create(Caller{Learner: ann.Learner, Language: "ko"}, "demo")
	if got := w.step(Caller{Learner: ann.Learner, Language: "ko"}, next.ID, "two").Predictions["p"]; got.Value != "아래" {
		t.Errorf("in the next session: %+v", got)
	}
}

func TestMistakesAreToldApart(t *testing.T) {
	choices := []lab.Choice{{Text: lab.Text{"en": "none", "ko": "없음"}, Right: true}, {Text: lab.Text{"en": "one", "ko": "하나"}}, {Text: lab.Text{"en": "two", "ko": "둘"}}}
	answer := func(value string) lab.Script { return lab.Script{{Host: lab.AnswerHost, Line: "n=" + value}} }
	for _, c := range []struct {
		name   string
		check  lab.Check
		result check.Result
		answer string
		all    []lab.Mistake
		want   int // -1: none of them
	}{
		{"only the check", link("x"), check.Result{Reason: "down"}, "", []lab.Mistake{{Fails: "link"}}, 0},
		{"another check", link("x"), check.Result{Reason: "down"}, "", []lab.Mistake{{Fails: "link#2"}}, -1},
		{"by reason", link("x"), check.Result{Reason: "down"}, "", []lab.Mistake{{Fails: "link", Reason: "no-carrier"}, {Fails: "link", Reason: "down"}}, 1},
		{"by what is found", link("x"), check.Result{Found: text("via 10.0.0.2")}, "", []lab.Mistake{{Fails: "link", Found: "10.0.0.1"}, {Fails: "link", Found: "10.0.0.2"}}, 1},
		{"by the value", lab.Check{Answer: &lab.AnswerCheck{Name: "n", Value: "1"}}, check.Result{}, " TWO ", []lab.Mistake{{Fails: "answer", Run: answer("one")}, {Fails: "answer", Run: answer("two")}}, 1},
		{"by the choice, in Korean", lab.Check{Answer: &lab.AnswerCheck{Name: "n", Choices: choices}}, check.Result{}, "둘", []lab.Mistake{{Fails: "answer", Run: answer("one")}, {Fails: "answer", Run: answer("two")}}, 1},
		{"another value", lab.Check{Answer: &lab.AnswerCheck{Name: "n", Value: "1"}}, check.Result{}, "7", []lab.Mistake{{Fails: "answer", Run: answer("one")}}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range c.all {
				c.all[i].Hint = text("hint")
			}
			s := step{def: &lab.Step{Checks: []lab.Check{c.check}, Mistakes: c.all}, results: []check.Result{c.result}, answers: map[string]string{"n": c.answer}, begun: 1, seen: 2}
			want := ""
			if c.want >= 0 {
				want = mistakeHint(c.want)
			}
			if got := s.nextHint(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
