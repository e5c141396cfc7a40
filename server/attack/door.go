package attack

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/netground/netground/server/drive"
)

// doors are what is tried by requests.
func doors() []Attack {
	row := func(id, tried, held string, run func(*trial)) Attack {
		return Attack{ID: id, Group: Door, Tried: tried, Held: held, run: run}
	}
	return []Attack{
		row("foreign-origin", "requests that change something, with a foreign, opaque or missing Origin", "403, and nothing is done", func(t *trial) {
			t.refuseAll(http.StatusForbidden, map[string][]string{
				"no origin": {"Origin", ""}, "a foreign origin": {"Origin", "http://evil.example"}, "an opaque origin": {"Origin", "null"},
				"a longer origin": {"Origin", t.server.URL + ".evil.example"}, "another port": {"Origin", "http://127.0.0.1:1"},
			})
		}),
		row("cross-site-post", "cross-site and same-site posts, and those of a form", "403, and nothing is done", func(t *trial) {
			t.refuseAll(http.StatusForbidden, map[string][]string{
				"a cross-site post": {"Sec-Fetch-Site", "cross-site"}, "a same-site post": {"Sec-Fetch-Site", "same-site"},
				"a form": {"Content-Type", "text/plain", "Origin", "http://evil.example"},
			})
		}),
		row("foreign-session", "each address of another learner's session, by a learner, a stranger and a forged cookie", "404, as if it did not exist", foreignSession),
		row("teachers-api", "the teacher's API as a learner", "403 or 404", teachersAPI),
		row("join-codes", "guessing a class's join code", "limited for each client and overall, and a class behind one address still gets in", joinCodes),
		row("bad-json", "malformed JSON, wrong types, NUL, deep nesting, bodies too big", "a clear refusal of each", badJSON),
		row("bad-yaml", "malformed lab files", "an error with its line, and no panic", badYAML),
		row("path-traversal", "path traversal in static files and lab names", "no file of the machine is shown", pathTraversal),
		row("bad-http", "requests that no client sends: two hosts, both lengths, headers too large, TLS to a plain port", "no 500, and the server goes on", badHTTP),
		row("lesson-html", "a lesson with script, SVG, javascript: and data: links", "they are taken out, and the page may run nothing but its own files", lessonHTML),
		row("inert-escapes", "terminal titles, OSC 8 and OSC 52", "inert in the page", func(t *trial) {
			t.skip("it is the page that must not heed them: the unit tests of its terminal and the browser tests try it, in screen.test.ts and terminal.spec.ts")
		}),
	}
}

// api is a route as the server describes it.
type api struct{ method, path, access string }

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

// routes asks the server for all of its routes.
func (t *trial) routes() (all []api) {
	_, err := t.running()
	t.must(err)
	a, err := t.server.Learner().Send(t.ctx, http.MethodGet, "/api/openapi.json", nil)
	t.must(err)
	var doc struct {
		Paths map[string]map[string]struct {
			Access string `json:"x-access"`
		}
	}
	t.must(json.Unmarshal(a.Body, &doc))
	for path, item := range doc.Paths {
		for method, operation := range item {
			if strings.HasSuffix(path, "/ws") { // see streams
				continue
			}
			all = append(all, api{strings.ToUpper(method), path, operation.Access})
		}
	}
	if len(all) < 10 {
		t.stop("the server describes only %d routes", len(all))
	}
	slices.SortFunc(all, func(a, b api) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// example fills a route's parameters and body in, of this player's session.
func (p *player) example(r api) (address string, body any) {
	address = strings.NewReplacer("{session}", p.ID, "{terminal}", p.Terminals[0].ID, "{host}", "A", "{step}", "one", "{lab}", plain).Replace(r.path)
	address = parameter.ReplaceAllString(address, "1")
	switch {
	case r.method == http.MethodGet || r.method == http.MethodDelete:
		return address, nil
	case strings.HasSuffix(r.path, "/answer"):
		return address, map[string]string{"name": "word", "value": "x"}
	case strings.HasSuffix(r.path, "/catch-up"):
		return address, map[string]string{"step": "three"}
	case strings.HasSuffix(r.path, "/terminals"):
		return address, map[string]any{"host": "A", "cols": 80, "rows": 24}
	case r.path == "/api/sessions":
		return address, map[string]string{"lab": path}
	}
	return address, "{}"
}

// send sends a request as often as the server says that it comes too early.
func (t *trial) patiently(l *drive.Learner, method, path string, body any, change ...string) drive.Answer {
	for {
		a, err := l.Send(t.ctx, method, path, body, change...)
		t.must(err)
		if a.Status != http.StatusTooManyRequests {
			return a
		}
		t.wait(time.Second)
	}
}

// refuseAll sends every request that changes something with these headers.
func (t *trial) refuseAll(want int, changes map[string][]string) {
	routes := t.routes()
	p := t.guest(plain)
	for _, r := range routes {
		if r.method == http.MethodGet {
			continue
		}
		address, body := p.example(r)
		for name, change := range changes {
			if a := t.patiently(p.Learner, r.method, address, body, change...); a.Status != want {
				t.fault("%s: %s %s: %d %.200s", name, r.method, address, a.Status, a.Body)
			}
		}
	}
	p.on("A").do("true")
}

func foreignSession(t *trial) {
	routes := t.routes()
	ann, bob := t.guest(plain), t.guest(path) // who has a cookie, and a session of his own
	forged := t.server.Learner()
	forged.Header.Set("Cookie", strings.Replace(ann.Header.Get("Cookie"), "=1.", "=1.a", 1))
	tried := 0
	for _, r := range routes {
		if !strings.Contains(r.path, "{session}") {
			continue
		}
		address, body := ann.example(r)
		for who, l := range map[string]*drive.Learner{"another learner": bob.Learner, "a stranger": t.server.Learner(), "a forged cookie": forged} {
			tried++
			a := t.patiently(l, r.method, address, body)
			if a.Status == http.StatusBadRequest && body == "{}" {
				continue // a body that is none is refused whoever sends it
			}
			if a.Status != http.StatusNotFound && a.Status != http.StatusForbidden {
				t.fault("%s: %s %s: %d %.200s", who, r.method, address, a.Status, a.Body)
			}
		}
	}
	if tried < 30 {
		t.stop("only %d requests were tried", tried)
	}
	ann.on("A").do("true") // nothing of that had an effect
}

// ours are the kinds of access that a learner has.
var ours = []string{"public", "visitor", "learner", ""}

func teachersAPI(t *trial) {
	tried := 0
	p := t.guest(plain)
	for _, r := range t.routes() {
		if slices.Contains(ours, r.access) {
			continue
		}
		tried++
		address, body := p.example(r)
		if a := t.patiently(p.Learner, r.method, address, body); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound && a.Status != http.StatusUnauthorized {
			t.fault("%s %s: %d %.200s", r.method, address, a.Status, a.Body)
		}
	}
	if tried == 0 {
		t.skip("this version has no teacher's API")
	}
}

// joinCodes guesses at a class from the address that the class is behind, too.
func joinCodes(t *trial) {
	o := t.options()
	o.Class = "Guessed at"
	s, err := drive.Start(t.ctx, o)
	t.must(err)
	t.after(func() { t.close(s) })
	inside, outside := s.Learner(), s.Learner()
	// join is tried by a browser without a cookie, behind the address of another one.
	join := func(behind *drive.Learner, code, name string) int {
		a, err := behind.Send(t.ctx, http.MethodPost, "/api/join", map[string]string{"code": code, "name": name})
		t.must(err)
		return a.Status
	}
	if status := join(inside, s.Code, "first"); status != http.StatusCreated {
		t.stop("the class cannot be joined: %d", status)
	}
	for _, from := range []*drive.Learner{inside, outside} {
		refused := 0
		for i := range 200 {
			switch status := join(from, fmt.Sprintf("AAAA%04d", i), "guess"); {
			case status == http.StatusTooManyRequests:
				refused++
			case status < 400:
				t.fault("a guessed code was right")
			}
		}
		if refused < 100 {
			t.fault("of 200 guesses only %d were not answered", refused)
		}
	}
	if status := join(inside, s.Code, "second"); status != http.StatusCreated {
		t.fault("the class is locked out by who guesses behind its address: %d", status)
	}
	if status := join(s.Learner(), s.Code, "elsewhere"); status != http.StatusCreated {
		t.fault("somebody from elsewhere is locked out: %d", status)
	}
}

func badJSON(t *trial) {
	p := t.guest(plain)
	for _, c := range []struct {
		name, method, path string
		body               any
		change             []string
		status             int
	}{
		{"cut JSON", "POST", "/api/sessions", `{"lab":`, nil, 400},
		{"no JSON", "POST", "/api/sessions", "lab=switching", nil, 400},
		{"null", "POST", "/api/sessions", "null", nil, 400},
		{"an array", "POST", "/api/sessions", "[]", nil, 400},
		{"two values", "POST", "/api/sessions", `{"lab":"plain"}{}`, nil, 400},
		{"an unknown field", "POST", "/api/sessions", `{"lab":"plain","admin":true}`, nil, 400},
		{"a wrong type", "POST", "/api/sessions", `{"lab":{"$gt":""}}`, nil, 400},
		{"deep nesting", "POST", "/api/sessions", strings.Repeat("[", 2000), nil, 400},
		{"no UTF-8", "POST", "/api/sessions", "{\"lab\":\"\xff\xfe\"}", nil, 0},
		{"a NUL", "POST", "/api/sessions", `{"lab":"a\u0000b"}`, nil, 404},
		{"a path for a lab", "POST", "/api/sessions", `{"lab":"../../etc"}`, nil, 404},
		{"a path for a lab's lesson", "GET", "/api/labs/..%2f..%2f..%2fetc%2fpasswd", nil, nil, 404},
		{"a form", "POST", "/api/sessions", "lab=plain", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"a body too big", "POST", "/api/sessions", strings.Repeat(" ", 1<<20) + "{}", nil, 413},
		{"an answer too big", "POST", p.path + "/steps/two/answer", map[string]string{"name": "word", "value": strings.Repeat("a", 1<<20)}, nil, 413},
		{"a host with control characters", "POST", p.path + "/terminals", `{"host":"A\u001b[31m\n","cols":80,"rows":24}`, nil, 404},
		{"a size of zero", "POST", p.path + "/terminals", `{"host":"A","cols":0,"rows":0}`, nil, 0},
		{"a number too big", "POST", p.path + "/terminals", `{"host":"A","cols":70000,"rows":24}`, nil, 400},
		{"the largest size", "POST", p.path + "/terminals", `{"host":"A","cols":65535,"rows":65535}`, nil, 400},
		{"a fraction", "POST", p.path + "/terminals", `{"host":"A","cols":80.5,"rows":24}`, nil, 400},
		{"an unknown step", "POST", p.path + "/steps/%00/check", "{}", nil, 404},
		{"an unknown host", "POST", p.path + "/hosts/..%2fA/reboot", "{}", nil, 404},
		{"a method", "PATCH", "/api/sessions", "{}", nil, 405},
	} {
		a := t.patiently(p.Learner, c.method, c.path, c.body, c.change...)
		if c.name == "a size of zero" && a.Status == http.StatusCreated {
			continue // the page's way to ask for the usual size
		}
		if c.status != 0 && a.Status != c.status || a.Status >= 500 || a.Status < 400 {
			t.fault("%s: %d %.200s", c.name, a.Status, a.Body)
			continue
		}
		var problem struct {
			Detail string
			Status int
		}
		if err := json.Unmarshal(a.Body, &problem); err != nil || problem.Detail == "" || problem.Status != a.Status {
			t.fault("%s: the answer is %.200s", c.name, a.Body)
		}
	}
	p.on("A").do("true")
}

func badYAML(t *trial) {
	dir := filepath.Join(t.dir, "bad")
	t.must(os.CopyFS(dir, os.DirFS(filepath.Join(t.dir, "labs", plain))))
	t.after(func() { os.RemoveAll(dir) })
	for name, text := range map[string]string{
		"a tab": "title:\n\tx", "no mapping": "- a\n- b", "an anchor of itself": "title: &a [*a]\nminutes: 1", "a bomb": bomb(), "a NUL": "title: \x00", "no UTF-8": "title: \xff\xfe",
		"deep nesting": strings.Repeat("[", 20000), "an alias of nothing": "title: *none", "an unknown field": "title: {en: a, ko: a}\nadmin: true", "a huge number": "minutes: 1e999",
		"an unclosed text": `title: "`, "a tag": "title: !!binary x\nminutes: !!python/object:os.system x", "a merge": "<<: [1]\n", "nothing": "",
		"a path": "title: {en: a, ko: a}\nminutes: 1\ntopology: {hosts: {\"../../A\": {at: [0, 0], files: {\"../../etc/passwd\": x}}}}\nsteps: [{id: a}]",
	} {
		t.must(os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(text), 0o644))
		out, err := exec.CommandContext(t.ctx, t.o.Program, "lab", "lint", dir).CombinedOutput()
		if err == nil || strings.Contains(string(out), "panic") || strings.Contains(string(out), "goroutine ") || !strings.Contains(string(out), "lab.yaml") {
			t.fault("%s: %v: %.300s", name, err, out)
		}
	}
}

// bomb is a text whose aliases unfold to a billion words.
func bomb() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return text
}

// raw sends bytes over a connection of its own and returns what comes back.
func (t *trial) raw(request string) string {
	conn, err := net.Dial("tcp", strings.TrimPrefix(t.server.URL, "http://"))
	t.must(err)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(t.within(10 * time.Second)))
	_, _ = io.WriteString(conn, request) // it may have been refused already
	b, _ := io.ReadAll(conn)
	return string(b)
}

func pathTraversal(t *trial) {
	_, err := t.running()
	t.must(err)
	for _, path := range []string{
		"/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/assets/../../../../etc/passwd", "/assets/..%5c..%5cetc%5cpasswd", "//etc/passwd",
		"/%2e%2e/%2e%2e/etc/passwd", "/assets/%00", "/labs/../../etc/passwd", "/.git/config", "/%c0%ae%c0%ae/etc/passwd", "/assets/", "/index.html%00.js", "/proc/self/environ",
		"/api/labs/../../../etc/passwd", "/api/labs/%2e%2e", "/api/labs/plain%2f..%2f..%2fcourse.yaml",
	} {
		got := t.raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if strings.Contains(got, "root:") || strings.Contains(got, "[core]") || strings.Contains(got, "NETGROUND") || !strings.HasPrefix(got, "HTTP/1.1 ") || strings.HasPrefix(got, "HTTP/1.1 5") {
			t.fault("%s: %.300q", path, got)
		}
	}
}

func badHTTP(t *trial) {
	p := t.guest(plain)
	for _, request := range []string{
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", "BREW /\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n",
		"POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 64<<10) + "\r\nConnection: close\r\n\r\n",
		"GET /api/sessions/x/events HTTP/1.1\r\nHost: x\r\nCookie: ng_learner=" + strings.Repeat("1.", 4000) + "\r\nConnection: close\r\n\r\n",
	} {
		if got := t.raw(request); strings.HasPrefix(got, "HTTP/1.1 500") {
			t.fault("%.60q: %.200q", request, got)
		}
	}
	p.on("A").do("true")
}

// dangerous is what must not be in a lesson's HTML, in lower case.
var dangerous = []string{"<script", "<svg", "onerror", "onload", "javascript:", "data:text", "<iframe", "<form", "<input", "<base", "<style"}

func lessonHTML(t *trial) {
	_, err := t.running()
	t.must(err)
	for _, lang := range []string{"en", "ko"} {
		a, err := t.server.Learner().Send(t.ctx, http.MethodGet, "/api/labs/"+plain+"?lang="+lang, nil)
		t.must(err)
		var lab any
		t.must(json.Unmarshal(a.Body, &lab))
		html := htmlOf(lab)
		if !strings.Contains(html, "<p>") {
			t.stop("there is no HTML in the lesson: %.300s", a.Body)
		}
		for _, word := range dangerous {
			// As text it does no harm: then it stands behind an escaped bracket.
			for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(html, -1) {
				if strings.Contains(tag, word) {
					t.fault("the lesson has %.200q", tag)
				}
			}
		}
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; ") || strings.Contains(csp, "unsafe-eval") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "base-uri 'none'") {
			t.fault("the content security policy is %q", csp)
		}
	}
}

// htmlOf joins all texts of a JSON value, in lower case.
func htmlOf(v any) string {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "<p>") || strings.Contains(v, "</") { // plain texts are shown as such
			return strings.ToLower(v) + "\n"
		}
	case []any:
		all := ""
		for _, x := range v {
			all += htmlOf(x)
		}
		return all
	case map[string]any:
		all := ""
		for key, x := range v {
			if key != "title" { // a plain text
				all += htmlOf(x)
			}
		}
		return all
	}
	return ""
}
