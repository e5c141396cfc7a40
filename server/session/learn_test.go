package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

// A passed step stays passed; a light of its own says that it holds no more.
func TestPassedStaysPassed(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	box := w.e.box()
	box.change("one", true)
	await(w, sub, "the step", func(s StepState) bool { return s.ID == "link" && s.Passed && s.Holds != nil && *s.Holds })
	box.change("one", false)
	got := await(w, sub, "the light", func(s StepState) bool { return s.ID == "link" && s.Holds != nil && !*s.Holds })
	if !got.Passed || got.CaughtUp || got.PassedAt == nil || got.Attempts != 0 {
		t.Errorf("%+v", got)
	}
	if p := must[map[string]LabProgress](w)(w.m.Progress(t.Context(), "ann")); p["demo"] != (LabProgress{1, s.ID}) {
		t.Errorf("progress: %+v", p)
	}
}

func TestCheck(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	got := must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link"))
	if got.Passed || got.Holds == nil || *got.Holds || got.Attempts != 1 || got.CheckedAt == nil {
		t.Errorf("%+v", got)
	}
	if len(got.Checks) != 1 || got.Checks[0].OK || got.Checks[0].Why == "" || got.Checks[0].Hint != "" {
		t.Errorf("checks: %+v", got.Checks)
	}
	w.e.box().change("one", true)
	got = must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link"))
	if !got.Passed || got.Holds == nil || !*got.Holds || got.Attempts != 2 {
		t.Errorf("%+v", got)
	}
	got = must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "intro"))
	if !got.Passed || got.Holds != nil {
		t.Errorf("a step without checks: %+v", got)
	}
	_, err := w.m.Check(t.Context(), ann, s.ID, "no-such-step")
	isCode(w, err, NotFound)
	rec := must[store.LabRecord](w)(w.store.LabRecord(t.Context(), "ann", "demo"))
	if len(rec.Results) != 2 || rec.Results[1].Passed.IsZero() || rec.Results[1].Attempts != 2 {
		t.Errorf("stored: %+v", rec.Results)
	}
}

func TestHints(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	if got := must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link")); !got.MoreHints || len(got.Hints) != 0 {
		t.Errorf("before: %+v", got)
	}
	want := []string{"<p>mistake hint</p>", "<p>check hint</p>", "<p>first</p>", "<p>second</p>"}
	for i := range want {
		got := must[StepState](w)(w.m.Hint(t.Context(), ann, s.ID, "link"))
		if !slices.Equal(got.Hints, want[:i+1]) || got.HintsUsed != i+1 || got.MoreHints != (i+1 < len(want)) {
			t.Errorf("after hint %d: %+v", i+1, got)
		}
	}
	got := must[StepState](w)(w.m.Hint(t.Context(), ann, s.ID, "link"))
	if got.HintsUsed != 4 || got.Checks[0].Hint != "<p>check hint</p>" {
		t.Errorf("after the last: %+v", got)
	}
	// They are there still in the next session.
	if err := w.m.End(t.Context(), ann, s.ID); err != nil {
		t.Fatal(err)
	}
	w.flush()
	if got := stepOf(w, w.create(ann, "demo"), "link"); !slices.Equal(got.Hints, want) {
		t.Errorf("in the next session: %+v", got.Hints)
	}
}

func TestSolution(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	if got := w.step(ann, s.ID, "two"); got.Solution != nil {
		t.Errorf("the solution is there before it was asked for: %+v", got.Solution)
	}
	got := must[StepState](w)(w.m.Solution(t.Context(), ann, s.ID, "two"))
	if !got.SolutionRevealed || !slices.Equal(got.Solution, []Command{{"B", "set two"}}) {
		t.Errorf("%+v", got)
	}
	w.flush()
	rec := must[store.LabRecord](w)(w.store.LabRecord(t.Context(), "ann", "demo"))
	if len(rec.Solutions) != 1 || rec.Solutions[0].Step != "two" {
		t.Errorf("stored: %+v", rec.Solutions)
	}
}

func TestAnswer(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	box := w.e.box()
	got := must[StepState](w)(w.m.Answer(t.Context(), ann, s.ID, "ask", "why", "wrong"))
	if got.Passed || got.Answers["why"] != "wrong" || got.Checks[1].OK {
		t.Errorf("%+v", got)
	}
	got = must[StepState](w)(w.m.Answer(t.Context(), ann, s.ID, "ask", "why", " because\n"))
	if got.Passed || !got.Checks[1].OK {
		t.Errorf("%+v", got)
	}
	got = must[StepState](w)(w.m.Answer(t.Context(), ann, s.ID, "ask", "mac", box.id))
	if !got.Passed || !*got.Holds {
		t.Errorf("%+v", got)
	}
	_, err := w.m.Answer(t.Context(), ann, s.ID, "ask", "nothing", "x")
	isCode(w, err, NotFound)
	_, err = w.m.Answer(t.Context(), ann, s.ID, "ask", "why", strings.Repeat("x", maxAnswer+1))
	isCode(w, err, Invalid)
}

func TestReset(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	old := w.e.box()
	old.change("one", true)
	must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link"))
	must[StepState](w)(w.m.Answer(t.Context(), ann, s.ID, "ask", "mac", old.id))
	must[StepState](w)(w.m.Answer(t.Context(), ann, s.ID, "ask", "why", "because"))
	must[StepState](w)(w.m.Hint(t.Context(), ann, s.ID, "link"))
	at := must[*Attachment](w)(w.m.AttachTerminal(ann, s.ID, s.Terminals[0].ID))
	sub := w.subscribe(ann, s.ID)

	got := must[Session](w)(w.m.Reset(t.Context(), ann, s.ID))
	<-at.Done
	if !old.destroyed() || w.e.box() == old {
		t.Error("the sandbox is the old one")
	}
	if got.State != Ready || len(got.Terminals) != 1 || got.Terminals[0].ID == s.Terminals[0].ID {
		t.Errorf("%+v", got)
	}
	link, ask := stepOf(w, got, "link"), stepOf(w, got, "ask")
	if !link.Passed || link.HintsUsed != 1 || !ask.Passed {
		t.Errorf("what was passed is no more: %+v, %+v", link, ask)
	}
	if _, ok := ask.Answers["mac"]; ok || ask.Answers["why"] != "because" {
		t.Errorf("answers: %+v", ask.Answers)
	}
	await(w, sub, "resetting", func(s Session) bool { return s.State == Resetting })
	await(w, sub, "its progress", func(p Progress) bool { return p.What == "reset" && p.Done == 0 && p.Total == 1 })
	await(w, sub, "ready", func(s Session) bool { return s.State == Ready })
	await(w, sub, "its end", func(p Progress) bool { return p.What == "reset" && p.Done == 1 && p.Error == "" })
	await(w, sub, "the light", func(s StepState) bool { return s.ID == "link" && s.Passed && s.Holds != nil && !*s.Holds })
	_, err := w.m.AttachTerminal(ann, s.ID, s.Terminals[0].ID)
	isCode(w, err, NotFound)
}

// A reset that finds no new sandbox leaves the old one.
func TestResetFails(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	w.e.set(func(e *fakeEngine) { e.fail = errStopped })
	_, err := w.m.Reset(t.Context(), ann, s.ID)
	isCode(w, err, Failed)
	w.e.box().change("one", true)
	if got := must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link")); !got.Passed {
		t.Errorf("%+v", got)
	}
	if n := w.m.Stats(); w.m.extra != 0 || n.Resets != 0 {
		t.Errorf("%d sandboxes too many, %d resets", w.m.extra, n.Resets)
	}
}

// A reset brings the lab as it is now.
func TestResetTakesNewLab(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	newer := demo("demo")
	newer.Steps = append([]lab.Step{{ID: "fresh"}}, newer.Steps[:3]...)
	w.m.SetLabs(w.o.Course, map[string]*lab.Lab{"demo": newer})
	must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "intro"))
	got := must[Session](w)(w.m.Reset(t.Context(), ann, s.ID))
	if len(got.Steps) != 4 || got.Steps[0].ID != "fresh" || got.Steps[0].Passed || !got.Steps[1].Passed {
		t.Errorf("%+v", got.Steps)
	}
}

func TestCatchUp(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "broken"); err != nil {
		t.Fatal(err)
	}
	for i, step := range []string{"intro", "link", "ask", "two"} {
		p := await(w, sub, step, func(p Progress) bool { return p.Step == step })
		if p != (Progress{What: "catch-up", Step: step, Done: i, Total: 4}) {
			t.Errorf("%+v", p)
		}
		if got := await(w, sub, step, func(s StepState) bool { return s.ID == step && s.Passed }); !got.CaughtUp {
			t.Errorf("%s is not marked as caught up", step)
		}
	}
	if p := await(w, sub, "the end", func(p Progress) bool { return p.Step == "" }); p != (Progress{What: "catch-up", Done: 4, Total: 4}) {
		t.Errorf("%+v", p)
	}
	if got := w.e.box().commands(); !slices.Equal(got, []string{"A: fail", "A: set one", "B: set two"}) {
		t.Errorf("ran %q", got)
	}
	if got := w.step(ann, s.ID, "ask"); got.Answers["mac"] != w.e.box().id || got.Answers["why"] != "because" {
		t.Errorf("answers: %+v", got.Answers)
	}
	w.flush()
	for _, r := range must[store.LabRecord](w)(w.store.LabRecord(t.Context(), "ann", "demo")).Results {
		if r.Passed.IsZero() || !r.CaughtUp {
			t.Errorf("stored: %+v", r)
		}
	}
}

// What the learner has passed stays the learner's own; what holds is not run.
func TestCatchUpKeepsOwnWork(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	w.e.box().change("one", true)
	must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link"))
	sub := w.subscribe(ann, s.ID)
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "ask"); err != nil {
		t.Fatal(err)
	}
	await(w, sub, "the end", func(p Progress) bool { return p.Done == 2 })
	if got := w.step(ann, s.ID, "link"); !got.Passed || got.CaughtUp {
		t.Errorf("%+v", got)
	}
	if got := w.e.box().commands(); len(got) != 0 {
		t.Errorf("ran %q", got)
	}
}

func TestCatchUpFails(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "end"); err != nil {
		t.Fatal(err)
	}
	isCode(w, w.m.CatchUp(t.Context(), ann, s.ID, "end"), Busy)
	isCode(w, w.m.Reboot(t.Context(), ann, s.ID, "A"), Busy)
	p := await(w, sub, "the error", func(p Progress) bool { return p.Error != "" })
	want := "The step “broken” could not be solved. On A, “fail” ended with the exit code 2 (RTNETLINK answers: No such device). it is not there"
	if p.Step != "broken" || p.Done != 4 || p.Error != want {
		t.Errorf("%+v", p)
	}
	isCode(w, w.m.CatchUp(t.Context(), ann, s.ID, "no-such-step"), NotFound)
}

// A reset ends catching up.
func TestCatchUpCancelled(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	w.e.box().change("never", true)
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "end"); err != nil {
		t.Fatal(err)
	}
	await(w, sub, "the step that hangs", func(p Progress) bool { return p.Step == "slow" })
	must[Session](w)(w.m.Reset(t.Context(), ann, s.ID))
	await(w, sub, "its end", func(p Progress) bool { return p.What == "catch-up" && p.Error != "" })
	await(w, sub, "the reset", func(p Progress) bool { return p.What == "reset" && p.Done == 1 })
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "link"); err != nil {
		t.Fatal(err)
	}
	await(w, sub, "the next", func(p Progress) bool { return p.What == "catch-up" && p.Done == 1 && p.Error == "" })
}

// fullStore is a store on a disk that may be full.
type fullStore struct {
	Store
	full  atomic.Bool
	tried chan struct{} // buffered 1
}

func (s *fullStore) SaveResult(ctx context.Context, r store.StepResult) error {
	if s.full.Load() {
		select {
		case s.tried <- struct{}{}:
		default:
		}
		return errors.New("no space left on device")
	}
	return s.Store.SaveResult(ctx, r)
}

// A step is shown as passed when that is stored, not before, though the disk
// be full for a while.
func TestPassedWhenStored(t *testing.T) {
	s := &fullStore{tried: make(chan struct{}, 1)}
	w := newWorld(t, func(o *Options) {
		s.Store = o.Store
		o.Store = s
	})
	id := w.create(ann, "demo").ID
	sub := w.subscribe(ann, id)
	s.full.Store(true)
	w.e.box().change("one", true)
	await(w, sub, "the light", func(s StepState) bool { return s.ID == "link" && s.Holds != nil && *s.Holds && !s.Passed })
	<-s.tried
	if w.step(ann, id, "link").Passed {
		t.Error("it is shown as passed, but is not stored")
	}
	if n := w.m.Stats(); n.Passed != 0 {
		t.Errorf("%d passed", n.Passed)
	}
	s.full.Store(false)
	await(w, sub, "the step", func(s StepState) bool { return s.ID == "link" && s.Passed })
	rec := must[store.LabRecord](w)(w.store.LabRecord(t.Context(), "ann", "demo"))
	if len(rec.Results) != 1 || rec.Results[0].Passed.IsZero() {
		t.Errorf("stored: %+v", rec.Results)
	}
}
