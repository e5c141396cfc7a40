package session

import (
	"context"

	"github.com/netground/netground/server/lab"
)

// Play returns the learner's playground, or makes one with that network (see
// lab.NewPlayground). A learner has one: where it has another network, that is
// replaced as by a reset if replace says so, and an error with the code Playing
// asks otherwise.
func (m *Manager) Play(ctx context.Context, c Caller, def *lab.Lab, replace bool) (Created, error) {
	m.mu.Lock()
	l := m.byLab[[2]string{c.Learner, def.Name}]
	m.mu.Unlock()
	if l == nil || l.source() == def.Source {
		return m.create(ctx, c, def.Name, def)
	}
	if !replace {
		return Created{}, playing()
	}
	s, err := m.renew(ctx, c, l.id, def)
	return Created{Session: s}, err
}

// Playground returns the learner's playground: the session's id and the text of
// its network; empty if there is none.
func (m *Manager) Playground(c Caller) (id, source string) {
	m.mu.Lock()
	l := m.byLab[[2]string{c.Learner, lab.Playground}]
	m.mu.Unlock()
	if l == nil {
		return "", ""
	}
	return l.id, l.source()
}

// Lab returns the lab that a session has now.
func (m *Manager) Lab(ctx context.Context, c Caller, id string) (*lab.Lab, error) {
	l, err := m.lookUp(ctx, c, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lab, nil
}

func (l *live) source() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lab.Source
}
