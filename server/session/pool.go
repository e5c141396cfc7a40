package session

import (
	"context"
	"slices"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

const (
	promptTimeout  = 5 * time.Second
	poolBackoff    = time.Second
	poolBackoffMax = time.Minute
)

// pool holds sandboxes that stand ready, each with a shell at its prompt. It is
// guarded by the manager's lock.
type pool struct {
	ready []*machine // oldest first
	// recent are the labs that were started last, newest first, as many as the
	// pool has places: that is what it holds, so that a class that starts one
	// lab finds several of it, and a single learner's next lab stands beside.
	recent   []string
	building int
	wake     chan struct{} // buffered 1
}

func (p *pool) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// started notes that a lab was started.
func (p *pool) started(name string, size int) {
	p.recent = slices.Insert(p.recent, 0, name)
	p.recent = p.recent[:min(len(p.recent), size)]
	p.wakeUp()
}

func (p *pool) index(l *lab.Lab) int {
	return slices.IndexFunc(p.ready, func(m *machine) bool { return m.lab.Origin() == l && !m.gone() })
}

func (p *pool) has(l *lab.Lab) bool { return p.index(l) >= 0 }

// take returns a machine of the lab that stands ready, or nil.
func (p *pool) take(l *lab.Lab) *machine {
	at := p.index(l)
	if at < 0 {
		return nil
	}
	m := p.ready[at]
	p.ready = slices.Delete(p.ready, at, at+1)
	return m
}

func (p *pool) dropOldest() *machine {
	if len(p.ready) == 0 {
		return nil
	}
	m := p.ready[0]
	p.ready = slices.Delete(p.ready, 0, 1)
	return m
}

// wanted returns the names of labs, one for each place of the pool.
func (p *pool) wanted(first string, size int) []string {
	names := slices.Clone(p.recent)
	for first != "" && len(names) < size {
		names = append(names, first)
	}
	return names
}

// poolTask is what the pool does next.
type poolTask struct {
	build *lab.Lab
	drop  []*machine
}

// nextTask says what is missing and what is too much: machines of labs that
// have changed or that have died, and those that nobody is likely to want once
// the wanted ones are there. It is called with the lock.
func (m *Manager) nextTask() poolTask {
	var t poolTask
	p := &m.pool
	p.ready = slices.DeleteFunc(p.ready, func(e *machine) bool {
		stale := e.gone() || m.labs[e.lab.Name] != e.lab.Origin()
		if stale {
			t.drop = append(t.drop, e)
		}
		return stale
	})
	if m.closing || m.creating > 0 || p.building > 0 {
		return t
	}
	spare := slices.Clone(p.ready)
	for _, name := range p.wanted(m.firstLab(), m.o.PoolSize) {
		if at := slices.IndexFunc(spare, func(e *machine) bool { return e.lab.Name == name }); at >= 0 {
			spare = slices.Delete(spare, at, at+1)
		} else if t.build == nil {
			t.build = m.labs[name]
		}
	}
	full := m.used() >= m.o.MaxSessions || len(m.queue.waiting) > 0
	if len(spare) > 0 && (t.build == nil || full || len(p.ready) > m.o.PoolSize) {
		at := slices.Index(p.ready, spare[0])
		p.ready = slices.Delete(p.ready, at, at+1)
		t.drop = append(t.drop, spare[0])
		p.wakeUp() // and then look again
		t.build = nil
	}
	if full {
		t.build = nil
	}
	if t.build != nil {
		p.building++
	}
	return t
}

// fillPool keeps the pool filled, one machine at a time, and never while a
// learner waits for one.
func (m *Manager) fillPool() {
	m.pool.wakeUp()
	backoff := poolBackoff
	for {
		select {
		case <-m.pool.wake:
		case <-m.ctx.Done():
			return
		}
		m.mu.Lock()
		t := m.nextTask()
		m.mu.Unlock()
		for _, e := range t.drop {
			m.discard(e)
		}
		if t.build == nil {
			continue
		}
		err := m.buildReady(t.build)
		if err == nil {
			backoff = poolBackoff
			continue
		}
		if m.ctx.Err() != nil {
			return
		}
		m.log.Warn("cannot make a sandbox ready; will try again", "lab", t.build.Name, "error", err, "after", backoff)
		select {
		case <-time.After(backoff):
		case <-m.ctx.Done():
			return
		}
		backoff = min(2*backoff, poolBackoffMax)
		m.pool.wakeUp()
	}
}

// buildReady builds a machine of the lab and puts it into the pool.
func (m *Manager) buildReady(l *lab.Lab) (err error) {
	ctx, cancel := context.WithTimeout(m.ctx, buildTimeout)
	defer cancel()
	var mach *machine
	id := newID()
	defer func() {
		if err == nil { // before a learner can take it, who is its owner then
			mach.give(poolOwner{m})
		}
		m.mu.Lock()
		m.pool.building--
		// A learner may have taken the place meanwhile.
		keep := err == nil && !m.closing && m.used() < m.o.MaxSessions
		if keep {
			m.pool.ready = append(m.pool.ready, mach)
			m.pool.wakeUp()
		}
		m.mu.Unlock()
		switch {
		case keep:
		case mach != nil:
			m.discard(mach)
		default:
			m.forget(id, reasonFailed)
		}
	}()
	now := m.o.Now()
	row := store.Session{ID: id, Lab: l.Name, Sandbox: id, State: store.Creating, Created: now, Active: now, Expires: now}
	if err := m.store.AddSession(ctx, row, store.Learner{}); err != nil {
		return err
	}
	select {
	case m.cores <- struct{}{}:
		defer func() { <-m.cores }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if mach, err = build(ctx, m.engine, id, l, m.log, func(string) {}); err != nil {
		return err
	}
	ctx, cancelPrompt := context.WithTimeout(ctx, promptTimeout)
	defer cancelPrompt()
	return mach.awaitPrompt(ctx)
}

// poolOwner hears when a machine dies that stands ready.
type poolOwner struct{ m *Manager }

func (poolOwner) terminalChanged(*machine, *term) {}
func (poolOwner) hostChanged(*machine, string)    {}
func (poolOwner) slowed(*machine, time.Duration)  {}

func (o poolOwner) machineGone(*machine) {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	o.m.pool.wakeUp()
}

// discard ends a machine that no learner had.
func (m *Manager) discard(mach *machine) {
	mach.stop()
	m.forget(mach.id, reasonTaken)
}

func (m *Manager) forget(id, reason string) {
	now := m.o.Now()
	m.journal.put("end "+id, func(ctx context.Context) error {
		return m.store.EndSession(ctx, id, reason, now)
	}, nil)
}

// emptyPool ends all that stands ready.
func (m *Manager) emptyPool() {
	m.mu.Lock()
	ready := m.pool.ready
	m.pool.ready = nil
	m.mu.Unlock()
	for _, e := range ready {
		m.discard(e)
	}
}
