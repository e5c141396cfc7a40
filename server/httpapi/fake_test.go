package httpapi

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

// fake is a session manager with one session, "s1", of the learner "owner".
type fake struct {
	mu      sync.Mutex
	owner   string
	calls   []string
	callers []session.Caller
	fail    error // what every method returns, if set
	panics  bool
	resumed bool
	events  chan session.Event // closed: the session has ended
	attach  *session.Attachment
	subs    int
}

func (f *fake) call(c session.Caller, id, what string, detail ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("boom")
	}
	f.calls = append(f.calls, strings.Join(append([]string{what}, detail...), " "))
	f.callers = append(f.callers, c)
	if f.fail != nil {
		return f.fail
	}
	if id != "s1" || c.Learner != f.owner {
		return &session.Error{Code: session.NotFound, Text: text("There is no such session.", "그런 세션이 없습니다.")}
	}
	return nil
}

func (f *fake) last() (string, session.Caller) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) == 0 {
		return "", session.Caller{}
	}
	return f.calls[len(f.calls)-1], f.callers[len(f.callers)-1]
}

func (f *fake) one() session.Session {
	return session.Session{ID: "s1", Lab: "one", State: session.Ready}
}

func (f *fake) Create(_ context.Context, c session.Caller, name string) (session.Created, error) {
	f.mu.Lock()
	if f.owner == "" {
		f.owner = c.Learner
	}
	f.mu.Unlock()
	err := f.call(c, "s1", "create", name)
	return session.Created{Session: f.one(), New: !f.resumed, Phases: []session.Phase{{Name: "pool", Duration: 1500 * time.Microsecond}}}, err
}

func (f *fake) Play(_ context.Context, c session.Caller, def *lab.Lab, replace bool) (session.Created, error) {
	err := f.call(c, "s1", "play", def.Source, strconv.FormatBool(replace))
	return session.Created{Session: f.one(), New: !f.resumed}, err
}

func (f *fake) Playground(c session.Caller) (id, source string) {
	if c.Learner != f.owner {
		return "", ""
	}
	return "s1", "hosts: {A: {}}"
}

func (f *fake) Probe(_ context.Context, c session.Caller, id, from, to string) (session.CheckState, error) {
	return session.CheckState{Kind: "reach", Why: "No route."}, f.call(c, id, "probe", from, to)
}

func (f *fake) Lab(_ context.Context, c session.Caller, id string) (*lab.Lab, error) {
	if err := f.call(c, id, "lab"); err != nil {
		return nil, err
	}
	return lab.NewPlayground("hosts: {A: {}}")
}

func (f *fake) Get(_ context.Context, c session.Caller, id string) (session.Session, error) {
	return f.one(), f.call(c, id, "get")
}

func (f *fake) Progress(_ context.Context, learner string) (map[string]session.LabProgress, error) {
	if err := f.call(session.Caller{Learner: f.owner}, "s1", "progress", learner); err != nil {
		return nil, err
	}
	return map[string]session.LabProgress{"one": {Passed: 1, Session: "s1"}}, nil
}

func (f *fake) End(_ context.Context, c session.Caller, id string) error { return f.call(c, id, "end") }

func (f *fake) Reset(_ context.Context, c session.Caller, id string) (session.Session, error) {
	return f.one(), f.call(c, id, "reset")
}

func (f *fake) Extend(_ context.Context, c session.Caller, id string) (session.Session, error) {
	return f.one(), f.call(c, id, "extend")
}

func (f *fake) CatchUp(_ context.Context, c session.Caller, id, step string) error {
	return f.call(c, id, "catch-up", step)
}

func (f *fake) Check(_ context.Context, c session.Caller, id, step string) (session.StepState, error) {
	return session.StepState{ID: step}, f.call(c, id, "check", step)
}

func (f *fake) Hint(_ context.Context, c session.Caller, id, step string) (session.StepState, error) {
	return session.StepState{ID: step}, f.call(c, id, "hint", step)
}

func (f *fake) Solution(_ context.Context, c session.Caller, id, step string) (session.StepState, error) {
	return session.StepState{ID: step}, f.call(c, id, "solution", step)
}

func (f *fake) Answer(_ context.Context, c session.Caller, id, step, name, value string) (session.StepState, error) {
	return session.StepState{ID: step}, f.call(c, id, "answer", step, name, value)
}

func (f *fake) Predict(_ context.Context, c session.Caller, id, step, name, value string) (session.StepState, error) {
	return session.StepState{ID: step}, f.call(c, id, "predict", step, name, value)
}

func (f *fake) Reboot(_ context.Context, c session.Caller, id, host string) error {
	return f.call(c, id, "reboot", host)
}

func (f *fake) Terminals(_ context.Context, c session.Caller, id string) ([]session.Terminal, error) {
	return nil, f.call(c, id, "terminals")
}

func (f *fake) OpenTerminal(_ context.Context, c session.Caller, id, host string, cols, rows uint16) (session.Terminal, error) {
	return session.Terminal{ID: "t1", Host: host, Cols: cols, Rows: rows}, f.call(c, id, "open", host)
}

func (f *fake) CloseTerminal(_ context.Context, c session.Caller, id, terminal string) error {
	return f.call(c, id, "close", terminal)
}

func (f *fake) AttachTerminal(c session.Caller, id, terminal string) (*session.Attachment, error) {
	if err := f.call(c, id, "attach", terminal); err != nil {
		return nil, err
	}
	if f.attach == nil || terminal != f.attach.Info.ID {
		return nil, &session.Error{Code: session.NotFound, Text: text("There is no such terminal.", "그런 터미널이 없습니다.")}
	}
	return f.attach, nil
}

func (f *fake) Subscribe(_ context.Context, c session.Caller, id string) (Subscription, error) {
	if err := f.call(c, id, "subscribe"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs++
	return &fakeSubscription{f}, nil
}

func (f *fake) Stats() session.Stats {
	return session.Stats{Live: 3, Ended: map[string]uint64{"idle": 2}, CreateSeconds: session.Histogram{Count: 1, Sum: .01, Buckets: map[float64]uint64{.1: 1}}}
}

func (f *fake) open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.subs
}

type fakeSubscription struct{ f *fake }

func (s *fakeSubscription) Next(ctx context.Context) (session.Event, error) {
	select {
	case e, ok := <-s.f.events:
		if !ok {
			return e, io.EOF
		}
		if e.Name == "overflow" {
			return e, session.ErrOverflow
		}
		return e, nil
	case <-ctx.Done():
		return session.Event{}, ctx.Err()
	}
}

func (s *fakeSubscription) Close() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.f.subs--
}

const labYAML = `title: {en: One, ko: 하나}
summary: {en: S, ko: 요약}
minutes: 5
topology:
  hosts:
    B: {at: [4, 1], label: {en: Bee, ko: 비}}
    A: {at: [0, 1]}
  switches:
    sw: {at: [2, 0]}
  links:
    - [A:eth0, sw]
    - [B:eth0, sw]
steps:
  - id: first
    checks:
      - address: {host: A, dev: eth0, has: 192.168.1.10/24}
        hint: {en: H, ko: 힌}
      - answer: {name: n, question: {en: Q, ko: 큐}, value: "1"}
      - answer: {name: c, question: {en: C, ko: 씨}, choices: [{text: {en: "yes", ko: 네}, right: true}, {text: {en: "no", ko: 아니요}}]}
    hints: [{en: H, ko: 힌트}]
    predict: [{name: p, question: {en: P, ko: 피}, choices: [{text: {en: "up", ko: 위}, right: true}, {text: {en: "down", ko: 아래}}], truth: {en: secret, ko: 비밀}}]
    solution: [{A: ip addr add 192.168.1.10/24 dev eth0}, {answer: {n: 1}}]
    mistakes:
      - run: {A: "true"}
        fails: address
        hint: {en: M, ko: 엠}
faults:
  - id: down
    title: {en: Down, ko: 꺼짐}
    run: {A: ip link set eth0 down}
    checks:
      - link: {host: A, dev: eth0, state: up}
    repair: {A: ip link set eth0 up}
`

func testLabs(t *testing.T) (*lab.Course, map[string]*lab.Lab) {
	t.Helper()
	fsys := fstest.MapFS{"course.yaml": {Data: []byte("title: {en: Course, ko: 과정}\nchapters:\n  - id: c\n    title: {en: Chapter, ko: 장}\n    labs: [one, two]\n")}}
	for _, name := range []string{"one", "two"} {
		fsys[name+"/lab.yaml"] = &fstest.MapFile{Data: []byte(labYAML)}
		fsys[name+"/lesson.en.md"] = &fstest.MapFile{Data: []byte("Hello <b>.\n\n## First {#first}\n\n```predict p\n```\n\n```bash host=A\nip link\n```\n\n> [!NOTE]\n> Read.\n\n## End {#summary}\n\n| command | does |\n|---|---|\n| `ip addr` | tells <all> |\n")}
		fsys[name+"/lesson.ko.md"] = &fstest.MapFile{Data: []byte("안녕하세요.\n\n## 첫째 {#first}\n\n```predict p\n```\n\n> [!NOTE]\n> 읽습니다.\n")}
	}
	course, labs, err := lab.LoadAll(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return course, labs
}

func testPage() fs.FS {
	return fstest.MapFS{
		"index.html":                 {Data: []byte("<!doctype html><title>page</title>")},
		"index.html.gz":              {Data: []byte("gzipped page")},
		"index.html.br":              {Data: []byte("page in br")},
		"assets/main-AbCdEf12.js":    {Data: []byte("run()")},
		"assets/main-AbCdEf12.js.br": {Data: []byte("br")},
		"boot.js":                    {Data: []byte("boot()")},
		"favicon.svg":                {Data: []byte("<svg/>")},
		".keep":                      {},
		".vite/manifest.json":        {Data: []byte("{}")},
	}
}

// door is an API before a server, and a learner's browser.
type door struct {
	*testing.T
	api    *API
	fake   *fake
	server *httptest.Server
	cookie string // of the owner
	log    *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func open(t *testing.T, change ...func(*Options)) *door {
	t.Helper()
	signer, err := auth.NewSigner(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	owner := auth.NewID()
	d := &door{T: t, fake: &fake{owner: owner, events: make(chan session.Event, 10)}, cookie: signer.Sign(owner), log: &syncBuffer{}}
	course, labs := testLabs(t)
	o := Options{Sessions: d.fake, Signer: signer, Course: course, Labs: labs, Static: testPage(),
		Log: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, c := range change {
		c(&o)
	}
	if d.api, err = New(o); err != nil {
		t.Fatal(err)
	}
	d.server = httptest.NewServer(d.api)
	t.Cleanup(func() {
		if err := d.api.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		d.server.Close()
	})
	return d
}

// do sends a request as the owner's page would; changes make it another.
func (d *door) do(method, path, body string, change ...func(*http.Request)) (*http.Response, string) {
	d.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(d.Context(), method, d.server.URL+path, reader)
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("Origin", d.server.URL)
	r.Header.Set("Accept-Encoding", "identity")
	r.AddCookie(&http.Cookie{Name: auth.CookieName, Value: d.cookie})
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		d.Fatalf("%s %s: %v", method, path, err)
	}
	return res, string(b)
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) {
		if value == "" {
			r.Header.Del(key)
			return
		}
		r.Header.Set(key, value)
	}
}

func (d *door) wantStatus(res *http.Response, body string, status int) {
	d.Helper()
	if res.StatusCode != status {
		d.Errorf("%s %s: status %d, want %d: %s", res.Request.Method, res.Request.URL.Path, res.StatusCode, status, body)
	}
}
