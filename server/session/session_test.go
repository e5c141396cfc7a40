package session

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

func TestCreateAndResume(t *testing.T) {
	w := newWorld(t, nil)
	first, err := w.m.Create(t.Context(), ann, "demo")
	if err != nil {
		t.Fatal(err)
	}
	s := first.Session
	if !first.New || first.FromPool || s.State != Ready || s.Lab != "demo" || len(s.Steps) != 7 || len(first.Phases) == 0 {
		t.Errorf("created %+v", first)
	}
	if len(s.Hosts) != 2 || s.Hosts[0] != (HostState{"A", HostUp}) {
		t.Errorf("hosts: %+v", s.Hosts)
	}
	if len(s.Terminals) != 1 || s.Terminals[0].Host != "A" || s.Terminals[0].Cols != 80 {
		t.Errorf("terminals: %+v", s.Terminals)
	}
	if want := s.CreatedAt.Add(45 * time.Minute); !s.ExpiresAt.Equal(want) {
		t.Errorf("expires at %v, want %v", s.ExpiresAt, want)
	}
	again, err := w.m.Create(t.Context(), ann, "demo")
	if err != nil {
		t.Fatal(err)
	}
	if again.New || again.Session.ID != s.ID {
		t.Errorf("not resumed: %+v", again)
	}
	w.flush()
	if row := must[store.Session](w)(w.store.Session(t.Context(), s.ID)); row.State != store.Ready || row.Learner != "ann" {
		t.Errorf("row: %+v", row)
	}
	if _, err := w.m.Create(t.Context(), ann, "no-such-lab"); true {
		isCode(w, err, NotFound)
	}
}

// Many at once make one session of each learner.
func TestCreateAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	ids := make(chan string, 8)
	for range cap(ids) {
		go func() {
			s, err := w.m.Create(t.Context(), ann, "demo")
			if err != nil {
				t.Error(err)
			}
			ids <- s.Session.ID
		}()
	}
	first := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != first {
			t.Errorf("two sessions: %s and %s", first, id)
		}
	}
	if s := w.m.Stats(); s.Creates != 1 || s.Resumes != 7 {
		t.Errorf("%d created, %d resumed", s.Creates, s.Resumes)
	}
}

func TestCreateFails(t *testing.T) {
	w := newWorld(t, nil)
	w.e.set(func(e *fakeEngine) { e.fail = errors.New("no space") })
	_, err := w.m.Create(t.Context(), ann, "demo")
	isCode(w, err, Failed)
	w.e.set(func(e *fakeEngine) { e.fail = nil })
	w.create(ann, "demo")
}

// Who does not wait for the sandbox finds it later.
func TestCreateGoesOn(t *testing.T) {
	w := newWorld(t, nil)
	gate := make(chan struct{})
	w.e.set(func(e *fakeEngine) { e.gate = gate })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.m.Create(ctx, ann, "demo"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(gate)
	if s := must[Created](w)(w.m.Create(t.Context(), ann, "demo")); s.New {
		t.Error("made twice")
	}
}

func TestPool(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.PoolSize = 1
		o.Course = &lab.Course{Chapters: []lab.Chapter{{Labs: []string{"demo"}}}}
	})
	w.eventually("a sandbox stands ready", func() bool { return w.m.Stats().Ready == 1 })
	ready := w.e.box()
	c := must[Created](w)(w.m.Create(t.Context(), ann, "demo"))
	if !c.FromPool || c.Session.ID != ready.id {
		t.Errorf("not from the pool: %+v", c)
	}
	ready.change("one", true)
	s := w.subscribe(ann, c.Session.ID)
	await(w, s, "the step", func(s StepState) bool { return s.ID == "link" && s.Passed })
	w.flush()
	if row := must[store.Session](w)(w.store.Session(t.Context(), c.Session.ID)); row.Learner != "ann" || row.State != store.Ready {
		t.Errorf("row: %+v", row)
	}
	w.eventually("the pool is filled again", func() bool { return w.m.Stats().Ready == 1 })

	// A reset takes the one that stands ready.
	ready = w.e.box()
	reset := must[Session](w)(w.m.Reset(t.Context(), ann, c.Session.ID))
	if reset.ID != c.Session.ID {
		t.Error("a reset has changed the session's id")
	}
	ready.change("two", true)
	await(w, s, "the new sandbox's step", func(s StepState) bool { return s.ID == "two" && s.Passed })
	w.flush()
	if row := must[store.Session](w)(w.store.Session(t.Context(), c.Session.ID)); row.Sandbox != ready.id {
		t.Errorf("the row names the sandbox %s, want %s", row.Sandbox, ready.id)
	}
	if _, err := w.store.Session(t.Context(), ready.id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the ready sandbox's row is there still: %v", err)
	}

	// A changed lab does not come from the pool.
	w.eventually("the pool is filled again", func() bool { return w.m.Stats().Ready == 1 })
	stale := w.e.box()
	w.m.SetLabs(w.o.Course, map[string]*lab.Lab{"demo": demo("demo")})
	w.eventually("the stale one is gone", stale.destroyed)
}

// What stands ready gives way to whoever comes, and is made again when it dies.
func TestPoolGivesWay(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.PoolSize, o.MaxSessions = 1, 2
		o.Course = &lab.Course{Chapters: []lab.Chapter{{Labs: []string{"demo"}}}}
	})
	w.eventually("a sandbox stands ready", func() bool { return w.m.Stats().Ready == 1 })
	dead := w.e.box()
	dead.Destroy()
	w.eventually("there is another one", func() bool { return w.m.Stats().Ready == 1 && w.e.box() != dead })
	ready := w.e.box()
	w.create(ann, "other")
	w.create(bob, "other")
	w.eventually("what stood ready is gone", ready.destroyed)
	w.eventually("there are two sandboxes", func() bool { return w.e.running() == 2 })
	if n := w.m.Stats(); n.Live != 2 || n.Ready != 0 {
		t.Errorf("%d live, %d ready", n.Live, n.Ready)
	}
}

// A machine with little memory left takes nobody in.
func TestLittleMemory(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.FreeMemory = func() (int64, error) { return 100 << 20, nil }
	})
	_, err := w.m.Create(t.Context(), ann, "demo")
	var full *FullError
	if !errors.As(err, &full) || full.Place != 1 {
		t.Fatalf("got %v", err)
	}
	want := (&FullError{Place: 1, Estimate: 90 * time.Second}).Text().In("ko")
	if want != "빈자리가 없습니다. 대기 순서는 1번이고, 약 2분 뒤에 자리가 날 것으로 보입니다." {
		t.Error(want)
	}
}

func TestQuota(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxPerLearner = 1 })
	s := w.create(ann, "demo")
	_, err := w.m.Create(t.Context(), ann, "other")
	isCode(w, err, Quota)
	w.create(bob, "other")
	if err := w.m.End(t.Context(), ann, s.ID); err != nil {
		t.Fatal(err)
	}
	w.create(ann, "other")
}

func TestQueue(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxSessions = 1 })
	cho := Caller{Learner: "cho", Language: "ko"}
	s := w.create(ann, "demo")
	for i, c := range []Caller{bob, cho, bob} {
		_, err := w.m.Create(t.Context(), c, "demo")
		var full *FullError
		if !errors.As(err, &full) {
			t.Fatal(err)
		}
		if want := []int{1, 2, 1}[i]; full.Place != want || full.Estimate <= 0 {
			t.Errorf("%s has place %d (%v), want %d", c.Learner, full.Place, full.Estimate, want)
		}
	}
	if err := w.m.End(t.Context(), ann, s.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.m.Create(t.Context(), cho, "demo"); err == nil {
		t.Error("the second in the queue was let in before the first")
	}
	w.create(bob, "demo")
	w.clock.pass(2 * queueMemory)
	if n := w.m.Stats(); n.Live != 1 || n.Refused != 4 {
		t.Errorf("%d live, %d refused", n.Live, n.Refused)
	}
}

func TestEnd(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	at := must[*Attachment](w)(w.m.AttachTerminal(ann, s.ID, s.Terminals[0].ID))
	if err := w.m.End(t.Context(), ann, s.ID); err != nil {
		t.Fatal(err)
	}
	<-at.Done
	await(w, sub, "the notice", func(n Notice) bool { return n.Kind == "ended" && n.Text != "" })
	last := await(w, sub, "the session", func(s Session) bool { return s.State == Ended })
	if len(last.Hosts) != 0 || len(last.Terminals) != 0 {
		t.Errorf("an ended session has %+v", last)
	}
	if _, err := sub.Next(t.Context()); err == nil || err.Error() != "EOF" {
		t.Errorf("after the end: %v", err)
	}
	if !w.e.box().destroyed() {
		t.Error("the sandbox is there still")
	}
	w.flush()
	_, err := w.m.Get(t.Context(), ann, s.ID)
	isCode(w, err, Gone)
	_, err = w.m.Subscribe(t.Context(), ann, s.ID)
	isCode(w, err, Gone)
	if next := w.create(ann, "demo"); next.ID == s.ID {
		t.Error("an ended session came back")
	}
}

func TestForeign(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	ctx, id := t.Context(), s.ID
	for name, do := range map[string]func() error{
		"Get":       func() error { _, err := w.m.Get(ctx, bob, id); return err },
		"End":       func() error { return w.m.End(ctx, bob, id) },
		"Reset":     func() error { _, err := w.m.Reset(ctx, bob, id); return err },
		"Extend":    func() error { _, err := w.m.Extend(ctx, bob, id); return err },
		"CatchUp":   func() error { return w.m.CatchUp(ctx, bob, id, "end") },
		"Check":     func() error { _, err := w.m.Check(ctx, bob, id, "link"); return err },
		"Hint":      func() error { _, err := w.m.Hint(ctx, bob, id, "link"); return err },
		"Solution":  func() error { _, err := w.m.Solution(ctx, bob, id, "link"); return err },
		"Answer":    func() error { _, err := w.m.Answer(ctx, bob, id, "ask", "why", "x"); return err },
		"Predict":   func() error { _, err := w.m.Predict(ctx, bob, id, "two", "p", "up"); return err },
		"Reboot":    func() error { return w.m.Reboot(ctx, bob, id, "A") },
		"Terminals": func() error { _, err := w.m.Terminals(ctx, bob, id); return err },
		"Open":      func() error { _, err := w.m.OpenTerminal(ctx, bob, id, "A", 80, 24); return err },
		"Close":     func() error { return w.m.CloseTerminal(ctx, bob, id, s.Terminals[0].ID) },
		"Attach":    func() error { _, err := w.m.AttachTerminal(bob, id, s.Terminals[0].ID); return err },
		"Subscribe": func() error { _, err := w.m.Subscribe(ctx, bob, id); return err },
	} {
		t.Run(name, func(*testing.T) { isCode(w, do(), NotFound) })
	}
	if p := must[map[string]LabProgress](w)(w.m.Progress(ctx, "bob")); len(p) != 0 {
		t.Errorf("bob has progress: %+v", p)
	}
}

// What a run left that was killed is marked as ended.
func TestCrash(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	w.flush()
	next, err := Open(t.Context(), w.o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := next.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	row := must[store.Session](w)(w.store.Session(t.Context(), s.ID))
	if row.State != store.Ended || row.Reason != reasonRestarted {
		t.Errorf("row: %+v", row)
	}
	_, err = next.Get(t.Context(), ann, s.ID)
	isCode(w, err, Gone)
}

// A network that stops by itself ends its session.
func TestKeeperGone(t *testing.T) {
	w := newWorld(t, nil)
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	w.e.box().Destroy()
	await(w, sub, "the notice", func(n Notice) bool { return n.Kind == "keeper-gone" })
}

func TestCloseLeavesNothing(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.PoolSize = 1
		o.Labs["cold"] = demo("cold")
		o.Course = &lab.Course{Chapters: []lab.Chapter{{Labs: []string{"other"}}}}
	})
	s := w.create(ann, "demo")
	sub := w.subscribe(ann, s.ID)
	if _, err := w.m.OpenTerminal(t.Context(), ann, s.ID, "B", 80, 24); err != nil {
		t.Fatal(err)
	}
	w.e.boxOf(s.ID).change("never", true)
	if err := w.m.CatchUp(t.Context(), ann, s.ID, "end"); err != nil {
		t.Fatal(err)
	}
	await(w, sub, "the step that hangs", func(p Progress) bool { return p.Step == "slow" })
	w.eventually("a sandbox stands ready", func() bool { return w.m.Stats().Ready == 1 })
	w.e.set(func(e *fakeEngine) { e.gate = make(chan struct{}) }) // never opens
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.m.Create(ctx, bob, "cold"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.close()
	if _, err := w.m.Create(t.Context(), ann, "demo"); true {
		isCode(w, err, Closing)
	}
	for _, b := range w.e.boxes {
		if !b.destroyed() {
			t.Errorf("sandbox %s is there still", b.id)
		}
	}
	row := must[store.Session](w)(w.store.Session(t.Context(), s.ID))
	if row.State != store.Ended || row.Reason != reasonStopped {
		t.Errorf("row: %+v", row)
	}
	var left string
	w.eventually("no goroutine is left", func() bool {
		left = goroutines()
		return left == ""
	})
}

// goroutines returns the stacks of those that run this package's code or a
// terminal's, but the test's own.
func goroutines() string {
	buf := make([]byte, 1<<20)
	var left []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		ours := strings.Contains(stack, "netground/server/session.") || strings.Contains(stack, "netground/server/terminal.")
		if ours && !strings.Contains(stack, "testing.tRunner") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

// A lab that cannot be started since nothing can be stored says so.
func TestCreateWithoutStorage(t *testing.T) {
	w := newWorld(t, nil)
	w.create(ann, "demo")
	if err := os.WriteFile(w.path+".new", []byte("this is no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(w.path+".new", w.path); err != nil {
		t.Fatal(err)
	}
	defer func() { // so that the end can be stored
		_ = os.Remove(w.path)
		w.eventually("what waits is stored", func() bool { return w.m.journal.flush(t.Context()) == nil })
	}()
	_, err := w.m.Create(t.Context(), bob, "demo")
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Text.In("en"), "cannot store anything just now") {
		t.Errorf("a newcomer is told %v", err)
	}
	if _, err := w.m.Create(t.Context(), ann, "demo"); err != nil {
		t.Errorf("who is in already is told %v", err)
	}
}
