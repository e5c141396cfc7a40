package session

import (
	"reflect"
	"slices"
	"testing"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

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
	newer.Topology.Hosts = map[string]lab.Host{"A": {}, "B": {}, "C": {}}
	w.m.SetLabs(w.o.Course, map[string]*lab.Lab{"demo": newer})
	must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "intro"))
	got := must[Session](w)(w.m.Reset(t.Context(), ann, s.ID))
	if len(got.Steps) != 4 || got.Steps[0].ID != "fresh" || got.Steps[0].Passed || !got.Steps[1].Passed {
		t.Errorf("%+v", got.Steps)
	}
}

// An author's change of steps shows at once; one of the network after a reset.
func TestChangedLab(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "intro"))
	sub := w.subscribe(ann, s.ID)
	newer := demo("demo")
	newer.Steps = append([]lab.Step{{ID: "fresh"}}, newer.Steps[:3]...)
	w.m.SetLabs(w.o.Course, map[string]*lab.Lab{"demo": newer})
	await(w, sub, "the change", func(c LabChange) bool { return !c.NeedsReset })
	got := await(w, sub, "the session", func(Session) bool { return true })
	if len(got.Steps) != 4 || got.Steps[0].ID != "fresh" || got.Steps[0].Passed || !got.Steps[1].Passed {
		t.Errorf("%+v", got.Steps)
	}
	other := demo("demo")
	other.Topology.Hosts = map[string]lab.Host{"A": {}, "B": {}, "C": {}}
	w.m.SetLabs(w.o.Course, map[string]*lab.Lab{"demo": other})
	await(w, sub, "the change", func(c LabChange) bool { return c.NeedsReset })
	if now := must[Session](w)(w.m.Get(t.Context(), ann, s.ID)); len(now.Steps) != 4 {
		t.Errorf("%d steps before the reset", len(now.Steps))
	}
}

// A command after a reboot finds the host up again.
func TestCatchUpOverAReboot(t *testing.T) {
	w := newWorld(t, nil)
	def := demo("demo")
	def.Steps[1].Solution = lab.Script{{Host: "A", Line: "set gone"}, {Host: "A", Line: "reboot"}, {Host: "A", Line: "set one"}}
	w.m.SetLabs(w.o.Course, map[string]*lab.Lab{"demo": def})
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "ask"); err != nil {
		t.Fatal(err)
	}
	await(w, sub, "the step", func(s StepState) bool { return s.ID == "link" && s.Passed && s.CaughtUp })
	if box := w.e.box(); box.has("gone") || !box.has("one") {
		t.Errorf("the commands ran as %v", box.commands())
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
		if !reflect.DeepEqual(p, Progress{What: "catch-up", Step: step, Done: i, Total: 4}) {
			t.Errorf("%+v", p)
		}
		if got := await(w, sub, step, func(s StepState) bool { return s.ID == step && s.Passed }); !got.CaughtUp {
			t.Errorf("%s is not marked as caught up", step)
		}
	}
	if p := await(w, sub, "the end", func(p Progress) bool { return p.Step == "" }); !reflect.DeepEqual(p, Progress{What: "catch-up", Done: 4, Total: 4}) {
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
