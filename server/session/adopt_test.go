package session

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/sandbox/keeper"
	"github.com/netground/netground/server/store"
	"github.com/netground/netground/server/terminal"
)

// restart ends the manager and starts another, which finds what the first left.
func (w *world) restart() {
	w.Helper()
	if err := w.m.Leave(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.e.leave()
	var err error
	if w.m, err = Open(w.Context(), w.o); err != nil {
		w.Fatal(err)
	}
}

// shows waits until a terminal has shown the text.
func (w *world) shows(id, name, text string) {
	w.Helper()
	at, err := w.m.AttachTerminal(ann, id, name)
	if err != nil {
		w.Fatal(err)
	}
	v := at.Terminal.Attach(terminal.ViewerOptions{ID: "page", Offset: -1})
	defer v.Close()
	var all strings.Builder
	for buf := make([]byte, 4096); !strings.Contains(all.String(), text); {
		c, err := v.Next(w.Context(), buf)
		if err != nil {
			w.Fatal(err)
		}
		all.Write(c.Data)
	}
}

func TestSessionsGoOn(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.PoolSize = 1; o.IdleTimeout = time.Hour })
	s := w.create(ann, "demo")
	second := must[Terminal](w)(w.m.OpenTerminal(t.Context(), ann, s.ID, "B", 100, 30))
	mac := w.e.boxOf(s.ID).id
	must[StepState](w)(w.m.Answer(t.Context(), ann, s.ID, "ask", "mac", mac))
	must[StepState](w)(w.m.Answer(t.Context(), ann, s.ID, "ask", "why", "because"))
	w.e.boxOf(s.ID).change("one", true)
	w.eventually("the step is passed", func() bool { return w.step(ann, s.ID, "link").Passed })
	dead := w.create(bob, "other")
	if err := w.store.EndSession(t.Context(), dead.ID, "by hand", w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	w.eventually("one stands ready", func() bool { return w.m.Stats().Ready == 1 })
	w.m.touchRows()
	w.clock.pass(50 * time.Minute)
	before := w.e.boxOf(s.ID)

	w.restart()

	now := must[Session](w)(w.m.Get(t.Context(), ann, s.ID))
	if now.State != Ready || !now.CreatedAt.Equal(s.CreatedAt) || len(now.Hosts) != 2 || len(now.Terminals) != 2 ||
		now.Terminals[0].ID != s.Terminals[0].ID || now.Terminals[1].ID != second.ID || now.Terminals[1].Cols != 100 {
		t.Errorf("the session is %+v, and was %+v", now, s)
	}
	if got := stepOf(w, now, "ask").Answers; got["mac"] != mac || got["why"] != "because" {
		t.Errorf("the answers are %v", got)
	}
	if !stepOf(w, now, "link").Passed || before.destroyed() {
		t.Error("what was reached is lost")
	}
	w.shows(s.ID, second.ID, "B$ ")
	sub := w.subscribe(ann, s.ID)
	before.change("two", true)
	await(w, sub, "what changes now", func(s StepState) bool { return s.ID == "two" && s.Passed })
	if _, err := w.m.Get(t.Context(), bob, dead.ID); err == nil {
		t.Error("a session that has ended goes on")
	}
	w.eventually("only this one and the pool's are left", func() bool { return w.e.running()-w.m.Stats().Ready == 1 })
	w.clock.pass(11 * time.Minute) // and not an hour from the restart on
	w.m.expire()
	if _, err := w.m.Get(t.Context(), ann, s.ID); err == nil {
		t.Error("the idle timeout began anew")
	}
}

// The clock was set while no server ran: nobody's session is over by that, nor
// does it last longer than any may.
func TestClockSetMeanwhile(t *testing.T) {
	for _, by := range []time.Duration{25 * time.Hour, -26 * time.Hour} {
		w := newWorld(t, func(o *Options) { o.IdleTimeout = time.Hour; o.HardLimit = 3 * time.Hour })
		s := w.create(ann, "demo")
		w.clock.pass(50 * time.Minute)
		w.clock.set(by)
		w.restart()
		w.m.expire()
		if now, err := w.m.Get(t.Context(), ann, s.ID); err != nil || now.ExpiresAt.Before(w.clock.Now().Add(59*time.Minute)) {
			t.Errorf("set by %v: %+v %v", by, now, err)
		}
		for range 5 { // it is used, and restarted, until its longest time is over
			w.clock.pass(25 * time.Minute)
			must[Session](w)(w.m.Extend(t.Context(), ann, s.ID))
			w.restart()
		}
		w.clock.pass(6 * time.Minute)
		w.m.expire()
		if _, err := w.m.Get(t.Context(), ann, s.ID); err == nil {
			t.Errorf("set by %v: the longest time began anew", by)
		}
	}
}

// A server that ends in the middle of something.
func TestInterrupted(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "end"); err != nil {
		t.Fatal(err)
	}
	w.restart()
	sub := w.subscribe(ann, s.ID)
	p := await(w, sub, "that it was interrupted", func(p Progress) bool { return p.What == busyCatchUp })
	if !strings.Contains(p.Error, "interrupted") {
		t.Errorf("the page is told %+v", p)
	}
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "ask"); err != nil {
		t.Errorf("it cannot be started again: %v", err)
	}

	// Two sandboxes say that they are the session's: the newer one is.
	other := w.create(bob, "demo")
	old := w.e.boxOf(other.ID)
	note := old.note
	w.clock.pass(time.Second)
	if _, err := w.m.Reset(t.Context(), bob, other.ID); err != nil {
		t.Fatal(err)
	}
	newer := w.e.box()
	left := must[Sandbox](w)(w.e.Create(t.Context(), "left", keeper.Spec{})).(*fakeBox) // that has not come to its end
	if err := left.SetNote(note); err != nil {
		t.Fatal(err)
	}
	w.restart()
	must[Session](w)(w.m.Get(t.Context(), bob, other.ID))
	if !left.destroyed() || newer.destroyed() {
		t.Errorf("the old one is destroyed: %v, the new one: %v", left.destroyed(), newer.destroyed())
	}
}

// The labs were changed while no server ran.
func TestLabsChangedMeanwhile(t *testing.T) {
	w := newWorld(t, nil)
	same, changed, gone := w.create(ann, "demo"), w.create(ann, "other"), w.create(bob, "demo")
	steps := demo("demo")
	steps.Steps[1].Hints = append(steps.Steps[1].Hints, text("third"))
	network := demo("other")
	network.Topology.Hosts = map[string]lab.Host{"A": {}, "B": {}, "C": {}}
	w.o.Labs = map[string]*lab.Lab{"demo": steps, "other": network}
	w.restart()
	if got := must[Session](w)(w.m.Get(t.Context(), ann, same.ID)); got.State != Ready {
		t.Errorf("%+v", got)
	}
	sub := w.subscribe(ann, changed.ID)
	if c := await(w, sub, "that a reset is needed", func(LabChange) bool { return true }); !c.NeedsReset {
		t.Error("a reset is not needed")
	}
	if got := must[Session](w)(w.m.Get(t.Context(), ann, changed.ID)); len(got.Hosts) != 2 {
		t.Errorf("the hosts of the running network are %+v", got.Hosts)
	}
	if got := must[Session](w)(w.m.Reset(t.Context(), ann, changed.ID)); len(got.Hosts) != 3 {
		t.Errorf("the hosts after a reset are %+v", got.Hosts)
	}
	box := w.e.boxOf(gone.ID)
	delete(w.o.Labs, "demo")
	w.restart()
	_, err := w.m.Get(t.Context(), bob, gone.ID)
	isCode(w, err, Gone)
	if !box.destroyed() {
		t.Error("the sandbox of a lab that is gone lives on")
	}
}

// Results that cannot be stored are kept, and learners are told.
func TestStorageTrouble(t *testing.T) {
	failing := &flaky{}
	w := newWorld(t, func(o *Options) { failing.Store = o.Store; o.Store = failing })
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	failing.fail(errors.New("the disk is full"))
	w.e.boxOf(s.ID).change("one", true)
	n := await(w, sub, "that results wait", func(n Notice) bool { return n.Kind == "storage" })
	if !strings.Contains(n.Text, "cannot store") || !n.ExpiresAt.After(w.clock.Now()) {
		t.Errorf("the page is told %+v", n)
	}
	late := w.subscribe(ann, s.ID)
	await(w, late, "that results wait, for who comes later", func(n Notice) bool { return n.Kind == "storage" })
	failing.fail(nil)
	await(w, sub, "the result", func(s StepState) bool { return s.ID == "link" && s.Passed })
	await(w, late, "that all is stored", func(n Notice) bool { return n.Kind == "stored" && strings.Contains(n.Text, "stored again") })
	third := w.subscribe(ann, s.ID)
	w.flush()
	w.e.boxOf(s.ID).change("two", true)
	await(w, third, "what comes afterwards", func(s StepState) bool { return s.ID == "two" && s.Passed })
}

// The database was put in another's place: sessions of which it knows nothing end.
func TestUnknownSessionsEnd(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	box := w.e.boxOf(s.ID)
	if err := w.m.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.e.leave()
	other, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "other.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	w.o.Store = other
	if w.m, err = Open(t.Context(), w.o); err != nil {
		t.Fatal(err)
	}
	w.close()
	if !box.destroyed() {
		t.Error("a sandbox that nobody can ask for lives on")
	}
}
