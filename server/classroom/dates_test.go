package classroom

import (
	"errors"
	"testing"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
)

// TestDates has a class of two days, as its learners and its teacher see it.
func TestDates(t *testing.T) { both(t, testDates) }

func testDates(t *testing.T, w *world) {
	// It is May 4, 18:00 where the class is.
	in := Settings{Name: "N", Labs: []string{"one"}, StartsOn: "2026-05-05", EndsOn: "2026-05-06"}
	w.must(w.s.Update(t.Context(), w.class, in))
	info, err := w.s.Info(t.Context(), "10.0.0.1", w.code)
	if err != nil || info.BeginsOn != "2026-05-05" || info.State != Running {
		t.Errorf("before the class: %+v, %v", info, err)
	}
	anna := w.join("Anna")
	if m := w.s.Mine(anna.caller)[0]; m.BeginsOn != "2026-05-05" {
		t.Errorf("before the class Anna sees %+v", m)
	}
	wantCode(t, w.s.May(anna.caller.Learner, "one"), session.Paused)
	if e := new(session.Error); !errors.As(w.s.May(anna.caller.Learner, "one"), &e) || e.Text["en"] != "Your class begins on May 5, 2026. Its labs open then." || e.Text["ko"] != "수업은 2026년 5월 5일에 시작하며, 그때 실습이 열립니다." {
		t.Errorf("she reads %v", e.Text)
	}
	w.must(w.s.May(anna.caller.Learner, "another lab"))
	// A class that goes on with the lab opens it.
	other, err := w.s.Create(t.Context(), w.teacher.ID, Settings{Name: "Other", Labs: []string{"one"}})
	w.must(err)
	c, err := w.db.Class(t.Context(), other)
	w.must(err)
	m, err := w.s.Join(t.Context(), "10.0.0.1", anna.caller, c.Code, "Anna")
	w.must(err)
	w.must(w.s.May(anna.caller.Learner, "one"))
	w.must(w.s.Remove(t.Context(), other, m.Member))

	w.must(w.s.endDue(t.Context()))
	told := func() int {
		w.sessions.mu.Lock()
		defer w.sessions.mu.Unlock()
		return len(w.sessions.told)
	}
	before := told()
	w.clock.pass(6*time.Hour + time.Minute) // May 5, 0:01
	w.must(w.s.endDue(t.Context()))
	w.must(w.s.May(anna.caller.Learner, "one"))
	if m := w.s.Mine(anna.caller)[0]; m.BeginsOn != "" || told() != before+1 {
		t.Errorf("when it begins Anna sees %+v, told %d times", m, told()-before)
	}
	anna.begin()
	w.clock.pass(47*time.Hour + 58*time.Minute) // May 6, 23:59
	w.must(w.s.endDue(t.Context()))
	if g := w.grid(); g.Class.State != Running {
		t.Errorf("on its last day the class is %s", g.Class.State)
	}
	w.clock.pass(2 * time.Minute)
	w.must(w.s.endDue(t.Context()))
	if g := w.grid(); g.Class.State != Ended || g.Class.EndedAt == nil || !w.sessions.did("end with class "+anna.session.ID) {
		t.Errorf("after its last day the class is %+v", g.Class)
	}
	// Opened again, it does not end at once; and its last day cannot be one of the past.
	w.must(w.s.SetState(t.Context(), w.class, Running))
	w.must(w.s.endDue(t.Context()))
	if g := w.grid(); g.Class.State != Running || g.Class.EndsOn != "" || g.Class.EndedAt != nil {
		t.Errorf("opened again the class is %+v", g.Class)
	}
	wantCode(t, w.s.Update(t.Context(), w.class, in), session.Invalid)
}

// TestDatesOfNone: a class without dates is none of their business.
func TestDatesOfNone(t *testing.T) { both(t, testDatesOfNone) }

func testDatesOfNone(t *testing.T, w *world) {
	opened := func() bool {
		w.s.mu.Lock()
		defer w.s.mu.Unlock()
		return w.s.rooms[w.class] != nil
	}
	r, err := w.s.room(t.Context(), w.class)
	w.must(err)
	w.s.unload(r)
	w.must(w.s.endDue(t.Context()))
	if opened() {
		t.Error("a class without dates was loaded for its dates")
	}
	w.must(w.s.Update(t.Context(), w.class, Settings{Name: "N", Labs: []string{"one"}, StartsOn: "2026-05-05"}))
	r, err = w.s.room(t.Context(), w.class)
	w.must(err)
	w.s.unload(r)
	w.must(w.s.endDue(t.Context()))
	if !opened() {
		t.Error("a class that begins tomorrow was not looked at")
	}
}

// What could not be ended with the class is told, but for what has ended by itself.
func TestEndTellsWhatGoesOn(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	anna.begin()
	w.clock.pass(time.Minute)
	fail := func(err error) {
		w.sessions.mu.Lock()
		defer w.sessions.mu.Unlock()
		w.sessions.fail = err
	}
	stuck := errors.New("it goes on")
	fail(stuck)
	if err := w.s.SetState(t.Context(), w.class, Ended); !errors.Is(err, stuck) {
		t.Errorf("the error is %v", err)
	}
	if err := w.s.endDue(t.Context()); !errors.Is(err, stuck) {
		t.Errorf("later the error is %v", err)
	}
	for _, code := range []session.Code{session.Gone, session.NotFound} {
		fail(&session.Error{Code: code})
		w.must(w.s.endDue(t.Context()))
	}
}

// TestEnd ends a class in the middle of everything, and opens it again.
func TestEnd(t *testing.T) { both(t, testEnd) }

func testEnd(t *testing.T, w *world) {
	anna, bert := w.join("Anna"), w.join("Bert")
	anna.begin()
	bert.begin()
	anna.fails("first", 0, "down")
	_, err := w.s.RaiseHand(t.Context(), anna.caller, w.class, "why?")
	w.must(err)
	watch, err := w.s.Watch(t.Context(), w.teacher, w.class, anna.member)
	w.must(err)
	defer watch.Close()
	w.must(w.s.AskKeyboard(t.Context(), w.teacher, w.class, anna.member))
	_, err = w.s.AllowKeyboard(anna.caller, w.class, true)
	w.must(err)
	_, err = w.s.Show(t.Context(), w.teacher, session.Caller{Learner: "mine"}, w.class, "s", "t")
	w.must(err)
	// Bert has the lab in another class, too, which goes on.
	other, err := w.s.Create(t.Context(), w.teacher.ID, Settings{Name: "Other", Labs: []string{"one"}})
	w.must(err)
	c, err := w.db.Class(t.Context(), other)
	w.must(err)
	_, err = w.s.Join(t.Context(), "10.0.0.1", bert.caller, c.Code, "Bert")
	w.must(err)

	w.clock.pass(time.Minute)
	w.must(w.s.SetState(t.Context(), w.class, Ended))
	if !w.sessions.did("end with class " + anna.session.ID) {
		t.Error("Anna's session goes on")
	}
	if w.sessions.did("end with class " + bert.session.ID) {
		t.Error("Bert's session has ended, which another class goes on with")
	}
	if !w.sessions.did("return "+anna.session.ID) || watch.May() {
		t.Error("the teacher still has the keyboard")
	}
	g := w.grid()
	if r := g.row(t, anna); r.Hand != nil || r.Keyboard != "" || r.Session != "" || r.Presence != Off || r.Cells["one"][0].Fails != 1 {
		t.Errorf("the row is %+v", r)
	}
	if g.Board.Broadcast != nil || len(g.Board.Hands) != 0 {
		t.Errorf("the board is %+v", g.Board)
	}
	_, err = w.s.RaiseHand(t.Context(), anna.caller, w.class, "")
	wantCode(t, err, session.Gone)
	_, _, err = w.s.Learner(t.Context(), w.class, anna.member, "en") // to be watched
	wantCode(t, err, session.NotFound)
	// What she does alone afterwards is not the class's, by this server or the next one.
	w.clock.pass(time.Minute)
	anna.begin()
	anna.passes("first", "second")
	bare := func(when string) {
		if r := w.grid().row(t, anna); r.Session != "" || r.Cells["one"][0].State != Failed {
			t.Errorf("%s: the row is %+v", when, r)
		}
	}
	bare("afterwards")
	w.stop()
	w.sessions.done = nil
	w.start()
	bare("after a restart")
	w.must(w.s.endDue(t.Context()))
	if w.sessions.did("end with class " + anna.session.ID) {
		t.Error("a session was ended that has begun after the class")
	}
	// A session that a killed server has left is ended by the next one.
	old := anna.session
	old.ID, old.Created = "left", w.clock.read().Add(-time.Hour)
	w.sessions.live[anna.caller.Learner] = append(w.sessions.live[anna.caller.Learner], old)
	w.must(w.s.endDue(t.Context()))
	if !w.sessions.did("end with class left") {
		t.Error("a session of the class goes on")
	}
	w.must(w.s.SetState(t.Context(), w.class, Running))
	if r := w.grid().row(t, anna); r.Session == "" || r.Cells["one"][0].State != Passed {
		t.Errorf("opened again: the row is %+v", r)
	}
	if m, err := w.s.Join(t.Context(), "10.0.0.1", session.Caller{Learner: auth.NewID()}, w.code, "Carl"); err != nil || m.State != Running {
		t.Errorf("opened again: %+v, %v", m, err)
	}
}
