package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

func TestBadBodies(t *testing.T) {
	d := open(t)
	const path = "/api/sessions/s1/steps/first/answer"
	for _, c := range []struct {
		name, body, kind     string
		status, line, column int
		field                string
	}{
		{"not JSON", "name=n", "application/json", 400, 1, 2, ""},
		{"nothing", " ", "application/json", 400, 1, 1, ""},
		{"cut off", "{\"name\":\n\"n", "application/json", 400, 2, 2, ""},
		{"a comma too many", "{\"name\": \"n\",\n  \"value\": \"1\",\n}", "application/json", 400, 3, 1, ""},
		{"more behind", "{\"name\":\"n\"} {}", "application/json", 400, 1, 12, ""},
		{"a list", "[]", "application/json", 400, 1, 1, ""},
		{"null", "null", "application/json", 400, 1, 1, ""},
		{"wrong type", "{\n \"name\": 5}", "application/json", 400, 2, 10, "name"},
		{"unknown field", "{\"name\":\"n\",\n\"valeu\":\"1\"}", "application/json", 400, 2, 1, "valeu"},
		{"a form", "name=n&value=1", "application/x-www-form-urlencoded", 415, 0, 0, ""},
		{"a simple request's type", "{}", "text/plain", 415, 0, 0, ""},
		{"no type", "{}", "", 415, 0, 0, ""},
		{"malformed type", "{}", "application/json;;;=", 415, 0, 0, ""},
		{"too large", `{"name":"` + strings.Repeat("n", answerBody) + `"}`, "application/json", 413, 0, 0, ""},
		{"deep", strings.Repeat("[", 10_000), "application/json", 400, 0, 0, ""},
	} {
		for _, language := range []string{"en", "ko"} {
			res, body := d.do("POST", path+"?lang="+language, c.body, header("Content-Type", c.kind))
			var p Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%s: %v: %s", c.name, err, body)
			}
			if res.StatusCode != c.status || p.Status != c.status || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: status %d, %s: %s", c.name, res.StatusCode, res.Header.Get("Content-Type"), body)
			}
			if c.line != 0 && (p.Line != c.line || p.Column != c.column) || p.Field != c.field {
				t.Errorf("%s: line %d, column %d, field %q; want %d, %d, %q", c.name, p.Line, p.Column, p.Field, c.line, c.column, c.field)
			}
			if hangul := strings.ContainsFunc(p.Detail, func(r rune) bool { return r >= '가' && r <= '힣' }); hangul != (language == "ko") || p.Detail == "" {
				t.Errorf("%s in %s: %q", c.name, language, p.Detail)
			}
		}
	}
	// Without a length the server reads no more than it takes.
	res, body := d.do("POST", path, "x", func(r *http.Request) {
		r.Body, r.ContentLength = http.NoBody, -1
		r.Body = struct {
			*strings.Reader
			nothing
		}{strings.NewReader(strings.Repeat(" ", 10*answerBody)), nothing{}}
	})
	d.wantStatus(res, body, 413)
	// A terminal's size that no number of the kind can hold.
	for _, size := range []string{"-1", "65536", "1.5", `"80"`, "1e99"} {
		res, body := d.do("POST", "/api/sessions/s1/terminals", `{"host":"A","cols":`+size+`,"rows":24}`)
		d.wantStatus(res, body, 400)
	}
	if call, _ := d.fake.last(); call != "" {
		t.Errorf("something was done: %s", call)
	}
}

type nothing struct{}

func (nothing) Close() error { return nil }

func TestProblems(t *testing.T) {
	d := open(t, func(o *Options) { o.Limits = &Limits{} })
	cause := errors.New("a secret of the machine")
	for _, c := range []struct {
		err    error
		status int
		en, ko string
		retry  string
	}{
		{&session.FullError{Place: 3, Estimate: 90 * time.Second}, 503, "You are number 3 in the queue", "대기 순서는 3번", "90"},
		{&session.Error{Code: session.NotFound, Text: text("No.", "없습니다.")}, 404, "No.", "없습니다.", ""},
		{&session.Error{Code: session.Quota, Text: text("Many.", "많습니다.")}, 409, "Many.", "많습니다.", ""},
		{&session.Error{Code: session.Busy, Text: text("Busy.", "바쁩니다.")}, 409, "Busy.", "바쁩니다.", "1"},
		{&session.Error{Code: session.Gone, Text: text("Over.", "끝났습니다.")}, 410, "Over.", "끝났습니다.", ""},
		{&session.Error{Code: session.Invalid, Text: text("Bad.", "틀립니다.")}, 400, "Bad.", "틀립니다.", ""},
		{&session.Error{Code: session.Closing, Text: text("Closing.", "닫습니다.")}, 503, "Closing.", "닫습니다.", "10"},
		{&session.Error{Code: session.Failed, Text: text("Failed.", "실패했습니다."), Cause: cause}, 500, "Failed.", "실패했습니다.", ""},
		{fmt.Errorf("wrapped: %w", &session.Error{Code: session.Gone, Text: text("Over.", "끝났습니다.")}), 410, "Over.", "끝났습니다.", ""},
		{cause, 500, "Something went wrong on the server", "서버에서 문제가 생겼습니다", ""},
		{context.DeadlineExceeded, 503, "took too long", "너무 늦었습니다", "5"},
	} {
		d.fake.fail = c.err
		for language, want := range map[string]string{"en": c.en, "ko": c.ko} {
			res, body := d.do("POST", "/api/sessions?lang="+language, `{"lab":"one"}`, header("Accept-Language", "fr"))
			d.wantStatus(res, body, c.status)
			var p Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(p.Detail, want) || p.Title == "" || !strings.HasPrefix(p.Type, "urn:netground:problem:") || res.Header.Get("Retry-After") != c.retry || res.Header.Get("Content-Language") != language {
				t.Errorf("%v in %s: %v %s", c.err, language, res.Header, body)
			}
			if strings.Contains(body, "secret") {
				t.Errorf("the answer tells the cause: %s", body)
			}
			if c.status == 500 && (p.RequestID == "" || !strings.Contains(d.log.String(), "request="+p.RequestID)) {
				t.Errorf("the log does not have the request %q", p.RequestID)
			}
		}
	}
	d.fake.fail = &session.FullError{Place: 3, Estimate: 90 * time.Second}
	_, body := d.do("POST", "/api/sessions", `{"lab":"one"}`)
	if !strings.Contains(body, `"place":3,"estimateSeconds":90`) {
		t.Error(body)
	}
	if !strings.Contains(d.log.String(), "a secret of the machine") {
		t.Error("the log does not tell the cause")
	}
}

func TestPanic(t *testing.T) {
	d := open(t)
	d.fake.panics = true
	res, body := d.do("GET", "/api/sessions/s1?lang=ko&secret=1", "")
	d.wantStatus(res, body, 500)
	wantHeaders(t, "a panic", res)
	if !strings.Contains(body, "서버에서 문제가 생겼습니다") || strings.Contains(body, "boom") {
		t.Error(body)
	}
	log := d.log.String()
	if !strings.Contains(log, "boom") || !strings.Contains(log, "fake_test.go") {
		t.Errorf("the log does not say where: %s", log)
	}
	for _, token := range []string{d.cookie, "secret=1", "s1"} {
		if strings.Contains(log[strings.Index(log, "msg=request "):], token) {
			t.Errorf("the log of requests has %q: %s", token, log)
		}
	}
	d.fake.panics = false
	res, body = d.do("GET", "/api/sessions/s1", "")
	d.wantStatus(res, body, 200)
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ query, header, want string }{
		{"", "", "en"}, {"", "ko-KR,ko;q=0.9,en;q=0.8", "ko"}, {"", "en-US,ko;q=0.9", "en"}, {"", "fr, ko;q=0.3", "ko"}, {"", "en;q=0.1,ko", "ko"},
		{"", "fr", "en"}, {"", "*;;;", "en"}, {"", strings.Repeat("ko,", 1000), "en"}, {"?lang=en", "ko", "en"}, {"?lang=ko", "en", "ko"}, {"?lang=xx", "ko", "ko"},
		{"?lang=%00", "", "en"},
	} {
		r, err := http.NewRequest("GET", "/"+c.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Language", c.header)
		if got := languageOf(r); got != c.want {
			t.Errorf("%q, %q: got %s, want %s", c.query, c.header, got, c.want)
		}
	}
}

func TestCourse(t *testing.T) {
	d := open(t)
	const want = `{"title":"과정","chapters":[{"id":"c","title":"장","summary":"","labs":[` +
		`{"name":"one","title":"하나","summary":"요약","minutes":5,"steps":1,"passed":%d,"session":%t},` +
		`{"name":"two","title":"하나","summary":"요약","minutes":5,"steps":1,"passed":0,"session":false}]}],"playground":false}`
	if _, body := d.do("GET", "/api/course", "", header("Accept-Language", "ko")); body != fmt.Sprintf(want, 1, true) {
		t.Error(body)
	}
	if _, body := d.do("GET", "/api/course?lang=ko", "", header("Cookie", "")); body != fmt.Sprintf(want, 0, false) {
		t.Error(body)
	}
}

func TestLab(t *testing.T) {
	d := open(t)
	res, body := d.do("GET", "/api/labs/two", "")
	const want = `{"name":"two","title":"One","summary":"S","minutes":5,"intro":"\u003cp\u003eHello \u0026lt;b\u0026gt;.\u003c/p\u003e\n","summaryHtml":"\u003ctable\u003e\n\u003cthead\u003e\n\u003ctr\u003e\n\u003cth\u003ecommand\u003c/th\u003e\n\u003cth\u003edoes\u003c/th\u003e\n\u003c/tr\u003e\n\u003c/thead\u003e\n\u003ctbody\u003e\n\u003ctr\u003e\n\u003ctd\u003e\u003ccode\u003eip addr\u003c/code\u003e\u003c/td\u003e\n\u003ctd\u003etells \u0026lt;all\u0026gt;\u003c/td\u003e\n\u003c/tr\u003e\n\u003c/tbody\u003e\n\u003c/table\u003e\n",` +
		`"topology":{"nodes":[{"name":"A","kind":"host","label":"A","at":[0,1]},{"name":"B","kind":"host","label":"Bee","at":[4,1]},{"name":"sw","kind":"switch","label":"sw","at":[2,0]}],` +
		`"links":[{"a":{"node":"A","dev":"eth0"},"b":{"node":"sw","dev":""}},{"a":{"node":"B","dev":"eth0"},"b":{"node":"sw","dev":""}}]},` +
		`"steps":[{"id":"first","title":"First","html":"\u003cfigure class=\"predict\" data-name=\"p\"\u003e\u003c/figure\u003e\n\u003cfigure class=\"run\" data-host=\"A\"\u003e\u003cpre class=\"chroma\"\u003e\u003ccode\u003eip link\n\u003c/code\u003e\u003c/pre\u003e\u003c/figure\u003e\n` +
		`\u003caside class=\"callout note\" role=\"note\"\u003e\n\u003cp\u003eRead.\u003c/p\u003e\n\u003c/aside\u003e\n",` +
		`"checks":3,"hints":3,"hasSolution":true,"answers":[{"name":"n","question":"Q","choices":null},{"name":"c","question":"C","choices":["yes","no"]}],"predictions":[{"name":"p","question":"P","choices":["up","down"]}]}],` +
		`"prev":{"name":"one","title":"One"},"next":null}`
	if body != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
	if res, body := d.do("GET", "/api/labs/two", "", header("If-None-Match", res.Header.Get("ETag"))); res.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("status %d, %q", res.StatusCode, body)
	}
	if res, body := d.do("GET", "/api/labs/one?lang=ko", "", header("If-None-Match", res.Header.Get("ETag"))); res.StatusCode != 200 || !strings.Contains(body, "읽습니다") || !strings.Contains(body, `"prev":null,"next":{"name":"two"`) {
		t.Errorf("status %d, %s", res.StatusCode, body)
	}
	if res, body := d.do("GET", "/api/labs/one", "", header("Accept-Encoding", "gzip")); res.Header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(body, "\x1f\x8b") {
		t.Errorf("got headers %v", res.Header)
	}
	for _, name := range []string{"three", "..", "%2e%2e", "..%2fone", "one%2f..%2fone", "one%00", "%zz", "", "ONE", "one/", strings.Repeat("a", 5000), "%ea%b0%80"} {
		if name == "%zz" {
			continue // no client sends it; see TestRawRequests
		}
		if res, body := d.do("GET", "/api/labs/"+name, ""); res.StatusCode != 404 || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.30s: status %d, %s", name, res.StatusCode, body)
		}
	}
	course, labs := testLabs(t)
	labs["one"].Title = text("New", "새")
	delete(labs, "two")
	d.api.SetLabs(course, labs)
	if _, body := d.do("GET", "/api/labs/one", ""); !strings.Contains(body, `"title":"New"`) || !strings.Contains(body, `"next":null`) {
		t.Error(body)
	}
	res, body = d.do("GET", "/api/labs/two", "")
	d.wantStatus(res, body, 404)
}

func TestCheatSheet(t *testing.T) {
	d := open(t)
	res, body := d.do("GET", "/api/cheatsheet", "")
	const lab = `{"name":"one","title":"One","learned":[{"command":"\u003ccode\u003eip addr\u003c/code\u003e","does":"tells \u0026lt;all\u0026gt;","step":""}],` +
		`"typed":[{"id":"first","title":"First","commands":[{"host":"A","code":"ip link","fails":false}]}]}`
	if !strings.Contains(body, lab) || res.Header.Get("Content-Language") != "en" {
		t.Errorf("got\n%s\nwant in it\n%s", body, lab)
	}
	if _, body := d.do("GET", "/api/cheatsheet?lang=ko", ""); !strings.Contains(body, `"learned":[]`) {
		t.Error(body)
	}
}

// TestOwnCourse answers with the labs of the repository.
func TestOwnCourse(t *testing.T) {
	course, labs, err := lab.LoadAll(os.DirFS("../../labs"))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, func(o *Options) { o.Course, o.Labs = course, labs })
	for name := range labs {
		for _, language := range lab.Languages {
			res, body := d.do("GET", "/api/labs/"+name+"?lang="+language, "")
			d.wantStatus(res, body, 200)
			var l Lab
			if err := json.Unmarshal([]byte(body), &l); err != nil {
				t.Fatal(err)
			}
			if l.Intro == "" || l.SummaryHTML == "" || len(l.Steps) == 0 || l.Prev == nil && l.Next == nil {
				t.Errorf("%s in %s: %.200s", name, language, body)
			}
			for _, s := range l.Steps {
				if s.Title == "" || s.HTML == "" {
					t.Errorf("%s in %s: step %s is empty", name, language, s.ID)
				}
			}
		}
	}
}

// FuzzDecode gives bodies that nobody has thought of.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"host":"A","cols":80,"rows":24}`, `{"host":1}`, `{"x":1}`, "", "[", "null", "{}{}", "{\"h\u00e9\":\n1}", "\xff", `{"\u0000":1}`, `{"cols":1e400}`} {
		f.Add(s)
	}
	row := &route{Request: &terminalRequest{}, MaxBody: 1 << 10}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		in, err := decode(httptest.NewRecorder(), r, row)
		var p *problem
		switch {
		case err == nil && in == nil, err != nil && !errors.As(err, &p):
			t.Fatalf("got %v, %v", in, err)
		case p != nil && p.status == 400 && (p.line < 1 || p.line > 1+strings.Count(body, "\n") || p.column < 1 || p.column > len(body)+1):
			t.Fatalf("line %d, column %d", p.line, p.column)
		case p != nil && (p.status != 400 && p.status != 413 || p.detail.In("ko") == ""):
			t.Fatal(p)
		}
	})
}

func TestUnknownAddresses(t *testing.T) {
	d := open(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api", 404, ""}, {"GET", "/api/", 404, ""}, {"GET", "/api/nothing", 404, ""}, {"POST", "/api/nothing", 404, ""}, {"PUT", "/api/course", 405, "GET, HEAD"},
		{"POST", "/api/course", 405, "GET, HEAD"}, {"PATCH", "/api/sessions/s1", 405, "GET, HEAD, DELETE"}, {"GET", "/api/sessions/s1/reset", 405, "POST"},
		{"HEAD", "/api/sessions/s1/events", 405, "GET"}, {"OPTIONS", "/api/sessions", 204, "POST"}, {"POST", "/", 405, ""}, {"DELETE", "/labs/one", 405, ""}, {"BREW", "/api/course", 405, ""},
	} {
		res, body := d.do(c.method, c.path, "")
		d.wantStatus(res, body, c.status)
		if c.allow != "" && res.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: allows %q, want %q", c.method, c.path, res.Header.Get("Allow"), c.allow)
		}
		if c.status != 204 && c.method != "HEAD" && !strings.HasPrefix(body, `{"type":"urn:netground:problem:`) {
			t.Errorf("%s %s: %s", c.method, c.path, body)
		}
		wantHeaders(t, c.method+" "+c.path, res)
	}
}

func TestPage(t *testing.T) {
	d := open(t)
	const page = "<!doctype html><title>page</title>"
	for _, c := range []struct {
		path, body, media, cache string
		status                   int
	}{
		{"/", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/index.html", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/labs/one", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/playground", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/playground/network", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/playground/other", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/cheatsheet", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/cheatsheet/x", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/labs/one/", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/teach", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/teach/some-class/learner/somebody", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/teach/some-class/learner/somebody/x", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/join", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/join/K7M3QX", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/join/K7M3QX/x", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/back", page, "text/html; charset=utf-8", "no-cache", 200},
		{"/labs", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/labs/three", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/labs/one/x", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/nothing", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/assets/main-AbCdEf12.js", "run()", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/assets/gone-AbCdEf12.js", "not found\n", "text/plain; charset=utf-8", "no-cache", 404},
		{"/assets/main-AbCdEf12.js.br", "not found\n", "text/plain; charset=utf-8", "no-cache", 404},
		{"/boot.js", "boot()", "text/javascript; charset=utf-8", "no-cache", 200},
		{"/favicon.svg", "<svg/>", "image/svg+xml", "no-cache", 200},
		{"/.keep", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/.vite/manifest.json", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/assets", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/assets/", "not found\n", "text/plain; charset=utf-8", "no-cache", 404},
		{"/assets/..%2f..%2fetc%2fpasswd", "not found\n", "text/plain; charset=utf-8", "no-cache", 404},
		{"/%2e%2e/%2e%2e/etc/passwd", page, "text/html; charset=utf-8", "no-cache", 404},
		{"/boot.js%00.svg", page, "text/html; charset=utf-8", "no-cache", 404},
		{"//boot.js", page, "text/html; charset=utf-8", "no-cache", 404},
	} {
		res, body := d.do("GET", c.path, "")
		if res.StatusCode != c.status || body != c.body || res.Header.Get("Content-Type") != c.media || res.Header.Get("Cache-Control") != c.cache {
			t.Errorf("%s: status %d, %v, %q", c.path, res.StatusCode, res.Header, body)
		}
		wantHeaders(t, c.path, res)
	}
	for accept, want := range map[string]string{"gzip, deflate, br": "br", "gzip": "gzip", "br;q=0, gzip;q=0.5": "gzip", "identity": "", "br;q=x": "", "BR": "br"} {
		res, body := d.do("GET", "/", "", func(r *http.Request) { r.Header["Accept-Encoding"] = []string{accept} })
		if got := res.Header.Get("Content-Encoding"); got != want || res.Header.Get("Vary") == "" || body == "" {
			t.Errorf("%q: got %q, %v", accept, got, res.Header)
		}
		if res, _ := d.do("GET", "/", "", header("Accept-Encoding", accept), header("If-None-Match", `"x", W/`+res.Header.Get("ETag"))); accept != "" && res.StatusCode != 304 {
			t.Errorf("%q: status %d", accept, res.StatusCode)
		}
	}
}

func TestPageIsNotBuilt(t *testing.T) {
	d := open(t, func(o *Options) { o.Static = fstest.MapFS{".keep": {}} })
	for language, want := range map[string]string{"en": "Run deploy/setup", "ko": "deploy/setup을 실행"} {
		res, body := d.do("GET", "/?lang="+language, "")
		d.wantStatus(res, body, 503)
		if !strings.Contains(body, want) {
			t.Error(body)
		}
	}
}

// TestRawRequests sends what no client of Go's would.
func TestRawRequests(t *testing.T) {
	d := open(t)
	for _, line := range []string{
		"GET /../../etc/passwd HTTP/1.1", "GET /labs/%zz HTTP/1.1", "GET /api/labs/../../../etc/passwd HTTP/1.1", "GET http://evil.example/api/course HTTP/1.1",
		"GET * HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /api/labs/one%2 HTTP/1.1", "POST /api/sessions HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", "\x00\x01\x02 / HTTP/1.1",
	} {
		c, err := net.Dial("tcp", d.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(c, "%s\r\nHost: x\r\nConnection: close\r\n\r\n", line); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%q: %v", line, err)
		} else if res.StatusCode >= 500 || res.StatusCode == 200 && !strings.Contains(line, "evil.example") && !strings.Contains(line, "OPTIONS") {
			t.Errorf("%q: status %d", line, res.StatusCode)
		}
		_ = c.Close()
	}
}

func TestHealthAndMetrics(t *testing.T) {
	down := errors.New("the database is away")
	var ready error
	d := open(t, func(o *Options) { o.Ready = func(context.Context) error { return ready } })
	res, body := d.do("GET", "/readyz", "")
	d.wantStatus(res, body, 200)
	ready = down
	res, body = d.do("GET", "/readyz", "")
	d.wantStatus(res, body, 503)
	if strings.Contains(body, "database") {
		t.Error(body)
	}
	res, body = d.do("GET", "/healthz", "")
	d.wantStatus(res, body, 200)
	_, body = d.do("GET", "/metrics", "")
	for _, want := range []string{
		"netground_sessions 3\n", `netground_sessions_ended_total{reason="idle"} 2`, `netground_session_create_seconds_bucket{le="0.1"} 1`,
		`netground_http_requests_total{method="GET",route="/readyz",status="503"} 1`, "go_goroutines",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	res, body = d.do("GET", "/api/schema/lab.json", "")
	if res.Header.Get("Content-Type") != "application/schema+json" || !strings.Contains(body, `"Netground lab"`) {
		t.Errorf("%v %.100s", res.Header, body)
	}
	if err := d.api.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready = nil
	res, body = d.do("GET", "/readyz", "")
	d.wantStatus(res, body, 503)
}
