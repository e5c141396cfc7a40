package classroom

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// tables are all that the database has.
func (w *world) tables() []string {
	w.Helper()
	db, err := w.raw()
	w.must(err)
	defer db.Close()
	rows, err := db.QueryContext(w.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`)
	if err != nil { // SQLite
		rows, err = db.QueryContext(w.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
	}
	w.must(err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		w.must(rows.Scan(&name))
		all = append(all, name)
	}
	w.must(rows.Err())
	return all
}

// traces are where the database and the folder of recordings speak of any of the
// words, in rows, names of files and what files have.
func (w *world) traces(words map[string]string) map[string]bool {
	w.Helper()
	found := map[string]bool{}
	look := func(where, text string) {
		for what, word := range words {
			if strings.Contains(text, word) {
				found[where+": "+what] = true
			}
		}
	}
	db, err := w.raw()
	w.must(err)
	defer db.Close()
	for _, table := range w.tables() {
		rows, err := db.QueryContext(w.Context(), `SELECT * FROM `+table)
		w.must(err)
		columns, err := rows.Columns()
		w.must(err)
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			w.must(rows.Scan(values...))
			for i, v := range values {
				value := *v.(*any)
				if b, ok := value.([]byte); ok {
					value = string(b)
				}
				look(table+"."+columns[i], fmt.Sprint(value))
			}
		}
		w.must(rows.Err())
		w.must(rows.Close())
	}
	w.must(fs.WalkDir(os.DirFS(w.dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		look("the file's name", name)
		if !d.IsDir() {
			b, err := fs.ReadFile(os.DirFS(w.dir), name)
			if err != nil {
				return err
			}
			look("the file", string(bytes.TrimSpace(b)))
			if strings.HasSuffix(name, ".cast") { // a word may have come in pieces
				look("the file", printed(w.T, string(b)))
			}
		}
		return nil
	}))
	return found
}

// bytesLeft is which of the words stand in the bytes of the files that SQLite keeps:
// the database, its log and what else begins with its name.
func (w *world) bytesLeft(words map[string]string) map[string]bool {
	w.Helper()
	found := map[string]bool{}
	if w.file == "" {
		return found
	}
	files, err := filepath.Glob(w.file + "*")
	w.must(err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		w.must(err)
		for what, word := range words {
			if bytes.Contains(b, []byte(word)) {
				found[filepath.Base(name)+": "+what] = true
			}
		}
	}
	return found
}

// TestNothingIsLeft has a learner leave a trace in every table that may have one,
// and in files, and deletes them in every way that there is.
func TestNothingIsLeft(t *testing.T) { both(t, testNothingIsLeft) }

func testNothingIsLeft(t *testing.T, w *world) {
	type deletion struct {
		what   string
		class  bool // with the class
		delete func(p *pupil)
	}
	for i, d := range []deletion{
		{"the teacher removes the learner", false, func(p *pupil) { w.must(w.s.Remove(t.Context(), w.class, p.member)) }},
		{"the learner leaves", false, func(p *pupil) { w.must(w.s.Leave(t.Context(), w.class, p.caller.Learner)) }},
		{"the class is deleted", true, func(*pupil) { w.must(w.s.Delete(t.Context(), w.class)) }},
		{"the class's time is over", true, func(*pupil) {
			w.must(w.s.SetState(t.Context(), w.class, Ended))
			w.clock.pass(8 * 24 * time.Hour)
			w.must(w.s.deleteOld(t.Context()))
		}},
	} {
		if i == 3 {
			id, err := w.s.Create(t.Context(), w.teacher.ID, Settings{Name: "Networking 102", Labs: []string{"one"}})
			w.must(err)
			c, err := w.db.Class(t.Context(), id)
			w.must(err)
			w.class, w.code = id, c.Code
		}
		name := fmt.Sprintf("Wilhelmina the %dth", i)
		w.must(w.s.Update(t.Context(), w.class, Settings{Name: fmt.Sprintf("Class number %d", i), Labs: []string{"one"}, Recording: true, RetainDays: 7}))
		_, err := w.s.Import(t.Context(), w.class, fmt.Sprintf("name,id\n%s,external-%d\n", name, i), "en")
		w.must(err)
		p, other := w.join(name), w.join(fmt.Sprintf("Somebody else %d", i))
		p.begin()
		other.begin()
		w.must(w.db.AddSession(t.Context(), store.Session{ID: p.session.ID, Learner: p.caller.Learner, Lab: "one", Sandbox: p.session.ID, State: store.Ready, Created: w.clock.read(), Active: w.clock.read(), Expires: w.clock.read()}, store.Learner{ID: p.caller.Learner, Created: w.clock.read()}))
		tty, shell := pipe(t)
		w.s.Terminal(p.session, session.Terminal{ID: "t1", Host: "A"}, tty)
		_, err = io.WriteString(shell, "said-by-her\n")
		w.must(err)
		w.s.State(p.session, &observe.State{Nodes: map[string]*observe.Node{"seen-by-her": {}}})
		p.fails("first", 0, "down")
		w.must(w.db.SaveHint(t.Context(), store.Hint{Step: p.key("first"), Hint: "check 0", At: w.clock.read()}))
		w.must(w.db.SaveSolution(t.Context(), p.key("first"), w.clock.read()))
		w.must(w.db.SaveAnswer(t.Context(), store.Answer{Step: p.key("first"), Name: "n", Value: "answered-by-her", At: w.clock.read()}))
		w.must(w.db.SavePrediction(t.Context(), store.Answer{Step: p.key("first"), Name: "n", Value: "predicted-by-her", At: w.clock.read()}))
		p.passes("first", "second")
		_, err = w.s.RaiseHand(t.Context(), p.caller, w.class, "asked-by-her")
		w.must(err)
		w.must(w.s.Dismiss(t.Context(), w.class, p.member))
		for _, to := range []MessageTarget{{}, {Member: p.member}, {Member: other.member}} {
			_, err = w.s.Send(t.Context(), w.teacher, w.class, "told-to-"+to.Member, to)
			w.must(err)
		}
		_, err = w.s.Inject(t.Context(), w.teacher, w.class, "one", "down", "en")
		w.must(err)
		w.s.allRooms()[0].tick(time.Minute)
		w.must(w.s.storeTimes(t.Context()))
		words := map[string]string{
			"the learner's id": p.caller.Learner, "the member's id": p.member, "the name": name, "the school's id": fmt.Sprintf("external-%d", i),
			"the personal code": strings.ReplaceAll(p.code, "-", ""), "the session's id": p.session.ID, "an answer": "answered-by-her", "a prediction": "predicted-by-her",
			"a question": "asked-by-her", "a message": "told-to-" + p.member, "output": "said-by-her", "a network": "seen-by-her",
		}
		if d.class {
			words["the class"] = w.class
			words["the class's name"] = fmt.Sprintf("Class number %d", i)
			words["the other's name"] = fmt.Sprintf("Somebody else %d", i)
			words["the other's id"] = other.caller.Learner
		}
		// Each word is somewhere, and all tables that speak of learners are there: or
		// this would prove nothing.
		var missing map[string]bool
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s: not stored, or left in the files: %v", d.what, missing)
			}
		})
		eventually(t, "everything is stored", func() bool {
			missing = map[string]bool{}
			for what := range words {
				missing[what] = true
			}
			for _, table := range []string{"learners", "sessions", "step_results", "hints_used", "solutions_revealed", "answers", "predictions", "failures", "step_times",
				"members", "hands", "dismissals", "messages", "injected", "recordings", "the file", "the file's name"} {
				missing[table] = true
			}
			for trace := range w.traces(words) {
				where, what, _ := strings.Cut(trace, ": ")
				table, _, _ := strings.Cut(where, ".")
				delete(missing, table)
				delete(missing, what)
			}
			return len(missing) == 0
		})
		if w.file != "" && len(w.bytesLeft(words)) < 10 { // what the recordings have is in none of these files
			t.Fatalf("%s: in the database's files there are only %v", d.what, w.bytesLeft(words))
		}
		d.delete(p)
		if d.class {
			eventually(t, "the recorder has ended", func() bool {
				w.s.rec.mu.Lock()
				defer w.s.rec.mu.Unlock()
				return len(w.s.rec.casts) == 0
			})
		}
		// What comes late is not stored either.
		w.s.State(p.session, &observe.State{Nodes: map[string]*observe.Node{"seen-by-her": {}}})
		_, _ = io.WriteString(shell, "said-by-her\n")
		p.types()
		w.must(w.s.storeTimes(t.Context()))
		w.stop() // and with it whatever still writes
		if left := w.traces(words); len(left) > 0 {
			t.Errorf("%s: left: %v", d.what, left)
		}
		var left map[string]bool
		eventually(t, "the database's files have nothing of it", func() bool {
			if left = w.bytesLeft(words); len(left) > 0 {
				missing = left
			}
			return len(left) == 0
		})
		w.sessions.live = map[string][]session.Brief{}
		w.start()
		if d.class != (i >= 2) {
			t.Fatal("the table of this test is wrong")
		}
	}
}
