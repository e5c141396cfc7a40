//go:build sandbox

package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/session"
)

const soon = 30 * time.Second

// slowly waits for what is asked of the API, which answers only so many requests.
func slowly(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * soon); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// lesson is a class that is being taught: a teacher, and a learner in a lab.
type lesson struct {
	*world
	teacher *learner
	class   string // its path
	anna    *opened
	member  string
	seen    *opened // Anna's page as the teacher has it
}

func teach(t *testing.T, lab string, change func(*config.Server)) *lesson {
	t.Helper()
	w := start(t, func(c *config.Server) {
		c.Class = "Networking 101"
		if change != nil {
			change(c)
		}
	})
	x := &lesson{world: w, teacher: w.learner()}
	h := w.app.Hosting()
	_, token, _ := strings.Cut(h.Teach, "#")
	x.teacher.must("POST", "/api/staff/setup", map[string]string{"token": token, "login": "kim", "name": "Kim", "password": "long enough"}, nil)
	var classes []classroom.Summary
	x.teacher.must("GET", "/api/classes", nil, &classes)
	x.class = "/api/classes/" + classes[0].ID
	anna := w.learner()
	var m classroom.Membership
	anna.must("POST", "/api/join", map[string]string{"code": h.Code, "name": "Anna"}, &m)
	x.member = m.Member
	x.anna = anna.open(lab)
	x.seen = &opened{learner: x.teacher, Session: x.anna.Session, path: x.class + "/members/" + m.Member}
	return x
}

// mine is the class as Anna sees it.
func (x *lesson) mine() classroom.Membership {
	x.Helper()
	var all []classroom.Membership
	x.anna.must("GET", "/api/me/classes", nil, &all)
	return all[0]
}

func (x *lesson) grid() classroom.Grid {
	x.Helper()
	var g classroom.Grid
	x.teacher.must("GET", x.class+"/grid", nil, &g)
	return g
}

// TestTeacherAtTheKeyboard watches a learner, types where that is allowed, and
// nowhere else.
func TestTeacherAtTheKeyboard(t *testing.T) {
	x := teach(t, "routing", nil)
	hers := x.anna.sit()
	watch := x.seen.attach(x.anna.Terminals[0].ID, "v", true) // the learner's own name of a viewer
	if watch.hello.Writer {
		t.Fatal("who watches has the keyboard")
	}
	slowly(t, "Anna sees who watches", func() bool { return len(x.mine().Watchers) == 1 })
	if who := x.mine().Watchers[0]; who.Name != "Kim" || who.Typing {
		t.Errorf("got %+v", who)
	}
	hers.run("true")
	const keyboard = "\x04"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// settled waits until the server has taken, or refused, all that was typed: the
	// frames of a connection are taken in order, and this one is refused aloud.
	settled := func() {
		t.Helper()
		watch.mu.Lock()
		watch.errors = nil
		watch.mu.Unlock()
		must(watch.send([]byte{0xff}))
		must(watch.see(soon, func() bool { return slices.Contains(watch.errors, "the frame is malformed") }))
	}
	ignored := func(word string) {
		t.Helper()
		must(watch.send([]byte(keyboard)))
		watch.keys("echo " + word + "\n")
		settled()
		watch.sent = 0 // nothing of it was taken
		hers.run("true")
		if out := hers.run("history | tail -5"); strings.Contains(out, word) {
			t.Fatalf("typed without being allowed: %s", out)
		}
	}
	ignored("unasked")
	x.teacher.must("POST", x.seen.path+"/keyboard", struct{}{}, nil)
	slowly(t, "Anna is asked", func() bool { return x.mine().Keyboard == "asked" })
	ignored("not-allowed-yet")
	x.anna.must("POST", "/api/me"+strings.TrimPrefix(x.class, "/api")+"/keyboard", map[string]bool{"allow": true}, nil)
	must(watch.send([]byte(keyboard)))
	watch.keys("echo $((6*7))-by-kim\n")
	hers.wait("42-by-kim")
	slowly(t, "Anna sees who types", func() bool { w := x.mine().Watchers; return len(w) == 1 && w[0].Typing })
	x.anna.must("POST", "/api/me"+strings.TrimPrefix(x.class, "/api")+"/keyboard", map[string]bool{"allow": false}, nil)
	if out := hers.run("echo mine again"); !strings.Contains(out, "mine again") { // the keyboard came back by itself
		t.Errorf("got %q", out)
	}
	must(watch.send([]byte(keyboard)))
	watch.keys("echo revoked\n")
	settled()
	hers.run("true")
	if out := hers.run("history | tail -5"); strings.Contains(out, "echo revoked") {
		t.Fatalf("typed after it was revoked: %s", out)
	}
	x.anna.must("POST", x.anna.path+"/extend", struct{}{}, nil)
	watch.conn.Close()
	slowly(t, "Anna sees that nobody watches", func() bool { return len(x.mine().Watchers) == 0 })
}

// TestKeyboardGoesBack has a teacher who was allowed to type stop in every way that
// there is: the learner's page has the keyboard again, by itself and at once.
func TestKeyboardGoesBack(t *testing.T) {
	x := teach(t, "routing", nil)
	hers := x.anna.sit()
	mine := "/api/me" + strings.TrimPrefix(x.class, "/api") + "/keyboard"
	for i, way := range []struct {
		what string
		stop func(*tty)
	}{
		{"the teacher gives it back", func(*tty) { x.teacher.must("DELETE", x.seen.path+"/keyboard", nil, nil) }},
		{"the learner takes it back", func(*tty) { x.anna.must("POST", mine, map[string]bool{"allow": false}, nil) }},
		{"the teacher closes the tab", func(y *tty) { y.conn.Close() }},
		{"the teacher's machine is gone", func(y *tty) { _ = y.conn.UnderlyingConn().Close() }},
		{"the class is paused and goes on", func(*tty) {
			x.teacher.must("DELETE", x.seen.path+"/keyboard", nil, nil)
			x.teacher.must("POST", x.class+"/state", map[string]string{"state": "paused"}, nil)
			x.teacher.must("POST", x.class+"/state", map[string]string{"state": "open"}, nil)
		}},
		{"the teacher signs out", func(*tty) { x.teacher.must("POST", "/api/staff/sign-out", struct{}{}, nil) }},
	} {
		watch := x.seen.attach(x.anna.Terminals[0].ID, "v"+strconv.Itoa(i), true)
		x.teacher.must("POST", x.seen.path+"/keyboard", struct{}{}, nil)
		slowly(t, "Anna is asked", func() bool { return x.mine().Keyboard == "asked" })
		x.anna.must("POST", mine, map[string]bool{"allow": true}, nil)
		if err := watch.send([]byte("\x04")); err != nil {
			t.Fatal(err)
		}
		watch.keys(fmt.Sprintf("echo $((%d+40))-by-kim\n", i))
		hers.wait(fmt.Sprintf("%d-by-kim", i+40))
		way.stop(watch)
		slowly(t, way.what+": Anna has the keyboard", func() bool {
			hers.mu.Lock()
			defer hers.mu.Unlock()
			return hers.writer
		})
		if out := hers.run("echo mine-" + strconv.Itoa(i)); !strings.Contains(out, "mine-") {
			t.Errorf("%s: got %q", way.what, out)
		}
		watch.conn.Close()
		slowly(t, way.what+": Anna sees that nobody watches", func() bool { m := x.mine(); return len(m.Watchers) == 0 && m.Keyboard == "" })
	}
}

// TestTeacherActs does to a learner's session what a teacher may.
func TestTeacherActs(t *testing.T) {
	x := teach(t, "routing", nil)
	hers := x.anna.sit()
	events := x.seen.events("en")
	await(t, events, soon, "state", func(data string) bool { return strings.Contains(data, "192.168.1.10/24") })
	hers.run("ip link add br7 type bridge")
	await(t, events, soon, "state", func(data string) bool { return strings.Contains(data, `"br7"`) })

	x.teacher.must("POST", x.seen.path+"/catch-up", map[string]string{"step": "router"}, nil)
	slowly(t, "the grid shows what was solved", func() bool {
		cells := x.grid().Rows[0].Cells["routing"]
		return len(cells) == 5 && cells[0].State == "passed" && cells[0].CaughtUp && cells[3].State == "passed"
	})
	// A fault that the lab declares, and who repairs it.
	var in classroom.Injection
	slowly(t, "the fault is put there", func() bool { // catching up may hold the session for a moment
		a := x.teacher.do("POST", x.class+"/faults", map[string]string{"lab": "routing", "fault": "no-forwarding"})
		if err := json.Unmarshal(a.Body, &in); err != nil {
			t.Fatal(err)
		}
		return a.Status == http.StatusCreated && in.Members[0].Error == ""
	})
	if m := x.mine().Faults; len(m) == 0 || m[len(m)-1].RepairedAt != nil {
		t.Fatalf("Anna sees %+v", m)
	}
	x.anna.on("R").run("sysctl -w net.ipv4.ip_forward=1")
	slowly(t, "the repair is seen", func() bool {
		faults := x.grid().Board.Faults
		return faults[len(faults)-1].Members[0].RepairedAt != nil
	})

	x.teacher.must("POST", x.class+"/state", map[string]string{"state": "paused"}, nil)
	hers.keys("echo while-paused\n")
	if a := x.anna.do("POST", x.anna.path+"/steps/router/check", struct{}{}); a.Status != http.StatusConflict || !strings.Contains(a.problem().Type, "paused") {
		t.Errorf("checked while the class is paused: %d %s", a.Status, a.Body)
	}
	if a := x.anna.do("POST", "/api/sessions", map[string]string{"lab": "switching"}); a.Status != http.StatusConflict {
		t.Errorf("opened while the class is paused: %d %s", a.Status, a.Body)
	}
	x.teacher.must("POST", x.class+"/state", map[string]string{"state": "open"}, nil)
	x.teacher.must("POST", x.seen.path+"/reset", struct{}{}, nil)
	await(t, events, soon, "state", func(data string) bool { return !strings.Contains(data, `"br7"`) })
	x.teacher.must("POST", x.seen.path+"/end", struct{}{}, nil)
	slowly(t, "the session has ended", func() bool { return x.anna.do("GET", x.anna.path, nil).Status == http.StatusGone })
}

// TestShownAndRecorded shows the teacher's terminal to the class, and records the
// class's own.
func TestShownAndRecorded(t *testing.T) {
	x := teach(t, "switching", nil)
	staff := x.teacher.Header.Get("Cookie")
	var class classroom.Class
	x.teacher.must("GET", x.class, nil, &class)
	class.Recording = true
	x.teacher.must("PUT", x.class, class.Settings, nil)
	desk := x.learner()
	own := desk.open("switching")
	mine := own.sit()
	desk.Header.Set("Cookie", desk.Header.Get("Cookie")+"; "+staff) // one browser has both
	desk.must("POST", x.class+"/broadcast", map[string]string{"session": own.ID, "terminal": own.Terminals[0].ID}, nil)
	if b := x.mine().Broadcast; b == nil || b.By != "Kim" || b.Host != "A" || b.Lab != "switching" {
		t.Fatalf("Anna sees %+v", b)
	}
	shown := x.anna.connect("/api/me"+strings.TrimPrefix(x.class, "/api")+"/broadcast", "anna", true)
	if shown.hello.Writer {
		t.Error("the class may type")
	}
	mine.run("echo look-$((1+1))")
	shown.wait("look-2")
	if err := shown.send([]byte("\x04")); err != nil {
		t.Fatal(err)
	}
	shown.keys("echo by-anna\n")
	mine.run("true")
	if out := mine.run("history | tail -4"); strings.Contains(out, "by-anna") {
		t.Errorf("the class types: %s", out)
	}
	stranger := x.learner()
	if _, res, err := stranger.dial("/api/me"+strings.TrimPrefix(x.class, "/api")+"/broadcast", "offset=-1&viewer=s"); err == nil || res == nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger sees it: %v", err)
	}

	x.anna.on("B").run("echo recorded-$((1+1))") // opened after it was allowed
	var list []classroom.Recording
	recorded := func() string {
		x.teacher.must("GET", x.class+"/recordings", nil, &list)
		i := slices.IndexFunc(list, func(r classroom.Recording) bool { return r.Host == "B" && r.Name == "Anna" })
		if i < 0 {
			return ""
		}
		return string(x.teacher.do("GET", x.class+"/recordings/"+list[i].ID, nil).Body)
	}
	slowly(t, "the terminal is recorded", func() bool { return strings.Contains(recorded(), "recorded-2") })
	if text := recorded(); !strings.HasPrefix(text, `{"version":3,`) {
		t.Errorf("got %.200s", text)
	}
	if slices.ContainsFunc(list, func(r classroom.Recording) bool { return r.Name != "Anna" || r.Host != "B" }) {
		t.Errorf("recorded what nobody was told of: %+v", list)
	}
	if a := x.anna.do("GET", x.class+"/recordings", nil); a.Status != http.StatusForbidden {
		t.Errorf("a learner sees recordings: %d", a.Status)
	}
	files, err := filepath.Glob(filepath.Join(x.set.State, "recordings", "*", "*.cast"))
	if err != nil || len(files) != len(list) {
		t.Errorf("%d files, %d recordings: %v", len(files), len(list), err)
	}
}

// TestClassOutlivesTheServer stops the server in the middle of a lesson, and
// finds the class as it was.
func TestClassOutlivesTheServer(t *testing.T) {
	x := teach(t, "routing", nil)
	for _, wrong := range []string{"One, to the router", "One, to everybody on the cable", "One, to the router"} {
		x.anna.must("POST", x.anna.path+"/steps/unreachable/answer", map[string]string{"name": "sent", "value": wrong}, nil)
	}
	x.anna.must("POST", "/api/me"+strings.TrimPrefix(x.class, "/api")+"/hand", map[string]string{"text": "why?"}, nil)
	cell := func() classroom.Cell {
		cells := x.grid().Rows[0].Cells["routing"]
		if len(cells) == 0 {
			return classroom.Cell{}
		}
		return cells[0]
	}
	slowly(t, "the grid shows the tries", func() bool { return cell().Fails == 3 && cell().Same == 3 })
	before := x.grid()
	if len(before.Board.Help) != 1 || before.Board.Help[0].Reason != "hand" {
		t.Errorf("help: %+v", before.Board.Help)
	}
	if err := x.app.Close(); err != nil {
		t.Fatal(err)
	}
	x.set.Listen = strings.TrimPrefix(x.url, "http://")
	next := start(t, func(c *config.Server) { *c = x.set })
	if h := next.app.Hosting(); h.FirstTime || h.Code != before.Class.Code {
		t.Errorf("the next server prints %+v", h)
	}
	after := x.grid()
	if a, b := after.Rows[0].Cells["routing"][0], before.Rows[0].Cells["routing"][0]; a.Fails != b.Fails || a.Why != b.Why || after.Rows[0].Hand == nil {
		t.Errorf("the row was %+v and is %+v", before.Rows[0], after.Rows[0])
	}
	if x.mine().Hand == nil {
		t.Error("the hand is down")
	}
	var s session.Session
	x.anna.must("POST", "/api/sessions", map[string]string{"lab": "routing"}, &s)
	slowly(t, "the grid shows that she is back", func() bool { return x.grid().Rows[0].Session == s.ID })
}
