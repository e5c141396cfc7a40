package httpapi

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

// access is who may use a route.
type access string

const (
	public  access = "public"  // anybody; a learner is recognized
	visitor access = "visitor" // anybody; a stranger becomes a learner
	learner access = "learner" // only who has a learner's cookie
	member  access = "member"  // only who is in the class
	staff   access = "staff"   // only who has signed in to teach
	teacher access = "teacher" // of those, teachers and owners
	owner   access = "owner"   // of those, owners
	view    access = "view"    // who teaches the class or helps there, and owners
	edit    access = "edit"    // who teaches the class, and owners
)

// route is one row of the table.
type route struct {
	Method, Path string // as echo has them
	Access       access
	Rate         rateClass
	Summary      string
	// Request is a pointer to the type of the body, or nil if there is none.
	Request any
	MaxBody int64 // bytes of it
	// Response is a value of the answer's type, or nil if there is none.
	Response any
	Status   []int  // of success
	Media    string // of the answer, if not JSON
	// Stream is a long answer: no HEAD, and no deadline.
	Stream bool
	// SameSite asks for the page's own origin, as all unsafe methods do.
	SameSite bool
	// Page is not a part of the API's description.
	Page bool

	Handle func(*call) error
}

// The bodies of requests.
type (
	empty         struct{}
	createRequest struct {
		Lab string `json:"lab" jsonschema:"the lab's name"`
	}
	topologyRequest struct {
		Text string `json:"text" jsonschema:"YAML, as topology in lab.yaml"`
	}
	probeRequest struct {
		From string `json:"from" jsonschema:"the host that sends"`
		To   string `json:"to" jsonschema:"the address that is to answer"`
	}
	playRequest struct {
		Text    string `json:"text" jsonschema:"YAML, as topology in lab.yaml"`
		Replace bool   `json:"replace,omitempty" jsonschema:"whether it may take the place of another network that runs"`
	}
	catchUpRequest struct {
		Step string `json:"step" jsonschema:"the step before which everything is solved"`
	}
	answerRequest struct {
		Name  string `json:"name" jsonschema:"the question's name"`
		Value string `json:"value" jsonschema:"what was typed, or the text that was chosen"`
	}
	terminalRequest struct {
		Host string `json:"host" jsonschema:"the host's name"`
		Cols uint16 `json:"cols" jsonschema:"columns"`
		Rows uint16 `json:"rows" jsonschema:"rows"`
	}
)

const (
	smallBody  = 4 << 10
	answerBody = 16 << 10
	// JSON writes a byte of a text as six at most.
	topologyBody = 6*lab.MaxTopology + 1<<10
)

// table is every route of the server.
func (a *API) table() []route {
	const (
		get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
		one            = "/api/sessions/:session"
		step           = one + "/steps/:step"
		terminal       = one + "/terminals/:terminal"
		plain          = "text/plain; charset=utf-8"
	)
	ok, created, none := []int{http.StatusOK}, []int{http.StatusCreated}, []int{http.StatusNoContent}
	rows := []route{
		{Method: get, Path: "/api/course", Access: public, Rate: read, Summary: "The course, and how far the learner is", Response: Course{}, Status: ok, Handle: a.getCourse},
		{Method: get, Path: "/api/labs/:lab", Access: public, Rate: read, Summary: "A lab with its lesson in the language", Response: Lab{}, Status: ok, Handle: a.getLab},
		{Method: get, Path: "/api/cheatsheet", Access: public, Rate: read, Summary: "Every command of the course in the language, from the lessons' own text", Response: CheatSheet{}, Status: ok, Handle: a.getCheatSheet},

		{Method: get, Path: "/api/playground", Access: public, Rate: read, Summary: "The playground: ready topologies, and the learner's network that runs", Response: Playground{}, Status: ok, Handle: a.getPlayground},
		{Method: post, Path: "/api/playground", Access: visitor, Rate: create, Summary: "Starts a topology: resumes the learner's playground of it, or makes one (201). Another network that runs is replaced only if asked", Request: &playRequest{}, MaxBody: topologyBody, Response: session.Session{}, Status: []int{http.StatusOK, http.StatusCreated}, Handle: a.play},
		// A visitor's, so that a class behind one address may type at once.
		{Method: post, Path: "/api/playground/check", Access: visitor, Rate: write, Summary: "Reads a topology, and says what is wrong with it and where", Request: &topologyRequest{}, MaxBody: topologyBody, Response: TopologyCheck{}, Status: ok, Handle: a.checkTopology},

		{Method: post, Path: "/api/sessions", Access: visitor, Rate: create, Summary: "Opens the lab: resumes the learner's live session of it (200), or makes one (201)", Request: &createRequest{}, MaxBody: smallBody, Response: session.Session{}, Status: []int{http.StatusOK, http.StatusCreated}, Handle: a.createSession},
		{Method: get, Path: one, Access: learner, Rate: read, Summary: "A session", Response: session.Session{}, Status: ok, Handle: a.getSession},
		{Method: get, Path: one + "/lab", Access: learner, Rate: read, Summary: "The lab of a session with its lesson, or the notes of a playground", Response: Lab{}, Status: ok, Handle: a.getSessionLab},
		{Method: del, Path: one, Access: learner, Rate: write, Summary: "Ends a session; progress is kept", Status: none, Handle: a.endSession},
		{Method: post, Path: one + "/probe", Access: learner, Rate: heavy, Summary: "Of a playground: pings an address from a host, and says where the packet ends", Request: &probeRequest{}, MaxBody: smallBody, Response: session.CheckState{}, Status: ok, Handle: a.probe},
		{Method: post, Path: one + "/reset", Access: learner, Rate: heavy, Summary: "Gives the session a new network; passed steps stay passed", Request: &empty{}, MaxBody: smallBody, Response: session.Session{}, Status: ok, Handle: a.resetSession},
		{Method: post, Path: one + "/extend", Access: learner, Rate: write, Summary: "Lets the session live longer", Request: &empty{}, MaxBody: smallBody, Response: session.Session{}, Status: ok, Handle: a.extendSession},
		{Method: post, Path: one + "/catch-up", Access: learner, Rate: heavy, Summary: "Starts to solve the steps before a step; events tell how it goes", Request: &catchUpRequest{}, MaxBody: smallBody, Status: []int{http.StatusAccepted}, Handle: a.catchUp},
		{Method: post, Path: step + "/check", Access: learner, Rate: write, Summary: "Checks a step now", Request: &empty{}, MaxBody: smallBody, Response: session.StepState{}, Status: ok, Handle: a.checkStep},
		{Method: post, Path: step + "/hint", Access: learner, Rate: write, Summary: "Shows one more hint of a step", Request: &empty{}, MaxBody: smallBody, Response: session.StepState{}, Status: ok, Handle: a.hintStep},
		{Method: post, Path: step + "/solution", Access: learner, Rate: write, Summary: "Reveals a step's solution, which is recorded", Request: &empty{}, MaxBody: smallBody, Response: session.StepState{}, Status: ok, Handle: a.solveStep},
		{Method: post, Path: step + "/answer", Access: learner, Rate: write, Summary: "Answers a question of a step", Request: &answerRequest{}, MaxBody: answerBody, Response: session.StepState{}, Status: ok, Handle: a.answerStep},
		{Method: post, Path: step + "/predict", Access: learner, Rate: write, Summary: "Stores what the learner expects to happen, and tells what is true; nothing is graded, and the first word counts", Request: &answerRequest{}, MaxBody: answerBody, Response: session.StepState{}, Status: ok, Handle: a.predictStep},
		{Method: post, Path: one + "/hosts/:host/reboot", Access: learner, Rate: heavy, Summary: "Reboots a host", Request: &empty{}, MaxBody: smallBody, Status: none, Handle: a.rebootHost},
		{Method: get, Path: one + "/terminals", Access: learner, Rate: read, Summary: "The session's terminals", Response: []session.Terminal{}, Status: ok, Handle: a.getTerminals},
		{Method: post, Path: one + "/terminals", Access: learner, Rate: write, Summary: "Starts a shell on a host", Request: &terminalRequest{}, MaxBody: smallBody, Response: session.Terminal{}, Status: created, Handle: a.openTerminal},
		{Method: del, Path: terminal, Access: learner, Rate: write, Summary: "Hangs a terminal up", Status: none, Handle: a.closeTerminal},
		{Method: get, Path: one + "/events", Access: learner, Rate: connect, Summary: "Server-sent events: session, state, step, terminal, host, progress, notice, class", Media: "text/event-stream", Status: ok, Stream: true, Handle: a.events},
		{Method: get, Path: terminal + "/ws", Access: public, Rate: connect, Summary: "A websocket with the subprotocol netground.v1; refusals are close codes", Status: []int{http.StatusSwitchingProtocols}, Stream: true, SameSite: true, Handle: a.attach},

		{Method: get, Path: "/api/openapi.json", Access: public, Rate: read, Summary: "This document", Response: map[string]any{}, Status: ok, Handle: func(c *call) error { return c.document(a.openAPI, "application/json") }},
		{Method: get, Path: "/api/schema/lab.json", Access: public, Rate: read, Summary: "The JSON Schema of lab.yaml, for editors", Response: map[string]any{}, Media: "application/schema+json", Status: ok, Handle: func(c *call) error { return c.document(a.schema, "application/schema+json") }},
		{Method: get, Path: "/healthz", Access: public, Summary: "Whether the server runs", Media: plain, Status: ok, Handle: a.healthz},
		{Method: get, Path: "/readyz", Access: public, Summary: "Whether the server can take requests", Media: plain, Status: ok, Handle: a.readyz},
		{Method: get, Path: "/metrics", Access: public, Rate: read, Summary: "Measurements for Prometheus", Media: plain, Status: ok, Handle: a.serveMetrics},
		{Method: get, Path: "/*", Access: public, Page: true, Summary: "The page and its files", Status: ok, Handle: a.page},
	}
	return append(rows, a.classTable()...)
}

// unknown answers for addresses of the API that the table does not have.
func (a *API) unknown(ec echo.Context) error {
	path := ec.Request().URL.Path
	var allow []string
	for _, r := range a.routes {
		if !r.Page && matches(r.Path, path) {
			allow = append(allow, r.Method)
			if r.Method == http.MethodGet && !r.Stream {
				allow = append(allow, http.MethodHead)
			}
		}
	}
	if len(allow) == 0 {
		return problemOf(http.StatusNotFound, "not-found", text("There is nothing at this address.", "이 주소에는 아무것도 없습니다."))
	}
	ec.Response().Header().Set("Allow", strings.Join(allow, ", "))
	if ec.Request().Method == http.MethodOptions {
		return ec.NoContent(http.StatusNoContent)
	}
	return notAllowed()
}

func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i, w := range want {
		if w != got[i] && (!strings.HasPrefix(w, ":") || got[i] == "") {
			return false
		}
	}
	return true
}
