//go:build sandbox

package app

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/netground/netground/server/session"
)

// solveDuring has a learner solve a step while nothing can be stored: the page
// is told so, keys are echoed, and the result follows once the fault has ended.
func (c *child) solveDuring(begin, end func()) {
	c.Helper()
	ann := c.learner().open("switching")
	events, a, b := ann.events("ko"), ann.sit(), ann.on("B")
	until(c, 20*time.Second, "the session is stored", func() bool { return c.metric("netground_results_unstored") == 0 })
	begin()
	a.run("ip link set eth0 up")
	b.run("ip link set eth0 up")
	text := await(c.T, events, 40*time.Second, "notice", func(data string) bool { return strings.Contains(data, `"storage"`) })
	if !strings.Contains(text, "저장하지 못하고") {
		c.Errorf("the page is told %s", text)
	}
	if all := a.echoes(500 * time.Millisecond); p99(all) > patience {
		c.Errorf("meanwhile keys take %v", p99(all))
	}
	if out := a.run("echo still $((40+2))"); !strings.Contains(out, "still 42") {
		c.Errorf("the terminal says %q", out)
	}
	end()
	await(c.T, events, 40*time.Second, "step", func(data string) bool {
		var s session.StepState
		return json.Unmarshal([]byte(data), &s) == nil && s.ID == "up" && s.Passed
	})
	await(c.T, events, 40*time.Second, "notice", func(data string) bool { return strings.Contains(data, "다시 저장하고") })
	until(c, 20*time.Second, "the log says so", func() bool {
		log := c.log.String()
		return strings.Contains(log, "cannot store; will try again") && strings.Contains(log, "everything that waited for the database is stored")
	})
	// It is on the disk indeed.
	c.kill()
	next := spawn(c.T, c.set)
	var s session.Session
	ann.must("GET", ann.path, nil, &s)
	ann.Session = s
	if steps := ann.passed(); len(steps) != 1 || steps[0] != "up" {
		c.Errorf("the steps %v are passed", steps)
	}
	next.terminate(20 * time.Second)
}

// Somebody else holds the database for longer than anybody waits.
func TestLockedDatabase(t *testing.T) {
	c := spawn(t, homed(t))
	db, err := sql.Open("sqlite", filepath.Join(c.set.State, "netground.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(line string) func() {
		return func() {
			if _, err := conn.ExecContext(t.Context(), line); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.solveDuring(run(`BEGIN IMMEDIATE`), run(`ROLLBACK`))
}

// The database's file is replaced by something else, which is removed later.
func TestDatabaseGone(t *testing.T) {
	c := spawn(t, homed(t))
	path := filepath.Join(c.set.State, "netground.db")
	c.solveDuring(func() {
		if err := os.WriteFile(path+".new", []byte("this was a database once"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}, func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	})
}
