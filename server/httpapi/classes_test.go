package httpapi

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// ofClasses says whether a route is one of classTable.
func ofClasses(r route) bool {
	for _, prefix := range []string{"/api/staff", "/api/classes", "/api/join", "/api/back", "/api/me/classes", "/api/oidc"} {
		if strings.HasPrefix(r.Path, prefix) {
			return true
		}
	}
	return false
}

// fakeSessions is the fake as classes see it.
type fakeSessions struct{ *fake }

func (f fakeSessions) Live(learner string) []session.Brief {
	f.mu.Lock()
	defer f.mu.Unlock()
	if learner != f.owner {
		return nil
	}
	return []session.Brief{{ID: "s1", Learner: learner, Lab: "one", State: session.Ready, Created: time.Now(), Active: time.Now(), Pages: 1, Step: "first"}}
}

func (f fakeSessions) EndWithClass(_ context.Context, c session.Caller, id string) error {
	return f.call(c, id, "end with class", "")
}

func (f fakeSessions) Tell(string, string, session.InLanguage) {}

func (f fakeSessions) ReturnKeyboard(string) {}

func (f fakeSessions) Break(_ context.Context, c session.Caller, id, fault string) error {
	return f.call(c, id, "break", fault)
}

func (f fakeSessions) Broken(context.Context, session.Caller, string, string) (bool, error) {
	return true, nil
}

// fakeOIDC vouches for whom the code names.
type fakeOIDC struct{}

func (fakeOIDC) Name() string { return "School" }

func (fakeOIDC) Begin(_ context.Context, redirect string) (string, string, error) {
	return "https://provider.example/?redirect_uri=" + url.QueryEscape(redirect), "secret", nil
}

func (fakeOIDC) Finish(_ context.Context, _, secret string, query url.Values) (auth.Identity, error) {
	if secret != "secret" {
		return auth.Identity{}, auth.ErrDenied
	}
	return auth.Identity{Subject: "provider " + query.Get("code"), Email: query.Get("code")}, nil
}

// school is a server with classes.
type school struct {
	*door
	db      *store.Store
	classes *classroom.Service
	signer  *auth.Signer

	recordings string
}

const password = "correct horse"

func openSchool(t *testing.T, change ...func(*Options)) *school {
	t.Helper()
	s := &school{recordings: t.TempDir()}
	var err error
	if s.db, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "netground.db")); err != nil {
		t.Fatal(err)
	}
	course, labs := testLabs(t)
	if s.classes, err = classroom.Open(t.Context(), classroom.Options{Store: s.db, Course: course, Labs: labs, Recordings: s.recordings}); err != nil {
		t.Fatal(err)
	}
	s.door = open(t, func(o *Options) {
		o.Classes = s.classes
		o.Limits = &Limits{}
		o.OIDC = fakeOIDC{}
		s.signer = o.Signer
		for _, c := range change {
			c(o)
		}
	})
	s.classes.Use(fakeSessions{s.fake})
	s.fake.attach = &session.Attachment{Info: session.Terminal{ID: "t1", Host: "A"}}
	close(s.fake.events)
	t.Cleanup(func() {
		if err := s.classes.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := s.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// person is a browser with one, both or none of the cookies.
type person struct{ learner, staff string }

func (s *school) cookies(p person) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del("Cookie")
		if p.learner != "" {
			r.AddCookie(&http.Cookie{Name: auth.CookieName, Value: s.signer.Sign(p.learner)})
		}
		if p.staff != "" {
			r.AddCookie(&http.Cookie{Name: auth.StaffCookieName, Value: s.signer.ForStaff().Sign(p.staff)})
		}
	}
}

func (s *school) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// colleague adds somebody who teaches, who has signed in.
func (s *school) colleague(role string) (id, signIn string) {
	s.Helper()
	id, signIn = auth.NewID(), auth.NewID()
	s.ok(s.db.SaveStaff(s.Context(), store.Staff{ID: id, Login: "login-" + id, Name: role, Role: role, Password: "x", Created: time.Now()}))
	s.ok(s.db.SignedIn(s.Context(), signIn, id, time.Now(), time.Now().Add(time.Hour)))
	return id, signIn
}

// fixture is a class with everybody around it.
type fixture struct {
	class, code      string
	elsewhere        string // the class of the others
	member, personal string
	staffer          string // an assistant of the class, whom others may remove
	token            string // of a one-time link
	recording        string
	people           map[string]person
}

func (s *school) fixture() *fixture {
	s.Helper()
	ctx := s.Context()
	f := &fixture{people: map[string]person{"stranger": {}}}
	add := func(what, role string) string {
		id, signIn := s.colleague(role)
		f.people[what] = person{staff: signIn}
		return id
	}
	teaches := add("teacher", classroom.Teacher)
	f.staffer = add("assistant", classroom.Assistant)
	other := add("teacher of another class", classroom.Teacher)
	add("assistant of another class", classroom.Assistant)
	add("owner", classroom.Owner)
	var err error
	f.class, err = s.classes.Create(ctx, teaches, classroom.Settings{Name: "Networking 101", Labs: []string{"one"}, Language: "ko"})
	s.ok(err)
	elsewhere, err := s.classes.Create(ctx, other, classroom.Settings{Name: "Elsewhere", Labs: []string{"two"}})
	s.ok(err)
	f.elsewhere = elsewhere
	s.ok(s.db.SetClassStaff(ctx, f.class, f.staffer, classroom.Assistant))
	class, err := s.db.Class(ctx, f.class)
	s.ok(err)
	f.code = class.Code
	there, err := s.db.Class(ctx, elsewhere)
	s.ok(err)
	mine, theirs := auth.NewID(), auth.NewID()
	s.fake.mu.Lock()
	s.fake.owner = mine
	s.fake.mu.Unlock()
	m, err := s.classes.Join(ctx, "10.0.0.1", session.Caller{Learner: mine}, f.code, "Anna")
	s.ok(err)
	f.member, f.personal = m.Member, m.Code
	_, err = s.classes.Join(ctx, "10.0.0.1", session.Caller{Learner: theirs}, there.Code, "Bert")
	s.ok(err)
	_, err = s.classes.RaiseHand(ctx, session.Caller{Learner: mine}, f.class, "why?")
	s.ok(err)
	s.ok(s.classes.AskKeyboard(ctx, classroom.Me{ID: teaches, Name: "teacher"}, f.class, f.member))
	f.recording = auth.NewID()
	s.ok(s.db.SaveRecording(ctx, store.Recording{ID: f.recording, Class: f.class, Member: f.member, Session: "s1", Lab: "one", Host: "A", Started: time.Now()}))
	s.ok(os.MkdirAll(filepath.Join(s.recordings, f.class), 0o700))
	s.ok(os.WriteFile(filepath.Join(s.recordings, f.class, f.recording+".cast"), []byte("{}\n"), 0o600))
	f.people["learner of the class"] = person{learner: mine}
	f.people["learner of another class"] = person{learner: theirs}
	link, err := s.classes.NewLink(ctx, f.staffer)
	s.ok(err)
	_, f.token, _ = strings.Cut(link, "#")
	return f
}

// request fills a route's address and body in.
func (f *fixture) request(r route) (path, body string) {
	path = strings.NewReplacer(":class", f.class, ":member", f.member, ":staff", f.staffer, ":terminal", "t1", ":recording", f.recording, ":code", f.code).Replace(r.Path)
	switch r.Request.(type) {
	case *empty:
		body = "{}"
	case *setupRequest:
		body = `{"token":"` + f.token + `","login":"new-` + f.class + `","name":"New","password":"` + password + `"}`
	case *linkRequest:
		body = `{"token":"` + f.token + `"}`
	case *signInRequest:
		body = `{"login":"known","password":"` + password + `"}`
	case *passwordRequest:
		body = `{"old":"` + password + `","new":"` + password + `!"}`
	case *staffRequest:
		body = `{"login":"more-` + f.class + `","name":"More","role":"teacher"}`
	case *colleagueRequest:
		body = `{"login":"login-` + f.staffer + `","role":"assistant"}`
	case *classroom.Settings:
		body = `{"name":"Other","language":"","labs":["one","two"],"startsOn":"2026-05-04","endsOn":"","recording":false,"rosterOnly":false,"retainDays":0}`
	case *stateRequest:
		body = `{"state":"paused"}`
	case *rosterRequest:
		body = `{"csv":"name,id\nCem,7\n"}`
	case *nameRequest:
		body = `{"name":"Anne"}`
	case *catchUpRequest:
		body = `{"step":"first"}`
	case *messageRequest:
		body = `{"text":"Look at the routes."}`
	case *broadcastRequest:
		body = `{"session":"s1","terminal":"t1"}`
	case *faultRequest:
		body = `{"lab":"one","fault":"down"}`
	case *joinRequest:
		body = `{"code":"` + f.code + `","name":"Dora"}`
	case *codeRequest:
		body = `{"code":"` + f.personal + `"}`
	case *handRequest:
		body = `{"text":"how?"}`
	case *allowRequest:
		body = `{"allow":true}`
	}
	return path, body
}

// ask sends a request; of a stream it reads nothing.
func (s *school) ask(r route, path, body string, p person, change ...func(*http.Request)) (int, string, http.Header) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, s.server.URL+path, bytes.NewReader([]byte(body)))
	s.ok(err)
	req.Header.Set("Origin", s.server.URL)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	s.cookies(p)(req)
	for _, c := range change {
		c(req)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	s.ok(err)
	defer res.Body.Close()
	if r.Stream && res.StatusCode == http.StatusOK {
		return res.StatusCode, "", res.Header
	}
	text, err := io.ReadAll(res.Body)
	s.ok(err)
	return res.StatusCode, string(text), res.Header
}

// TestClassAccess tries every route about classes as everybody.
func TestClassAccess(t *testing.T) {
	s := openSchool(t)
	id := auth.NewID()
	hash, err := auth.NewPasswords().Hash(t.Context(), password)
	s.ok(err)
	s.ok(s.db.SaveStaff(t.Context(), store.Staff{ID: id, Login: "known", Name: "Known", Role: classroom.Teacher, Password: hash, Created: time.Now()}))
	// Who gets in, and what the others get: a stranger, a learner of the class and
	// one of another, and who teaches.
	staffOnly := map[string]int{"stranger": 401, "learner of the class": 403, "learner of another class": 403}
	classOnly := map[string]int{"stranger": 401, "learner of the class": 403, "learner of another class": 403, "teacher of another class": 404, "assistant of another class": 404}
	with := func(m map[string]int, more map[string]int) map[string]int {
		all := map[string]int{}
		for _, x := range []map[string]int{m, more} {
			for k, v := range x {
				all[k] = v
			}
		}
		return all
	}
	refused := map[access]map[string]int{
		public:  {},
		staff:   staffOnly,
		teacher: with(staffOnly, map[string]int{"assistant": 403, "assistant of another class": 403}),
		owner:   with(staffOnly, map[string]int{"assistant": 403, "assistant of another class": 403, "teacher": 403, "teacher of another class": 403}),
		view:    classOnly,
		edit:    with(classOnly, map[string]int{"assistant": 403}),
		member:  {"stranger": 404, "learner of another class": 404, "teacher": 404, "assistant": 404, "owner": 404, "teacher of another class": 404, "assistant of another class": 404},
	}
	// The few whose outcome depends on more than access.
	special := map[string]map[string]int{
		"GET /api/me/classes/events": {"stranger": 404, "teacher": 404, "assistant": 404, "owner": 404, "teacher of another class": 404, "assistant of another class": 404},
		// The terminal shown is one of the own session, and who teaches has none here.
		"POST /api/classes/:class/broadcast": {"teacher": 404, "owner": 404},
		// These have no password that would be the old one.
		"POST /api/staff/password":                                       {"teacher": 401, "assistant": 401, "owner": 401, "teacher of another class": 401, "assistant of another class": 401},
		"POST /api/classes/:class/members/:member/keyboard":              {"owner": 409}, // the teacher has asked before
		"GET /api/classes/:class/members/:member/terminals/:terminal/ws": {"teacher": 426, "assistant": 426, "owner": 426},
		"GET /api/me/classes/:class/broadcast/ws":                        {"learner of the class": 426},
	}
	// Everybody may, a stranger among them: these alone.
	open := []string{
		"GET /api/staff/me", "POST /api/staff/setup", "POST /api/staff/link", "POST /api/staff/sign-in", "GET /api/oidc", "GET /api/oidc/callback",
		"GET /api/join/:code", "POST /api/join", "POST /api/back", "GET /api/me/classes", "GET /api/me/classes/events",
	}
	tried := 0
	shared := s.fixture() // whoever is refused changes nothing of it
	for _, r := range s.api.routes {
		if _, known := refused[r.Access]; !ofClasses(r) {
			if known && r.Access != public {
				t.Errorf("%s %s: nobody tries it, though it is for who teaches, or members", r.Method, r.Path)
			}
			continue
		} else if !known {
			t.Errorf("%s %s: it is not said who may not", r.Method, r.Path)
		}
		if name := r.Method + " " + r.Path; (r.Access == public) != slices.Contains(open, name) {
			t.Errorf("%s: it is not said whether everybody may", name)
		}
		for who := range shared.people {
			f := shared
			if _, no := refused[r.Access][who]; !no { // what is done changes it
				f = s.fixture()
			}
			path, body := f.request(r)
			status, text, headers := s.ask(r, path, body, f.people[who])
			tried++
			want, no := refused[r.Access][who]
			if no && r.SameSite { // a websocket is refused before it is one
				if status, _, _ := s.ask(r, path+"?offset=-1&viewer=v", body, f.people[who], upgrade); status != want {
					t.Errorf("a websocket to %s as %s: status %d, want %d", r.Path, who, status, want)
				}
			}
			if other, ok := special[r.Method+" "+r.Path][who]; ok && !no {
				want, no = other, true
			}
			if no && status != want || !no && !slices.Contains(r.Status, status) {
				t.Errorf("%s %s as %s: status %d, want %v or %d: %s", r.Method, r.Path, who, status, r.Status, want, text)
			}
			wantHeaders(t, r.Method+" "+path, &http.Response{Header: headers})
			if no && want == 403 && !strings.Contains(text, ":sign-in\"") && !strings.Contains(text, ":forbidden\"") {
				t.Errorf("%s %s as %s: %s", r.Method, r.Path, who, text)
			}
			if no && status != 426 && strings.Contains(text, "Networking 101") {
				t.Errorf("%s %s as %s tells of the class: %s", r.Method, r.Path, who, text)
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d requests were tried", tried)
	}
}

// upgrade makes a request one for a websocket.
func upgrade(r *http.Request) {
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	r.Header.Set("Sec-WebSocket-Protocol", "netground.v1")
}

// TestOneClassIsNoWayIntoAnother has a teacher name members, recordings and
// colleagues of another class under the own one.
func TestOneClassIsNoWayIntoAnother(t *testing.T) {
	s := openSchool(t)
	f := s.fixture()
	who := f.people["teacher of another class"]
	tried := 0
	for _, r := range s.api.routes {
		if !ofClasses(r) || !strings.Contains(r.Path, ":member") && !strings.Contains(r.Path, ":recording") && !strings.HasSuffix(r.Path, ":class/staff/:staff") {
			continue
		}
		tried++
		theirs := *f
		theirs.class = f.elsewhere
		path, body := theirs.request(r)
		if r.SameSite {
			// A page cannot read a status: the socket is closed at once, with a code.
			status, frame, _ := s.ask(r, path+"?offset=-1&viewer=v", body, who, upgrade)
			if status != http.StatusSwitchingProtocols || len(frame) < 4 || frame[0] != 0x88 || binary.BigEndian.Uint16([]byte(frame[2:])) != ws.CloseNoSuch {
				t.Errorf("%s: status %d, the first frame is %q", r.Path, status, frame)
			}
			continue
		}
		if status, text, _ := s.ask(r, path, body, who); status != http.StatusNotFound || strings.Contains(text, "Anna") {
			t.Errorf("%s %s: status %d: %s", r.Method, r.Path, status, text)
		}
	}
	if tried < 15 {
		t.Errorf("only %d routes were tried", tried)
	}
	members, err := s.classes.Members(t.Context(), f.class)
	s.ok(err)
	if len(members) != 1 || members[0].Name != "Anna" {
		t.Errorf("the members are %+v", members)
	}
	if list, err := s.classes.Recordings(t.Context(), f.class); err != nil || len(list) != 1 {
		t.Errorf("the recordings are %+v, %v", list, err)
	}
}
