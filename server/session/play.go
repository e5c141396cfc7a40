package session

import (
	"context"
	"net/netip"
	"strings"

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

// Probe asks whether a host of a playground reaches an address: the server
// sends a ping itself, and says where it ends if it is not answered. In a lab
// that is the checks' to say.
func (m *Manager) Probe(ctx context.Context, c Caller, id, from, to string) (CheckState, error) {
	l, mach, err := m.findReady(ctx, c, id)
	if err != nil {
		return CheckState{}, err
	}
	if l.labName != lab.Playground {
		return CheckState{}, noProbe()
	}
	if _, ok := mach.hostState(from); !ok {
		return CheckState{}, noHost()
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(to))
	if err != nil || addr.Zone() != "" || addr.Is4In6() || addr.IsMulticast() || addr.IsUnspecified() {
		return CheckState{}, badAddress()
	}
	if !l.probe(true) { // one at a time: each takes seconds of the server's
		return CheckState{}, probing()
	}
	defer l.probe(false)
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if _, err := mach.obs.Refresh(ctx); err != nil {
		m.log.Warn("cannot read the network's state", "session", l.id, "error", err)
	}
	r := m.engine.Evaluate(ctx, &lab.Check{Reach: &lab.ReachCheck{From: from, To: addr.String()}}, mach.obs, nil)
	v := m.view(c)
	return CheckState{Kind: r.Kind, OK: r.OK, Reason: r.Reason, Expected: v.text(r.Expected), Found: v.text(r.Found), Why: v.text(r.Why)}, nil
}

// probe begins or ends a probe; false if one goes on.
func (l *live) probe(begin bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if begin && l.probing {
		return false
	}
	l.probing = begin
	return true
}
