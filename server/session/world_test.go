package session

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
	up  time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.up += d
}

// set has the time of day jump, and none pass.
func (c *clock) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

func (c *clock) Uptime() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// world is a manager with all that it needs.
type world struct {
	*testing.T
	m     *Manager
	e     *fakeEngine
	store *store.Store
	path  string // of its file
	clock *clock
	o     Options
}

var (
	ann = Caller{Learner: "ann", Language: "en"}
	bob = Caller{Learner: "bob", Language: "en"}
)

func newWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "netground.db")
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		T: t, store: s, path: path, e: &fakeEngine{sent: map[string]int{}},
		clock: &clock{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), up: 70 * time.Hour},
	}
	w.o = Options{
		Store: s, Engine: w.e, Course: &lab.Course{}, Render: func(s string) string { return "<p>" + s + "</p>" },
		Labs: map[string]*lab.Lab{"demo": demo("demo"), "other": demo("other")}, Now: w.clock.Now, Uptime: w.clock.Uptime,
		FreeMemory: func() (int64, error) { return 1 << 40, nil }, PoolSize: -1, MaxSessions: 10,
	}
	if change != nil {
		change(&w.o)
	}
	if w.m, err = Open(t.Context(), w.o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) close() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.m.Close(ctx); err != nil {
		w.Error(err)
	}
}

func (w *world) create(c Caller, name string) Session {
	w.Helper()
	s, err := w.m.Create(w.Context(), c, name)
	if err != nil {
		w.Fatal(err)
	}
	return s.Session
}

func (w *world) subscribe(c Caller, id string) *Subscription {
	w.Helper()
	s, err := w.m.Subscribe(w.Context(), c, id)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(s.Close)
	return s
}

// await reads events until one is as wanted.
func await[T any](w *world, s *Subscription, what string, wanted func(T) bool) T {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	for {
		e, err := s.Next(ctx)
		if err != nil {
			w.Fatalf("while waiting for %s: %v", what, err)
		}
		if d, ok := e.Data.(T); ok && wanted(d) {
			return d
		}
	}
}

func (w *world) eventually(what string, is func() bool) {
	w.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("never: %s", what)
		}
	}
}

// flush waits until all is stored that was said to be.
func (w *world) flush() {
	w.Helper()
	if err := w.m.journal.flush(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func (w *world) step(c Caller, id, step string) StepState {
	w.Helper()
	s, err := w.m.Get(w.Context(), c, id)
	if err != nil {
		w.Fatal(err)
	}
	return stepOf(w, s, step)
}

func stepOf(w *world, s Session, step string) StepState {
	w.Helper()
	at := slices.IndexFunc(s.Steps, func(s StepState) bool { return s.ID == step })
	if at < 0 {
		w.Fatalf("no step %s in %+v", step, s.Steps)
	}
	return s.Steps[at]
}

func isCode(w *world, err error, code Code) {
	w.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		w.Fatalf("got the error %v, want one with the code %s", err, code)
	}
	if e.Text["en"] == "" || e.Text["ko"] == "" {
		w.Errorf("the error %v has no sentence in each language", err)
	}
}

func must[T any](w *world) func(T, error) T {
	return func(v T, err error) T {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
		return v
	}
}

// flaky is a store that fails to take results while it is told so.
type flaky struct {
	Store
	mu  sync.Mutex
	err error
}

func (f *flaky) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// SaveResult fails, or stores.
func (f *flaky) SaveResult(ctx context.Context, r store.StepResult) error {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.Store.SaveResult(ctx, r)
}
