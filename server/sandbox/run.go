package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/sandbox/keeper"
)

// Shell is an interactive shell on a host.
type Shell struct {
	ID uint32
	// Master of its pseudo terminal: non-blocking, on the runtime's poller. The
	// caller owns it; the shell is hung up by CloseTerminal.
	Master *os.File
	// Kept are the files that OpenTerminal was given, in the hands of the next server.
	Kept []*os.File
}

// OpenTerminal starts a shell on a host. The keeper holds its master, and copies
// of the kept files, until CloseTerminal, so that they outlive this server.
func (s *Sandbox) OpenTerminal(ctx context.Context, host string, cols, rows uint16, kept ...*os.File) (Shell, error) {
	if cols == 0 || rows == 0 || cols > 1000 || rows > 500 {
		return Shell{}, fmt.Errorf("cannot open a terminal of %d × %d: it must have 1 to 1000 columns and 1 to 500 rows", cols, rows)
	}
	var with []int
	for _, f := range kept {
		with = append(with, int(f.Fd()))
	}
	if err := ctx.Err(); err != nil {
		return Shell{}, err
	}
	// Not ctx: a shell without anybody who knows its number could not be closed.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	reply, fds, err := s.rpc.call(asking, keeper.Message{Kind: keeper.KindOpen, Host: host, Cols: cols, Rows: rows}, with...)
	if err != nil {
		return Shell{}, fmt.Errorf("cannot open a terminal on %s: %w", host, err)
	}
	shell, err := newShell(reply.ID, host, fds)
	if err == nil && len(shell.Kept) > 0 {
		err = errors.New("the keeper sent the wrong files")
		closeFDs(fds)
	}
	if err != nil {
		s.CloseTerminal(reply.ID)
		return Shell{}, fmt.Errorf("cannot open a terminal on %s: %w", host, err)
	}
	return shell, nil
}

// newShell takes over the files of a shell, the master first, or closes them.
func newShell(id uint32, host string, fds []int) (Shell, error) {
	err := errors.New("the keeper sent the wrong files")
	if len(fds) > 0 {
		if err = verifyMaster(fds[0]); err == nil {
			err = unix.SetNonblock(fds[0], true)
		}
	}
	if err != nil {
		closeFDs(fds)
		return Shell{}, err
	}
	shell := Shell{ID: id, Master: os.NewFile(uintptr(fds[0]), "terminal on "+host)}
	for _, fd := range fds[1:] {
		shell.Kept = append(shell.Kept, os.NewFile(uintptr(fd), "kept of a terminal on "+host))
	}
	return shell, nil
}

// CloseTerminal has the keeper let go of a shell, which hangs it up once the
// master is closed here, too. It waits for no answer.
func (s *Sandbox) CloseTerminal(shell uint32) {
	_ = s.rpc.conn.Send(keeper.Message{Kind: keeper.KindClose, ID: shell}) // a keeper that is gone holds nothing
}

// Kill ends a shell and its process group at once.
func (s *Sandbox) Kill(ctx context.Context, shell uint32) error {
	_, fds, err := s.rpc.call(ctx, keeper.Message{Kind: keeper.KindKill, ID: shell})
	closeFDs(fds)
	return err
}

// Reboot reboots a host, or starts a halted one, and returns when it is up. An
// event brings its new Node.
func (s *Sandbox) Reboot(ctx context.Context, host string) error {
	_, fds, err := s.rpc.call(ctx, keeper.Message{Kind: keeper.KindReboot, Host: host})
	closeFDs(fds)
	return err
}

// Output of a Run: MaxOutput bytes of each at most, the rest is dropped.
type Output struct {
	Stdout, Stderr []byte
	Exit           int // 128 + signal if one ended it
	Truncated      bool
}

// MaxOutput bounds each output of a Run.
const MaxOutput = 1 << 20

// Run runs `bash -c line` as root of a host, without a terminal, with in as its
// input if that is not nil. A done context kills it. What it leaves running in
// the background is not waited for.
func (s *Sandbox) Run(ctx context.Context, host, line string, in io.Reader) (Output, error) {
	m := keeper.Message{Kind: keeper.KindRun, Host: host, Line: line}
	want := 2
	if in != nil {
		m.Code, want = 1, 3
	}
	if err := ctx.Err(); err != nil {
		return Output{}, err
	}
	// Not ctx: a run without anybody who knows its number could not be killed.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	reply, fds, err := s.rpc.call(asking, m)
	if err != nil {
		return Output{}, fmt.Errorf("cannot run a command on %s: %w", host, err)
	}
	exit := s.await(reply.ID)
	err = errors.New("the keeper sent the wrong files")
	if len(fds) == want {
		err = nil
		for _, fd := range fds {
			err = errors.Join(err, verifyPipe(fd), unix.SetNonblock(fd, true))
		}
	}
	if err != nil {
		closeFDs(fds)
		return Output{}, fmt.Errorf("cannot run a command on %s: %w", host, err)
	}
	var files [3]*os.File
	for i, fd := range fds {
		files[i] = os.NewFile(uintptr(fd), "pipe")
		defer files[i].Close()
	}
	if in != nil {
		go func() {
			_, _ = io.Copy(files[2], in)
			files[2].Close()
		}()
	}
	var out [2]capped
	var readers sync.WaitGroup
	for i := range out {
		readers.Go(func() { _, _ = io.Copy(&out[i], files[i]) })
	}
	code, ok := 0, false
	select {
	case code, ok = <-exit:
	case <-ctx.Done():
		kill, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = s.Kill(kill, reply.ID)
		select {
		case code, ok = <-exit:
		case <-kill.Done():
		}
		err = ctx.Err()
	}
	if err == nil && !ok {
		err = errConnGone
	}
	// All that it wrote is in the pipes by now, but something in the background
	// may hold them open: read until they are empty, not until their end.
	for i := range out {
		_ = files[i].SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	}
	readers.Wait()
	result := Output{Stdout: out[0].buf.Bytes(), Stderr: out[1].buf.Bytes(), Exit: code, Truncated: out[0].over || out[1].over}
	if err != nil {
		return result, fmt.Errorf("cannot finish a command on %s: %w", host, err)
	}
	return result, nil
}

// capped keeps the first MaxOutput bytes.
type capped struct {
	buf  bytes.Buffer
	over bool
}

func (l *capped) Write(b []byte) (int, error) {
	room := MaxOutput - l.buf.Len()
	l.buf.Write(b[:min(len(b), room)])
	l.over = l.over || len(b) > room
	return len(b), nil
}

// await gives the exit code of a run, which may have come before its number.
func (s *Sandbox) await(id uint32) <-chan int {
	ch := make(chan int, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	code, early := s.exits[id]
	switch {
	case early:
		delete(s.exits, id)
		ch <- code
	case s.ended:
		close(ch)
	default:
		s.runs[id] = ch
	}
	return ch
}

// exited is await's other side.
func (s *Sandbox) exited(id uint32, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.runs[id]; ch != nil {
		ch <- code
		delete(s.runs, id)
	} else if len(s.exits) < maxQueue {
		s.exits[id] = code
	}
}
