// Package sandbox makes, reboots hosts of, and ends sandboxes: isolated
// networks of Linux hosts, each with a range of ids, a control group, a tree
// of namespaces and a keeper process of its own.
//
// The server trusts nothing that a keeper says. It verifies the files that it
// gets from one, and reads no path inside a sandbox.
package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/sandbox/keeper"
)

// Options of a Manager.
type Options struct {
	Rootfs string // the hosts' root file system, owned by root
	Keeper string // the keeper program
	// StateDir remembers sandboxes over a crash of the server, RuntimeDir holds
	// their sockets. No two servers may share them, nor the CgroupParent.
	StateDir, RuntimeDir string
	// IDBase and IDCount are the user and group ids to use; 65,536 a sandbox.
	IDBase, IDCount uint32
	// CgroupParent is the cgroup below which sandboxes get theirs ("/netground").
	CgroupParent string
	// Rootless says that the server is no root of the machine: it goes on without
	// control groups where it may not make them.
	Rootless bool
	// Prepared is how many sandboxes stand prepared without a network, which
	// halves the time of a start; 2, negative: none.
	Prepared int
	Limits   Limits
	// ReserveBytes of the machine's memory are kept free, by ending the sandbox
	// that works the most when less is available. 0: a sixteenth of it.
	ReserveBytes int64
	Log          *slog.Logger
}

// Limits of one sandbox, for all of its hosts together.
type Limits struct {
	MemoryBytes int64
	Pids        int64
	CPUPercent  int // of one processor
	DiskBytes   int64
	Inodes      int64
	// NetNamespaces is how many network namespaces learners may make.
	NetNamespaces int
}

func (o *Options) setDefaults() {
	set := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.Limits.MemoryBytes, 512<<20)
	set(&o.Limits.Pids, 512)
	set(&o.Limits.DiskBytes, o.Limits.MemoryBytes/4)
	set(&o.Limits.Inodes, 20_000)
	if o.Limits.CPUPercent == 0 {
		o.Limits.CPUPercent = 100
	}
	if o.Limits.NetNamespaces == 0 {
		o.Limits.NetNamespaces = 64
	}
	if o.IDBase == 0 {
		o.IDBase, o.IDCount = 1<<30, 1<<30
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = defaultReserve()
	}
	if o.Prepared == 0 {
		o.Prepared = 2
	}
	if o.CgroupParent == "" {
		o.CgroupParent = "/netground"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Manager makes sandboxes and removes them.
type Manager struct {
	o        Options
	filter   []byte
	ids      *ids
	cgroups  sync.Mutex // the library finds out once, unguarded, what the kernel has
	spawner  *spawner
	starts   *semaphore.Weighted
	reaper   *reaper
	stock    *stock
	warden   *warden
	governor *governor
	locks    []*os.File
	// uncontrolled says that sandboxes have no control groups.
	uncontrolled bool

	mu        sync.Mutex
	sandboxes map[string]*Sandbox
	adopted   []*Sandbox
	closed    bool
}

// Open prepares the making of sandboxes. What an earlier server left and is in
// use lives on, see Adopted; the rest is removed, behind what comes next.
func Open(ctx context.Context, o Options) (_ *Manager, err error) {
	o.setDefaults()
	if o.IDCount < idRange || o.IDBase < idRange || uint64(o.IDBase)+uint64(o.IDCount) > 1<<32-1 {
		return nil, fmt.Errorf("cannot use the ids %d to %d: they hold no range of %d above the machine's own", o.IDBase, uint64(o.IDBase)+uint64(o.IDCount), idRange)
	}
	for _, d := range []string{filepath.Join(o.StateDir, "sandboxes"), o.RuntimeDir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("cannot make a directory for sandboxes: %w", err)
		}
	}
	m := &Manager{
		o: o, ids: newIDs(o.IDBase, o.IDCount), sandboxes: map[string]*Sandbox{},
		// At most as parallel as there are processors: more only wait for the kernel's locks.
		starts: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
	}
	var undo []func()
	defer func() {
		for i := len(undo) - 1; err != nil && i >= 0; i-- {
			undo[i]()
		}
	}()
	undo = append(undo, m.unlock)
	if err := m.lock(filepath.Join(o.StateDir, "lock"), os.O_CREATE|os.O_RDWR, o.StateDir); err != nil {
		return nil, err
	}
	if err := m.lock(o.RuntimeDir, os.O_RDONLY, o.RuntimeDir); err != nil {
		return nil, err
	}
	if m.filter, err = compileFilter(); err != nil {
		return nil, err
	}
	s := &spawner{log: o.Log}
	undo = append(undo, func() {
		for _, f := range []*os.File{s.program, s.runtime, s.rootfs} {
			if f != nil {
				f.Close()
			}
		}
	})
	if s.program, err = openProgram(o.Keeper); err != nil {
		return nil, err
	}
	if s.runtime, err = os.Open(o.RuntimeDir); err != nil {
		return nil, fmt.Errorf("cannot open the runtime directory: %w", err)
	}
	if s.rootfs, err = os.Open(o.Rootfs); err != nil {
		return nil, fmt.Errorf("cannot open the hosts' root file system: %w", err)
	}
	if err := m.tryCgroups(); err != nil {
		return nil, err
	}
	if dir := m.cgroupParent(); dir != "" {
		if err := m.lock(dir, os.O_RDONLY, "the control group "+o.CgroupParent); err != nil {
			return nil, err
		}
	}
	m.spawner = s
	if _, err := s.process(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		m.spawner.close()
		return nil, err
	}
	if m.governor, err = newGovernor(m); err != nil {
		m.spawner.close()
		return nil, err
	}
	tuneMachine(o.Log)
	m.reaper = newReaper(o.Log)
	if err := m.adopt(ctx); err != nil {
		o.Log.Error("cannot look at all that an earlier server left", "error", err)
	}
	m.warden = newWarden(m)
	m.stock = newStock(m)
	return m, nil
}

// lock keeps something for this server alone, until the file is closed: the next
// one removes what it finds there.
func (m *Manager) lock(path string, flags int, what string) error {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return fmt.Errorf("cannot lock %s: %w", what, err)
	}
	m.locks = append(m.locks, f)
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("cannot use %s: another server does; each needs --state, --runtime, --cgroup and --id-base of its own (%w)", what, err)
	}
	return nil
}

func (m *Manager) unlock() {
	for _, f := range m.locks {
		f.Close()
	}
}

// validID accepts names that are harmless as file and cgroup names.
func validID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || i > 0 && (c == '-' || c == '_')) {
			return false
		}
	}
	return true
}

// Create makes a sandbox. The id names it for ever; it is of letters, digits,
// hyphens and underscores. On an error nothing is left.
func (m *Manager) Create(ctx context.Context, id string, spec keeper.Spec) (*Sandbox, error) {
	if !validID(id) {
		return nil, fmt.Errorf("cannot make a sandbox named %q", id)
	}
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	m.reaper.starting(1)
	defer m.reaper.starting(-1)
	if err := m.starts.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer m.starts.Release(1)

	if err := m.reserve(id); err != nil {
		return nil, err
	}
	s, err := m.create(ctx, id, &spec)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && m.closed {
		s.Destroy()
		err = errClosed
	}
	if err != nil {
		delete(m.sandboxes, id)
		return nil, err
	}
	m.sandboxes[id], s.started = s, true
	return s, nil
}

var errClosed = errors.New("cannot make a sandbox: the manager is closed")

// reserve takes a name, if it is free.
func (m *Manager) reserve(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	if _, taken := m.sandboxes[id]; taken {
		return fmt.Errorf("cannot make the sandbox %s: it exists", id)
	}
	m.sandboxes[id] = nil
	return nil
}

// create builds the network in a sandbox that stands prepared, or in a new one.
func (m *Manager) create(ctx context.Context, id string, spec *keeper.Spec) (*Sandbox, error) {
	nodes := len(spec.Hosts) + len(spec.Switches)
	var s *Sandbox
	if nodes <= preparedNodes {
		s = m.stock.take()
		nodes = preparedNodes
	}
	if s == nil {
		s = m.newSandbox()
		if err := s.prepare(ctx, nodes, 0); err != nil {
			s.Destroy()
			return nil, err
		}
	}
	s.id = id
	s.onEnd("name", func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.sandboxes, id)
		return nil
	})
	if err := s.build(ctx, spec); err != nil {
		s.Destroy()
		return nil, err
	}
	return s, nil
}

func (m *Manager) newSandbox() *Sandbox {
	s := &Sandbox{
		key: strings.ToLower(rand.Text()[:16]), manager: m, done: make(chan struct{}), events: make(chan Event, 64),
		nodes: map[string]Node{}, retired: map[string]Node{}, runs: map[uint32]chan int{}, exits: map[uint32]int{},
	}
	s.queued = sync.NewCond(&s.mu)
	return s
}

// Drain waits until the sandboxes that were destroyed so far are gone, and as
// many stand prepared as shall.
func (m *Manager) Drain(ctx context.Context) error {
	return errors.Join(m.reaper.drain(ctx), m.stock.await(ctx))
}

// Close destroys all sandboxes, waits for their end and stops the spawner.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	var all []*Sandbox
	for _, s := range m.sandboxes {
		if s != nil {
			all = append(all, s)
		}
	}
	m.mu.Unlock()
	m.stock.close()
	for _, s := range all {
		s.Destroy()
	}
	m.warden.close()
	m.governor.close()
	err := m.reaper.close(ctx)
	m.spawner.close()
	removeCgroupParent(m.o.CgroupParent)
	m.closeFiles()
	return err
}

func (m *Manager) closeFiles() {
	for _, f := range []*os.File{m.spawner.program, m.spawner.runtime, m.spawner.rootfs} {
		f.Close()
	}
	m.unlock()
}

// reaper ends sandboxes one at a time: taking down network devices holds a
// lock of the kernel that every start needs, so ends come behind starts.
type reaper struct {
	log  *slog.Logger
	mu   sync.Mutex
	cond *sync.Cond
	// queue are the sandboxes to end; busy says that one is ending.
	queue  []*Sandbox
	busy   bool
	starts int
	ever   uint64 // how many starts there have been
	closed bool
	ended  chan struct{}
}

// patience is how long the reaper lets starts go first.
const patience = time.Second

func newReaper(log *slog.Logger) *reaper {
	r := &reaper{log: log, ended: make(chan struct{})}
	r.cond = sync.NewCond(&r.mu)
	go r.loop()
	return r
}

func (r *reaper) starting(n int) {
	r.mu.Lock()
	r.starts += n
	r.ever += uint64(max(0, n))
	r.mu.Unlock()
	r.cond.Broadcast()
}

// awaitStarts waits until nothing starts, and returns how many starts there
// have been.
func (r *reaper) awaitStarts() (ever uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.starts > 0 && !r.closed {
		r.cond.Wait()
	}
	return r.ever
}

func (r *reaper) add(s *Sandbox) {
	r.mu.Lock()
	r.queue = append(r.queue, s)
	r.mu.Unlock()
	r.cond.Broadcast()
}

func (r *reaper) loop() {
	defer close(r.ended)
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		for len(r.queue) == 0 && !r.closed {
			r.cond.Wait()
		}
		if len(r.queue) == 0 {
			return
		}
		impatient := false
		timer := time.AfterFunc(patience, func() {
			r.mu.Lock()
			impatient = true
			r.mu.Unlock()
			r.cond.Broadcast()
		})
		for r.starts > 0 && !impatient && !r.closed {
			r.cond.Wait()
		}
		timer.Stop()
		s := r.queue[0]
		r.queue = r.queue[1:]
		r.busy = true
		r.mu.Unlock()
		s.end()
		r.mu.Lock()
		r.busy = false
		r.cond.Broadcast()
	}
}

func (r *reaper) drain(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		r.mu.Lock() // so that it comes while the loop below waits, not just before
		defer r.mu.Unlock()
		r.cond.Broadcast()
	})
	defer stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 || r.busy {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cannot wait for the end of all sandboxes: %w", err)
		}
		r.cond.Wait()
	}
	return nil
}

func (r *reaper) close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cond.Broadcast()
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the end of all sandboxes: %w", ctx.Err())
	}
}

// leave stops after the end that goes on; the next server does the rest.
func (r *reaper) leave(ctx context.Context) error {
	r.mu.Lock()
	r.queue = nil
	r.mu.Unlock()
	return r.close(ctx)
}
