package session

import (
	"errors"
	"testing"
	"time"

	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/store"
	"github.com/netground/netground/server/terminal"
)

func TestSubscribeOrder(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	box := w.e.box()
	box.change("x", true)
	sub := w.subscribe(Caller{Learner: "ann", Language: "ko"}, s.ID)
	box.change("y", true)
	var last uint64
	for i, want := range []string{SessionEvent, StateEvent} {
		e := must[Event](w)(sub.Next(t.Context()))
		if e.Name != want || e.ID <= last {
			t.Errorf("event %d is %s with the id %d after %d, want %s", i, e.Name, e.ID, last, want)
		}
		last = e.ID
		if _, err := e.JSON(); err != nil {
			t.Error(err)
		}
	}
	await(w, sub, "the change", func(st *observe.State) bool { return st.Nodes["A"].Namespace.Link("y") != nil })
}

func TestSubscribeOverflow(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	slow, quick := w.subscribe(ann, s.ID), w.subscribe(ann, s.ID)
	for range subscriberQueue {
		must[Session](w)(w.m.Extend(t.Context(), ann, s.ID))
		await(w, quick, "the session", func(Session) bool { return true })
	}
	if _, err := slow.Next(t.Context()); !errors.Is(err, ErrOverflow) {
		t.Errorf("the slow one got %v", err)
	}
	must[Session](w)(w.m.Extend(t.Context(), ann, s.ID))
	await(w, quick, "the session", func(Session) bool { return true })
	if n := w.m.Stats(); n.SlowSubscribers != 1 || n.Subscribers != 1 {
		t.Errorf("%d were slow, %d are there", n.SlowSubscribers, n.Subscribers)
	}
	if e := must[Event](w)(w.subscribe(ann, s.ID).Next(t.Context())); e.Name != SessionEvent {
		t.Errorf("a new one begins with %s", e.Name)
	}
}

func TestTooManySubscribers(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	for range maxSubscribers - 1 {
		w.subscribe(ann, s.ID)
	}
	last := w.subscribe(ann, s.ID)
	_, err := w.m.Subscribe(t.Context(), ann, s.ID)
	isCode(w, err, Quota)
	last.Close()
	w.subscribe(ann, s.ID)
}

func TestExpiry(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	w.clock.pass(41 * time.Minute)
	w.m.expire()
	w.m.expire() // warns once
	n := await(w, sub, "the warning", func(n Notice) bool { return true })
	if n.Kind != "expires-soon" || !n.ExpiresAt.Equal(s.ExpiresAt) ||
		n.Text != "Nothing has happened here for a while. This lab ends in 4 minutes unless you go on." {
		t.Errorf("%+v", n)
	}
	// To look is not to work.
	if got := must[Session](w)(w.m.Get(t.Context(), ann, s.ID)); !got.ExpiresAt.Equal(s.ExpiresAt) {
		t.Errorf("expires at %v, want %v", got.ExpiresAt, s.ExpiresAt)
	}
	longer := must[Session](w)(w.m.Extend(t.Context(), ann, s.ID))
	if want := s.ExpiresAt.Add(41 * time.Minute); !longer.ExpiresAt.Equal(want) {
		t.Errorf("expires at %v, want %v", longer.ExpiresAt, want)
	}
	w.m.touchRows()
	w.flush()
	if row := must[store.Session](w)(w.store.Session(t.Context(), s.ID)); !row.Expires.Equal(longer.ExpiresAt) {
		t.Errorf("the row says %v, want %v", row.Expires, longer.ExpiresAt)
	}
	w.clock.pass(5 * time.Minute)
	w.m.expire()
	w.clock.pass(36 * time.Minute)
	w.m.expire()
	await(w, sub, "the second warning", func(n Notice) bool { return n.Kind == "expires-soon" })
	w.clock.pass(4 * time.Minute)
	w.m.expire()
	await(w, sub, "the end", func(n Notice) bool { return n.Kind == "ended" })
	w.flush()
	if row := must[store.Session](w)(w.store.Session(t.Context(), s.ID)); row.Reason != reasonIdle {
		t.Errorf("ended for %q", row.Reason)
	}
}

func TestHardLimit(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.HardLimit = time.Hour })
	s := w.create(ann, "demo")
	at := must[*Attachment](w)(w.m.AttachTerminal(ann, s.ID, s.Terminals[0].ID))
	sub := w.subscribe(ann, s.ID)
	w.clock.pass(40 * time.Minute)
	at.Touch()
	w.m.expire()
	w.clock.pass(19*time.Minute + time.Second)
	at.Touch()
	w.m.expire()
	n := await(w, sub, "the warning", func(Notice) bool { return true })
	if n.Text != "This lab reaches its longest time in 1 minute and ends then. Your progress is kept." {
		t.Errorf("%+v", n)
	}
	w.clock.pass(time.Minute)
	at.Touch()
	w.m.expire()
	<-at.Done
	if n := w.m.Stats(); n.Ended[reasonLimit] != 1 {
		t.Errorf("ended: %v", n.Ended)
	}
}

func TestTerminals(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxTerminals = 2 })
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	opened := must[Terminal](w)(w.m.OpenTerminal(t.Context(), ann, s.ID, "B", 100, 30))
	if opened.Host != "B" || opened.Cols != 100 || opened.Rows != 30 || opened.Exited {
		t.Errorf("%+v", opened)
	}
	await(w, sub, "the terminal", func(t Terminal) bool { return t == opened })
	_, err := w.m.OpenTerminal(t.Context(), ann, s.ID, "B", 0, 0)
	isCode(w, err, Quota)
	_, err = w.m.OpenTerminal(t.Context(), ann, s.ID, "C", 80, 24)
	isCode(w, err, NotFound)
	_, err = w.m.OpenTerminal(t.Context(), ann, s.ID, "B", 80, terminal.MaxRows+1)
	isCode(w, err, Invalid)

	at := must[*Attachment](w)(w.m.AttachTerminal(ann, s.ID, opened.ID))
	v := at.Terminal.Attach(terminal.ViewerOptions{ID: "test", Writer: true})
	defer v.Close()
	var said string
	for buf := make([]byte, 64); said != "B$ "; {
		c := must[terminal.Chunk](w)(v.Next(t.Context(), buf))
		said += string(c.Data)
	}

	// A shell that has ended makes place.
	w.e.box().events <- SandboxEvent{Kind: ShellExited, Shell: 1, Code: 3}
	await(w, sub, "the exit", func(t Terminal) bool { return t.ID == s.Terminals[0].ID && t.Exited && t.ExitCode == 3 })
	third := must[Terminal](w)(w.m.OpenTerminal(t.Context(), ann, s.ID, "A", 0, 0))
	list := must[[]Terminal](w)(w.m.Terminals(t.Context(), ann, s.ID))
	if len(list) != 2 || list[0].ID != opened.ID || list[1].ID != third.ID {
		t.Errorf("%+v", list)
	}
	if err := w.m.CloseTerminal(t.Context(), ann, s.ID, opened.ID); err != nil {
		t.Fatal(err)
	}
	await(w, sub, "the closed one", func(t Terminal) bool { return t.ID == opened.ID && t.Exited })
	<-at.Terminal.Done()
	isCode(w, w.m.CloseTerminal(t.Context(), ann, s.ID, opened.ID), NotFound)
}

func TestReboot(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	box := w.e.box()
	box.change("one", true)
	await(w, sub, "the step", func(s StepState) bool { return s.ID == "link" && s.Passed })
	gate, look, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	box.mu.Lock()
	box.reboot, box.look = gate, look
	box.mu.Unlock()
	go func() { done <- w.m.Reboot(t.Context(), ann, s.ID, "A") }()
	await(w, sub, "the host", func(h HostState) bool { return h == HostState{"A", HostRebooting} })
	isCode(w, w.m.Reboot(t.Context(), ann, s.ID, "A"), Busy)
	_, err := w.m.OpenTerminal(t.Context(), ann, s.ID, "A", 80, 24)
	isCode(w, err, Busy)
	close(gate)
	// Whoever is answered may open a terminal at once.
	select {
	case <-done:
		t.Fatal("the reboot is over before the host can be seen")
	case <-look:
		look <- struct{}{}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := w.m.OpenTerminal(t.Context(), ann, s.ID, "A", 80, 24); err != nil {
		t.Fatal(err)
	}
	await(w, sub, "the host", func(h HostState) bool { return h == HostState{"A", HostUp} })
	await(w, sub, "the light", func(s StepState) bool { return s.ID == "link" && s.Passed && !*s.Holds })
	isCode(w, w.m.Reboot(t.Context(), ann, s.ID, "C"), NotFound)
}

// A host that halts as soon as it boots has not come up.
func TestRebootThatHalts(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	box := w.e.box()
	halts := func(yes bool) {
		box.mu.Lock()
		defer box.mu.Unlock()
		box.halts = yes
	}
	halts(true)
	isCode(w, w.m.Reboot(t.Context(), ann, s.ID, "A"), Failed)
	await(w, sub, "the host", func(h HostState) bool { return h == HostState{"A", HostDown} })
	halts(false)
	if err := w.m.Reboot(t.Context(), ann, s.ID, "A"); err != nil {
		t.Fatal(err)
	}
	await(w, sub, "the host", func(h HostState) bool { return h == HostState{"A", HostUp} })
}

// TestWhoEnds ends sessions as everybody who may: the learner is told who it was.
func TestWhoEnds(t *testing.T) {
	for _, c := range []struct {
		reason, said string
		end          func(*world, string) error
	}{
		{reasonLearner, "This lab has ended. Your progress is kept.", func(w *world, id string) error { return w.m.End(t.Context(), ann, id) }},
		{reasonTeacher, "Your teacher has ended this lab. Your progress is kept.", func(w *world, id string) error {
			return w.m.End(t.Context(), Caller{Learner: "ann", Guest: true}, id)
		}},
		{reasonClass, "Your class has ended, and this lab with it. Thank you for taking part. Your progress is kept.", func(w *world, id string) error {
			return w.m.EndWithClass(t.Context(), Caller{Learner: "ann"}, id)
		}},
	} {
		w := newWorld(t, nil)
		s := w.create(ann, "demo")
		sub := w.subscribe(ann, s.ID)
		if err := c.end(w, s.ID); err != nil {
			t.Fatal(err)
		}
		await(w, sub, "the sentence "+c.said, func(n Notice) bool { return n.Kind == "ended" && n.Text == c.said })
		w.flush()
		if row := must[store.Session](w)(w.store.Session(t.Context(), s.ID)); row.Reason != c.reason {
			t.Errorf("the row says %q, want %q", row.Reason, c.reason)
		}
	}
}
