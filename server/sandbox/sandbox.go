package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/sandbox/keeper"
)

// Node is a host or a switch of a sandbox, as it is since its last boot. The
// files belong to the Sandbox: they stay open until the host's next reboot but
// one, or Destroy; who needs them longer, or at all after Destroy, duplicates
// them. An open NetNS keeps the devices of a destroyed sandbox alive.
type Node struct {
	Name  string
	Kind  string   // "host" or "switch"
	NetNS *os.File // the network namespace
	Root  *os.File // O_PATH of the host's root directory; nil for a switch
}

// Event tells what happened in a sandbox by itself.
type Event struct {
	Kind  string // "exit", "reboot", "halt", "slowed" or "gone"
	Shell uint32 // exit: which shell ended
	Code  int    // exit: its code; 128 + signal
	Host  string // exit, reboot, halt
	Node  Node   // reboot: the host's new files
	// Pause is how long all processes stop, as they keep others from the
	// kernel's lock of network devices: slowed.
	Pause time.Duration
}

// Sandbox is a running network.
type Sandbox struct {
	// key names its directory, cgroup and record; id is the name that Create
	// was given, when it was.
	key, id string
	manager *Manager
	cgroup  *cgroup
	outer   *os.File // its outer user namespace
	rpc     *rpc
	done    chan struct{}
	events  chan Event
	timings []keeper.Timing

	mu      sync.Mutex
	queued  *sync.Cond
	queue   []Event
	whole   bool // all nodes were shown
	order   []string
	nodes   map[string]Node
	retired map[string]Node
	runs    map[uint32]chan int // waiting for the exit of a Run
	exits   map[uint32]int      // of Runs that ended before somebody waited
	ended   bool
	undo    []undo
	ending  atomic.Bool
	started bool // guarded by the Manager's mu: Create has returned it
	pidfd   int  // of the keeper

	noting sync.Mutex // guards note, and the file of it
	note   []byte
	left   []Left   // guarded by mu: shells of an earlier server
	down   []string // guarded by mu until attached: hosts that were off

	freezing sync.Mutex // guards killed, and the freezer
	killed   bool       // nothing is frozen any more
}

type undo struct {
	what string
	f    func() error
}

// onEnd adds an undoing of what start has just done; end does all of them, the
// last one first, so that a start that fails anywhere leaves nothing.
func (s *Sandbox) onEnd(what string, f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undo = append(s.undo, undo{what, f})
}

func (s *Sandbox) mark(phase string, since time.Time) {
	s.timings = append(s.timings, keeper.Timing{Phase: phase, At: time.Since(since)})
}

// prepare does what does not depend on the network: ids, cgroup, keeper, its
// tree, and so many bare hosts. It leaves room for a network of so many nodes.
func (s *Sandbox) prepare(ctx context.Context, nodes, bare int) error {
	m, began := s.manager, time.Now()
	base, err := m.ids.get()
	if err != nil {
		return err
	}
	s.onEnd("ids", func() error { m.ids.put(base); return nil })
	rec := record{ID: s.key, Base: base, Parent: m.o.CgroupParent, Protocol: keeper.Version}
	s.onEnd("record", func() error { return m.removeRecord(s.key) })
	if err := m.writeRecord(rec); err != nil {
		return err
	}
	dir := filepath.Join(m.o.RuntimeDir, s.key)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the sandbox's directory: %w", err)
	}
	s.onEnd("directory", func() error { return os.RemoveAll(dir) })
	s.mark("record", began)
	if s.cgroup, err = m.newCgroup(m.o.CgroupParent, s.key, base); err != nil {
		return err
	}
	s.onEnd("cgroup", s.cgroup.destroy)
	s.mark("cgroup", began)
	pid, err := s.spawn(ctx, nodes, bare, base)
	if err != nil {
		return withLog(err, dir)
	}
	s.mark("spawn", began)
	rec.PID, rec.Started = pid, startedAt(pid)
	if err := m.writeRecord(rec); err != nil {
		return err
	}
	if err := s.connect(dir); err != nil {
		return withLog(err, dir)
	}
	s.mark("connect", began)
	if bare == 0 {
		return nil
	}
	_, fds, err := s.rpc.call(ctx, keeper.Message{Kind: keeper.KindBare})
	closeFDs(fds)
	if err != nil {
		return withLog(err, dir)
	}
	s.mark("bare hosts", began)
	return nil
}

// withLog adds what a keeper wrote before its end to an error that says little.
func withLog(err error, dir string) error {
	if !errors.Is(err, errConnGone) && !errors.Is(err, unix.ECONNREFUSED) {
		return err
	}
	b, _ := os.ReadFile(filepath.Join(dir, "log"))
	if text := strings.TrimSpace(string(b[:min(len(b), 4096)])); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// spawn has the keeper cloned; its pid is the machine's.
func (s *Sandbox) spawn(ctx context.Context, nodes, bare int, base uint32) (pid int, err error) {
	m := s.manager
	keys, err := newKeys()
	if err != nil {
		return 0, err
	}
	dirs, keeperTasks, hostTasks, mounts, err := s.cgroup.files()
	files := append(append(append([]*os.File{}, dirs...), keeperTasks...), hostTasks...)
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if err != nil {
		return 0, err
	}
	processes := int64(0)
	if m.uncontrolled {
		processes = m.o.Limits.Pids
	}
	start := keeper.Start{
		Processes: processes,
		ID:        s.key, Base: base, Filter: m.filter, Ucounts: ucounts(m.o.Limits, nodes),
		DiskBytes: m.o.Limits.DiskBytes, Inodes: m.o.Limits.Inodes, Keys: keys,
		Bare: bare, CgroupDirs: len(dirs), KeeperTasks: len(keeperTasks), HostTasks: len(hostTasks), CgroupMounts: mounts,
	}
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	// Not ctx: an answer that nobody takes would be a keeper that nobody ends.
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	reply, got, err := m.spawner.call(limit, keeper.Message{Kind: keeper.KindStart, Line: s.key, Data: keeper.EncodeStart(&start)}, fds...)
	if err != nil {
		return 0, err
	}
	if len(got) != 2 {
		closeFDs(got)
		return 0, errors.New("cannot use the spawner's answer")
	}
	s.outer = os.NewFile(uintptr(got[1]), "outer user namespace")
	s.ownKeeper(got[0])
	return int(reply.ID), nil
}

// ownKeeper makes the sandbox end with its keeper, and the keeper with it.
func (s *Sandbox) ownKeeper(pidfd int) {
	s.pidfd = pidfd
	s.onEnd("keeper", func() error {
		defer s.outer.Close()
		defer unix.Close(pidfd)
		if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("cannot kill the keeper: %w", err)
		}
		s.freezing.Lock()
		s.killed = true
		err := s.cgroup.thawAll()
		s.freezing.Unlock()
		waitPidfd(pidfd) // its pid namespace ends with it
		return errors.Join(err, s.settle())
	})
}

func memoryFile(name string, b []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make a memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err = f.Write(b); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write a memory file: %w", err)
	}
	return f, nil
}

// ucounts are the limits that hold for everything in a sandbox, because they
// are set in the user namespace around the learner's (namespaces(7)).
func ucounts(l Limits, count int) []keeper.Ucount {
	nodes, net := int64(count)+1, int64(l.NetNamespaces)
	return []keeper.Ucount{
		// Twice the nodes: during a reboot a host's old namespaces are still there.
		{Name: "max_net_namespaces", Value: net + 2*nodes},
		{Name: "max_mnt_namespaces", Value: 2*net + 64 + 2*nodes},
		{Name: "max_pid_namespaces", Value: 64 + 2*nodes},
		{Name: "max_uts_namespaces", Value: 64 + 2*nodes},
		{Name: "max_ipc_namespaces", Value: 64 + 2*nodes},
		{Name: "max_cgroup_namespaces", Value: 64 + 2*nodes},
		{Name: "max_user_namespaces", Value: 32},
		{Name: "max_time_namespaces", Value: 8},
		{Name: "max_inotify_instances", Value: 64 + 16*nodes},
		{Name: "max_inotify_watches", Value: 8192},
		{Name: "max_fanotify_groups", Value: 0},
		{Name: "max_fanotify_marks", Value: 0},
	}
}

// connect connects to the keeper.
func (s *Sandbox) connect(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot open the sandbox's directory: %w", err)
	}
	defer d.Close()
	conn, err := keeper.Dial(keeper.SocketPath(int(d.Fd())))
	if err != nil {
		return err
	}
	s.rpc = newRPC(conn)
	delivered := make(chan struct{})
	s.onEnd("connection", func() error {
		conn.Close()
		<-s.done
		<-delivered
		return nil
	})
	go func() {
		s.rpc.read(s.receive)
		s.mu.Lock()
		s.ended = true
		s.queue = append(s.queue, Event{Kind: "gone"})
		for _, ch := range s.runs {
			close(ch)
		}
		clear(s.runs)
		s.mu.Unlock()
		s.queued.Broadcast()
		close(s.done)
	}()
	go func() {
		defer close(delivered)
		s.deliver()
	}()
	return nil
}

// build has the keeper make the network, and waits until it is there.
func (s *Sandbox) build(ctx context.Context, spec *keeper.Spec) error {
	began := time.Now()
	file, err := memoryFile("spec", keeper.EncodeSpec(spec))
	if err != nil {
		return err
	}
	defer file.Close()
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	reply, fds, err := s.rpc.call(limit, keeper.Message{Kind: keeper.KindBuild}, int(file.Fd()))
	closeFDs(fds)
	if err != nil {
		return withLog(err, filepath.Join(s.manager.o.RuntimeDir, s.key))
	}
	s.mark("build", began)
	if reply.Code != keeper.Version {
		return fmt.Errorf("cannot talk to a keeper of protocol %d; this server speaks %d", reply.Code, keeper.Version)
	}
	if t, err := keeper.DecodeTimings(reply.Data); err == nil {
		for _, t := range t {
			s.timings = append(s.timings, keeper.Timing{Phase: "keeper: " + t.Phase, At: t.At})
		}
	}
	return s.complete()
}

// complete says whether all nodes have come.
func (s *Sandbox) complete() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return errors.New("cannot use the sandbox: its keeper showed no verified node")
	}
	sort.Strings(s.order)
	s.whole = true
	return nil
}

// maxQueue is how many events may wait for a reader. A keeper that makes more
// is not one that this server started.
const maxQueue = 4096

// receive handles what a keeper says by itself.
func (s *Sandbox) receive(m keeper.Message, fds []int) {
	switch m.Kind {
	case keeper.KindNode:
		s.setNode(m, fds)
		return
	case keeper.KindShell:
		s.addShell(m, fds)
		return
	case keeper.KindExit:
		if m.Line == "run" {
			s.exited(m.ID, int(m.Code))
		} else {
			s.emit(Event{Kind: "exit", Shell: m.ID, Code: int(m.Code), Host: m.Host})
		}
	case keeper.KindHalt:
		s.mu.Lock()
		if !s.whole {
			s.down = append(s.down, m.Host)
		}
		s.mu.Unlock()
		s.emit(Event{Kind: "halt", Host: m.Host})
	}
	closeFDs(fds)
}

func (s *Sandbox) emit(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) >= maxQueue {
		s.rpc.conn.Close()
		return
	}
	s.queue = append(s.queue, e)
	s.queued.Broadcast()
}

// deliver moves events from the queue to the channel, so that a slow reader
// does not hold up answers. It ends with the sandbox.
func (s *Sandbox) deliver() {
	defer close(s.events)
	for {
		s.mu.Lock()
		for len(s.queue) == 0 {
			s.queued.Wait()
		}
		e := s.queue[0]
		s.queue = s.queue[1:]
		s.mu.Unlock()
		if e.Kind == "gone" {
			select {
			case s.events <- e:
			default: // nobody reads; the channel's end says the same
			}
			return
		}
		select {
		case s.events <- e:
		case <-s.done:
		}
	}
}

// setNode takes over the files of a node, once they are verified.
func (s *Sandbox) setNode(m keeper.Message, fds []int) {
	want := map[string]int{"switch": 1, "host": 2}[m.Line]
	if want == 2 && len(fds) == 1 {
		want = 1 // a host that is off
	}
	err := errors.New("the keeper sent a node with the wrong files")
	if want == len(fds) && want > 0 {
		if err = verifyNetNS(fds[0], s.outer); err == nil && want == 2 {
			err = verifyRoot(fds[1])
		}
	}
	if err != nil {
		s.manager.o.Log.Error("ending a sandbox whose keeper cannot be trusted", "sandbox", s.id, "error", err)
		closeFDs(fds)
		s.rpc.conn.Close()
		return
	}
	n := Node{Name: m.Host, Kind: m.Line, NetNS: os.NewFile(uintptr(fds[0]), "netns of "+m.Host)}
	if want == 2 {
		n.Root = os.NewFile(uintptr(fds[1]), "root of "+m.Host)
	}
	s.mu.Lock()
	old, known := s.nodes[n.Name]
	if !known {
		s.order = append(s.order, n.Name)
	} else {
		if r, ok := s.retired[n.Name]; ok {
			r.NetNS.Close()
			if r.Root != nil {
				r.Root.Close()
			}
		}
		s.retired[n.Name] = old
	}
	s.nodes[n.Name] = n
	s.mu.Unlock()
	if known {
		s.emit(Event{Kind: "reboot", Host: n.Name, Node: n})
	}
}

// ID is the name that Create was given.
func (s *Sandbox) ID() string { return s.id }

// Nodes lists hosts and switches by name.
func (s *Sandbox) Nodes() []Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Node, 0, len(s.order))
	for _, name := range s.order {
		out = append(out, s.nodes[name])
	}
	return out
}

// Timings says how long the phases of the start took, each counted from the
// start of its process.
func (s *Sandbox) Timings() []keeper.Timing { return s.timings }

// Events tells what happens by itself; it is closed at the sandbox's end.
func (s *Sandbox) Events() <-chan Event { return s.events }

// Done is closed when the keeper is gone.
func (s *Sandbox) Done() <-chan struct{} { return s.done }

// Usage is what the sandbox uses now.
func (s *Sandbox) Usage() (Usage, error) { return s.cgroup.usage() }

// Destroy hands the sandbox to the reaper and returns at once. Its terminals
// end when their masters are closed or its processes are killed.
func (s *Sandbox) Destroy() {
	if s.ending.CompareAndSwap(false, true) {
		s.forgetNote()
		s.manager.reaper.add(s)
	}
}

// end undoes all that start did.
func (s *Sandbox) end() {
	s.mu.Lock()
	steps := s.undo
	s.undo = nil
	s.mu.Unlock()
	for i := len(steps) - 1; i >= 0; i-- {
		if err := steps[i].f(); err != nil {
			s.manager.o.Log.Error("cannot remove all of a sandbox", "sandbox", s.id, "part", steps[i].what, "error", err)
		}
	}
}
