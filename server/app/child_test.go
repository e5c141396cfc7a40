//go:build sandbox

package app

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netground/netground/server/config"
)

// child is the built program, serving in a process of its own.
type child struct {
	*world
	cmd   *exec.Cmd
	ended chan struct{}
	said  journal // what it prints
}

func spawn(t *testing.T, set config.Server) *child {
	t.Helper()
	return launch(t, set, filepath.Join(built, "netground"), &syscall.SysProcAttr{Setpgid: true})
}

// arguments are those by which the program serves with the settings.
func arguments(set config.Server) []string {
	args := []string{"serve"}
	for name, v := range map[string]any{
		"listen": set.Listen, "labs": set.Labs, "trusted-proxy": set.Trusted[0], "rootfs": set.Rootfs, "keeper": set.Keeper,
		"state": set.State, "runtime": set.Runtime, "cgroup": set.Cgroup, "id-base": set.IDBase, "id-count": set.IDCount,
		"max-sessions": set.MaxSessions, "max-per-learner": set.MaxPerClient, "pool": set.Pool,
	} {
		args = append(args, fmt.Sprintf("--%s=%v", name, v))
	}
	if set.Database != "" {
		args = append(args, "--database="+set.Database)
	}
	if set.Class != "" {
		args = append(args, "--class="+set.Class)
	}
	return args
}

// launch starts a program with the settings, and waits until it serves.
func launch(t *testing.T, set config.Server, program string, how *syscall.SysProcAttr, env ...string) *child {
	t.Helper()
	c := &child{world: &world{T: t, log: &journal{}, set: set}, ended: make(chan struct{})}
	c.cmd = exec.Command(program, arguments(set)...)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "NETGROUND_") {
			c.cmd.Env = append(c.cmd.Env, e)
		}
	}
	c.cmd.Stderr = c.log
	c.cmd.Env = append(c.cmd.Env, env...)
	c.cmd.SysProcAttr = how
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.terminate(35 * time.Second)
		if t.Failed() {
			text := c.log.String()
			t.Logf("the end of the server's log:\n%s", text[max(0, len(text)-4000):])
		}
	})
	url := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, _ = c.said.Write(append(lines.Bytes(), '\n'))
			if _, u, ok := strings.Cut(lines.Text(), " is ready: "); ok {
				select {
				case url <- u:
				default: // a program that took its own place
				}
			}
		}
		_, _ = io.Copy(io.Discard, out)
		_ = c.cmd.Wait() // its state says how it ended
		close(c.ended)
	}()
	select {
	case c.url = <-url:
	case <-c.ended:
		t.Fatalf("the server does not start: %s", c.log)
	case <-time.After(time.Minute):
		t.Fatalf("the server is not ready: %s", c.log)
	}
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}

// terminate asks it to stop, and says how long that took; it must end well.
func (c *child) terminate(limit time.Duration) time.Duration {
	c.Helper()
	select {
	case <-c.ended:
		return 0
	default:
	}
	began := time.Now()
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
		if !c.cmd.ProcessState.Success() {
			c.Errorf("the server ended with %v: %s", c.cmd.ProcessState, c.log)
		}
	case <-time.After(limit):
		c.Errorf("the server has not stopped after %v", limit)
		c.kill()
	}
	return time.Since(began)
}

// prepared is how many sandboxes a server keeps without a session.
const prepared = 2

// leftovers lists what is there of sandboxes: processes and cgroups below the
// server's, folders of the runtime, and records.
func leftovers(set config.Server) (left []string) {
	for _, pattern := range []string{"/sys/fs/cgroup/*" + set.Cgroup, "/sys/fs/cgroup" + set.Cgroup} {
		tops, _ := filepath.Glob(pattern)
		for _, top := range tops {
			_ = filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
				switch {
				case err != nil:
				case d.IsDir() && path != top:
					left = append(left, path)
				case d.Name() == "cgroup.procs":
					b, _ := os.ReadFile(path)
					for _, pid := range strings.Fields(string(b)) {
						left = append(left, "process "+pid)
					}
				}
				return nil
			})
		}
	}
	for _, pattern := range []string{set.Runtime + "/*", set.State + "/sandboxes/*"} {
		files, _ := filepath.Glob(pattern)
		left = append(left, files...)
	}
	return left
}

// census counts what this process has, and what the machine mounts.
func census(t testing.TB) map[string]int {
	t.Helper()
	runtime.GC()
	c := map[string]int{"goroutines": runtime.NumGoroutine()}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	c["descriptors"] = len(fds)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	c["mounts"] = strings.Count(string(mounts), "\n")
	children, _ := filepath.Glob("/proc/self/task/*/children")
	for _, f := range children {
		b, _ := os.ReadFile(f)
		c["children"] += len(strings.Fields(string(b)))
	}
	return c
}

// worse says what is more than it was.
func worse(before, now map[string]int) (all []string) {
	for k, n := range now {
		if n > before[k] {
			all = append(all, fmt.Sprintf("%d %s instead of %d", n, k, before[k]))
		}
	}
	return all
}
