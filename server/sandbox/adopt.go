package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/sandbox/keeper"
)

const (
	// attachWithin is how long a keeper that an earlier server left may take to
	// show its sandbox: one of its hosts may be booting.
	attachWithin = 20 * time.Second
	// attachesAtOnce bounds how many are asked at the same time.
	attachesAtOnce = 16
)

// note is what the user of a sandbox leaves with it, for the next server. It
// lies beside the keeper's socket, where nothing of the sandbox reaches.
type note struct {
	ID   string          `json:"id"`
	Note json.RawMessage `json:"note"`
}

func (s *Sandbox) notePath() string { return filepath.Join(s.manager.o.RuntimeDir, s.key, "note") }

// SetNote leaves a note, JSON, that Note of the next server's Sandbox returns. A
// sandbox without one is not taken over but removed. It needs no sync: no
// sandbox outlives the machine's memory.
func (s *Sandbox) SetNote(text []byte) error {
	b, err := json.Marshal(note{s.id, text})
	if err != nil {
		return fmt.Errorf("cannot leave a note with a sandbox: %w", err)
	}
	s.noting.Lock()
	defer s.noting.Unlock()
	if s.ending.Load() {
		return nil
	}
	path := s.notePath()
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("cannot leave a note with a sandbox: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("cannot leave a note with a sandbox: %w", err)
	}
	s.note = text
	return nil
}

// Note is what was left with the sandbox last.
func (s *Sandbox) Note() []byte {
	s.noting.Lock()
	defer s.noting.Unlock()
	return s.note
}

// forgetNote says that the sandbox is at its end, also to a server that comes
// before it has come.
func (s *Sandbox) forgetNote() {
	s.noting.Lock()
	defer s.noting.Unlock()
	_ = os.Remove(s.notePath()) // there may be none
}

// Left is a shell that runs, or has ended, since an earlier server.
type Left struct {
	Shell
	Host   string
	Exited bool
	Code   int
}

// Adopted returns the sandboxes that an earlier server has left and that live
// on. The caller destroys those that nobody wants.
func (m *Manager) Adopted() []*Sandbox { return m.adopted }

// Shells returns the shells that an earlier server has left, once; the caller
// owns their files.
func (s *Sandbox) Shells() []Left {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.left
	s.left = nil
	return left
}

// Down says which hosts were off when the sandbox was taken over.
func (s *Sandbox) Down() []string { return s.down }

// adopt takes over what an earlier server left, as far as somebody has a use
// for it and its keeper answers; the rest is handed to the reaper.
func (m *Manager) adopt(ctx context.Context) error {
	paths, err := filepath.Glob(filepath.Join(m.o.StateDir, "sandboxes", "*.json*"))
	if err != nil {
		return err
	}
	var errs []error
	var wait sync.WaitGroup
	var mu sync.Mutex
	known := map[string]bool{}
	places := make(chan struct{}, attachesAtOnce)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var r record
		if err := json.Unmarshal(b, &r); err != nil || !validID(r.ID) || strings.HasSuffix(path, ".new") {
			// Cut short: either nothing existed yet, or the whole one lies beside it.
			errs = append(errs, os.Remove(path))
			continue
		}
		known[r.ID] = true
		m.ids.take(r.Base)
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			s, err := m.takeOver(ctx, r)
			switch {
			case err == nil:
				mu.Lock()
				m.sandboxes[s.id], s.started = s, true
				m.adopted = append(m.adopted, s)
				mu.Unlock()
				return
			case errors.Is(err, errUnused):
				m.o.Log.Info("removing a sandbox that an earlier server left", "sandbox", r.ID)
			default:
				m.o.Log.Warn("cannot take over a sandbox; it is removed", "sandbox", r.ID, "error", err)
			}
			s.Destroy()
		})
	}
	wait.Wait()
	for _, r := range m.strays(known) {
		m.o.Log.Warn("removing a sandbox of which no server has a record", "sandbox", r.ID)
		m.ids.take(r.Base)
		s, _ := m.takeOver(ctx, r) // without a process there is nothing to take over
		s.Destroy()
	}
	return errors.Join(errs...)
}

// strays are sandboxes without a record: somebody has removed the folder of the
// state before this server came. Their control groups tell, each of which belongs
// to its sandbox's first id, and their folders. Without control groups nothing
// tells which processes are whose.
func (m *Manager) strays(known map[string]bool) (strays []record) {
	see := func(id string, base uint32) {
		if validID(id) && !known[id] {
			known[id] = true
			strays = append(strays, record{ID: id, Base: base, Parent: m.o.CgroupParent})
		}
	}
	if m.uncontrolled {
		return nil
	}
	for _, top := range cgroupTops() {
		groups, _ := filepath.Glob(filepath.Join(top, m.o.CgroupParent, "*", "cgroup.procs"))
		for _, procs := range groups {
			var st unix.Stat_t
			if unix.Stat(procs, &st) == nil {
				see(filepath.Base(filepath.Dir(procs)), st.Uid)
			}
		}
	}
	sockets, _ := filepath.Glob(filepath.Join(m.o.RuntimeDir, "*", keeper.SocketName))
	for _, path := range sockets {
		see(filepath.Base(filepath.Dir(path)), 0)
	}
	return strays
}

var errUnused = errors.New("nobody has used the sandbox")

// takeOver gives the sandbox of a record, which can be destroyed whatever the
// error is.
func (m *Manager) takeOver(ctx context.Context, r record) (*Sandbox, error) {
	s := m.newSandbox()
	s.key, s.id = r.ID, r.ID
	s.onEnd("ids", func() error { m.ids.put(r.Base); return nil })
	s.onEnd("record", func() error { return m.removeRecord(r.ID) })
	dir := filepath.Join(m.o.RuntimeDir, r.ID)
	s.onEnd("directory", func() error { return os.RemoveAll(dir) })
	if r.Parent != m.o.CgroupParent { // the earlier server had other settings
		s.onEnd("cgroup's parent", func() error { removeCgroupParent(r.Parent); return nil })
	}
	var n note
	b, err := os.ReadFile(filepath.Join(dir, "note"))
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	pidfd := -1
	if r.PID > 1 && r.Started != "" {
		if fd, err := unix.PidfdOpen(r.PID, 0); err == nil {
			if startedAt(r.PID) == r.Started { // after the open: the pidfd is of this process
				pidfd = fd
			} else {
				unix.Close(fd)
			}
		}
	}
	g, cgroupErr := m.newCgroup(r.Parent, r.ID, r.Base)
	if cgroupErr != nil {
		s.onEnd("keeper", func() error {
			if pidfd >= 0 {
				defer unix.Close(pidfd)
				return unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
			}
			return nil
		})
		return s, cgroupErr
	}
	s.cgroup = g
	s.onEnd("cgroup", g.destroy)
	s.onEnd("stray processes", g.killAll)
	if pidfd < 0 {
		return s, errUnused // its keeper is gone, or never was
	}
	s.ownKeeper(pidfd)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s, errUnused
	case err != nil:
		return s, fmt.Errorf("cannot read the note that was left with it: %w", err)
	case !validID(n.ID):
		return s, errors.New("cannot read the note that was left with it")
	case r.Protocol < keeper.Oldest || r.Protocol > keeper.Version:
		return s, fmt.Errorf("cannot talk to a keeper of protocol %d; this server speaks %d to %d", r.Protocol, keeper.Oldest, keeper.Version)
	}
	s.id, s.note = n.ID, n.Note
	if s.outer, err = outerOf(r.PID); err != nil {
		return s, err
	}
	if err := g.thaw(); err != nil { // the governor may have stopped it
		return s, err
	}
	s.onEnd("name", func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.sandboxes[s.id] == s {
			delete(m.sandboxes, s.id)
		}
		return nil
	})
	return s, withLog(s.attach(ctx, dir), dir)
}

// outerOf opens the outer user namespace of a keeper, the parent of its own.
func outerOf(pid int) (*os.File, error) {
	inner, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", pid))
	if err != nil {
		return nil, fmt.Errorf("cannot open the keeper's user namespace: %w", err)
	}
	defer inner.Close()
	fd, err := unix.IoctlRetInt(int(inner.Fd()), nsGetParent)
	if err != nil {
		return nil, fmt.Errorf("cannot find the keeper's outer user namespace: %w", err)
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "outer user namespace"), nil
}

// attach connects to the keeper of another server's sandbox and has it tell all.
func (s *Sandbox) attach(ctx context.Context, dir string) error {
	if err := s.connect(dir); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, attachWithin)
	defer cancel()
	reply, fds, err := s.rpc.call(limit, keeper.Message{Kind: keeper.KindAttach})
	closeFDs(fds)
	if err != nil {
		return err
	}
	if reply.Code < keeper.Oldest || reply.Code > keeper.Version {
		return fmt.Errorf("cannot talk to a keeper of protocol %d; this server speaks %d to %d", reply.Code, keeper.Oldest, keeper.Version)
	}
	return s.complete()
}

// mostShells bounds the shells that a keeper may show.
const mostShells = 256

// addShell takes a shell that a keeper shows.
func (s *Sandbox) addShell(m keeper.Message, fds []int) {
	shell, err := newShell(m.ID, m.Host, fds)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || len(s.left) >= mostShells {
		s.manager.o.Log.Warn("cannot take over a terminal", "sandbox", s.id, "host", m.Host, "error", err)
		for _, f := range shell.Kept {
			f.Close()
		}
		if shell.Master != nil {
			shell.Master.Close()
		}
		return
	}
	s.left = append(s.left, Left{Shell: shell, Host: m.Host, Exited: m.Line == "exited", Code: int(m.Code)})
}

// Leave lets go of all sandboxes, which live on for the next server, and stops
// everything else. Sandboxes that were being made or ended are removed by that.
func (m *Manager) Leave(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	var all []*Sandbox
	for _, s := range m.sandboxes {
		if s != nil {
			all = append(all, s)
		}
	}
	m.mu.Unlock()
	all = append(all, m.stock.leave()...)
	m.warden.close()
	m.governor.close()
	err := m.reaper.leave(ctx)
	for _, s := range all {
		s.leave()
	}
	m.spawner.close()
	m.closeFiles()
	return err
}

// leave lets go of a sandbox that lives on.
func (s *Sandbox) leave() {
	if !s.ending.CompareAndSwap(false, true) {
		return // its end goes on, or the next server does it
	}
	s.rpc.conn.Close()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, nodes := range []map[string]Node{s.nodes, s.retired} {
		for _, n := range nodes {
			n.NetNS.Close()
			if n.Root != nil {
				n.Root.Close()
			}
		}
	}
	s.outer.Close()
	unix.Close(s.pidfd)
	s.undo = nil
}
