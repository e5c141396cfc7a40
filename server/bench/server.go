package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/sandbox"
)

const (
	startWithin = 20 * time.Second
	stopWithin  = 60 * time.Second
	// mostSessions of one server: those that are measured, and those that end meanwhile.
	mostSessions = 450
)

// server is a Netground server in a process of its own.
type server struct {
	machine  config.Machine
	pid      int
	url      string
	http     *http.Client
	cmd      *exec.Cmd
	ended    chan struct{} // closed when the process has
	err      error         // how it did, once ended
	log      string        // the file of what it says on standard error
	learners atomic.Uint32
	crowd    []*started // sandboxes that stand idle
}

// said is the end of what the server has logged.
func (s *server) said() string {
	b, _ := os.ReadFile(s.log) // without, there is nothing to tell
	return string(bytes.TrimSpace(b[max(0, len(b)-4096):]))
}

// startServer starts the program as a server of the labs, with a pool of so many sandboxes.
func startServer(ctx context.Context, o *Options, dir string, pool int) (_ *server, err error) {
	name := fmt.Sprintf("pool-%d", pool)
	m := o.Machine
	m.State, m.Runtime = filepath.Join(m.State, name), filepath.Join(m.Runtime, name)
	args := []string{
		"serve", "--listen", "127.0.0.1:0", "--labs", filepath.Join(dir, "labs"),
		// Learners come from addresses of their own, which the server limits one by one.
		"--trusted-proxy", "127.0.0.1",
		"--rootfs", m.Rootfs, "--keeper", m.Keeper, "--state", m.State, "--runtime", m.Runtime, "--cgroup", m.Cgroup,
		"--log-level", "warn",
	}
	for name, n := range map[string]int64{
		"id-base": int64(m.IDBase), "id-count": int64(m.IDCount), "memory-mib": m.MemoryMiB, "pids": m.Pids,
		"cpu": int64(m.CPU), "disk-mib": m.DiskMiB, "max-sessions": mostSessions, "pool": int64(pool),
	} {
		args = append(args, fmt.Sprintf("--%s=%d", name, n))
	}
	s := &server{machine: m, ended: make(chan struct{}), log: filepath.Join(dir, name+".log"), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	s.cmd = exec.Command(o.Program, args...)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "NETGROUND_") {
			s.cmd.Env = append(s.cmd.Env, e)
		}
	}
	// Files, not pipes: who writes into a pipe that nobody reads is killed, and
	// the server has to outlive the program that measures for its cleaning up.
	out := filepath.Join(dir, name+".out")
	for path, to := range map[string]*io.Writer{out: &s.cmd.Stdout, s.log: &s.cmd.Stderr} {
		f, err := os.Create(path)
		if err != nil {
			return nil, fmt.Errorf("cannot make a file for what the server says: %w", err)
		}
		defer f.Close()
		*to = f
	}
	// A group of its own: Ctrl-C is for the program that measures, which ends the
	// server then. No Pdeathsig: a program that is killed dies thread by thread, each
	// sends the signal, and a second one ends a server before it has cleaned up.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the server: %w", err)
	}
	s.pid = s.cmd.Process.Pid
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	wait, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("the server is not ready after %v", startWithin))
	defer cancel()
	err = poll(wait, 10*time.Millisecond, func() (bool, error) {
		select {
		case <-s.ended:
			return false, errors.New("the server cannot start")
		default:
		}
		b, err := os.ReadFile(out)
		_, after, ready := strings.Cut(string(b), " is ready: ")
		u, _, whole := strings.Cut(after, "\n")
		s.url = u
		return ready && whole, err
	})
	if err == nil {
		return s, nil
	}
	if wait.Err() != nil {
		err = context.Cause(wait)
	}
	return nil, errors.Join(err, s.close())
}

// close ends the server and everything that it has made.
func (s *server) close() error {
	s.http.CloseIdleConnections()
	var err error
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.ended:
		if s.err != nil {
			err = fmt.Errorf("the server ended badly: %w: %s", s.err, s.said())
		}
	case <-time.After(stopWithin):
		_ = s.cmd.Process.Kill()
		<-s.ended
		err = fmt.Errorf("the server did not end within %v: %s", stopWithin, s.said())
	}
	if left, e := os.ReadDir(s.machine.Runtime); e == nil && len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("the server left %d sandboxes; they are removed", len(left)), s.sweep())
	}
	return err
}

// sweep removes what a server that was killed has left.
func (s *server) sweep() error {
	m := &s.machine
	ctx := context.Background()
	boxes, err := sandbox.Open(ctx, sandbox.Options{
		Rootfs: m.Rootfs, Keeper: m.Keeper, StateDir: m.State, RuntimeDir: m.Runtime,
		IDBase: m.IDBase, IDCount: m.IDCount, CgroupParent: m.Cgroup, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	return boxes.Close(ctx)
}
