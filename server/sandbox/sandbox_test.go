//go:build sandbox

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/sandbox/boxtest"
	"github.com/netground/netground/server/sandbox/keeper"
)

// built has the keeper, which is built once for all tests.
var built string

func TestMain(m *testing.M) { os.Exit(boxtest.Main(m, &built, "keeper")) }

func options(t testing.TB) Options {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("sandbox tests run as root")
	}
	dir := t.TempDir()
	parent := fmt.Sprintf("/netground-test-%d-", os.Getpid()) + strings.ToLower(filepath.Base(filepath.Dir(dir)))
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
	return Options{
		Rootfs: boxtest.Rootfs(t), Keeper: filepath.Join(built, "keeper"), StateDir: dir + "/state", RuntimeDir: dir + "/run",
		CgroupParent: parent,
		Prepared:     -1, // so that what is there is what a test has made
		Log:          slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func open(t testing.TB, o Options) *Manager {
	t.Helper()
	m, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

func create(t testing.TB, m *Manager, id string, spec keeper.Spec) *Sandbox {
	t.Helper()
	s, err := m.Create(t.Context(), id, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Destroy)
	return s
}

// two is two hosts on a switch.
func two() keeper.Spec {
	return keeper.Spec{
		Name: "two", Hosts: []keeper.Host{{Name: "A"}, {Name: "B"}}, Switches: []string{"sw"},
		Links: []keeper.Link{
			{A: keeper.End{Node: "A", Device: "eth0"}, B: keeper.End{Node: "sw"}},
			{A: keeper.End{Node: "B", Device: "eth0"}, B: keeper.End{Node: "sw"}},
		},
	}
}

// sh runs a line that must succeed, and returns its output.
func sh(t testing.TB, s *Sandbox, host, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := s.Run(ctx, host, line, nil)
	if err != nil {
		t.Fatalf("%s: %s: %v", host, line, err)
	}
	if out.Exit != 0 {
		t.Fatalf("%s: %s: exit %d\n%s%s", host, line, out.Exit, out.Stdout, out.Stderr)
	}
	return string(out.Stdout)
}

// fails runs a line that must not succeed, and returns all that it said.
func fails(t testing.TB, s *Sandbox, host, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := s.Run(ctx, host, line, nil)
	if err != nil {
		t.Fatalf("%s: %s: %v", host, line, err)
	}
	if out.Exit == 0 {
		t.Fatalf("%s: %s: succeeded, but must not\n%s%s", host, line, out.Stdout, out.Stderr)
	}
	return string(out.Stdout) + string(out.Stderr)
}

// until reads from the terminal until text comes.
func until(t testing.TB, f *os.File, text string) string {
	t.Helper()
	_ = f.SetReadDeadline(time.Now().Add(10 * time.Second))
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), text) {
		n, err := f.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Fatalf("waiting for %q: %v after %q", text, err, got.String())
		}
	}
	return got.String()
}

func event(t testing.TB, s *Sandbox, kind string) Event {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		select {
		case e, ok := <-s.Events():
			if !ok {
				t.Fatalf("the sandbox ended while the test waited for %q", kind)
			}
			if e.Kind == kind {
				return e
			}
		case <-deadline:
			t.Fatalf("no event %q came", kind)
		}
	}
}

func TestPingAcrossSwitch(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "ping", two())
	sh(t, s, "A", "ip addr add 192.168.1.10/24 dev eth0; ip link set eth0 up")
	sh(t, s, "B", "ip addr add 192.168.1.11/24 dev eth0; ip link set eth0 up")
	sh(t, s, "A", "ping -c1 -W2 192.168.1.11")
	if got := sh(t, s, "A", "hostname; whoami"); got != "A\nroot\n" {
		t.Errorf("hostname and user are %q", got)
	}
	var names []string
	for _, n := range s.Nodes() {
		names = append(names, n.Name+" "+n.Kind)
		if (n.Root == nil) != (n.Kind == "switch") || n.NetNS == nil {
			t.Errorf("node %s has the wrong files", n.Name)
		}
	}
	if got := strings.Join(names, ", "); got != "A host, B host, sw switch" {
		t.Errorf("nodes are %s", got)
	}
	for _, p := range s.Timings() {
		t.Logf("%-22s %6.2f ms", p.Phase, float64(p.At.Microseconds())/1000)
	}
}

func TestTerminal(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "tty", two())
	shell, err := s.OpenTerminal(t.Context(), "A", 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Master.Close()
	until(t, shell.Master, ":~# ")
	if _, err := io.WriteString(shell.Master, "tty; stty -a | tr ';' '\\n' | grep -E 'rows|columns|iutf8'; echo $TERM $LANG; ls -l /proc/self/fd | wc -l\r"); err != nil {
		t.Fatal(err)
	}
	t.Log(until(t, shell.Master, ":~# "))
	_, _ = io.WriteString(shell.Master, "exit 7\r")
	if e := event(t, s, "exit"); e.Shell != shell.ID || e.Code != 7 {
		t.Errorf("exit event is %+v", e)
	}
	if _, err := s.OpenTerminal(t.Context(), "nobody", 80, 24); err == nil {
		t.Error("a terminal on an unknown host opened")
	}
	if _, err := s.OpenTerminal(t.Context(), "A", 0, 0); err == nil {
		t.Error("a terminal of 0 × 0 opened")
	}
}

func TestRunIsKilledByItsContext(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "kill", two())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.Run(ctx, "A", "sleep 100", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error is %v", err)
	}
	if out, _ := s.Run(t.Context(), "A", "pgrep -c sleep", nil); string(out.Stdout) != "0\n" {
		t.Errorf("sleep still runs: %s", out.Stdout)
	}
	out, err := s.Run(t.Context(), "A", "cat; echo err >&2; exit 3", strings.NewReader("hello"))
	if err != nil || string(out.Stdout) != "hello" || string(out.Stderr) != "err\n" || out.Exit != 3 {
		t.Errorf("run gave %+v, %v", out, err)
	}
}

// drain waits until what was destroyed is gone, and the stock is full again.
func drain(t testing.TB, m *Manager) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := m.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}
