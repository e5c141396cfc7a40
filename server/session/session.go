package session

import (
	"context"
	"errors"

	"github.com/netground/netground/server/store"
)

// lookUp returns the caller's session if it lives. Looking is no activity: a
// page that nobody sits at reads and subscribes by itself.
func (m *Manager) lookUp(ctx context.Context, c Caller, id string) (*live, error) {
	m.mu.Lock()
	l := m.lives[id]
	closing := m.closing
	m.mu.Unlock()
	if l == nil || l.learner != c.Learner {
		return nil, m.missing(ctx, c, id, closing)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == Ended {
		return nil, sessionEnded()
	}
	return l, nil
}

// find is lookUp for what the learner does.
func (m *Manager) find(ctx context.Context, c Caller, id string) (*live, error) {
	l, err := m.lookUp(ctx, c, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !c.Guest {
		l.touch()
	}
	return l, nil
}

// findReady is find for what needs the sandbox.
func (m *Manager) findReady(ctx context.Context, c Caller, id string) (*live, *machine, error) {
	l, err := m.find(ctx, c, id)
	if err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(); err != nil {
		return nil, nil, err
	}
	return l, l.mach, nil
}

// ready says why the sandbox cannot be used now. It is called with the lock.
func (l *live) ready() error {
	switch l.state {
	case Ready:
		return nil
	case Ended:
		return sessionEnded()
	}
	return sessionBusy()
}

// missing says why there is no such session: it has ended, or never was the
// caller's.
func (m *Manager) missing(ctx context.Context, c Caller, id string, closing bool) error {
	if closing {
		return shuttingDown()
	}
	row, err := m.store.Session(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.Learner == "" || row.Learner != c.Learner) {
		return noSession()
	}
	if err != nil {
		return fail(Failed, "The session cannot be found just now. Try again.", "지금은 세션을 찾을 수 없습니다. 다시 시도하십시오.", err)
	}
	return sessionEnded()
}

// current returns the session as the caller sees it now.
func (m *Manager) current(c Caller, l *live) (Session, error) {
	l.mu.Lock()
	if l.state == Ended {
		l.mu.Unlock()
		return Session{}, sessionEnded()
	}
	s := l.snapshot()
	l.mu.Unlock()
	return s.view(m.view(c)), nil
}

// Get returns a session.
func (m *Manager) Get(ctx context.Context, c Caller, id string) (Session, error) {
	l, err := m.lookUp(ctx, c, id)
	if err != nil {
		return Session{}, err
	}
	return m.current(c, l)
}

// LabProgress is how far a learner is with a lab.
type LabProgress struct {
	Passed  int    // steps
	Session string // the live session's id, or empty
}

// Progress returns how far the learner is, by lab. Labs without any progress
// are left out, and so are steps that their lab has no more.
func (m *Manager) Progress(ctx context.Context, learner string) (map[string]LabProgress, error) {
	passed, err := m.store.PassedSteps(ctx, learner)
	if err != nil {
		return nil, fail(Failed, "Your progress cannot be read just now. Try again.", "지금은 진행 상황을 읽을 수 없습니다. 다시 시도하십시오.", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]LabProgress{}
	for name, steps := range passed {
		def := m.labs[name]
		if def == nil {
			continue
		}
		p := LabProgress{}
		for _, id := range steps {
			if s, _ := def.Step(id); s != nil {
				p.Passed++
			}
		}
		all[name] = p
	}
	for key, l := range m.byLab {
		if key[0] == learner {
			p := all[key[1]]
			p.Session = l.id
			all[key[1]] = p
		}
	}
	return all, nil
}

// End ends a session.
func (m *Manager) End(ctx context.Context, c Caller, id string) error {
	if c.Guest {
		return m.endBecause(ctx, c, id, reasonTeacher)
	}
	return m.endBecause(ctx, c, id, reasonLearner)
}

// EndWithClass ends a session whose class has ended; the learner is told so.
func (m *Manager) EndWithClass(ctx context.Context, c Caller, id string) error {
	return m.endBecause(ctx, c, id, reasonClass)
}

func (m *Manager) endBecause(ctx context.Context, c Caller, id, reason string) error {
	l, err := m.lookUp(ctx, c, id)
	if err != nil {
		return err
	}
	m.end(l, reason)
	return nil
}

// Extend lets the session live for another idle timeout, though not beyond the
// hard limit.
func (m *Manager) Extend(ctx context.Context, c Caller, id string) (Session, error) {
	l, err := m.find(ctx, c, id)
	if err != nil {
		return Session{}, err
	}
	l.mu.Lock()
	if l.state != Ended {
		l.publishSession() // other tabs show the new time, too
	}
	l.mu.Unlock()
	return m.current(c, l)
}
