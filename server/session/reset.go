package session

import (
	"context"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

// What keeps a session busy, which is also how progress events name it.
const (
	busyReset   = "reset"
	busyCatchUp = "catch-up"
)

// Reset gives the session a new sandbox, of the lab as it is now. Passed steps
// stay passed. If ctx ends before, the session is reset nevertheless. If there
// is no new sandbox to be had, the session keeps the one that it has.
func (m *Manager) Reset(ctx context.Context, c Caller, id string) (Session, error) {
	return m.renew(ctx, c, id, nil)
}

// renew is Reset; with a def, the session has that lab from then on.
func (m *Manager) renew(ctx context.Context, c Caller, id string, def *lab.Lab) (Session, error) {
	l, err := m.find(ctx, c, id)
	if err != nil {
		return Session{}, err
	}
	done := make(chan error, 1)
	l.mu.Lock()
	if err := l.ready(); err != nil {
		l.mu.Unlock()
		return Session{}, err
	}
	var before <-chan struct{}
	if l.busy == busyCatchUp {
		l.catchCancel()
		before = l.catchDone
		l.hub.publish(ProgressEvent, progress{what: busyCatchUp, total: l.catchTo, err: catchUpStopped()})
	}
	l.busy, l.state, l.interrupted = busyReset, Resetting, nil
	if l.running.cancel != nil {
		l.running.cancel()
	}
	l.publishSession()
	l.hub.publish(ProgressEvent, progress{what: busyReset, total: 1})
	m.background.Go(func() {
		if before != nil {
			<-before
		}
		done <- m.reset(l, def)
	})
	l.mu.Unlock()
	select {
	case err = <-done:
	case <-ctx.Done():
		return Session{}, ctx.Err()
	}
	if err != nil {
		return Session{}, err
	}
	return m.current(c, l)
}

// reset puts a new machine in the place of the old one. The new one is there
// first: the old one's end would be in the way of its start.
func (m *Manager) reset(l *live, def *lab.Lab) error {
	mach, err := m.replacement(l, def)
	defer m.replaced()
	if err != nil {
		return m.resetFailed(l, err)
	}
	l.mu.Lock()
	if l.state == Ended {
		l.mu.Unlock()
		mach.stop()
		return sessionEnded()
	}
	old := l.mach
	l.steps = carry(l.steps, mach.lab)
	l.busy = ""
	l.outdated = false
	l.adopt(mach, m.o.Now())
	if def != nil {
		l.hub.publish(LabEvent, LabChange{})
	}
	l.publishSession()
	l.hub.publish(ProgressEvent, progress{what: busyReset, done: 1, total: 1})
	l.publishState()
	l.mu.Unlock()
	old.stop()
	if def != nil {
		m.journal.put("topology "+l.id, func(ctx context.Context) error {
			return m.store.SetTopology(ctx, l.id, def.Source)
		}, nil)
	}
	m.storeSandbox(l, mach.id)
	m.count.resets.Add(1)
	m.log.Info("session reset", "session", l.id, "lab", l.labName)
	return nil
}

// replacement returns a machine that stands ready, or makes one. Until it is
// replaced the session has two sandboxes; cores bounds how many such there are.
func (m *Manager) replacement(l *live, def *lab.Lab) (*machine, error) {
	l.mu.Lock()
	if def == nil {
		def = l.lab.Origin()
	}
	l.mu.Unlock()
	m.mu.Lock()
	if newer := m.labs[l.labName]; newer != nil {
		def = newer
	}
	mach := m.pool.take(def)
	var drop *machine
	if mach == nil && m.used() >= m.o.MaxSessions {
		drop = m.pool.dropOldest()
	}
	m.extra++
	m.creating++ // the pool waits
	m.mu.Unlock()
	if drop != nil {
		m.discard(drop)
	}
	if mach != nil {
		m.forget(mach.id, reasonTaken) // the row; the sandbox is this session's
		return mach, nil
	}
	ctx, cancel := context.WithTimeout(l.ctx, buildTimeout)
	defer cancel()
	id := newID()
	if err := m.store.SetSession(ctx, l.id, store.Creating, id); err != nil {
		return nil, err
	}
	select {
	case m.cores <- struct{}{}:
		defer func() { <-m.cores }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return build(ctx, m.engine, id, def, m.log, func(string) {})
}

func (m *Manager) replaced() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.extra--
	m.creating--
	m.pool.wakeUp()
}

// resetFailed leaves the session with the machine that it has.
func (m *Manager) resetFailed(l *live, cause error) error {
	l.mu.Lock()
	if l.state == Ended {
		l.mu.Unlock()
		return sessionEnded()
	}
	err := cannotReset(cause)
	l.busy, l.state = "", Ready
	id := l.mach.id
	l.publishSession()
	l.hub.publish(ProgressEvent, progress{what: busyReset, total: 1, err: err.Text})
	l.want(func(w *work) { w.tick = true })
	l.mu.Unlock()
	m.storeSandbox(l, id)
	m.count.failures.Add(1)
	m.log.Error("cannot reset a session", "session", l.id, "lab", l.labName, "error", cause)
	return err
}

func (m *Manager) storeSandbox(l *live, id string) {
	m.journal.put("ready "+l.id, func(ctx context.Context) error {
		return m.store.SetSession(ctx, l.id, store.Ready, id)
	}, nil)
}

// carry returns the steps of a lab with what the learner has done in them so
// far. What was seen in the old sandbox is forgotten, and so are answers that
// were taken from it.
func carry(old []step, l *lab.Lab) []step {
	steps := newSteps(l, store.LabRecord{})
	for i := range steps {
		s := &steps[i]
		for j := range old {
			if o := &old[j]; o.def.ID == s.def.ID {
				s.passed, s.caughtUp, s.attempts = o.passed, o.caughtUp, o.attempts
				s.hints, s.revealed = o.hints, o.revealed
				s.keepAnswers(o.answers)
			}
		}
	}
	return steps
}

// keepAnswers takes the answers over that mean the same in another sandbox.
func (s *step) keepAnswers(answers map[string]string) {
	for name, value := range answers {
		if c := s.answerCheck(name); c == nil || c.Is != nil || c.Own {
			continue // gone from the lab, or a value of the sandbox of that time
		}
		if s.answers == nil {
			s.answers = map[string]string{}
		}
		s.answers[name] = value
	}
}
