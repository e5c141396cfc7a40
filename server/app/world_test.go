//go:build sandbox

package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/drive"
	"github.com/netground/netground/server/sandbox/boxtest"
	"github.com/netground/netground/server/session"
)

// built has the programs, which are built once for all tests.
var built string

func TestMain(m *testing.M) { os.Exit(boxtest.Main(m, &built, "keeper", "netground")) }

// settings are those of a server with everything of its own.
func settings(t testing.TB) config.Server {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("sandbox tests run as root")
	}
	rootfs := boxtest.Rootfs(t)
	labs := "../../labs"
	if _, err := os.Stat(labs); err != nil {
		labs = filepath.Join(built, "labs")
	}
	dir := t.TempDir()
	parent := "/netground-test-app-" + strings.ToLower(rand.Text()[:8])
	t.Cleanup(func() {
		for _, pattern := range []string{"/sys/fs/cgroup/*" + parent, "/sys/fs/cgroup" + parent} {
			dirs, _ := filepath.Glob(pattern)
			for _, d := range dirs {
				if err := os.Remove(d); err != nil {
					t.Errorf("a cgroup of the test is left: %v", err)
				}
			}
		}
	})
	return config.Server{
		Listen: "127.0.0.1:0", Labs: labs, Trusted: []string{"127.0.0.1"},
		Machine: config.Machine{
			Rootfs: rootfs, Keeper: filepath.Join(built, "keeper"), State: dir + "/state", Runtime: dir + "/run", Cgroup: parent,
			IDBase: 3 << 30, IDCount: 1 << 29, MemoryMiB: 512, Pids: 512, CPU: 100, DiskMiB: 128,
		},
		IdleTimeout: 45 * time.Minute, WarnBefore: 5 * time.Minute, HardLimit: 8 * time.Hour,
		MaxSessions: 40, MaxPerClient: 3, MaxTerminals: 16,
	}
}

// journal keeps what a server logs, and fails the test for what must not be.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// world is a real server.
type world struct {
	*testing.T
	app *App
	url string
	log *journal
	set config.Server
}

func start(t *testing.T, change func(*config.Server)) *world {
	t.Helper()
	w := &world{T: t, log: &journal{}, set: settings(t)}
	if change != nil {
		change(&w.set)
	}
	var err error
	w.app, err = Start(t.Context(), Options{Config: w.set, Version: "test", Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelInfo}))})
	if err != nil {
		t.Fatal(err)
	}
	w.url = w.app.URL()
	t.Cleanup(func() {
		if err := w.app.Close(); err != nil {
			t.Errorf("the server does not stop: %v", err)
		}
		for line := range strings.Lines(w.log.String()) {
			if strings.Contains(line, "panic") || strings.Contains(line, "cannot remove") {
				t.Errorf("the log says %s", line)
			}
		}
		if t.Failed() {
			text := w.log.String()
			t.Logf("the log's end:\n%s", text[max(0, len(text)-4000):])
		}
	})
	return w
}

// addresses numbers those that learners come from.
type addresses struct{ n atomic.Uint32 }

var clients addresses

// learner is a browser of somebody.
type learner struct {
	*drive.Learner
	t testing.TB
}

func newLearner(t testing.TB, url string) *learner {
	n := clients.n.Add(1)
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	l := (&drive.Server{URL: url, HTTP: &http.Client{Transport: tr}}).Learner()
	l.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	return &learner{Learner: l, t: t}
}

// move has the learner go on with the server's successor, which has another address.
func (l *learner) move(url string) {
	l.Server.URL = url
	l.Header.Set("Origin", url)
}

func (w *world) learner() *learner { return newLearner(w.T, w.url) }

// answer is what came back.
type answer struct{ drive.Answer }

func (a answer) problem() (p struct {
	Type, Title, Detail string
	Status, Place       int
}) {
	_ = json.Unmarshal(a.Body, &p)
	return p
}

// send is Send within a limit.
func (l *learner) send(method, path string, body any, change ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a, err := l.Send(ctx, method, path, body, change...)
	return answer{a}, err
}

func (l *learner) do(method, path string, body any, change ...string) answer {
	l.t.Helper()
	a, err := l.send(method, path, body, change...)
	if err != nil {
		l.t.Fatalf("%s %s: %v", method, path, err)
	}
	l.Keep(a.Answer)
	return a
}

// must sends a request that must succeed.
func (l *learner) must(method, path string, body, into any) {
	l.t.Helper()
	a := l.do(method, path, body)
	if a.Status >= 300 {
		l.t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	if into != nil {
		if err := json.Unmarshal(a.Body, into); err != nil {
			l.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// opened is a learner in a lab.
type opened struct {
	*learner
	session.Session
	path string
}

func (l *learner) open(lab string) *opened {
	l.t.Helper()
	o := &opened{learner: l}
	l.must("POST", "/api/sessions", map[string]string{"lab": lab}, &o.Session)
	o.path = "/api/sessions/" + o.ID
	return o
}

// terminal opens another shell.
func (o *opened) terminal(host string) session.Terminal {
	o.t.Helper()
	var term session.Terminal
	o.must("POST", o.path+"/terminals", map[string]any{"host": host, "cols": 100, "rows": 30}, &term)
	return term
}

// until waits for a condition.
func until(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}
