package classroom

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// TestRestartLosesNothing has a class that works, and the same class seen by the
// next server.
func TestRestartLosesNothing(t *testing.T) { both(t, testRestartLosesNothing) }

func testRestartLosesNothing(t *testing.T, w *world) {
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
	if m := w.s.Mine(anna.caller); len(m) != 1 || len(m[0].Messages) != 1 || m[0].Messages[0].Text != "Look at B." || m[0].Broadcast == nil || len(m[0].Faults) != 1 || m[0].Faults[0].Title != "" {
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

func TestPersonalCode(t *testing.T) { both(t, testPersonalCode) }

func testPersonalCode(t *testing.T, w *world) {
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

func TestRoster(t *testing.T) { both(t, testRoster) }

func testRoster(t *testing.T, w *world) {
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

func TestKeyboard(t *testing.T) { both(t, testKeyboard) }

func testKeyboard(t *testing.T, w *world) {
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

func TestPause(t *testing.T) { both(t, testPause) }

func testPause(t *testing.T, w *world) {
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

func TestFaultsAreRepaired(t *testing.T) { both(t, testFaultsAreRepaired) }

func testFaultsAreRepaired(t *testing.T, w *world) {
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

func TestResultsAndDeletion(t *testing.T) { both(t, testResultsAndDeletion) }

func testResultsAndDeletion(t *testing.T, w *world) {
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
