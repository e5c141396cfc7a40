package httpapi

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
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

// What waits for a request's end waits for that one's, though its context has
// gone to another request since.
func TestUntilTheRequestEnds(t *testing.T) {
	s := openSchool(t)
	ctx, cancel := context.WithCancel(t.Context())
	e := echo.New()
	c := &call{Context: e.NewContext(httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil), httptest.NewRecorder())}
	ended := s.api.until(c, member, nil)
	c.Reset(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), httptest.NewRecorder())
	cancel()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the request's end is not noticed")
	}
}
