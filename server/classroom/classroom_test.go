package classroom

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
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

// world is a class with its server.
type world struct {
	*testing.T
	s        *Service
	db       *store.Store
	sessions *sessions
	clock    *clock
	class    string
	code     string
	teacher  Me
}

func open(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "netground.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		T: t, db: db, clock: &clock{now: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)},
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
	course, labs := testLabs(w.T)
	s, err := Open(w.Context(), Options{Store: w.db, Course: course, Labs: labs, Now: w.clock.read, Every: time.Hour})
	w.must(err)
	s.Use(w.sessions)
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

// TestRestartLosesNothing has a class that works, and the same class seen by the
// next server.
func TestRestartLosesNothing(t *testing.T) {
	w := open(t)
	anna, bert := w.join("Anna"), w.join("Bert")
	anna.begin()
	bert.begin()
	for range 4 {
		w.clock.pass(time.Minute)
		anna.fails("first", 1, "down")
		w.s.allRooms()[0].tick(time.Minute)
	}
	bert.passes("first", "second")
	_, err := w.s.RaiseHand(t.Context(), bert.caller, w.class, "why?")
	w.must(err)
	w.must(w.s.Claim(t.Context(), w.teacher, w.class, bert.member))
	_, err = w.s.Send(t.Context(), w.teacher, w.class, "Look at B.", MessageTarget{Lab: "one", Step: "first"})
	w.must(err)
	_, err = w.s.Inject(t.Context(), w.teacher, w.class, "one", "down", "en")
	w.must(err)
	_, err = w.s.Show(t.Context(), w.teacher, session.Caller{Learner: "mine"}, w.class, "s", "t")
	w.must(err)
	before := w.grid()
	row := before.row(t, anna)
	first := row.Cells["one"][0]
	if first.State != Failed || first.Fails != 4 || first.Same != 4 || *first.Check != 1 || first.Reason != "down" || first.Why != "It is down." || first.Seconds != 240 {
		t.Errorf("the cell is %+v", first)
	}
	if row.Presence != Typing || row.Step != "first" || row.OnStepSeconds != 240 {
		t.Errorf("the row is %+v", row)
	}
	help := before.Board.Help
	if len(help) != 2 || help[0].Member != anna.member || help[0].Reason != "same-check" || help[0].Text != "4 times the same check: It is down." {
		t.Errorf("who needs help: %+v", help)
	}
	if m := w.s.Mine(anna.caller); len(m) != 1 || len(m[0].Messages) != 1 || m[0].Messages[0].Text != "Look at B." || m[0].Broadcast == nil || len(m[0].Faults) != 1 {
		t.Errorf("Anna sees %+v", m)
	}
	if m := w.s.Mine(bert.caller); len(m[0].Messages) != 0 || m[0].Hand == nil || m[0].Hand.ClaimedBy != "Kim" {
		t.Errorf("Bert sees %+v", m)
	}
	w.stop()
	w.start()
	after := w.grid()
	before.Now, after.Now = time.Time{}, time.Time{}
	if b, a := marshal(t, before), marshal(t, after); a != b {
		t.Errorf("the grid was\n%s\nand is\n%s", b, a)
	}
}

func TestPersonalCode(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	learner, m, err := w.s.Back(t.Context(), "10.0.0.9", session.Caller{}, " "+strings.ToLower(anna.code))
	w.must(err)
	if learner != anna.caller.Learner || m.Name != "Anna" {
		t.Errorf("got %s, %+v", learner, m)
	}
	_, _, err = w.s.Back(t.Context(), "10.0.0.9", session.Caller{}, "BCDFG-HJKMN")
	wantCode(t, err, "no-code")
	fresh, err := w.s.NewPersonalCode(t.Context(), w.class, anna.member)
	w.must(err)
	_, _, err = w.s.Back(t.Context(), "10.0.0.9", session.Caller{}, anna.code)
	wantCode(t, err, "no-code")
	if _, _, err = w.s.Back(t.Context(), "10.0.0.9", session.Caller{}, fresh.Code); err != nil {
		t.Error(err)
	}
}

func TestRoster(t *testing.T) {
	w := open(t)
	result, err := w.s.Import(t.Context(), w.class, "\ufeff학번;이름\n1;\"Kim; Anna\"\n2;Bert\n\n3;bert\n4;\n", "en")
	w.must(err)
	if len(result.Added) != 2 || len(result.Skipped) != 2 || result.Added[0].Name != "Kim; Anna" || result.Added[0].ExternalID != "1" || result.Skipped[0].Line != 5 {
		t.Fatalf("got %+v", result)
	}
	w.must(w.s.Update(t.Context(), w.class, Settings{Name: "N", Labs: []string{"one"}, RosterOnly: true}))
	join := func(name string) error {
		_, err := w.s.Join(t.Context(), "10.0.0.1", session.Caller{Learner: auth.NewID()}, w.code, name)
		return err
	}
	w.must(join("BERT"))
	wantCode(t, join("Bert"), "name-taken")
	wantCode(t, join("Stranger"), "not-on-roster")
	wantCode(t, join(" "), "name")
	// Who was never here comes in by the personal code alone.
	learner, m, err := w.s.Back(t.Context(), "10.0.0.1", session.Caller{}, result.Added[0].Code)
	w.must(err)
	if learner == "" || m.Name != "Kim; Anna" {
		t.Errorf("got %q, %+v", learner, m)
	}
	if _, err := w.s.Import(t.Context(), w.class, "name\n\"open\nquote", "en"); err == nil {
		t.Error("a list that is no CSV was taken")
	}
	for text, want := range map[string]int{"Ada,1\nBob,2\n": 2, "name,id\nCleo,3": 1, "Dan\tx\nEve\ty": 2, "Fay": 1, "": 0} {
		if result, err := w.s.Import(t.Context(), w.class, text, "en"); err != nil || len(result.Added) != want {
			t.Errorf("%q: %+v, %v", text, result, err)
		}
	}
}

func TestKeyboard(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	anna.begin()
	other := Me{ID: auth.NewID(), Name: "Lee", Role: Teacher}
	watch, err := w.s.Watch(t.Context(), w.teacher, w.class, anna.member)
	w.must(err)
	spy, err := w.s.Watch(t.Context(), other, w.class, anna.member)
	w.must(err)
	if m := w.s.Mine(anna.caller)[0]; len(m.Watchers) != 2 || m.Keyboard != "" {
		t.Errorf("Anna sees %+v", m)
	}
	w.must(w.s.AskKeyboard(t.Context(), w.teacher, w.class, anna.member))
	if watch.May() {
		t.Error("who has asked types already")
	}
	wantCode(t, w.s.AskKeyboard(t.Context(), other, w.class, anna.member), Conflict)
	m, err := w.s.AllowKeyboard(anna.caller, w.class, true)
	w.must(err)
	if m.Keyboard != keyboardGranted || m.KeyboardBy != "Kim" || !watch.May() || spy.May() {
		t.Errorf("granted: %+v, %v, %v", m, watch.May(), spy.May())
	}
	watch.Typed()
	if r := w.grid().row(t, anna); len(r.Watchers) != 2 || !r.Watchers[0].Typing && !r.Watchers[1].Typing || r.Keyboard != keyboardGranted {
		t.Errorf("the row is %+v", r)
	}
	if _, err = w.s.AllowKeyboard(anna.caller, w.class, false); err != nil || watch.May() || !w.sessions.did("return "+anna.session.ID) {
		t.Errorf("revoked: %v, %v", err, watch.May())
	}
	w.must(w.s.AskKeyboard(t.Context(), w.teacher, w.class, anna.member))
	_, err = w.s.AllowKeyboard(anna.caller, w.class, true)
	w.must(err)
	watch.Close() // the last page of whoever was allowed
	if r := w.grid().row(t, anna); r.Keyboard != "" || len(r.Watchers) != 1 {
		t.Errorf("left: %+v", r)
	}
	spy.Close()
	_, err = w.s.AllowKeyboard(anna.caller, w.class, true)
	wantCode(t, err, Conflict)
}

func TestPause(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	w.must(w.s.May(anna.caller.Learner, "one"))
	w.must(w.s.SetState(t.Context(), w.class, Paused))
	wantCode(t, w.s.May(anna.caller.Learner, "one"), session.Paused)
	w.must(w.s.May(anna.caller.Learner, "another lab"))
	w.must(w.s.May(auth.NewID(), "one"))
	w.must(w.s.SetState(t.Context(), w.class, Ended))
	w.must(w.s.May(anna.caller.Learner, "one"))
	_, err := w.s.Join(t.Context(), "10.0.0.1", session.Caller{Learner: auth.NewID()}, w.code, "Late")
	wantCode(t, err, session.Gone)
}

func TestFaultsAreRepaired(t *testing.T) {
	w := open(t)
	anna, bert := w.join("Anna"), w.join("Bert")
	anna.begin()
	bert.begin()
	in, err := w.s.Inject(t.Context(), w.teacher, w.class, "one", "down", "ko")
	w.must(err)
	if len(in.Members) != 2 || in.Title != "케이블이 빠짐" || in.Members[0].RepairedAt != nil || in.Members[0].Error != "" {
		t.Fatalf("got %+v", in)
	}
	w.sessions.mu.Lock()
	w.sessions.broken[anna.session.ID] = false
	w.sessions.mu.Unlock()
	for _, x := range w.s.allRooms()[0].suspects(func(string, string, uint64) bool { return true }) {
		w.s.look(x)
	}
	for _, m := range w.grid().Board.Faults[0].Members {
		if (m.RepairedAt != nil) != (m.Member == anna.member) {
			t.Errorf("repaired: %+v", m)
		}
	}
	_, err = w.s.Inject(t.Context(), w.teacher, w.class, "one", "unknown", "en")
	wantCode(t, err, session.NotFound)
	w.sessions.mu.Lock()
	w.sessions.fail = errors.New("no")
	w.sessions.mu.Unlock()
	if in, err = w.s.Inject(t.Context(), w.teacher, w.class, "one", "down", "en"); err != nil || in.Members[0].Error == "" {
		t.Errorf("got %+v, %v", in, err)
	}
}

func TestResultsAndDeletion(t *testing.T) {
	w := open(t)
	anna := w.join("=cmd|' /C calc'!A0")
	anna.begin()
	anna.passes("first", "second")
	v, err := w.s.Results(t.Context(), w.class, "en")
	w.must(err)
	var b bytes.Buffer
	w.must(v.CSV(&b))
	want := "name,id,lab,step,state,passed_at,seconds,fails,hints,solution_revealed,caught_up\r\n" +
		"'=cmd|' /C calc'!A0,,one,first,passed,2026-05-04T09:00:00Z,0,0,0,0,0\r\n'=cmd|' /C calc'!A0,,one,second,trying,,0,0,0,0,0\r\n"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
	bert := w.join("Bert")
	w.must(w.s.Remove(t.Context(), w.class, anna.member))
	if !w.sessions.did("end "+anna.session.ID) || w.s.IsMember(w.class, anna.caller.Learner) {
		t.Error("the learner is still there")
	}
	if rec, err := w.db.LabRecord(t.Context(), anna.caller.Learner, "one"); err != nil || len(rec.Results) != 0 {
		t.Errorf("%+v is left, %v", rec, err)
	}
	w.must(w.s.Update(t.Context(), w.class, Settings{Name: "N", Labs: []string{"one"}, RetainDays: 30}))
	w.must(w.s.SetState(t.Context(), w.class, Ended))
	w.clock.pass(30*24*time.Hour - time.Minute)
	w.must(w.s.deleteOld(t.Context()))
	if !w.s.IsMember(w.class, bert.caller.Learner) {
		t.Fatal("deleted too early")
	}
	w.clock.pass(2 * time.Minute)
	w.must(w.s.deleteOld(t.Context()))
	if _, err := w.db.Class(t.Context(), w.class); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the class is still there: %v", err)
	}
	if _, err := w.db.Learner(t.Context(), bert.caller.Learner); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the learner is still there: %v", err)
	}
}
