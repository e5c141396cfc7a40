package httpapi

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStreamsEndWithTheRight opens a teacher's stream, and takes the right to it
// away in every way that there is.
func TestStreamsEndWithTheRight(t *testing.T) {
	s := openSchool(t)
	s.api.o.Heartbeat = 20 * time.Millisecond
	for what, end := range map[string]func(f *fixture){
		"signed out":        func(f *fixture) { s.ok(s.db.SignOut(t.Context(), f.people["assistant"].staff, "")) },
		"removed from it":   func(f *fixture) { s.ok(s.classes.RemoveColleague(t.Context(), f.class, f.staffer)) },
		"removed":           func(f *fixture) { s.ok(s.classes.RemoveStaff(t.Context(), f.staffer)) },
		"class was deleted": func(f *fixture) { s.ok(s.classes.Delete(t.Context(), f.class)) },
	} {
		f := s.fixture()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+"/api/classes/"+f.class+"/events", nil)
		s.ok(err)
		s.cookies(f.people["assistant"])(r)
		res, err := http.DefaultTransport.RoundTrip(r)
		s.ok(err)
		lines := bufio.NewReader(res.Body)
		line := ""
		for !strings.HasPrefix(line, "event: grid") {
			line, err = lines.ReadString('\n')
			s.ok(err)
		}
		end(f)
		for err == nil {
			_, err = lines.ReadString('\n')
		}
		if ctx.Err() != nil {
			t.Errorf("%s: the stream goes on", what)
		}
		res.Body.Close()
		cancel()
	}
}
