package httpapi

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
)

// example fills a route's address and body in.
func example(r route) (path, body string) {
	path = strings.NewReplacer(":lab", "one", ":session", "s1", ":step", "first", ":host", "A", ":terminal", "t1", "/*", "/").Replace(r.Path)
	switch r.Request.(type) {
	case *empty:
		body = "{}"
	case *createRequest:
		body = `{"lab":"one"}`
	case *probeRequest:
		body = `{"from":"A","to":"10.0.0.2"}`
	case *topologyRequest, *playRequest:
		body = `{"text":"hosts: {A: {}}"}`
	case *catchUpRequest:
		body = `{"step":"first"}`
	case *answerRequest:
		body = `{"name":"n","value":"1"}`
	case *terminalRequest:
		body = `{"host":"A","cols":80,"rows":24}`
	}
	return path, body
}

func TestEveryRouteAnswers(t *testing.T) {
	d := open(t)
	close(d.fake.events)
	for _, r := range d.api.routes {
		path, body := example(r)
		if r.SameSite {
			continue // see the test of websockets
		}
		if ofClasses(r) {
			continue // see TestClassAccess
		}
		res, text := d.do(r.Method, path, body)
		if !slices.Contains(r.Status, res.StatusCode) {
			t.Errorf("%s %s: status %d: %s", r.Method, r.Path, res.StatusCode, text)
		}
		wantHeaders(t, r.Method+" "+path, res)
		if r.Method == http.MethodGet && !r.Stream {
			if res, text := d.do(http.MethodHead, path, ""); res.StatusCode != http.StatusOK || text != "" {
				t.Errorf("HEAD %s: status %d, %q", path, res.StatusCode, text)
			}
		}
		if r.Access == learner {
			for what, change := range map[string]func(*http.Request){
				"no cookie":       header("Cookie", ""),
				"another learner": header("Cookie", auth.CookieName+"="+d.api.o.Signer.Sign(auth.NewID())),
				"forged cookie":   header("Cookie", auth.CookieName+"=1."+d.fake.owner+".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
			} {
				res, text := d.do(r.Method, path, body, change)
				if res.StatusCode != http.StatusNotFound || !strings.Contains(text, "There is no such session.") {
					t.Errorf("%s %s with %s: status %d: %s", r.Method, r.Path, what, res.StatusCode, text)
				}
				wantHeaders(t, r.Method+" "+path+" with "+what, res)
			}
			foreign := strings.Replace(path, "s1", "s2", 1)
			if res, text := d.do(r.Method, foreign, body); res.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s: status %d: %s", r.Method, foreign, res.StatusCode, text)
			}
		}
	}
}

func wantHeaders(t *testing.T, what string, res *http.Response) {
	t.Helper()
	for key, part := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; ", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
	} {
		if got := res.Header.Get(key); !strings.HasPrefix(got, part) {
			t.Errorf("%s: header %s is %q", what, key, got)
		}
	}
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe-eval") {
		t.Errorf("%s: %s", what, csp)
	}
	if res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%s: other sites may read it", what)
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	d := open(t)
	for _, r := range d.api.routes {
		if r.Method == http.MethodGet && !r.SameSite {
			continue
		}
		path, body := example(r)
		for what, change := range map[string]func(*http.Request){
			"no origin":          header("Origin", ""),
			"foreign origin":     header("Origin", "http://evil.example"),
			"null origin":        header("Origin", "null"),
			"port of an origin":  header("Origin", strings.TrimRight(d.server.URL, "0123456789")+"1"),
			"path in the origin": header("Origin", "http://evil.example/"+strings.TrimPrefix(d.server.URL, "http://")),
			"user in the origin": header("Origin", strings.Replace(d.server.URL, "://", "://x@evil.example@", 1)),
			"cross-site":         header("Sec-Fetch-Site", "cross-site"),
			"same-site":          header("Sec-Fetch-Site", "same-site"),
			"unknown":            header("Sec-Fetch-Site", "none"),
		} {
			if r.SameSite && !strings.Contains(what, "origin") {
				continue
			}
			res, text := d.do(r.Method, path, body, change)
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s with %s: status %d: %s", r.Method, r.Path, what, res.StatusCode, text)
			}
			if res.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s %s with %s: got a cookie", r.Method, r.Path, what)
			}
		}
	}
	if call, _ := d.fake.last(); call != "" {
		t.Errorf("something was done: %s", call)
	}
	res, text := d.do("POST", "/api/sessions", `{"lab":"one"}`, header("Sec-Fetch-Site", "same-origin"))
	d.wantStatus(res, text, http.StatusCreated)
}

func TestStrangersBecomeLearners(t *testing.T) {
	d := open(t)
	d.fake.owner = ""
	for _, path := range []string{"/", "/api/course", "/api/labs/one"} {
		if res, _ := d.do("GET", path, "", header("Cookie", "")); res.Header.Get("Set-Cookie") != "" {
			t.Errorf("GET %s gives a cookie", path)
		}
	}
	res, body := d.do("POST", "/api/sessions", `{"lab":"one"}`, header("Cookie", ""))
	d.wantStatus(res, body, http.StatusCreated)
	cookies := res.Cookies()
	if len(cookies) != 1 || cookies[0].Name != auth.CookieName || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" || cookies[0].Secure {
		t.Fatalf("got cookies %v", cookies)
	}
	_, caller := d.fake.last()
	if id, ok := d.api.o.Signer.Verify(cookies[0].Value); !ok || id != caller.Learner || id == "" {
		t.Errorf("the cookie names %q, the caller was %q", id, caller.Learner)
	}
	if res.Header.Get("Location") != "/api/sessions/s1" || res.Header.Get("Server-Timing") != "pool;dur=1.500" {
		t.Errorf("got headers %v", res.Header)
	}
	d.fake.resumed = true
	res, body = d.do("POST", "/api/sessions", `{"lab":"one"}`, header("Cookie", cookies[0].Name+"="+cookies[0].Value))
	d.wantStatus(res, body, http.StatusOK)
	if again := res.Cookies(); len(again) != 1 || again[0].Value != cookies[0].Value {
		t.Errorf("got cookies %v", again)
	}
}

func TestRateLimits(t *testing.T) {
	limits := DefaultLimits()
	limits.Write = auth.Limits{PerClient: 0.001, ClientBurst: 2}
	limits.Strangers = auth.Limits{PerClient: 0.001, ClientBurst: 1}
	d := open(t, func(o *Options) { o.Limits = &limits })
	for i, want := range []int{200, 200, 429} {
		res, body := d.do("POST", "/api/sessions/s1/steps/first/check?lang=ko", "{}")
		d.wantStatus(res, body, want)
		if want == 429 && (res.Header.Get("Retry-After") == "" || !strings.Contains(body, "요청이 한꺼번에 너무 많습니다")) {
			t.Errorf("answer %d: %v %s", i, res.Header, body)
		}
	}
	// Others behind the same address are not in the way of each other, but
	// an address becomes only so many new learners.
	other := header("Cookie", auth.CookieName+"="+d.api.o.Signer.Sign(auth.NewID()))
	res, body := d.do("POST", "/api/sessions/s1/steps/first/check", "{}", other)
	d.wantStatus(res, body, 404)
	for _, want := range []int{404, 429} {
		res, body = d.do("POST", "/api/sessions", `{"lab":"one"}`, header("Cookie", ""))
		d.wantStatus(res, body, want)
	}
	res, body = d.do("POST", "/api/sessions", `{"lab":"one"}`)
	d.wantStatus(res, body, 201)
}

func TestOrigin(t *testing.T) {
	a := &API{o: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	for _, c := range []struct {
		remote, forwarded, proto, want string
		tls                            bool
	}{
		{"192.0.2.1:99", "1.2.3.4", "https", "192.0.2.1", false},
		{"10.0.0.1:99", "1.2.3.4", "https", "1.2.3.4", true},
		{"10.0.0.1:99", "6.6.6.6, 1.2.3.4, 10.0.0.2", "http", "1.2.3.4", false},
		{"10.0.0.1:99", "nonsense", "", "10.0.0.1", false},
		{"[::ffff:10.0.0.1]:99", "2001:db8::1", "", "2001:db8::1", false},
		{"@", "1.2.3.4", "", "invalid IP", false},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": {c.forwarded}, "X-Forwarded-Proto": {c.proto}}}
		if client, tls := a.origin(r); client.String() != c.want || tls != c.tls {
			t.Errorf("%v: got %v, %v", c, client, tls)
		}
	}
}

// TestDescription holds the OpenAPI document against the routes, both ways.
func TestDescription(t *testing.T) {
	d := open(t)
	_, body := d.do("GET", "/api/openapi.json", "")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q", doc.OpenAPI)
	}
	described := map[string]bool{}
	ids := map[any]bool{}
	for path, item := range doc.Paths {
		for method, operation := range item {
			described[strings.ToUpper(method)+" "+path] = true
			if id := operation["operationId"]; ids[id] {
				t.Errorf("two operations %v", id)
			} else {
				ids[id] = true
			}
		}
	}
	registered := map[string]bool{}
	for _, r := range d.api.echo.Routes() {
		if r.Path == "/*" || r.Path == "/api" || r.Path == "/api/*" || r.Method == http.MethodHead {
			continue
		}
		registered[r.Method+" "+parameter.ReplaceAllString(r.Path, "{$1}")] = true
	}
	for r := range registered {
		if !described[r] {
			t.Errorf("%s is not described", r)
		}
	}
	for r := range described {
		if !registered[r] {
			t.Errorf("%s is described, but no route", r)
		}
	}
	for part := range strings.SplitSeq(body, `"$ref": "#/components/schemas/`) {
		name, _, _ := strings.Cut(part, `"`)
		if !strings.HasPrefix(part, "{\n") && doc.Components.Schemas[name] == nil {
			t.Errorf("schema %s is not there", name)
		}
	}
	for _, want := range []string{`"lab"`, `"estimateSeconds"`, `"neighbours"`, `"x-access": "learner"`, `"viewer"`, `"text/event-stream"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the document lacks %s", want)
		}
	}
}

func TestCallerReachesSessions(t *testing.T) {
	d := open(t)
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/api/sessions/s1/steps/first/answer", `{"name":"n","value":" <b>1</b> "}`, "answer first n  <b>1</b> "},
		{"POST", "/api/sessions/s1/steps/first/predict", `{"name":"n","value":"silence"}`, "predict first n silence"},
		{"POST", "/api/sessions/s1/catch-up", `{"step":"first"}`, "catch-up first"},
		{"POST", "/api/sessions/s1/hosts/web-1/reboot", `{}`, "reboot web-1"},
		{"POST", "/api/sessions/s1/steps/first/hint", ` {} `, "hint first"},
		{"POST", "/api/sessions/s1/steps/%2e%2e/hint", `{}`, "hint "},
		{"POST", "/api/sessions/s1/hosts/A%0a/reboot", `{}`, "reboot "},
		{"DELETE", "/api/sessions/s1/terminals/t1", ``, "close t1"},
		{"DELETE", "/api/sessions/s1", ``, "end"},
	} {
		d.do(c.method, c.path+"?lang=ko", c.body)
		if got, caller := d.fake.last(); got != c.want || caller != (session.Caller{Learner: d.fake.owner, Language: "ko"}) {
			t.Errorf("%s %s: got %q by %v", c.method, c.path, got, caller)
		}
	}
}
