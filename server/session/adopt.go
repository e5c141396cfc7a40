package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
	"github.com/netground/netground/server/terminal"
)

// note is what lies with the sandbox of a session, so that the next server
// gives the sandbox back to it. What the learner has reached is in the store.
type note struct {
	Machine   string         `json:"machine"`
	Session   string         `json:"session"`
	Learner   string         `json:"learner"`
	Lab       string         `json:"lab"`
	Created   time.Time      `json:"created"`
	Up        time.Duration  `json:"up"`    // how long the machine had been up when it was created
	Since     time.Time      `json:"since"` // the session has this sandbox
	Topology  lab.Topology   `json:"topology"`
	Source    string         `json:"source,omitempty"` // of a playground
	Terminals []noteTerminal `json:"terminals"`
	CatchUp   int            `json:"catchUp,omitempty"` // steps that are being solved
}

type noteTerminal struct {
	ID    string `json:"id"`
	Host  string `json:"host"`
	Shell uint32 `json:"shell"`
}

// remember changes what the next server finds with the sandbox. A machine that
// no session has is not worth a note.
func (m *machine) remember(change func(*note)) {
	m.noting.Lock()
	defer m.noting.Unlock()
	if change != nil {
		change(&m.note)
	}
	if m.note.Session == "" {
		return
	}
	m.note.Terminals = m.note.Terminals[:0]
	m.mu.Lock()
	for _, t := range m.terms {
		m.note.Terminals = append(m.note.Terminals, noteTerminal{t.id, t.host, t.shell})
	}
	m.mu.Unlock()
	b, err := json.Marshal(&m.note)
	if err == nil {
		err = m.sb.SetNote(b)
	}
	if err != nil {
		m.log.Warn("a session would not survive a restart of the server", "session", m.note.Session, "error", err)
	}
}

// leave lets go of a machine that lives on.
func (m *machine) leave() {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	terms := m.terms
	m.owner = nil
	m.mu.Unlock()
	close(m.stopped)
	for _, t := range terms {
		_ = t.t.Close() // the sandbox holds the master
	}
	if m.obs != nil {
		m.obs.Close()
	}
}

// restore makes a machine of a sandbox that an earlier server left. On an error
// nothing is left of it.
func restore(ctx context.Context, e Engine, a Adopted, n note, def *lab.Lab, log *slog.Logger) (*machine, error) {
	m := &machine{
		id: n.Machine, lab: def, sb: a.Sandbox, log: log, note: n,
		stopped: make(chan struct{}), booted: make(chan struct{}, 1), moved: make(chan struct{}),
		hosts: map[string]string{}, exits: map[uint32]int{},
	}
	for _, name := range a.Hosts {
		m.hosts[name] = HostUp
	}
	for _, s := range a.Shells {
		at := slices.IndexFunc(n.Terminals, func(t noteTerminal) bool { return t.Shell == s.ID && t.Host == s.Host })
		if at < 0 { // opened in the server's last moment: nobody has heard of it
			s.close()
			m.sb.CloseTerminal(s.ID)
			continue
		}
		t, err := terminal.Adopt(s.Master, terminal.Options{Kept: s.Kept})
		if err != nil {
			log.Warn("a terminal is lost", "session", n.Session, "host", s.Host, "error", err)
			m.sb.CloseTerminal(s.ID)
			continue
		}
		if s.Exited {
			t.SetExit(s.Code)
		}
		m.terms = append(m.terms, &term{id: n.Terminals[at].ID, shell: s.ID, host: s.Host, t: t})
	}
	order := func(t *term) int {
		return slices.IndexFunc(n.Terminals, func(o noteTerminal) bool { return o.ID == t.id })
	}
	slices.SortFunc(m.terms, func(a, b *term) int { return order(a) - order(b) })
	obs, err := e.Watch(ctx, a.Sandbox)
	if err != nil {
		m.stop()
		return nil, fmt.Errorf("cannot observe the sandbox: %w", err)
	}
	m.obs = obs
	for _, host := range a.Down {
		if m.hosts[host] == HostUp {
			m.hosts[host] = HostDown
			obs.SetDown(host)
		}
	}
	go m.pump()
	return m, nil
}

// discardLeft ends a sandbox of an earlier server that nobody can use.
func discardLeft(a Adopted) {
	for _, s := range a.Shells {
		s.close()
	}
	a.Sandbox.Destroy()
}

// takeOver gives the sandboxes that an earlier server left back to their
// sessions, and returns the sessions' ids. It is called before anything runs.
func (m *Manager) takeOver(ctx context.Context) (ids []string) {
	type candidate struct {
		Adopted
		note
	}
	best := map[string]candidate{}
	for _, a := range m.engine.Adopted() {
		c := candidate{Adopted: a}
		if err := json.Unmarshal(a.Note, &c.note); err != nil || c.Session == "" || c.Learner == "" {
			m.log.Warn("cannot read what was left with a sandbox", "error", err)
			discardLeft(a)
			continue
		}
		// A session has two where the server ended in the middle of a reset.
		if other, ok := best[c.Session]; !ok {
			best[c.Session] = c
		} else if c.Since.After(other.Since) {
			discardLeft(other.Adopted)
			best[c.Session] = c
		} else {
			discardLeft(a)
		}
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	for _, c := range best {
		wait.Go(func() {
			m.cores <- struct{}{}
			defer func() { <-m.cores }()
			if err := m.takeOverOne(ctx, c.Adopted, c.note); err != nil {
				m.log.Warn("cannot go on with a session of the last run", "session", c.Session, "lab", c.Lab, "error", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, c.Session)
		})
	}
	wait.Wait()
	return ids
}

var (
	errEndedBefore = errors.New("it has ended")
	errLabGone     = errors.New("its lab is there no more")
)

func (m *Manager) takeOverOne(ctx context.Context, a Adopted, n note) (err error) {
	defer func() {
		if err != nil {
			discardLeft(a)
		}
	}()
	row, err := m.store.Session(ctx, n.Session)
	if err != nil {
		return err
	}
	if row.State == store.Ended || row.Learner != "" && row.Learner != n.Learner {
		return errEndedBefore
	}
	def, err := m.labOf(n)
	if err != nil {
		return err
	}
	rec, err := m.store.LabRecord(ctx, n.Learner, n.Lab)
	if err != nil {
		return err
	}
	outdated := !sameTopology(def.Topology, n.Topology)
	if outdated {
		// The steps are the new ones, the network is the old one until a reset.
		old := *def
		old.Topology = n.Topology
		def = &old
	}
	shells := a.Shells
	a.Shells = nil // restore has them, whatever becomes of it
	mach, err := restore(ctx, m.engine, Adopted{a.Sandbox, a.Note, a.Hosts, a.Down, shells}, n, def, m.log)
	if err != nil {
		return err
	}
	if row.Learner == "" { // whose it is was not stored yet
		row.Active = n.Created
	}
	created, active := m.ages(n, row.Active)
	l := newLive(m, def, n.Learner, created)
	l.id, l.active, l.stored, l.up = n.Session, active, row.Active, n.Up
	l.steps = newSteps(def, rec)
	for _, answer := range rec.Answers {
		// Also those that are of the sandbox, as long as it is this one.
		if i := l.stepIndex(answer.Step.Step); i >= 0 && !answer.At.Before(n.Since) && l.steps[i].answerCheck(answer.Name) != nil {
			if l.steps[i].answers == nil {
				l.steps[i].answers = map[string]string{}
			}
			l.steps[i].answers[answer.Name] = answer.Value
		}
	}
	l.outdated = outdated
	if n.CatchUp > 0 {
		l.interrupted = &progress{what: busyCatchUp, total: n.CatchUp, err: catchUpInterrupted()}
	}
	// Pages that come back have seen smaller numbers.
	l.hub.seq = uint64(time.Now().UnixMicro())
	m.mu.Lock()
	m.lives[l.id] = l
	m.byLab[[2]string{l.learner, l.labName}] = l
	m.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.adopt(mach, n.Since)
	m.background.Go(l.evaluator)
	close(l.built)
	l.publishSession()
	l.publishState()
	full := l.record(store.Ready)
	m.journal.put("give "+l.id, func(ctx context.Context) error {
		if row.Learner == "" {
			return m.store.GiveSession(ctx, full, store.Learner{ID: n.Learner, Created: full.Created})
		}
		return m.store.SetSession(ctx, full.ID, full.State, full.Sandbox)
	}, nil)
	m.log.Info("session goes on", "session", l.id, "lab", l.labName, "terminals", len(mach.terms))
	return nil
}

// clockSet is by how much the machine's clock must be off to have been set, and
// not only to have been kept right.
const clockSet = time.Minute

// ages returns when the session was created and active last, by this server's
// clock. The note and the row have the time of day, and that may have been set
// since: nobody shall lose a session by it.
func (m *Manager) ages(n note, lastActive time.Time) (created, active time.Time) {
	now := m.o.Now()
	age := now.Sub(n.Created)
	if n.Up > 0 {
		age = m.o.Uptime() - n.Up
	}
	idle := now.Sub(lastActive)
	if off := now.Sub(n.Created) - age; off.Abs() > clockSet { // before the last activity, or after it: nobody knows
		idle = 0
	}
	// Counted back from now, which also has a reading of the clock that nobody sets.
	return now.Add(-age), now.Add(-idle)
}

// uptime is how long the machine has been up, asleep or not.
func uptime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0 // every Linux has it; without, the time of day counts
	}
	return time.Duration(t.Nano())
}

// labOf returns the lab that a sandbox of the note has, as it is now.
func (m *Manager) labOf(n note) (*lab.Lab, error) {
	if n.Lab == lab.Playground {
		return lab.NewPlayground(n.Source)
	}
	def := m.labs[n.Lab]
	if def == nil {
		return nil, errLabGone
	}
	return def.Instance(n.Machine)
}

// sameTopology compares as the note has it: what is empty there may be nil here.
func sameTopology(a, b lab.Topology) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Leave ends the manager and leaves the sessions to the next server: it stores
// what waits and lets go of everything. What is being made is given up.
func (m *Manager) Leave(ctx context.Context) error {
	m.mu.Lock()
	again := m.closing
	m.closing = true
	ready := m.pool.ready
	m.pool.ready = nil
	m.mu.Unlock()
	if again {
		return nil
	}
	err := m.journal.flush(ctx)
	m.cancel()
	for _, l := range m.all() {
		l.mu.Lock()
		mach := l.mach
		l.mu.Unlock()
		if mach != nil {
			mach.leave()
		}
		l.cancel()
	}
	for _, mach := range ready {
		mach.leave()
	}
	done := make(chan struct{})
	go func() {
		m.background.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("cannot wait for the sessions' work to end: %w", ctx.Err()))
	}
	m.mu.Lock()
	late := m.pool.ready
	m.mu.Unlock()
	for _, mach := range late {
		mach.leave()
	}
	return err
}
