package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "state", "netground.db"))
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var day = time.Date(2026, 5, 4, 9, 30, 0, 123e6, time.UTC)

func learner(id string) Learner { return Learner{ID: id, Language: "ko", Created: day} }

func row(id, learner string) Session {
	return Session{
		ID: id, Learner: learner, Lab: "switching", Sandbox: id, State: Creating,
		Created: day, Active: day, Expires: day.Add(45 * time.Minute),
	}
}

func TestSettings(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		db           *sql.DB
		pragma, want string
	}{
		{s.write, "journal_mode", "wal"}, {s.write, "synchronous", "2"}, {s.write, "foreign_keys", "1"},
		{s.write, "busy_timeout", "5000"}, {s.read, "busy_timeout", "5000"}, {s.read, "query_only", "1"},
	} {
		var got string
		must(t, c.db.QueryRowContext(t.Context(), "PRAGMA "+c.pragma).Scan(&got))
		if got != c.want {
			t.Errorf("%s is %s, want %s", c.pragma, got, c.want)
		}
	}
}

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c%d", "netground.db") // what an URL would trip over
	openAt(t, path)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "netground.db*"))
	must(t, err)
	if len(files) < 2 {
		t.Errorf("found %v, want the database and its WAL", files)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
}

func TestSessionLife(t *testing.T) { both(t, testSessionLife) }

func testSessionLife(t *testing.T, s *Store) {
	ctx := t.Context()
	want := row("s1", "l1")
	must(t, s.AddSession(ctx, want, learner("l1")))
	check := func() {
		t.Helper()
		got, err := s.Session(ctx, "s1")
		must(t, err)
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	check()
	must(t, s.SetSession(ctx, "s1", Ready, "s1-2"))
	want.State, want.Sandbox = Ready, "s1-2"
	check()
	want.Topology = "hosts: {A: {}}\n"
	must(t, s.SetTopology(ctx, "s1", want.Topology))
	check()
	want.Active, want.Expires = day.Add(time.Minute), day.Add(time.Hour)
	must(t, s.TouchSessions(ctx, []Session{want}))
	check()
	want.State, want.Ended, want.Reason = Ended, day.Add(time.Hour), "idle"
	must(t, s.EndSession(ctx, "s1", "idle", want.Ended))
	check()
	must(t, s.EndSession(ctx, "s1", "again", day.Add(2*time.Hour)))
	check() // the first end counts
	if err := s.SetSession(ctx, "s1", Ready, "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an ended session came back: %v", err)
	}
	if err := s.SetTopology(ctx, "s1", "hosts: {B: {}}"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an ended session has another network: %v", err)
	}
	own := row("own", "l1")
	own.Topology = "hosts: {A: {}}"
	must(t, s.AddSession(ctx, own, learner("l1")))
	if got, err := s.Session(ctx, "own"); err != nil || got != own {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.Session(ctx, "s9"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if l, err := s.Learner(ctx, "l1"); err != nil || l != learner("l1") {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestReadySandboxIsGivenOnce(t *testing.T) { both(t, testReadySandboxIsGivenOnce) }

func testReadySandboxIsGivenOnce(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.AddSession(ctx, row("p1", ""), Learner{}))
	given := row("p1", "l1")
	given.State = Ready
	must(t, s.GiveSession(ctx, given, learner("l1")))
	must(t, s.GiveSession(ctx, given, learner("l1"))) // stored late, twice
	other := row("p1", "l2")
	if err := s.GiveSession(ctx, other, learner("l2")); !errors.Is(err, ErrNotFound) {
		t.Errorf("a learner's sandbox was given to another: %v", err)
	}
	if got, err := s.Session(ctx, "p1"); err != nil || got != given {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.Learner(ctx, "l2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what failed has left its learner: %v", err)
	}
}

func TestEndLive(t *testing.T) { both(t, testEndLive) }

func testEndLive(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.AddSession(ctx, row("s1", "l1"), learner("l1")))
	must(t, s.AddSession(ctx, row("s2", "l2"), learner("l2")))
	must(t, s.AddSession(ctx, row("pool", ""), Learner{}))
	must(t, s.EndSession(ctx, "s2", "idle", day))
	n, err := s.EndLive(ctx, "server restarted", day)
	must(t, err)
	if n != 1 {
		t.Errorf("ended %d, want 1", n)
	}
	for id, reason := range map[string]string{"s1": "server restarted", "s2": "idle"} {
		if got, err := s.Session(ctx, id); err != nil || got.State != Ended || got.Reason != reason {
			t.Errorf("%s: got %+v, %v", id, got, err)
		}
	}
	if _, err := s.Session(ctx, "pool"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the row of a sandbox that nobody had is still there: %v", err)
	}
}

func TestProgressNeverGoesBack(t *testing.T) { both(t, testProgressNeverGoesBack) }

func testProgressNeverGoesBack(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.SaveLearner(ctx, learner("l1")))
	step := Step{Learner: "l1", Lab: "switching", Step: "up", Session: "s1"}
	must(t, s.SaveResult(ctx, StepResult{Step: step, Attempts: 2, Checked: day}))
	passed := StepResult{Step: step, Passed: day.Add(time.Second), Attempts: 3, Checked: day.Add(time.Second)}
	must(t, s.SaveResult(ctx, passed))
	step.Session = "s2"
	must(t, s.SaveResult(ctx, StepResult{Step: step, CaughtUp: true, Passed: day.Add(time.Hour), Attempts: 1}))
	rec, err := s.LabRecord(ctx, "l1", "switching")
	must(t, err)
	passed.Session = "s2"
	if want := []StepResult{passed}; !reflect.DeepEqual(rec.Results, want) {
		t.Errorf("got  %+v\nwant %+v", rec.Results, want)
	}
	got, err := s.PassedSteps(ctx, "l1")
	must(t, err)
	if want := map[string][]string{"switching": {"up"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLabRecord(t *testing.T) { both(t, testLabRecord) }

func testLabRecord(t *testing.T, s *Store) {
	ctx := t.Context()
	must(t, s.SaveLearner(ctx, learner("l1")))
	must(t, s.SaveLearner(ctx, learner("l2")))
	step := Step{Learner: "l1", Lab: "switching", Step: "up", Session: "s1"}
	other := Step{Learner: "l2", Lab: "switching", Step: "up", Session: "s2"}
	hints := []Hint{{step, "z", day}, {step, "a", day}, {step, "m", day}}
	for _, h := range append(hints, hints[0]) {
		must(t, s.SaveHint(ctx, h))
	}
	must(t, s.SaveHint(ctx, Hint{other, "z", day}))
	must(t, s.SaveSolution(ctx, step, day))
	must(t, s.SaveSolution(ctx, step, day))
	must(t, s.SaveAnswer(ctx, Answer{step, "mac", "wrong", day}))
	answer := Answer{step, "mac", "02:00:00:00:00:01", day.Add(time.Second)}
	must(t, s.SaveAnswer(ctx, answer))
	expected := Answer{step, "mac", "mine", day}
	must(t, s.SavePrediction(ctx, expected))
	must(t, s.SavePrediction(ctx, Answer{step, "mac", "another", day.Add(time.Second)})) // the first one stays
	want := LabRecord{Hints: hints, Solutions: []Step{step}, Answers: []Answer{answer}, Predictions: []Answer{expected}}
	got, err := s.LabRecord(ctx, "l1", "switching")
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSecretIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "netground.db")
	s := openAt(t, path)
	var (
		wg  sync.WaitGroup
		got [8]string
	)
	for i := range got {
		wg.Go(func() {
			v, err := s.Secret(t.Context(), "key", func() ([]byte, error) { return fmt.Appendf(nil, "value %d", i), nil })
			if err != nil {
				t.Error(err)
			}
			got[i] = string(v)
		})
	}
	wg.Wait()
	must(t, s.Close())
	again, err := openAt(t, path).Secret(t.Context(), "key", func() ([]byte, error) { return []byte("other"), nil })
	must(t, err)
	for _, v := range got {
		if v != string(again) || v == "" {
			t.Fatalf("got %q, and %q after opening again", got, again)
		}
	}
	boom := errors.New("boom")
	if _, err := s.Secret(t.Context(), "other", func() ([]byte, error) { return nil, boom }); err == nil {
		t.Error("no error")
	}
}

// TestOneBadChangeTakesNoOther: changes share a transaction.
func TestOneBadChangeTakesNoOther(t *testing.T) { both(t, testOneBadChangeTakesNoOther) }

func testOneBadChangeTakesNoOther(t *testing.T, s *Store) {
	must(t, s.SaveLearner(t.Context(), learner("l1")))
	var batch []*write
	add := func(do func(context.Context, *sql.Tx) error) *write {
		w := &write{ctx: t.Context(), do: do, done: make(chan error, 1)}
		batch = append(batch, w)
		return w
	}
	insert := func(id string) func(context.Context, *sql.Tx) error {
		return func(ctx context.Context, tx *sql.Tx) error { return saveLearner(ctx, tx, learner(id)) }
	}
	boom := errors.New("boom")
	good := add(insert("good"))
	bad := add(func(ctx context.Context, tx *sql.Tx) error {
		return errors.Join(insert("half")(ctx, tx), boom)
	})
	foreign := add(func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO answers VALUES ('nobody', 'l', 's', 'n', 'v', 's', 1)`)
		return err
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late := add(insert("late"))
	late.ctx = gone
	good2 := add(insert("good2"))
	s.commit(batch)
	for w, want := range map[*write]error{good: nil, good2: nil, bad: boom, late: context.Canceled} {
		if err := <-w.done; !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if err := <-foreign.done; err == nil || !strings.Contains(strings.ToLower(err.Error()), "foreign key") {
		t.Errorf("an answer of nobody: %v", err)
	}
	for id, there := range map[string]bool{"good": true, "good2": true, "half": false, "late": false} {
		if _, err := s.Learner(t.Context(), id); (err == nil) != there {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestManyAtOnce(t *testing.T) { both(t, testManyAtOnce) }

func testManyAtOnce(t *testing.T, s *Store) {
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			if err := s.AddSession(t.Context(), row(id, "l"+id), learner("l"+id)); err != nil {
				t.Error(err)
			}
			if _, err := s.Session(t.Context(), id); err != nil {
				t.Errorf("what was stored cannot be read: %v", err)
			}
		})
	}
	wg.Wait()
}

// TestKill copies the files of an open database, as a crash would leave them.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "netground.db"))
	must(t, s.AddSession(t.Context(), row("s1", "l1"), learner("l1")))
	crashed := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(crashed, os.DirFS(dir)))
	copied := openAt(t, filepath.Join(crashed, "netground.db"))
	if _, err := copied.Session(t.Context(), "s1"); err != nil {
		t.Error(err)
	}
}

// TestLocked: somebody else holds the database; readers go on, a writer gives
// up when its caller does, and goes on afterwards.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "netground.db")
	s := openAt(t, path)
	must(t, s.SaveLearner(t.Context(), learner("l1")))
	other, err := connect(path, "rw", 1)
	must(t, err)
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil) // immediate: takes the lock
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.SaveLearner(ctx, learner("l2")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Learner(t.Context(), "l1"); err != nil {
		t.Errorf("a reader waits for a writer: %v", err)
	}
	must(t, tx.Rollback())
	must(t, s.SaveLearner(t.Context(), learner("l3")))
}

func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	path := filepath.Join(t.TempDir(), "netground.db")
	s, err := Open(t.Context(), path)
	must(t, err)
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		stored []string
	)
	for i := range 100 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			switch err := s.SaveLearner(context.Background(), learner(id)); {
			case err == nil:
				mu.Lock()
				stored = append(stored, id)
				mu.Unlock()
			case !errors.Is(err, ErrClosed):
				t.Error(err)
			}
		})
	}
	must(t, s.Close())
	must(t, s.Close())
	wg.Wait()
	if err := s.SaveLearner(t.Context(), learner("late")); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
	again := openAt(t, path)
	for _, id := range stored {
		if _, err := again.Learner(t.Context(), id); err != nil {
			t.Errorf("stored, and gone: %v", err)
		}
	}
}

func TestCannotOpen(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "text.db"), []byte(strings.Repeat("no database ", 100)), 0o600))
	for _, path := range []string{dir, filepath.Join(dir, "text.db"), filepath.Join(dir, "text.db", "x")} {
		if s, err := Open(t.Context(), path); err == nil {
			t.Errorf("%s was opened", path)
			_ = s.Close()
		} else if !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%v", err)
		}
	}
}

func BenchmarkAddSession(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "netground.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := 0
	for b.Loop() {
		n++
		id := fmt.Sprint(n)
		if err := s.AddSession(b.Context(), row(id, "l1"), learner("l1")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLabRecord(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "netground.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		if _, err := s.LabRecord(b.Context(), "l1", "switching"); err != nil {
			b.Fatal(err)
		}
	}
}
