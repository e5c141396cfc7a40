package session

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/store"
	"github.com/netground/netground/server/terminal"
)

// ear is a listener that remembers.
type ear struct {
	mu        sync.Mutex
	last      Brief
	failures  []store.Failure
	steps     map[string]StepFact
	holding   []string
	states    int
	terminals []string
}

func (e *ear) Session(b Brief) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = b
}

func (e *ear) Step(b Brief, f StepFact) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = b
	e.steps[f.ID] = f
	for _, kind := range f.Holding {
		e.holding = append(e.holding, f.ID+" "+kind)
	}
	if f.Failure != nil {
		e.failures = append(e.failures, *f.Failure)
	}
}

func (e *ear) State(Brief, *observe.State) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.states++
}

func (e *ear) Terminal(_ Brief, info Terminal, _ *terminal.Terminal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.terminals = append(e.terminals, info.ID)
}

func (e *ear) tries() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.failures)
}

func (e *ear) brief() Brief {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

func listening(t *testing.T, change func(*Options)) (*world, *ear) {
	t.Helper()
	e := &ear{steps: map[string]StepFact{}}
	return newWorld(t, func(o *Options) {
		o.Listener = e
		o.RecheckEvery = 5 * time.Millisecond
		o.RecheckFor = 24 * time.Hour
		if change != nil {
			change(o)
		}
	}), e
}

func TestTriesThatFail(t *testing.T) {
	w, e := listening(t, nil)
	s := w.create(ann, "demo")
	box := w.e.box()
	if len(e.terminals) != 1 || e.brief().Step != "link" {
		t.Errorf("got %v, %+v", e.terminals, e.brief())
	}
	must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link"))
	w.eventually("what was asked for counts", func() bool { return e.tries() == 1 })
	must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link"))
	if n := e.tries(); n != 1 {
		t.Fatalf("asked again without having done anything: %d tries", n)
	}
	// A change counts once it has been left as it is, and not before.
	at := must[*Attachment](w)(w.m.AttachTerminal(ann, s.ID, s.Terminals[0].ID))
	w.clock.pass(time.Second)
	at.Touch()
	box.change("wrong", true)
	w.eventually("the change is looked at", func() bool {
		w.m.mu.Lock()
		l := w.m.lives[s.ID]
		w.m.mu.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.steps[1].tries.stands == l.steps[1].seen && l.steps[1].touched()
	})
	if n := e.tries(); n != 1 {
		t.Fatalf("%d tries before anybody has left it", n)
	}
	w.clock.pass(resting)
	w.eventually("it counts when it is left", func() bool { return e.tries() == 2 })
	evaluations := w.m.Stats().Evaluations
	w.eventually("it is looked at again", func() bool { return w.m.Stats().Evaluations > evaluations+3 })
	if n := e.tries(); n != 2 {
		t.Errorf("the same change counts %d times", n-1)
	}
	w.flush()
	if f := e.failures[1]; f.Asked || f.Step.Step != "link" || f.Failing[0].Reason != "absent" || f.Failing[0].Why["en"] == "" {
		t.Errorf("got %+v", f)
	}
	at.Touch()
	box.change("one", true)
	w.eventually("it passes", func() bool { return e.brief().Step == "ask" })
	e.mu.Lock()
	if !slices.Equal(e.holding, []string{"link link"}) {
		t.Errorf("came to hold: %v", e.holding)
	}
	e.mu.Unlock()
	w.clock.pass(time.Hour)
	must[StepState](w)(w.m.Check(t.Context(), ann, s.ID, "link"))
	if n := e.tries(); n != 2 {
		t.Errorf("what has passed counts as a try: %d", n)
	}
}

func TestGuestsLeaveNoTrace(t *testing.T) {
	w, e := listening(t, nil)
	s := w.create(ann, "demo")
	guest := ann
	guest.Guest = true
	before := e.brief()
	w.clock.pass(time.Minute)
	w.subscribe(guest, s.ID)
	must[Session](w)(w.m.Get(t.Context(), guest, s.ID))
	at := must[*Attachment](w)(w.m.AttachTerminal(guest, s.ID, s.Terminals[0].ID))
	if at.Touch != nil || at.May != nil {
		t.Error("a guest types as the learner does")
	}
	if now := e.brief(); now.Pages != 0 || !now.Active.Equal(before.Active) {
		t.Errorf("the guest counts as the learner: %+v", now)
	}
	w.subscribe(ann, s.ID)
	if now := e.brief(); now.Pages != 1 {
		t.Errorf("the learner's page does not count: %+v", now)
	}
	stranger := bob
	stranger.Guest = true
	_, err := w.m.Get(t.Context(), stranger, s.ID)
	isCode(w, err, NotFound)
}

func TestGate(t *testing.T) {
	var shut sync.Map
	w, _ := listening(t, func(o *Options) {
		o.Gate = func(learner, lab string) error {
			if _, ok := shut.Load(learner + " " + lab); ok {
				return &Error{Code: Paused, Text: text("wait")}
			}
			return nil
		}
	})
	s := w.create(ann, "demo")
	at := must[*Attachment](w)(w.m.AttachTerminal(ann, s.ID, s.Terminals[0].ID))
	if !at.May() {
		t.Error("typing waits for nothing")
	}
	shut.Store("ann demo", true)
	if at.May() {
		t.Error("typing does not wait")
	}
	for what, do := range map[string]func() error{
		"check":  func() error { _, err := w.m.Check(t.Context(), ann, s.ID, "link"); return err },
		"hint":   func() error { _, err := w.m.Hint(t.Context(), ann, s.ID, "link"); return err },
		"answer": func() error { _, err := w.m.Answer(t.Context(), ann, s.ID, "ask", "why", "x"); return err },
		"create": func() error { _, err := w.m.Create(t.Context(), ann, "demo"); return err },
	} {
		var e *Error
		if err := do(); !errors.As(err, &e) || e.Code != Paused {
			t.Errorf("%s: got %v", what, err)
		}
	}
	w.create(ann, "other")
	w.create(bob, "demo")
	guest := ann
	guest.Guest = true
	if _, err := w.m.Reset(t.Context(), guest, s.ID); err != nil {
		t.Errorf("the teacher waits, too: %v", err)
	}
}

func TestTell(t *testing.T) {
	w, _ := listening(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	w.m.Tell("ann", "class", func(language string) any { return []string{"hello", language} })
	got := await(w, sub, "what was told", func([]string) bool { return true })
	if !slices.Equal(got, []string{"hello", "en"}) {
		t.Errorf("got %v", got)
	}
	if live := w.m.Live("ann"); len(live) != 1 || live[0].ID != s.ID || live[0].Pages != 1 {
		t.Errorf("got %+v", live)
	}
	if live := w.m.Live("bob"); len(live) != 0 {
		t.Errorf("got %+v", live)
	}
}
