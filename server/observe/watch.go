package observe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Target is a node to observe. Its files are duplicated: the caller may close
// them at any time.
type Target struct {
	Name  string
	Kind  string   // "host" or "switch"
	NetNS *os.File // its network namespace
	Root  *os.File // of a host: its root directory (O_PATH); nil for a switch
}

// Service observes the sandboxes of a server.
type Service struct {
	log     *slog.Logger
	inotify *inotify
	probes  chan struct{} // bounds the threads that send
}

// mostProbes is how many probes may wait for their answers at once.
const mostProbes = 64

// Open returns a Service.
func Open(log *slog.Logger) (*Service, error) {
	n, err := newInotify(log)
	if err != nil {
		return nil, err
	}
	return &Service{log: log, inotify: n, probes: make(chan struct{}, mostProbes)}, nil
}

// Close ends it; all watches must be closed before.
func (s *Service) Close() { s.inotify.close() }

// Changes that belong together come within moments of each other: a command's
// address and its route. And a learner who flaps a link does not get the
// server to read the network all the time.
const (
	settle   = time.Millisecond
	minEvery = 10 * time.Millisecond
	// mostEvery is how late a change is seen at the latest, after a slow reading.
	mostEvery = 2 * time.Second
)

// unreadyAgain is when to look again for a namespace whose file was there
// before it was mounted.
var unreadyAgain = [...]time.Duration{2 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 250 * time.Millisecond}

// Watch observes one sandbox.
type Watch struct {
	service *Service
	wake    chan struct{} // buffered 1
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}

	// reading guards what a reading changes: nodes and spaces.
	reading sync.Mutex
	nodes   map[string]*node
	probed  map[netip.Addr]int // what probes are about now, see coverTracks
	closing sync.WaitGroup     // ears

	mu    sync.Mutex // guards what follows, and every space's dirty
	dirty bool
	state *State
	subs  map[chan *State]struct{}
	signs []sign
}

type node struct {
	Target
	own   *space
	named map[string]*space
	watch *hostWatch
	down  bool
	// scan says that the named namespaces may have changed, again how often
	// they were looked at in vain since.
	scan  bool
	again int
}

// Watch starts to observe the nodes of a sandbox, and returns when it knows
// their state.
func (s *Service) Watch(ctx context.Context, targets []Target) (*Watch, error) {
	w := &Watch{
		service: s, wake: make(chan struct{}, 1), done: make(chan struct{}),
		nodes: map[string]*node{}, probed: map[netip.Addr]int{}, subs: map[chan *State]struct{}{}, state: &State{Nodes: map[string]*Node{}},
	}
	w.ctx, w.cancel = context.WithCancel(context.WithoutCancel(ctx))
	var wait sync.WaitGroup
	var errs [2]error // of the halves: more at once only wait for each other
	var mu sync.Mutex
	for half := range errs {
		wait.Go(func() {
			for i := half; i < len(targets) && errs[half] == nil; i += len(errs) {
				n, err := w.newNode(targets[i])
				if errs[half] = err; err == nil {
					mu.Lock()
					w.nodes[targets[i].Name] = n
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		w.release()
		return nil, err
	}
	if _, err := w.read(); err != nil {
		w.release()
		return nil, err
	}
	go w.run()
	return w, nil
}

func duplicate(f *os.File) (*os.File, error) {
	if f == nil {
		return nil, nil
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("cannot duplicate a file: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

func (w *Watch) newNode(t Target) (*node, error) {
	n := &node{Target: t, named: map[string]*space{}, scan: true}
	file, err := duplicate(t.NetNS)
	if err != nil {
		return nil, err
	}
	n.NetNS = nil // own has it
	if n.Root, err = duplicate(t.Root); err != nil {
		file.Close()
		return nil, err
	}
	if n.own, err = newSpace(Place{Node: t.Name}, file, w.changed); err != nil {
		if n.Root != nil {
			n.Root.Close()
		}
		return nil, fmt.Errorf("cannot observe %s: %w", t.Name, err)
	}
	if n.Root != nil {
		n.watch = &hostWatch{changed: func() { w.rescan(n) }}
		w.service.inotify.add(n.Root, n.watch)
	}
	return n, nil
}

func (n *node) close(s *Service) {
	if n.watch != nil {
		s.inotify.remove(n.watch)
	}
	n.own.close()
	for _, sp := range n.named {
		sp.close()
	}
	if n.Root != nil {
		n.Root.Close()
	}
}

// changed hears the kernel.
func (w *Watch) changed(s *space, p part) {
	w.mu.Lock()
	s.dirty |= p
	w.dirty = true
	w.mu.Unlock()
	w.poke()
}

func (w *Watch) rescan(n *node) {
	w.mu.Lock()
	n.scan, n.again = true, 0
	w.dirty = true
	w.mu.Unlock()
	w.poke()
}

func (w *Watch) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run reads the network when it has changed, until Close.
func (w *Watch) run() {
	defer close(w.done)
	var last time.Time
	every := minEvery
	for {
		select {
		case <-w.wake:
		case <-w.ctx.Done():
			return
		}
		wait := max(settle, every-time.Since(last))
		select {
		case <-time.After(wait):
		case <-w.ctx.Done():
			return
		}
		last = time.Now()
		if _, err := w.read(); err != nil && w.ctx.Err() == nil {
			w.service.log.Warn("cannot read a network", "error", err)
		}
		// A network that somebody has filled takes long to read, and a fifth of a
		// processor at most.
		every = max(minEvery, min(mostEvery, 5*time.Since(last)))
	}
}

// read brings the state up to date and publishes it if it differs.
func (w *Watch) read() (*State, error) {
	w.reading.Lock()
	defer w.reading.Unlock()
	if w.ctx.Err() != nil {
		return w.State(), errors.New("the network is not observed any more")
	}
	var errs []error
	moved := false
	for _, n := range w.nodes {
		m, err := w.readNode(n)
		moved, errs = moved || m, append(errs, err)
	}
	if moved && w.State().Version > 0 {
		// Nobody tells a namespace that the far end of its cable has moved.
		w.markLinks()
		for _, n := range w.nodes {
			_, err := w.readNode(n)
			errs = append(errs, err)
		}
	}
	next := w.compose()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dirty = false
	if same(w.state, next) {
		return w.state, errors.Join(errs...)
	}
	next.Version, next.At = w.state.Version+1, time.Now().UTC()
	w.state = next
	for ch := range w.subs {
		select { // the newest one alone matters
		case <-ch:
		default:
		}
		ch <- next
	}
	return next, errors.Join(errs...)
}

// take returns and clears what is to be read of a space.
func (w *Watch) take(s *space) part {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := s.dirty
	s.dirty = 0
	return p
}

// markLinks has the devices of all namespaces read again.
func (w *Watch) markLinks() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.nodes {
		for _, s := range n.spaces() {
			s.dirty |= partLinks
		}
	}
}

// readNode reads what may have changed of a node, and says whether a veth has
// come, gone or moved.
func (w *Watch) readNode(n *node) (moved bool, err error) {
	w.mu.Lock()
	scan := n.scan
	n.scan = false
	w.mu.Unlock()
	if scan && n.Root != nil {
		w.scanNamed(n)
	}
	var errs []error
	for _, s := range n.spaces() {
		if what := w.take(s); what != 0 {
			if what&(partLinks|partNeighbours) != 0 {
				w.hear(s)
			}
			before := s.links
			err := s.read(what)
			moved = moved || !maps.Equal(before, s.links)
			if err != nil {
				w.mu.Lock()
				s.dirty |= what
				w.mu.Unlock()
				errs = append(errs, err)
			}
		}
	}
	return moved, errors.Join(errs...)
}

func (n *node) spaces() []*space {
	all := []*space{n.own}
	for _, name := range slices.Sorted(maps.Keys(n.named)) {
		all = append(all, n.named[name])
	}
	return all
}

// scanNamed brings the named namespaces up to date.
func (w *Watch) scanNamed(n *node) {
	w.service.inotify.add(n.Root, n.watch)
	files, unready := named(n.Root)
	for name, s := range n.named {
		ino := uint64(0)
		if f := files[name]; f != nil {
			ino, _ = inodeOf(f)
		}
		if ino != s.inode {
			s.close()
			delete(n.named, name)
			w.forget(s.inode)
		}
	}
	for name, f := range files {
		if n.named[name] != nil {
			f.Close()
			continue
		}
		s, err := newSpace(Place{Node: n.Name, NS: name}, f, w.changed)
		if err != nil {
			w.service.log.Debug("cannot observe a namespace", "host", n.Name, "error", err)
			continue
		}
		n.named[name] = s
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if unready > 0 && n.again < len(unreadyAgain) {
		time.AfterFunc(unreadyAgain[n.again], func() {
			w.mu.Lock()
			n.scan = true
			w.mu.Unlock()
			w.poke()
		})
		n.again++
	}
}

// forget drops ids of a namespace that is gone: its inode number is free.
func (w *Watch) forget(inode uint64) {
	for _, n := range w.nodes {
		for _, s := range n.spaces() {
			delete(s.ids, inode)
		}
	}
}

// State returns the network as it was read last.
func (w *Watch) State() *State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// Refresh reads everything anew.
func (w *Watch) Refresh(ctx context.Context) (*State, error) {
	if err := ctx.Err(); err != nil {
		return w.State(), err
	}
	w.reading.Lock()
	w.mu.Lock()
	for _, n := range w.nodes {
		n.scan = true
		for _, s := range n.spaces() {
			s.dirty = partAll
		}
	}
	w.mu.Unlock()
	w.reading.Unlock()
	return w.read()
}

// Subscribe gives the newest state whenever it has changed; one that nobody
// has read is replaced by the next. The channel is closed by the function that
// comes with it, or by Close.
func (w *Watch) Subscribe() (<-chan *State, func()) {
	ch := make(chan *State, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.subs == nil {
		close(ch)
		return ch, func() {}
	}
	w.subs[ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, ok := w.subs[ch]; ok {
			delete(w.subs, ch)
			close(ch)
		}
	}
}

// SetDown says that a host reboots or has halted; Replace brings it back.
func (w *Watch) SetDown(host string) {
	w.reading.Lock()
	if n := w.nodes[host]; n != nil {
		n.down = true
	}
	w.reading.Unlock()
	w.poke()
}

// Replace makes a node's new namespaces the observed ones, after a reboot.
func (w *Watch) Replace(ctx context.Context, t Target) error {
	n, err := w.newNode(t)
	if err != nil {
		return err
	}
	w.reading.Lock()
	if w.ctx.Err() != nil {
		w.reading.Unlock()
		n.close(w.service)
		return errors.New("the network is not observed any more")
	}
	old := w.nodes[t.Name]
	w.nodes[t.Name] = n
	if old != nil {
		w.forget(old.own.inode)
	}
	w.reading.Unlock()
	if old != nil {
		old.close(w.service)
	}
	_, err = w.read()
	return err
}

// Close ends the observation and lets go of all namespaces.
func (w *Watch) Close() {
	w.cancel()
	<-w.done
	w.release()
}

func (w *Watch) release() {
	w.cancel()
	w.reading.Lock()
	nodes := w.nodes
	w.nodes = map[string]*node{}
	for _, n := range nodes {
		for _, s := range n.spaces() {
			w.deafen(s)
		}
	}
	w.reading.Unlock()
	for _, n := range nodes {
		n.close(w.service)
	}
	w.closing.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.subs {
		close(ch)
	}
	w.subs = nil
}
