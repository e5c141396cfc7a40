package classroom

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
	"github.com/netground/netground/server/terminal"
)

// length is how long a cast says that it is; each of its lines must be whole.
func length(t *testing.T, cast string) time.Duration {
	t.Helper()
	var all time.Duration
	for i, line := range strings.Split(strings.TrimSuffix(cast, "\n"), "\n") {
		var event []any
		if i == 0 {
			continue
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil || len(event) != 3 {
			t.Fatalf("line %d is %q", i+1, line)
		}
		all += time.Duration(event[0].(float64)*1000+0.5) * time.Millisecond
	}
	return all
}

func (w *world) cast(id string) string {
	w.Helper()
	f, _, err := w.s.OpenRecording(w.Context(), w.class, id)
	w.must(err)
	defer f.Close()
	b, err := io.ReadAll(f)
	w.must(err)
	return string(b)
}

func (w *world) recordings() []Recording {
	w.Helper()
	list, err := w.s.Recordings(w.Context(), w.class)
	w.must(err)
	return list
}

// TestRecordingGoesOn restarts the server while a terminal is recorded, which
// prints meanwhile: one recording has everything once.
func TestRecordingGoesOn(t *testing.T) {
	w := open(t)
	anna := w.join("Anna")
	anna.begin()
	w.must(w.s.Update(t.Context(), w.class, Settings{Name: "N", Labs: []string{"one"}, Recording: true}))
	tty, shell := pipe(t)
	info := session.Terminal{ID: "t1", Host: "A"}
	w.s.Terminal(anna.session, info, tty)
	say := func(words string) {
		_, err := io.WriteString(shell, words)
		w.must(err)
	}
	recorded := func() string {
		list := w.recordings()
		if len(list) != 1 {
			return ""
		}
		return printed(t, w.cast(list[0].ID))
	}
	say("one\n한")
	eventually(t, "the beginning is recorded", func() bool { return recorded() == "one\r\n한" })
	w.s.Step(anna.session, session.StepFact{ID: "first", Holding: []string{"link#1"}})
	eventually(t, "the mark is stored", func() bool { return len(w.recordings()[0].Marks) == 1 })
	for i := range 3 {
		w.clock.pass(time.Minute)
		w.stop()
		say(fmt.Sprintf("away %d\n", i))
		w.clock.pass(time.Minute)
		w.open()
		w.s.Terminal(anna.session, info, tty)
		w.s.Use(w.sessions)
	}
	say("end\n")
	want := "one\r\n한away 0\r\naway 1\r\naway 2\r\nend\r\n"
	eventually(t, "all is recorded once", func() bool { return recorded() == want })
	tty.SetExit(0)
	w.must(shell.Close())
	eventually(t, "the recording ends", func() bool { return !w.recordings()[0].Live })
	r := w.recordings()[0]
	cast := w.cast(r.ID)
	if printed(t, cast) != want || len(r.Marks) != 1 || r.Seconds != 360 || length(t, cast) != 6*time.Minute || r.Bytes != int64(len(cast)) {
		t.Errorf("got %+v of %q", r, cast)
	}
	if left, err := filepath.Glob(filepath.Join(w.dir, w.class, "*.place")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// has waits until a terminal has read all of a text, as one that was taken over has
// what was recorded of it.
func has(t *testing.T, tty *terminal.Terminal, text string) {
	t.Helper()
	v := tty.Attach(terminal.ViewerOptions{ID: "test", Offset: -1})
	defer v.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for got, buf := "", make([]byte, 4096); got != text; {
		c, err := v.Next(ctx, buf)
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got += string(c.Data)
	}
}

// TestRecordingOfAKilledServer has casts as a killed server leaves them.
func TestRecordingOfAKilledServer(t *testing.T) {
	const header = `{"version":3,"term":{"cols":80,"rows":24,"type":"xterm-256color"},"timestamp":1777885200,"title":"one A"}` + "\n"
	const events = `[1.500,"o","hello\r\n"]` + "\n" + `[2.000,"r","100x30"]` + "\n"
	for what, c := range map[string]struct {
		cast, place string
		goesOn      bool // the terminal lives
		seconds     float64
		printed     string
	}{
		"its terminal is gone":                 {header + events, "", false, 3.5, "hello\r\n"},
		"the last line is cut":                 {header + events + `[1.000,"o","wor`, "", false, 3.5, "hello\r\n"},
		"the last line is cut behind a number": {header + events + `[1.0`, "", false, 3.5, "hello\r\n"},
		"only a header":                        {header, "", false, 0, ""},
		"half a header":                        {`{"version":3,"te`, "", false, 0, ""},
		"nothing":                              {"", "", false, 0, ""},
		"a line that is none":                  {header + events + "zero\x00\x00\n" + `[9.000,"o","x"]` + "\n", "", false, 3.5, "hello\r\n"},
		// What was written since it was last said how much there is comes again.
		"its terminal lives":             {header + events + `[1.000,"o","wor"]` + "\n", fmt.Sprintf("%020d %020d t1\n", 7, len(header+events)), true, 0, "hello\r\nworld\r\n"},
		"another terminal lives":         {header + events, fmt.Sprintf("%020d %020d t2\n", 7, len(header+events)), false, 3.5, "hello\r\n"},
		"how much there is was not said": {header + events, "", false, 3.5, "hello\r\n"},
		"what was said is too much":      {header + events, fmt.Sprintf("%020d %020d t1\n", 7, 1<<20), false, 3.5, "hello\r\n"},
		"what was said is nonsense":      {header + events, "nonsense", false, 3.5, "hello\r\n"},
	} {
		t.Run(what, func(t *testing.T) {
			w := open(t)
			anna := w.join("Anna")
			anna.begin()
			w.must(w.s.Update(t.Context(), w.class, Settings{Name: "N", Labs: []string{"one"}, Recording: true}))
			w.stop()
			row := store.Recording{ID: auth.NewID(), Class: w.class, Member: anna.member, Session: anna.session.ID, Lab: "one", Host: "A", Started: w.clock.read()}
			w.must(w.db.SaveRecording(t.Context(), row))
			w.must(os.MkdirAll(filepath.Join(w.dir, w.class), 0o700))
			w.must(os.WriteFile(filepath.Join(w.dir, w.class, row.ID+".cast"), []byte(c.cast), 0o600))
			if c.place != "" {
				w.must(os.WriteFile(filepath.Join(w.dir, w.class, row.ID+".place"), []byte(c.place), 0o600))
			}
			w.clock.pass(time.Hour)
			w.open()
			tty, shell := pipe(t)
			if c.goesOn {
				_, err := io.WriteString(shell, "hello\nworld\n")
				w.must(err)
				has(t, tty, "hello\r\nworld\r\n")
				w.s.Terminal(anna.session, session.Terminal{ID: "t1", Host: "A"}, tty)
			}
			w.s.Use(w.sessions)
			if c.goesOn {
				eventually(t, "it goes on", func() bool { return printed(t, w.cast(row.ID)) == c.printed })
			}
			list := w.recordings()
			if len(list) != 1 || list[0].Live != c.goesOn {
				t.Fatalf("got %+v", list)
			}
			cast := w.cast(row.ID)
			if !c.goesOn && (list[0].Seconds != c.seconds || list[0].Bytes != int64(len(cast)) || printed(t, cast) != c.printed || cast != "" && length(t, cast).Seconds() != c.seconds) {
				t.Errorf("got %+v of %q", list[0], cast)
			}
		})
	}
}
