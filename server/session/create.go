package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

// stopwatch tells the phases of a creation apart.
type stopwatch struct {
	last   time.Time
	phases []Phase
}

func (s *stopwatch) lap(name string) {
	now := time.Now()
	s.phases = append(s.phases, Phase{name, now.Sub(s.last)})
	s.last = now
}

// Create returns the learner's live session of the lab, or makes one. It
// returns when the sandbox is ready. If ctx ends before, the session is made
// nevertheless, and the next call returns it.
func (m *Manager) Create(ctx context.Context, c Caller, labName string) (Created, error) {
	return m.create(ctx, c, labName, nil)
}

// create is Create; def is the lab where the manager has none of that name.
func (m *Manager) create(ctx context.Context, c Caller, labName string, def *lab.Lab) (Created, error) {
	if err := m.may(c, labName); err != nil {
		return Created{}, err
	}
	watch := &stopwatch{last: time.Now()}
	a, err := m.admit(c, labName, def)
	if err != nil {
		return Created{}, err
	}
	l := a.live
	for _, mach := range a.drop {
		m.discard(mach)
	}
	if a.isNew {
		watch.lap("admission")
		if a.ready != nil {
			m.take(c, l, a.ready, watch)
		} else {
			go m.make(c, l, watch)
		}
	}
	select {
	case <-l.built:
	case <-ctx.Done():
		return Created{}, ctx.Err()
	}
	if errors.Is(l.buildErr, errStoring) {
		return Created{}, cannotStore(l.buildErr)
	}
	if l.buildErr != nil {
		return Created{}, cannotStart(l.buildErr)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == Ended {
		return Created{}, sessionEnded()
	}
	if !a.isNew {
		l.touch()
		m.count.resumes.Add(1)
		return Created{Session: l.snapshot().view(m.view(c))}, nil
	}
	return Created{Session: l.snapshot().view(m.view(c)), New: true, FromPool: l.fromPool, Phases: l.phases}, nil
}

// admission is what admit has decided.
type admission struct {
	live  *live
	isNew bool
	ready *machine   // of the pool
	drop  []*machine // of the pool, which make place
}

// admit finds the learner's session, or a place for a new one.
func (m *Manager) admit(c Caller, labName string, def *lab.Lab) (admission, error) {
	now := m.o.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return admission{}, shuttingDown()
	}
	own := def != nil
	if !own {
		if def = m.labs[labName]; def == nil {
			return admission{}, noLab()
		}
	}
	if l := m.byLab[[2]string{c.Learner, labName}]; l != nil && !l.ended() {
		return admission{live: l}, nil
	}
	var open int
	for _, l := range m.lives {
		if l.learner == c.Learner {
			open++
		}
	}
	if open >= m.o.MaxPerLearner {
		return admission{}, quota(open)
	}
	a := admission{isNew: true}
	if err := m.place(c.Learner, def, now); err != nil {
		m.count.refused.Add(1)
		return admission{}, err
	}
	a.live = newLive(m, def, c.Learner, now)
	if a.ready = m.pool.take(def); a.ready != nil {
		a.live.id = a.ready.id
	} else {
		for m.used()+m.places(def) > m.o.MaxSessions && len(m.pool.ready) > 0 {
			a.drop = append(a.drop, m.pool.dropOldest())
		}
	}
	if !own {
		m.pool.started(labName, m.o.PoolSize)
	}
	m.lives[a.live.id] = a.live
	m.byLab[[2]string{c.Learner, labName}] = a.live
	m.creating++
	m.background.Add(1) // until created; here, where Close cannot wait yet
	return a, nil
}

// used returns how many places are taken by what there is or is being made. It
// is called with the lock.
func (m *Manager) used() int {
	n := m.taken() + m.pool.building
	for _, mach := range m.pool.ready {
		n += m.places(mach.lab)
	}
	return n
}

// taken returns how many places sessions take. It is called with the lock.
func (m *Manager) taken() int {
	n := m.extra
	for _, l := range m.lives {
		n += m.places(l.admitted)
	}
	return n
}

// place says whether there is a place for the learner, whose turn it must be.
// Sandboxes that stand ready, or will, give way. It is called with the lock.
func (m *Manager) place(learner string, def *lab.Lab, now time.Time) error {
	need := m.places(def)
	if need > m.o.MaxSessions {
		return tooLarge(m.cost(def))
	}
	free := (m.o.MaxSessions - m.taken()) / need
	if free > 0 && !m.pool.has(def) {
		if memory, err := m.o.FreeMemory(); err != nil {
			m.log.Warn("cannot tell whether a session fits", "error", err)
		} else if memory < m.o.MinFreeMemory+max(int64(len(def.Topology.Hosts))*hostMemory, int64(need-1)*sessionMemory) {
			free = 0
		}
	}
	if m.queue.admit(learner, free, now) {
		return nil
	}
	place := m.queue.place(learner, now) + 1 - max(0, free)
	return &FullError{Place: max(1, place), Estimate: m.estimate(max(1, place), now)}
}

// estimate says when the place will be free: when so many sessions will have
// expired, or as often as sessions have ended lately, whichever is sooner.
func (m *Manager) estimate(place int, now time.Time) time.Duration {
	var ends []time.Duration
	for _, l := range m.lives {
		l.mu.Lock()
		ends = append(ends, l.expires().Sub(now))
		l.mu.Unlock()
	}
	slices.Sort(ends)
	usual := m.lifetime * time.Duration(place) / time.Duration(m.o.MaxSessions)
	if place <= len(ends) {
		usual = min(usual, ends[place-1])
	}
	return max(usual, 15*time.Second).Round(time.Second)
}

// take gives a sandbox that stood ready to the learner. Its row is there since
// before the sandbox was; whose it is now may be stored while the learner
// types: after a crash it is ended either way.
func (m *Manager) take(c Caller, l *live, mach *machine, watch *stopwatch) {
	rec, err := m.store.LabRecord(l.ctx, l.learner, l.labName)
	if err != nil {
		mach.stop()
		m.failed(l, fmt.Errorf("%w: %w", errStoring, err))
		return
	}
	l.mu.Lock()
	row := l.record(store.Ready)
	l.mu.Unlock()
	m.journal.put("give "+l.id, func(ctx context.Context) error {
		return m.store.GiveSession(ctx, row, store.Learner{ID: c.Learner, Language: c.Language, Created: row.Created})
	}, nil)
	watch.lap("pool")
	l.fromPool = true
	m.finish(l, mach, rec, watch)
}

// make makes the learner's sandbox.
func (m *Manager) make(c Caller, l *live, watch *stopwatch) {
	ctx, cancel := context.WithTimeout(l.ctx, buildTimeout)
	defer cancel()
	l.mu.Lock()
	row, def := l.record(store.Creating), l.lab
	l.mu.Unlock()
	// The row is stored while the sandbox is made: one without a note, which comes
	// last, is ended by the next server, whether there is a row or not.
	var rec store.LabRecord
	stored := make(chan error, 1)
	go func() {
		err := m.store.AddSession(ctx, row, store.Learner{ID: c.Learner, Language: c.Language, Created: row.Created})
		if err == nil {
			rec, err = m.store.LabRecord(ctx, l.learner, l.labName)
		}
		stored <- err
	}()
	mach, err := m.makeMachine(ctx, l.id, def, watch)
	// Also where that failed: the row's end must come behind it.
	if e := <-stored; e != nil && err == nil {
		mach.stop()
		err = fmt.Errorf("%w: %w", errStoring, e)
	}
	if err != nil {
		m.failed(l, err)
		return
	}
	watch.lap("store")
	m.journal.put("ready "+l.id, func(ctx context.Context) error {
		return m.store.SetSession(ctx, l.id, store.Ready, l.id)
	}, nil)
	m.finish(l, mach, rec, watch)
}

// makeMachine builds a machine when it is its turn.
func (m *Manager) makeMachine(ctx context.Context, id string, def *lab.Lab, watch *stopwatch) (*machine, error) {
	select {
	case m.cores <- struct{}{}:
		defer func() { <-m.cores }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	watch.lap("turn")
	return build(ctx, m.engine, id, def, m.log, watch.lap)
}

// finish makes a session of a machine and a place.
func (m *Manager) finish(l *live, mach *machine, rec store.LabRecord, watch *stopwatch) {
	l.mu.Lock()
	if l.state == Ended { // while it was being made
		l.mu.Unlock()
		mach.stop()
	} else {
		l.steps = newSteps(mach.lab, rec)
		l.adopt(mach, m.o.Now())
		m.background.Go(l.evaluator)
		l.publishSession()
		l.publishState()
		l.mu.Unlock()
	}
	l.phases = watch.phases
	var total time.Duration
	for _, p := range watch.phases {
		total += p.Duration
	}
	m.count.creates.Add(1)
	if l.fromPool {
		m.count.fromPool.Add(1)
		m.count.pooled.add(total)
	} else {
		m.count.create.add(total)
	}
	m.created()
	close(l.built)
	m.log.Info("session started", "session", l.id, "lab", l.labName, "pool", l.fromPool, "took", total)
}

// failed ends a session that could not be made.
func (m *Manager) failed(l *live, err error) {
	m.count.failures.Add(1)
	m.log.Error("cannot start a session", "session", l.id, "lab", l.labName, "error", err)
	l.buildErr = err
	m.end(l, reasonFailed)
	m.created()
	close(l.built)
}

// created lets the pool go on when no Create waits any more.
func (m *Manager) created() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.creating--
	m.pool.wakeUp()
	m.background.Done()
}
