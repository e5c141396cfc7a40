package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/terminal"
)

const (
	defaultCols, defaultRows = 80, 24
	// earlyExits bounds the exits that are remembered of shells that nobody
	// has heard of yet.
	earlyExits = 64
)

var (
	errNoHost        = errors.New("there is no such host")
	errManyTerminals = errors.New("there are too many terminals")
	errRebooting     = errors.New("the host is rebooting already")
	errHalted        = errors.New("the host has halted again at once")
	errStopped       = errors.New("the sandbox has been stopped")
)

// machine is a sandbox with eyes and terminals, before a learner has it and
// while one does.
type machine struct {
	id  string
	lab *lab.Lab
	sb  Sandbox
	obs Observer
	log *slog.Logger

	stopped chan struct{} // closed by stop
	booted  chan struct{} // buffered 1: a host is up again

	mu    sync.Mutex
	owner machineOwner // nil while it stands ready
	hosts map[string]string
	moved chan struct{} // closed, and made anew, when a host's state changes
	terms []*term       // in the order in which they were opened
	// opening counts shells on their way, so that many requests at once do not
	// get past the limit.
	opening int
	exits   map[uint32]int
	closed  bool

	noting sync.Mutex // guards note, and the order of its writing; taken before mu
	note   note
}

// machineOwner hears what happens in a machine. It is called without locks.
type machineOwner interface {
	terminalChanged(*machine, *term)
	hostChanged(m *machine, host string)
	slowed(m *machine, pause time.Duration)
	machineGone(*machine)
}

// term is one shell.
type term struct {
	id    string
	shell uint32
	host  string
	t     *terminal.Terminal
}

func (t *term) view() Terminal {
	cols, rows := t.t.Size()
	code, exited := t.t.Exited()
	return Terminal{ID: t.id, Host: t.host, Cols: cols, Rows: rows, Exited: exited, ExitCode: code}
}

// hangUp ends a shell. Closing a PTY's master has no error that anybody could
// do something about.
func (m *machine) hangUp(t *term) {
	_ = t.t.Close()
	m.sb.CloseTerminal(t.shell)
}

func hasExited(t *term) bool {
	_, exited := t.t.Exited()
	return exited
}

// newID returns an id that nobody can guess.
func newID() string { return strings.ToLower(rand.Text()) }

// build makes a machine for the lab with the first host's shell. On an error
// nothing is left of it.
func build(ctx context.Context, e Engine, id string, l *lab.Lab, log *slog.Logger, phase func(string)) (*machine, error) {
	l, err := l.Instance(id)
	if err != nil {
		return nil, err
	}
	sb, err := e.Create(ctx, id, Spec(l))
	if err != nil {
		return nil, fmt.Errorf("cannot create the sandbox: %w", err)
	}
	phase("sandbox")
	m := &machine{
		id: id, lab: l, sb: sb, log: log,
		stopped: make(chan struct{}), booted: make(chan struct{}, 1), moved: make(chan struct{}),
		hosts: map[string]string{}, exits: map[uint32]int{},
	}
	for name := range l.Topology.Hosts {
		m.hosts[name] = HostUp
	}
	// The shell starts while the network is being read.
	opened := make(chan error, 1)
	go func() {
		_, _, err := m.open(ctx, firstHost(l), defaultCols, defaultRows, 1)
		opened <- err
	}()
	obs, err := e.Watch(ctx, sb)
	phase("observe")
	openErr := <-opened
	if err != nil {
		m.stop()
		return nil, fmt.Errorf("cannot observe the sandbox: %w", err)
	}
	m.obs = obs
	if openErr != nil {
		m.stop()
		return nil, fmt.Errorf("cannot open the first terminal: %w", openErr)
	}
	phase("terminal")
	go m.pump()
	return m, nil
}

// gone says whether the keeper has gone.
func (m *machine) gone() bool {
	select {
	case <-m.sb.Done():
		return true
	case <-m.stopped:
		return true
	default:
		return false
	}
}

// pump hears the sandbox's events until it is stopped or its keeper goes.
func (m *machine) pump() {
	for {
		select {
		case <-m.stopped:
			return
		case <-m.sb.Done():
			if o := m.currentOwner(); o != nil {
				o.machineGone(m)
			}
			return
		case e := <-m.sb.Events():
			m.handle(e)
		}
	}
}

func (m *machine) handle(e SandboxEvent) {
	switch e.Kind {
	case ShellExited:
		m.mu.Lock()
		at := slices.IndexFunc(m.terms, func(t *term) bool { return t.shell == e.Shell })
		if at < 0 {
			// The shell ended before whoever opened it knew its number, or its
			// terminal was closed. Numbers grow: the smallest is the oldest.
			m.exits[e.Shell] = e.Code
			if len(m.exits) > earlyExits {
				delete(m.exits, slices.Min(slices.Collect(maps.Keys(m.exits))))
			}
			m.mu.Unlock()
			return
		}
		t := m.terms[at]
		m.mu.Unlock()
		t.t.SetExit(e.Code)
		if o := m.currentOwner(); o != nil {
			o.terminalChanged(m, t)
		}
	case HostRebooted:
		// One that the host's own reboot command began was not announced before;
		// pages open their shells again after it.
		m.setHost(e.Host, HostRebooting)
		m.apply(e)
		m.setHost(e.Host, HostUp)
		select {
		case m.booted <- struct{}{}:
		default:
		}
	case HostHalted:
		m.apply(e)
		m.setHost(e.Host, HostDown)
	case Slowed:
		if o := m.currentOwner(); o != nil {
			o.slowed(m, e.Pause)
		}
	}
}

// apply makes the observer see a host as it is after an event.
func (m *machine) apply(e SandboxEvent) {
	if e.Apply == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.Apply(ctx, m.obs); err != nil {
		m.log.Warn("cannot observe a host after its reboot", "sandbox", m.id, "host", e.Host, "error", err)
	}
}

func (m *machine) currentOwner() machineOwner {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.owner
}

// give makes somebody hear what happens from now on.
func (m *machine) give(o machineOwner) {
	m.mu.Lock()
	m.owner = o
	m.mu.Unlock()
	if m.gone() { // the pump may have ended before it knew whom to tell
		go o.machineGone(m)
	}
}

func (m *machine) setHost(host, state string) {
	m.mu.Lock()
	_, ok := m.hosts[host]
	changed := ok && m.hosts[host] != state
	if changed {
		m.hosts[host] = state
		close(m.moved)
		m.moved = make(chan struct{})
	}
	o := m.owner
	m.mu.Unlock()
	if changed && o != nil {
		o.hostChanged(m, host)
	}
}

// hostStates returns the hosts in the order of their names.
func (m *machine) hostStates() []HostState {
	m.mu.Lock()
	defer m.mu.Unlock()
	states := make([]HostState, 0, len(m.hosts))
	for _, name := range slices.Sorted(maps.Keys(m.hosts)) {
		states = append(states, HostState{Name: name, State: m.hosts[name]})
	}
	return states
}

func (m *machine) hostState(host string) (HostState, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	state, ok := m.hosts[host]
	return HostState{Name: host, State: state}, ok
}

// terminals returns what is open, oldest first.
func (m *machine) terminals() []Terminal {
	m.mu.Lock()
	terms := slices.Clone(m.terms)
	m.mu.Unlock()
	views := make([]Terminal, 0, len(terms))
	for _, t := range terms {
		views = append(views, t.view())
	}
	return views
}

func (m *machine) terminal(id string) *term {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.terms {
		if t.id == id {
			return t
		}
	}
	return nil
}

// open starts a shell on a host. With limit terminals open, the oldest one
// whose shell has ended makes place: it is dropped.
func (m *machine) open(ctx context.Context, host string, cols, rows uint16, limit int) (t, dropped *term, err error) {
	if dropped, err = m.reserve(host, limit); err != nil {
		return nil, nil, err
	}
	if dropped != nil {
		m.hangUp(dropped)
	}
	t, err = m.start(ctx, host, cols, rows)
	m.mu.Lock()
	m.opening--
	if err != nil {
		m.mu.Unlock()
		return nil, dropped, err
	}
	if m.closed {
		m.mu.Unlock()
		m.hangUp(t)
		return nil, dropped, errStopped
	}
	m.terms = append(m.terms, t)
	code, exited := m.exits[t.shell]
	delete(m.exits, t.shell)
	m.mu.Unlock()
	if exited {
		t.t.SetExit(code)
	}
	m.remember(nil)
	return t, dropped, nil
}

// start starts a shell on a terminal of its own.
func (m *machine) start(ctx context.Context, host string, cols, rows uint16) (*term, error) {
	kept, err := terminal.Keep(0)
	if err != nil {
		return nil, err
	}
	shell, err := m.sb.OpenTerminal(ctx, host, cols, rows, kept)
	if err != nil {
		for _, f := range kept {
			_ = f.Close()
		}
		return nil, err
	}
	t, err := terminal.New(shell.Master, terminal.Options{Cols: cols, Rows: rows, Kept: kept})
	if err != nil {
		m.sb.CloseTerminal(shell.ID)
		return nil, err
	}
	return &term{id: newID()[:12], shell: shell.ID, host: host, t: t}, nil
}

func (m *machine) reserve(host string, limit int) (dropped *term, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch state, ok := m.hosts[host]; {
	case m.closed:
		return nil, errStopped
	case !ok:
		return nil, errNoHost
	case state == HostRebooting:
		return nil, errRebooting
	}
	if len(m.terms)+m.opening >= limit {
		at := slices.IndexFunc(m.terms, hasExited)
		if at < 0 {
			return nil, errManyTerminals
		}
		dropped = m.terms[at]
		m.terms = slices.Delete(m.terms, at, at+1)
	}
	m.opening++
	return dropped, nil
}

// closeTerminal hangs up, which ends the shell, and forgets the terminal.
func (m *machine) closeTerminal(id string) *term {
	m.mu.Lock()
	at := slices.IndexFunc(m.terms, func(t *term) bool { return t.id == id })
	if at < 0 {
		m.mu.Unlock()
		return nil
	}
	t := m.terms[at]
	m.terms = slices.Delete(m.terms, at, at+1)
	m.mu.Unlock()
	m.hangUp(t)
	m.remember(nil)
	return t
}

// reboot reboots a host, and returns when it is up again.
func (m *machine) reboot(ctx context.Context, host string) error {
	m.mu.Lock()
	state, ok := m.hosts[host]
	switch {
	case m.closed:
		m.mu.Unlock()
		return errStopped
	case !ok:
		m.mu.Unlock()
		return errNoHost
	case state == HostRebooting:
		m.mu.Unlock()
		return errRebooting
	}
	m.hosts[host] = HostRebooting
	o := m.owner
	m.mu.Unlock()
	if o != nil {
		o.hostChanged(m, host)
	}
	m.obs.SetDown(host)
	if err := m.sb.Reboot(ctx, host); err != nil {
		m.setHost(host, HostDown)
		return err
	}
	// The event, on its way beside the answer, brings the new host's eyes: only
	// then may a terminal be opened.
	for {
		m.mu.Lock()
		state, moved := m.hosts[host], m.moved
		m.mu.Unlock()
		switch state {
		case HostUp:
			return nil
		case HostDown:
			return errHalted
		}
		select {
		case <-moved:
		case <-m.stopped:
			return errStopped
		case <-m.sb.Done():
			return errStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stop closes the terminals and has the sandbox destroyed. It may be called
// again.
func (m *machine) stop() {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	terms := m.terms
	m.terms, m.owner = nil, nil
	m.mu.Unlock()
	close(m.stopped)
	for _, t := range terms {
		_ = t.t.Close() // the shell ends with its sandbox
	}
	if m.obs != nil { // a machine that was never finished has none
		m.obs.Close()
	}
	m.sb.Destroy()
}

// awaitPrompt waits until the first terminal has said something.
func (m *machine) awaitPrompt(ctx context.Context) error {
	m.mu.Lock()
	if len(m.terms) == 0 {
		m.mu.Unlock()
		return errStopped
	}
	t := m.terms[0].t
	m.mu.Unlock()
	v := t.Attach(terminal.ViewerOptions{ID: "pool"})
	defer v.Close()
	for {
		// An empty chunk says that something else has changed.
		if c, err := v.Next(ctx, make([]byte, 1)); err != nil || len(c.Data) > 0 {
			return err
		}
	}
}
