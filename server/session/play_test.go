package session

import (
	"testing"

	"github.com/netground/netground/server/lab"
)

func playground(w *world, text string) *lab.Lab {
	return must[*lab.Lab](w)(lab.NewPlayground(text))
}

func TestPlay(t *testing.T) {
	w := newWorld(t, nil)
	one, two := playground(w, "hosts: {A: {}}"), playground(w, "hosts: {X: {}, Y: {}}")
	made := must[Created](w)(w.m.Play(t.Context(), ann, one, false))
	s := made.Session
	if !made.New || s.Lab != lab.Playground || len(s.Steps) != 0 || len(s.Hosts) != 1 || len(s.Terminals) != 1 {
		t.Errorf("%+v", made)
	}
	w.flush()
	if row, err := w.store.Session(t.Context(), s.ID); err != nil || row.Topology != one.Source || row.Lab != lab.Playground {
		t.Errorf("%+v, %v", row, err)
	}
	// The same text is the same network, though it was read again.
	again := must[Created](w)(w.m.Play(t.Context(), ann, playground(w, "hosts: {A: {}}"), false))
	if again.New || again.Session.ID != s.ID {
		t.Errorf("%+v", again)
	}
	// Another one is asked about first.
	_, err := w.m.Play(t.Context(), ann, two, false)
	isCode(w, err, Playing)
	old := w.e.box()
	sub := w.subscribe(ann, s.ID)
	other := must[Created](w)(w.m.Play(t.Context(), ann, two, true))
	if other.Session.ID != s.ID || len(other.Session.Hosts) != 2 || !old.destroyed() {
		t.Errorf("%+v", other)
	}
	await(w, sub, "another network", func(LabChange) bool { return true })
	await(w, sub, "its hosts", func(s Session) bool { return s.State == Ready && len(s.Hosts) == 2 && s.Hosts[0].Name == "X" })
	w.flush()
	if row, err := w.store.Session(t.Context(), s.ID); err != nil || row.Topology != two.Source || row.State != "ready" {
		t.Errorf("%+v, %v", row, err)
	}
	if id, source := w.m.Playground(ann); id != s.ID || source != two.Source {
		t.Errorf("%q, %q", id, source)
	}
	if l := must[*lab.Lab](w)(w.m.Lab(t.Context(), ann, s.ID)); l != two {
		t.Errorf("%+v", l)
	}
	// A reset brings the network that runs.
	if got := must[Session](w)(w.m.Reset(t.Context(), ann, s.ID)); len(got.Hosts) != 2 {
		t.Errorf("%+v", got)
	}

	// It is nobody else's.
	if id, source := w.m.Playground(bob); id != "" || source != "" {
		t.Errorf("%q, %q", id, source)
	}
	_, err = w.m.Lab(t.Context(), bob, s.ID)
	isCode(w, err, NotFound)
	theirs := must[Created](w)(w.m.Play(t.Context(), bob, one, false))
	if !theirs.New || theirs.Session.ID == s.ID {
		t.Errorf("%+v", theirs)
	}

	if err := w.m.End(t.Context(), ann, s.ID); err != nil {
		t.Fatal(err)
	}
	if id, _ := w.m.Playground(ann); id != "" {
		t.Errorf("it is over, and still %q", id)
	}
}

// A network that cannot be built leaves the one that runs.
func TestPlayFails(t *testing.T) {
	w := newWorld(t, nil)
	one, two := playground(w, "hosts: {A: {}}"), playground(w, "hosts: {X: {}}")
	s := must[Created](w)(w.m.Play(t.Context(), ann, one, false)).Session
	w.e.set(func(e *fakeEngine) { e.fail = errStopped })
	_, err := w.m.Play(t.Context(), ann, two, true)
	isCode(w, err, Failed)
	if id, source := w.m.Playground(ann); id != s.ID || source != one.Source {
		t.Errorf("%q, %q", id, source)
	}
	if got := must[Session](w)(w.m.Get(t.Context(), ann, s.ID)); got.State != Ready {
		t.Errorf("%+v", got)
	}
}

// A playground counts as any session does, and its hosts must fit into the memory.
func TestPlayIsBounded(t *testing.T) {
	free := int64(1 << 40)
	w := newWorld(t, func(o *Options) {
		o.MaxPerLearner = 1
		o.FreeMemory = func() (int64, error) { return free, nil }
	})
	w.create(ann, "demo")
	_, err := w.m.Play(t.Context(), ann, playground(w, "hosts: {A: {}}"), false)
	isCode(w, err, Quota)
	free = w.m.o.MinFreeMemory + 2*hostMemory
	if _, err := w.m.Play(t.Context(), bob, playground(w, "hosts: {A: {}, B: {}, C: {}}"), false); err == nil {
		t.Error("three hosts were started where two fit")
	}
	if made := must[Created](w)(w.m.Play(t.Context(), bob, playground(w, "hosts: {A: {}, B: {}}"), false)); !made.New {
		t.Errorf("%+v", made)
	}
}

// The server sends one packet at a time, in a playground only, to addresses of hosts.
func TestProbe(t *testing.T) {
	w := newWorld(t, nil)
	s := must[Created](w)(w.m.Play(t.Context(), ann, playground(w, "hosts: {A: {}, B: {}}"), false)).Session
	if got := must[CheckState](w)(w.m.Probe(t.Context(), ann, s.ID, "A", " 10.0.0.2 ")); got.OK || got.Kind != "reach" || got.Why == "" {
		t.Errorf("%+v", got)
	}
	w.e.box().change("10.0.0.2", true)
	if got := must[CheckState](w)(w.m.Probe(t.Context(), ann, s.ID, "A", "10.0.0.2")); !got.OK {
		t.Errorf("%+v", got)
	}
	for _, to := range []string{"", "B", "10.0.0.2/24", "224.0.0.1", "0.0.0.0", "fe80::1%eth0", "http://10.0.0.2/", "::ffff:10.0.0.2"} {
		_, err := w.m.Probe(t.Context(), ann, s.ID, "A", to)
		isCode(w, err, Invalid)
	}
	_, err := w.m.Probe(t.Context(), ann, s.ID, "C", "10.0.0.2")
	isCode(w, err, NotFound)
	_, err = w.m.Probe(t.Context(), bob, s.ID, "A", "10.0.0.2")
	isCode(w, err, NotFound)
	_, err = w.m.Probe(t.Context(), ann, w.create(ann, "demo").ID, "A", "10.0.0.2")
	isCode(w, err, NotFound)

	// A second one has to wait for the first.
	w.m.mu.Lock()
	l := w.m.lives[s.ID]
	w.m.mu.Unlock()
	if !l.probe(true) {
		t.Fatal("a probe goes on that nobody asked for")
	}
	_, err = w.m.Probe(t.Context(), ann, s.ID, "A", "10.0.0.2")
	isCode(w, err, Busy)
	l.probe(false)
}
