package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/store"
	"github.com/netground/netground/server/terminal"
)

// Listener hears what happens in all sessions, for whoever shows a class where
// it stands. Its methods are called with a session's lock: they must neither
// wait nor call the manager.
type Listener interface {
	// Session was opened, has changed, or has ended.
	Session(Brief)
	// Step is how far a learner is with a step now.
	Step(Brief, StepFact)
	// State is the network of a session now.
	State(Brief, *observe.State)
	// Terminal is one that was opened.
	Terminal(Brief, Terminal, *terminal.Terminal)
}

// Gate says whether a learner may go on with a lab just now; an error says why
// not. It is called often, and must not call the manager.
type Gate func(learner, lab string) error

// Brief is a session in short.
type Brief struct {
	ID, Learner, Lab string
	State            string
	Created, Active  time.Time
	Pages            int    // of the learner, that are open
	Step             string // where the learner is; empty: everything is passed
}

// StepFact is what a class's view shows of a step.
type StepFact struct {
	ID       string
	Passed   time.Time
	CaughtUp bool
	Hints    int
	Revealed bool
	Holds    *bool
	// Failure is a try that has just failed, if this is one.
	Failure *store.Failure
	// Holding are the checks that have come to hold just now for the first time.
	Holding []string
}

// brief is called with the lock.
func (l *live) brief() Brief {
	b := Brief{ID: l.id, Learner: l.learner, Lab: l.labName, State: l.state, Created: l.created, Active: l.active}
	for s := range l.hub.subs {
		if !s.guest {
			b.Pages++
		}
	}
	if i := current(l.steps); i >= 0 {
		b.Step = l.steps[i].def.ID
	}
	return b
}

// tell tells the listener of the session. It is called with the lock.
func (l *live) tell() {
	if l.m.o.Listener != nil {
		l.m.o.Listener.Session(l.brief())
	}
}

func (l *live) tellStep(i int, failure *store.Failure, holding ...string) {
	if l.m.o.Listener == nil {
		return
	}
	s := &l.steps[i]
	l.m.o.Listener.Step(l.brief(), StepFact{ID: s.def.ID, Passed: s.passed, CaughtUp: s.caughtUp, Hints: len(s.hints), Revealed: s.revealed, Holds: s.holds(), Failure: failure, Holding: holding})
}

func (l *live) tellState(st *observe.State) {
	if l.m.o.Listener != nil && st != nil {
		l.m.o.Listener.State(l.brief(), st)
	}
}

// tellTerminals tells the listener of the terminals that a machine brings.
func (l *live) tellTerminals(m *machine) {
	if l.m.o.Listener == nil {
		return
	}
	m.mu.Lock()
	terms := slices.Clone(m.terms)
	m.mu.Unlock()
	for _, t := range terms {
		l.m.o.Listener.Terminal(l.brief(), t.view(), t.t)
	}
}

// failedTry finds out whether the results are a try that has failed, and has it
// stored. It is called with the lock.
func (l *live) failedTry(i int, e *stepEvaluation, asked bool) *store.Failure {
	s := &l.steps[i]
	if !s.passed.IsZero() || i < l.catchTo || l.passing[s.def.ID] != nil || !asked && !e.current {
		return nil
	}
	now := l.m.o.Now()
	if !s.tries.failed(look{
		at: now, typed: l.typed, digest: e.digest, results: s.results, answers: s.answers, asked: asked, mistake: s.mistaken(),
		probes: func(place int) bool { return class(&s.def.Checks[place]) == byProbe },
	}) {
		return nil
	}
	var failing []store.Failing
	for j, r := range s.results {
		if !r.OK && known(&r) {
			failing = append(failing, store.Failing{Place: j, Kind: r.Kind, Reason: r.Reason, Why: r.Why, Expected: r.Expected})
		}
	}
	f := store.Failure{ID: newID(), Step: l.key(i), At: now, Asked: asked, Failing: failing}
	l.m.journal.put("failure "+f.ID, func(ctx context.Context) error { return l.m.store.SaveFailure(ctx, f) }, nil)
	return &f
}

// may asks the gate.
func (m *Manager) may(c Caller, lab string) error {
	if m.o.Gate == nil || c.Guest {
		return nil
	}
	return m.o.Gate(c.Learner, lab)
}

// Live returns the learner's live sessions, newest first.
func (m *Manager) Live(learner string) []Brief {
	var all []Brief
	for _, l := range m.all() {
		if l.learner != learner {
			continue
		}
		l.mu.Lock()
		if l.state != Ended {
			all = append(all, l.brief())
		}
		l.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Brief) int { return b.Created.Compare(a.Created) })
	return all
}

// InLanguage is an event's data that depends on the reader's language.
type InLanguage func(language string) any

func (f InLanguage) in(v view) any { return f(v.language) }

// Tell gives an event to all pages of a learner.
func (m *Manager) Tell(learner, name string, data InLanguage) {
	for _, l := range m.all() {
		if l.learner == learner {
			l.mu.Lock()
			if l.state != Ended {
				l.hub.publish(name, data)
			}
			l.mu.Unlock()
		}
	}
}

// ReturnKeyboard takes the keyboards of a session's terminals back from guests.
func (m *Manager) ReturnKeyboard(id string) {
	m.mu.Lock()
	l := m.lives[id]
	m.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	mach := l.mach
	l.mu.Unlock()
	if mach == nil {
		return
	}
	mach.mu.Lock()
	terms := slices.Clone(mach.terms)
	mach.mu.Unlock()
	for _, t := range terms {
		t.t.ReturnKeyboard()
	}
}

// faulty finds a fault as the session's own lab has it, whose values may be
// others than a neighbour's.
func (m *Manager) faulty(ctx context.Context, c Caller, id, fault string) (*machine, *lab.Fault, error) {
	_, mach, err := m.findReady(ctx, c, id)
	if err != nil {
		return nil, nil, err
	}
	f := mach.lab.Fault(fault)
	if f == nil {
		return nil, nil, fail(NotFound, "The lab has no such fault.", "실습에 그런 고장이 없습니다.", nil)
	}
	return mach, f, nil
}

// Break puts a fault of the lab into a session's network.
func (m *Manager) Break(ctx context.Context, c Caller, id, fault string) error {
	mach, f, err := m.faulty(ctx, c, id, fault)
	if err != nil {
		return err
	}
	for _, line := range f.Run {
		limited, cancel := context.WithTimeout(ctx, commandTimeout)
		out, err := mach.sb.Run(limited, line.Host, line.Line)
		cancel()
		if err == nil && out.Exit != 0 {
			err = fmt.Errorf("%q on %s ended with %d%s", line.Line, line.Host, out.Exit, said(out.Text))
		}
		if err != nil {
			return fail(Failed, "The fault could not be put there.", "고장을 넣지 못했습니다.", err)
		}
	}
	return nil
}

// Broken says whether one of the fault's checks fails in a session's network.
func (m *Manager) Broken(ctx context.Context, c Caller, id, fault string) (bool, error) {
	mach, f, err := m.faulty(ctx, c, id, fault)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, autoTimeout)
	defer cancel()
	if _, err := mach.obs.Refresh(ctx); err != nil {
		return false, fmt.Errorf("cannot look for a fault: %w", err)
	}
	for i := range f.Checks {
		r := m.engine.Evaluate(ctx, &f.Checks[i], mach.obs, nil)
		if r.Err != nil {
			return false, fmt.Errorf("cannot look for a fault: %w", r.Err)
		}
		if !r.OK && ctx.Err() == nil {
			return true, nil
		}
	}
	return false, ctx.Err()
}
