//go:build sandbox

package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store/pgtest"
)

// TestClassInPostgres hosts a class by the built program with a database of
// PostgreSQL, kills it in the middle, and finds everything again.
func TestClassInPostgres(t *testing.T) {
	pg, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	set := homed(t)
	set.Database, set.Class = pg.Database(t), "Networking 101"
	c := spawn(t, set)
	find := func(pattern string) string {
		t.Helper()
		var found []string
		until(t, soon, "the server prints "+pattern, func() bool {
			found = regexp.MustCompile(pattern).FindStringSubmatch(c.said.String())
			return found != nil
		})
		return found[1]
	}
	teacher, anna := c.learner(), c.learner()
	teacher.must("POST", "/api/staff/setup", map[string]string{"token": find(`/teach/setup#(\S+)`), "login": "kim", "name": "Kim", "password": "long enough"}, nil)
	var classes []classroom.Summary
	teacher.must("GET", "/api/classes", nil, &classes)
	class := "/api/classes/" + classes[0].ID
	var m classroom.Membership
	anna.must("POST", "/api/join", map[string]string{"code": find(`/join/([0-9A-Z]+)`), "name": "Anna"}, &m)
	lab := anna.open("switching")
	events := lab.events("en")
	lab.solveUp(events, lab.sit(), lab.on("B"))
	anna.must("POST", "/api/me"+strings.TrimPrefix(class, "/api")+"/hand", map[string]string{"text": "why?"}, nil)
	teacher.must("POST", class+"/messages", map[string]string{"text": "Look at B."}, nil)
	result := func() classroom.Result {
		t.Helper()
		var v classroom.Results
		teacher.must("GET", class+"/results", nil, &v)
		for _, x := range v.Rows[0].Steps {
			if x.Lab == "switching" && x.Step == "up" {
				return x
			}
		}
		t.Fatalf("no result in %+v", v)
		return classroom.Result{}
	}
	slowly(t, "the result is there", func() bool { return result().State == classroom.Passed })
	before := result()
	c.kill()

	c = c.comeBack()
	if now := result(); now.State != classroom.Passed || !now.PassedAt.Equal(*before.PassedAt) {
		t.Errorf("the result was %+v and is %+v", before, now)
	}
	var g classroom.Grid
	teacher.must("GET", class+"/grid", nil, &g)
	if len(g.Rows) != 1 || g.Rows[0].Hand == nil || g.Rows[0].Hand.Text != "why?" || len(g.Messages) != 1 || g.Rows[0].Session != lab.ID {
		t.Errorf("the grid is %+v", g)
	}
	var now session.Session
	anna.must("GET", lab.path, nil, &now)
	lab.Session = now
	lab.attach(now.Terminals[0].ID, "v", true).run("true")
	if _, err := os.Stat(filepath.Join(set.State, "netground.db")); !os.IsNotExist(err) {
		t.Errorf("there is a file of SQLite, too: %v", err)
	}
	// The class's end ends what is open, in this database as well.
	teacher.must("POST", class+"/state", map[string]string{"state": "ended"}, nil)
	slowly(t, "Anna's session has ended", func() bool { return anna.do("GET", lab.path, nil).Status == 410 })
	teacher.must("DELETE", class, nil, nil)
	c.terminate(soon)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
