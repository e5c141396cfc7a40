package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netground/netground/server/check"
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

// What a host forgets by itself is nothing that the learner has undone.
func TestForgottenIsNotUndone(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Labs["demo"].Steps[1].Checks = append(o.Labs["demo"].Steps[1].Checks, lab.Check{Neighbour: &lab.NeighbourCheck{}})
	})
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	box := w.e.box()
	box.change("one", true)
	if got := must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link")); got.Passed || *got.Holds {
		t.Errorf("before anybody is known: %+v", got)
	}
	box.change("known", true)
	await(w, sub, "the step", func(s StepState) bool { return s.ID == "link" && s.Passed && *s.Holds })
	box.change("known", false)
	for range 2 {
		if got := must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link")); !*got.Holds || got.Checks[1].Found != "was known, and is forgotten by now" {
			t.Errorf("forgotten: %+v", got)
		}
	}
	for _, on := range []bool{false, true} {
		box.change("one", on)
		if got := must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link")); *got.Holds != on {
			t.Errorf("undone, and done again: %+v", got)
		}
	}
	must[Session](w)(w.m.Reset(t.Context(), ann, s.ID))
	w.eventually("the lab is as in the beginning", func() bool {
		got, err := w.m.Check(t.Context(), ann, s.ID, "link")
		return err == nil && got.Passed && !*got.Holds && got.Checks[1].Reason == check.Unknown
	})
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
	// A mistake's hint is for who has done something.
	want := []string{"<p>check hint</p>", "<p>mistake hint</p>", "<p>first</p>", "<p>second</p>"}
	for i := range want {
		if i == 1 {
			w.e.box().change("wrong", true)
			must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link"))
		}
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

// far is a lab whose second step needs a probe.
func far() *lab.Lab {
	return &lab.Lab{
		Name: "far", Topology: lab.Topology{Hosts: map[string]lab.Host{"A": {}}},
		Steps: []lab.Step{
			{ID: "near", Checks: []lab.Check{link("one")}},
			{ID: "far", Checks: []lab.Check{link("cable"), {Reach: &lab.ReachCheck{From: "A", To: "path"}}}},
		},
	}
}

// No packet is sent for a step at which the learner is not yet, unless all that
// is cheaper holds; and none again as long as the network is the same.
func TestProbesAreRare(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Labs["far"] = far() })
	id := w.create(ann, "far").ID
	sub := w.subscribe(ann, id)
	box := w.e.box()
	await(w, sub, "the first look", func(s StepState) bool { return s.ID == "far" && len(s.Checks) == 2 })
	if got := w.step(ann, id, "far"); w.e.probes("path") != 0 || got.Checks[1].Reason != NotChecked {
		t.Errorf("%d probes; %+v", w.e.probes("path"), got)
	}
	box.change("cable", true)
	await(w, sub, "the cable", func(s StepState) bool { return s.ID == "far" && s.Checks[0].OK && s.Checks[1].Reason != NotChecked })
	if n := w.e.probes("path"); n != 1 {
		t.Errorf("%d probes for the cable", n)
	}
	before := w.m.Stats().Evaluations
	box.tell() // the same network again
	w.eventually("it is looked at", func() bool { return w.m.Stats().Evaluations > before })
	if n := w.e.probes("path"); n != 1 {
		t.Errorf("%d probes though nothing has changed", n)
	}
	box.change("path", true)
	await(w, sub, "the step", func(s StepState) bool { return s.ID == "far" && s.Passed })
}

// Who mends the network need not wait until a probe of the broken one gives up.
func TestProbeIsInterrupted(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Labs["far"] = far() })
	id := w.create(ann, "far").ID
	sub := w.subscribe(ann, id)
	box := w.e.box()
	box.change("hole", true)
	box.change("cable", true)
	w.eventually("a probe is on its way", func() bool { return w.e.probes("path") > 0 })
	began := time.Now()
	box.change("path", true)
	for n := 0; time.Since(began) < 2*interruptAfter; n++ { // and more happens, as always
		box.change("noise", n%2 == 0)
		time.Sleep(time.Millisecond)
	}
	await(w, sub, "the step", func(s StepState) bool { return s.ID == "far" && s.Passed })
	if took := time.Since(began); took > autoTimeout/2 {
		t.Errorf("that took %v", took)
	}
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
