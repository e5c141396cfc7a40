package classroom

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
	"github.com/netground/netground/server/store/pgtest"
)

const labYAML = `title: {en: One, ko: 하나}
minutes: 5
topology:
  hosts: {A: {at: [0, 1]}, B: {at: [4, 1]}}
  links: [[A:eth0, B:eth0]]
steps:
  - id: first
    checks:
      - link: {host: A, dev: eth0, state: up}
      - link: {host: B, dev: eth0, state: up}
    solution: {A: ip link set eth0 up, B: ip link set eth0 up}
  - id: second
    checks:
      - address: {host: A, dev: eth0, has: 10.0.0.1/24}
    solution: {A: ip addr add 10.0.0.1/24 dev eth0}
faults:
  - id: down
    title: {en: The cable is out, ko: 케이블이 빠짐}
    run: {A: ip link set eth0 down}
    checks:
      - link: {host: A, dev: eth0, state: up}
    repair: {A: ip link set eth0 up}
`

func testLabs(t *testing.T) (*lab.Course, map[string]*lab.Lab) {
	t.Helper()
	fsys := fstest.MapFS{"course.yaml": {Data: []byte("title: {en: Course, ko: 과정}\nchapters:\n  - id: c\n    title: {en: Chapter, ko: 장}\n    labs: [one]\n")}}
	fsys["one/lab.yaml"] = &fstest.MapFile{Data: []byte(labYAML)}
	fsys["one/lesson.en.md"] = &fstest.MapFile{Data: []byte("Hello.\n\n## First {#first}\n\nA.\n\n## Second {#second}\n\nB.\n")}
	fsys["one/lesson.ko.md"] = &fstest.MapFile{Data: []byte("안녕하세요.\n\n## 첫째 {#first}\n\n가.\n\n## 둘째 {#second}\n\n나.\n")}
	course, labs, err := lab.LoadAll(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return course, labs
}

// sessions are those of the test: what lives, and what was done to it.
type sessions struct {
	mu     sync.Mutex
	live   map[string][]session.Brief
	done   []string
	told   []string // learners
	broken map[string]bool
	fail   error
}

func (f *sessions) do(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, what)
	return f.fail
}

func (f *sessions) Live(learner string) []session.Brief {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.live[learner]
}

func (f *sessions) Get(context.Context, session.Caller, string) (session.Session, error) {
	return session.Session{}, nil
}

func (f *sessions) Reset(_ context.Context, _ session.Caller, id string) (session.Session, error) {
	return session.Session{}, f.do("reset " + id)
}

func (f *sessions) Extend(_ context.Context, _ session.Caller, id string) (session.Session, error) {
	return session.Session{}, f.do("extend " + id)
}

func (f *sessions) CatchUp(_ context.Context, _ session.Caller, id, step string) error {
	return f.do("catch-up " + id + " " + step)
}

func (f *sessions) End(_ context.Context, _ session.Caller, id string) error {
	return f.do("end " + id)
}

func (f *sessions) EndWithClass(_ context.Context, _ session.Caller, id string) error {
	return f.do("end with class " + id)
}

func (f *sessions) AttachTerminal(c session.Caller, id, terminal string) (*session.Attachment, error) {
	return &session.Attachment{Info: session.Terminal{ID: terminal, Host: "A"}}, f.do("attach " + id + " " + terminal)
}

func (f *sessions) Tell(learner, _ string, _ session.InLanguage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, learner)
}

func (f *sessions) ReturnKeyboard(id string) { _ = f.do("return " + id) }

func (f *sessions) Break(_ context.Context, _ session.Caller, id, fault string) error {
	if err := f.do("break " + id + " " + fault); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken[id] = true
	return nil
}

func (f *sessions) Broken(_ context.Context, _ session.Caller, id, _ string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken[id], nil
}

func (f *sessions) did(what string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.done {
		if d == what {
			return true
		}
	}
	return false
}

// clock is the time of the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// seoul is where the test's days begin and end, nine hours before the clock's.
var seoul = time.FixedZone("KST", 9*60*60)

// world is a class with its server.
type world struct {
	*testing.T
	s        *Service
	db       *store.Store
	raw      func() (*sql.DB, error) // the database, past the store
	file     string                  // of SQLite
	sessions *sessions
	clock    *clock
	dir      string // of recordings
	class    string
	code     string
	teacher  Me
}

func open(t *testing.T) *world {
	t.Helper()
	file := filepath.Join(t.TempDir(), "netground.db")
	db, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	w := openOn(t, db)
	w.raw, w.file = func() (*sql.DB, error) { return sql.Open("sqlite", "file:"+file+"?mode=ro") }, file
	return w
}

// postgres serves all tests of the package.
var postgres *pgtest.Server

func TestMain(m *testing.M) {
	var err error
	if postgres, err = pgtest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := postgres.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// both runs a test with a class in each kind of database.
func both(t *testing.T, test func(*testing.T, *world)) {
	t.Run("SQLite", func(t *testing.T) { test(t, open(t)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		url := postgres.Database(t)
		db, err := store.OpenURL(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		w := openOn(t, db)
		w.raw = func() (*sql.DB, error) { return sql.Open("pgx", url) }
		test(t, w)
	})
}

func openOn(t *testing.T, db *store.Store) *world {
	t.Helper()
	var err error
	w := &world{
		T: t, db: db, dir: t.TempDir(), clock: &clock{now: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)},
		sessions: &sessions{live: map[string][]session.Brief{}, broken: map[string]bool{}},
	}
	w.start()
	t.Cleanup(func() {
		w.stop()
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.teacher = Me{ID: auth.NewID(), Login: "kim", Name: "Kim", Role: Teacher}
	w.must(db.SaveStaff(t.Context(), store.Staff{ID: w.teacher.ID, Login: "kim", Name: "Kim", Role: Teacher, Created: w.clock.read()}))
	w.class, err = w.s.Create(t.Context(), w.teacher.ID, Settings{Name: "Networking 101", Labs: []string{"one"}})
	w.must(err)
	c, err := db.Class(t.Context(), w.class)
	w.must(err)
	w.code = c.Code
	return w
}

func (w *world) start() {
	w.Helper()
	w.open()
	w.s.Use(w.sessions)
}

// open starts a server whose sessions are not there yet.
func (w *world) open() {
	w.Helper()
	course, labs := testLabs(w.T)
	s, err := Open(w.Context(), Options{Store: w.db, Course: course, Labs: labs, Now: w.clock.read, Zone: seoul, Every: time.Hour, Recordings: w.dir})
	w.must(err)
	w.s = s
}

func (w *world) stop() {
	w.Helper()
	w.must(w.s.Close(context.WithoutCancel(w.Context())))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// pupil is a learner in the class, with a session.
type pupil struct {
	w       *world
	caller  session.Caller
	member  string
	code    string
	session session.Brief
}

func (w *world) join(name string) *pupil {
	w.Helper()
	p := &pupil{w: w, caller: session.Caller{Learner: auth.NewID(), Language: "en"}}
	m, err := w.s.Join(w.Context(), "10.0.0.1", p.caller, w.code, name)
	w.must(err)
	p.member, p.code = m.Member, m.Code
	return p
}

// begin opens the lab.
func (p *pupil) begin() {
	now := p.w.clock.read()
	p.session = session.Brief{ID: "session-" + p.member, Learner: p.caller.Learner, Lab: "one", State: session.Ready, Created: now, Active: now, Pages: 1, Step: "first"}
	p.change(func(*session.Brief) {})
}

func (p *pupil) change(do func(*session.Brief)) {
	do(&p.session)
	p.w.sessions.mu.Lock()
	p.w.sessions.live[p.caller.Learner] = []session.Brief{p.session}
	p.w.sessions.mu.Unlock()
	p.w.s.Session(p.session)
}

func (p *pupil) types() { p.change(func(b *session.Brief) { b.Active = p.w.clock.read() }) }

func (p *pupil) key(step string) store.Step {
	return store.Step{Learner: p.caller.Learner, Lab: "one", Step: step, Session: p.session.ID}
}

// fails tries the step, which fails at a check for a reason, as the session
// manager would store and tell it.
func (p *pupil) fails(step string, check int, reason string) {
	f := store.Failure{ID: auth.NewID(), Step: p.key(step), At: p.w.clock.read(), Asked: true, Failing: []store.Failing{
		{Place: check, Kind: "link", Reason: reason, Why: text("It is "+reason+".", reason+"입니다.")}}}
	p.w.must(p.w.db.SaveFailure(p.w.Context(), f))
	p.types()
	p.w.s.Step(p.session, session.StepFact{ID: step, Failure: &f})
}

func (p *pupil) passes(step, next string) {
	now := p.w.clock.read()
	p.w.must(p.w.db.SaveResult(p.w.Context(), store.StepResult{Step: p.key(step), Passed: now}))
	p.session.Step = next
	p.w.s.Step(p.session, session.StepFact{ID: step, Passed: now})
	p.types()
}

func (w *world) grid() Grid {
	w.Helper()
	g, err := w.s.Grid(w.Context(), w.teacher, w.class, "en")
	w.must(err)
	return g
}

func (g Grid) row(t *testing.T, p *pupil) Row {
	t.Helper()
	for _, r := range g.Rows {
		if r.Member == p.member {
			return r
		}
	}
	t.Fatalf("%s is not in the grid", p.member)
	return Row{}
}

func wantCode(t *testing.T, err error, code session.Code) {
	t.Helper()
	var e *session.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}
