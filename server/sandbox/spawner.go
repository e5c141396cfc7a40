package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/sandbox/keeper"
)

var errSpawnerGone = errors.New("the process that makes sandboxes ended; it is started again")

// spawner is the server's side of the process that clones sandboxes. A dead one
// is replaced by the next request.
type spawner struct {
	program, runtime, rootfs *os.File
	log                      *slog.Logger

	mu      sync.Mutex
	current *spawnerProcess
	closed  bool
}

// spawnerProcess is one run of it.
type spawnerProcess struct {
	cmd  *exec.Cmd
	rpc  *rpc
	dead chan struct{}
}

// openProgram copies the keeper's program to a sealed memory file that only the
// machine's root can read. A process that runs an unreadable program is out of
// reach of ptrace and /proc for everybody without rights over its file
// (ptrace(2), would_dump() in the kernel's exec.c), hence for learners, even in
// the moments between its forks and their execs.
func openProgram(path string) (*os.File, error) {
	from, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the keeper program: %w", err)
	}
	defer from.Close()
	fd, err := unix.MemfdCreate("keeper", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("keeper", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make a memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), "keeper")
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Chmod(0o511)
	}
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot copy the keeper program: %w", err)
	}
	return f, nil
}

func (s *spawner) process() (*spawnerProcess, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("the sandboxes' manager is closed")
	}
	if s.current != nil {
		select {
		case <-s.current.dead:
			s.log.Warn("the spawner ended; starting another")
		default:
			return s.current, nil
		}
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "spawner")
	defer theirs.Close()
	conn, err := keeper.NewConn(fds[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/fd/6", "spawn") // 6: the last of ExtraFiles
	cmd.Args[0] = "keeper"
	cmd.ExtraFiles = []*os.File{theirs, s.runtime, s.rootfs, s.program}
	cmd.Env = []string{}
	cmd.Stderr = os.Stderr
	// In a group of its own, so that Ctrl-C of the server is not one of sandboxes.
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("cannot start the spawner: %w", err)
	}
	p := &spawnerProcess{cmd: cmd, rpc: newRPC(conn), dead: make(chan struct{})}
	go p.rpc.read(func(m keeper.Message, fds []int) { closeFDs(fds) })
	go func() {
		_ = cmd.Wait()
		conn.Close()
		close(p.dead)
	}()
	s.current = p
	return p, nil
}

// call asks the spawner; the caller owns the files of the answer.
func (s *spawner) call(ctx context.Context, m keeper.Message, fds ...int) (keeper.Message, []int, error) {
	p, err := s.process()
	if err != nil {
		return m, nil, err
	}
	reply, files, err := p.rpc.call(ctx, m, fds...)
	if errors.Is(err, errConnGone) {
		err = errSpawnerGone
	}
	return reply, files, err
}

func (s *spawner) close() {
	s.mu.Lock()
	p := s.current
	s.closed, s.current = true, nil
	s.mu.Unlock()
	if p == nil {
		return
	}
	p.rpc.conn.Close() // its end of file is the spawner's order to end
	select {
	case <-p.dead:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.dead
	}
}

var errConnGone = errors.New("the connection to the keeper has ended")

// rpc matches answers to requests on a connection.
type rpc struct {
	conn *keeper.Conn

	mu      sync.Mutex
	seq     uint32
	waiting map[uint32]chan answer
	ended   bool
}

type answer struct {
	m   keeper.Message
	fds []int
	err error
}

func newRPC(c *keeper.Conn) *rpc { return &rpc{conn: c, waiting: map[uint32]chan answer{}} }

// read delivers answers, and everything else to other, until the end.
func (r *rpc) read(other func(keeper.Message, []int)) {
	for {
		m, fds, err := r.conn.Receive()
		if err != nil {
			break
		}
		if m.Kind != keeper.KindReply {
			other(m, fds)
			continue
		}
		r.mu.Lock()
		ch := r.waiting[m.Seq]
		delete(r.waiting, m.Seq)
		r.mu.Unlock()
		if ch == nil {
			closeFDs(fds)
			continue
		}
		a := answer{m: m, fds: fds}
		if m.Error != "" {
			a.err = errors.New(m.Error)
		}
		ch <- a
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for seq, ch := range r.waiting {
		ch <- answer{err: errConnGone}
		delete(r.waiting, seq)
	}
}

func (r *rpc) call(ctx context.Context, m keeper.Message, fds ...int) (keeper.Message, []int, error) {
	ch := make(chan answer, 1)
	r.mu.Lock()
	if r.ended {
		r.mu.Unlock()
		return m, nil, errConnGone
	}
	r.seq++
	m.Seq = r.seq
	r.waiting[m.Seq] = ch
	r.mu.Unlock()
	if err := r.conn.Send(m, fds...); err != nil {
		r.mu.Lock()
		delete(r.waiting, m.Seq)
		r.mu.Unlock()
		return m, nil, fmt.Errorf("%w (%w)", errConnGone, err)
	}
	select {
	case a := <-ch:
		if a.err != nil {
			closeFDs(a.fds)
			return a.m, nil, a.err
		}
		return a.m, a.fds, nil
	case <-ctx.Done():
		r.mu.Lock()
		_, still := r.waiting[m.Seq]
		delete(r.waiting, m.Seq)
		r.mu.Unlock()
		if !still { // it came in this moment
			closeFDs((<-ch).fds)
		}
		return m, nil, ctx.Err()
	}
}

func closeFDs(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
