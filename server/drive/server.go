// Package drive starts a server in a process of its own, and asks it for things
// as browsers do: for the commands that measure it and attack it.
package drive

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
)

// Options of a server.
type Options struct {
	// Machine has folders, ids and a control group that nobody else uses.
	Machine config.Machine
	Program string // netground
	Labs    string // folder
	// Dir gets what the server says, in files that begin with Name; Name also
	// tells servers of one Machine apart.
	Dir, Name string
	Pool      int
	// Most sandboxes, and open sessions of one learner; 0: the server's default.
	MaxSessions, MaxPerLearner int
	// Class is the name of a class that the server makes; "": none.
	Class string
	// Slower is by how much longer everything may take, beside an ordinary machine; 1.
	Slower int
	// Inherit are files that the server is started with, as a careless parent does.
	Inherit []*os.File
}

// Server is a Netground server in a process of its own.
type Server struct {
	Machine config.Machine
	PID     int
	URL     string
	Code    string // to join the class
	HTTP    *http.Client
	Ended   chan struct{} // closed when the process has

	cmd      *exec.Cmd
	err      error  // how it did, once ended
	log      string // the file of what it says on standard error
	learners atomic.Uint32
	slower   time.Duration
}

// Said is the end of what the server has logged.
func (s *Server) Said() string {
	b, _ := os.ReadFile(s.log) // without, there is nothing to tell
	return string(bytes.TrimSpace(b[max(0, len(b)-4096):]))
}

// Start starts the program as a server, and returns when it is ready.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	m := o.Machine
	m.State, m.Runtime = filepath.Join(m.State, o.Name), filepath.Join(m.Runtime, o.Name)
	args := []string{
		"serve", "--listen", "127.0.0.1:0", "--labs", o.Labs,
		// Learners come from addresses of their own, which the server limits one by one.
		"--trusted-proxy", "127.0.0.1",
		"--rootfs", m.Rootfs, "--keeper", m.Keeper, "--state", m.State, "--runtime", m.Runtime, "--cgroup", m.Cgroup,
		"--log-level", "warn",
	}
	numbers := map[string]int64{
		"id-base": int64(m.IDBase), "id-count": int64(m.IDCount), "memory-mib": m.MemoryMiB, "pids": m.Pids,
		"cpu": int64(m.CPU), "disk-mib": m.DiskMiB, "max-sessions": int64(o.MaxSessions), "pool": int64(o.Pool),
	}
	if o.MaxPerLearner > 0 {
		numbers["max-per-learner"] = int64(o.MaxPerLearner)
	}
	for name, n := range numbers {
		args = append(args, fmt.Sprintf("--%s=%d", name, n))
	}
	if o.Class != "" {
		args = append(args, "--class="+o.Class)
	}
	s := &Server{
		Machine: m, Ended: make(chan struct{}), HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		log: filepath.Join(o.Dir, o.Name+".log"), slower: time.Duration(max(1, o.Slower)),
	}
	s.cmd = exec.Command(o.Program, args...)
	s.cmd.ExtraFiles = o.Inherit
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "NETGROUND_") {
			s.cmd.Env = append(s.cmd.Env, e)
		}
	}
	// Files, not pipes: who writes into a pipe that nobody reads is killed, and
	// the server has to outlive the program that drives it for its cleaning up.
	out := filepath.Join(o.Dir, o.Name+".out")
	for path, to := range map[string]*io.Writer{out: &s.cmd.Stdout, s.log: &s.cmd.Stderr} {
		f, err := os.Create(path)
		if err != nil {
			return nil, fmt.Errorf("cannot make a file for what the server says: %w", err)
		}
		defer f.Close()
		*to = f
	}
	// A group of its own: Ctrl-C is for the program that drives, which ends the
	// server then. No Pdeathsig: a program that is killed dies thread by thread, each
	// sends the signal, and a second one ends a server before it has cleaned up.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the server: %w", err)
	}
	s.PID = s.cmd.Process.Pid
	go func() {
		s.err = s.cmd.Wait()
		close(s.Ended)
	}()
	wait, cancel := context.WithTimeoutCause(ctx, startWithin*s.slower, fmt.Errorf("the server is not ready after %v", startWithin*s.slower))
	defer cancel()
	err = Poll(wait, 10*time.Millisecond, func() (bool, error) {
		select {
		case <-s.Ended:
			return false, errors.New("the server cannot start")
		default:
		}
		b, err := os.ReadFile(out)
		_, after, ready := strings.Cut(string(b), " is ready: ")
		u, rest, whole := strings.Cut(after, "\n")
		s.URL = u
		if o.Class != "" {
			_, after, ready = strings.Cut(rest, "or with the code ")
			s.Code, _, whole = strings.Cut(after, "\n")
		}
		return ready && whole, err
	})
	if err == nil {
		return s, nil
	}
	if wait.Err() != nil {
		err = context.Cause(wait)
	}
	return nil, errors.Join(err, s.Close())
}

// Kill ends the server as a crash does: nothing is cleaned up.
func (s *Server) Kill() {
	s.HTTP.CloseIdleConnections()
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.Ended
}

// Close ends the server and everything that it has made.
func (s *Server) Close() error {
	s.HTTP.CloseIdleConnections()
	var err error
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.Ended:
		if s.err != nil {
			err = fmt.Errorf("the server ended badly: %w: %s", s.err, s.Said())
		}
	case <-time.After(stopWithin * s.slower):
		_ = s.cmd.Process.Kill()
		<-s.Ended
		err = fmt.Errorf("the server did not end within %v: %s", stopWithin*s.slower, s.Said())
	}
	if left, e := os.ReadDir(s.Machine.Runtime); e == nil && len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("the server left %d sandboxes; they are removed", len(left)), s.sweep())
	}
	return err
}

// sweep removes what a server that was killed has left.
func (s *Server) sweep() error {
	m := &s.Machine
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
