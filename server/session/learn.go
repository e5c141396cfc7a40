package session

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/netground/netground/server/store"
)

const (
	// storeWait bounds how long a learner waits to see a step as passed when
	// the database is slow; then the step's event follows.
	storeWait = 2 * time.Second
	maxAnswer = 500 // bytes
)

// Check evaluates the step now. A step without checks passes by it.
func (m *Manager) Check(ctx context.Context, c Caller, id, step string) (StepState, error) {
	l, _, err := m.findReady(ctx, c, id)
	if err != nil {
		return StepState{}, err
	}
	if err := m.may(c, l.labName); err != nil {
		return StepState{}, err
	}
	l.mu.Lock()
	i := l.stepIndex(step)
	if i < 0 {
		l.mu.Unlock()
		return StepState{}, noStep()
	}
	s := &l.steps[i]
	s.attempts++
	l.saveResult(l.result(i), nil)
	empty := len(s.def.Checks) == 0
	if empty && s.passed.IsZero() {
		l.pass(i)
	}
	l.mu.Unlock()
	if !empty {
		if _, err := l.ask(ctx, step); err != nil {
			return StepState{}, err
		}
	}
	return m.settled(ctx, c, l, step)
}

// Hint shows one more hint of the step, if there is another.
func (m *Manager) Hint(ctx context.Context, c Caller, id, step string) (StepState, error) {
	return m.change(ctx, c, id, step, func(l *live, i int) error {
		s := &l.steps[i]
		ref := s.nextHint()
		if ref == "" {
			return nil
		}
		s.hints = append(slices.Clone(s.hints), ref)
		h := store.Hint{Step: l.key(i), Hint: ref, At: m.o.Now()}
		m.journal.put("hint "+l.learner+" "+l.labName+" "+step+" "+ref, func(ctx context.Context) error {
			return m.store.SaveHint(ctx, h)
		}, nil)
		l.publishStep(i)
		return nil
	})
}

// Solution reveals the step's solution.
func (m *Manager) Solution(ctx context.Context, c Caller, id, step string) (StepState, error) {
	return m.change(ctx, c, id, step, func(l *live, i int) error {
		s := &l.steps[i]
		if s.revealed {
			return nil
		}
		s.revealed = true
		key, now := l.key(i), m.o.Now()
		m.journal.put("solution "+l.learner+" "+l.labName+" "+step, func(ctx context.Context) error {
			return m.store.SaveSolution(ctx, key, now)
		}, nil)
		l.publishStep(i)
		return nil
	})
}

// Answer stores the learner's value for an answer check and evaluates the step.
func (m *Manager) Answer(ctx context.Context, c Caller, id, step, name, value string) (StepState, error) {
	value = strings.TrimSpace(value)
	if len(value) > maxAnswer || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return StepState{}, badAnswer()
	}
	if _, err := m.change(ctx, c, id, step, func(l *live, i int) error {
		if err := l.ready(); err != nil {
			return err
		}
		if l.steps[i].answerCheck(name) == nil {
			return noAnswer()
		}
		l.setAnswer(i, name, value)
		return nil
	}); err != nil {
		return StepState{}, err
	}
	l, err := m.lookUp(ctx, c, id)
	if err != nil {
		return StepState{}, err
	}
	if _, err := l.ask(ctx, step); err != nil {
		return StepState{}, err
	}
	return m.settled(ctx, c, l, step)
}

// setAnswer has the value stored. It is called with the lock.
func (l *live) setAnswer(i int, name, value string) {
	s := &l.steps[i]
	if v, ok := s.answers[name]; ok && v == value {
		return
	}
	answers := maps.Clone(s.answers)
	if answers == nil {
		answers = map[string]string{}
	}
	answers[name] = value
	s.answers = answers
	a := store.Answer{Step: l.key(i), Name: name, Value: value, At: l.m.o.Now()}
	l.m.journal.put("answer "+a.Learner+" "+a.Lab+" "+a.Step.Step+" "+name, func(ctx context.Context) error {
		return l.m.store.SaveAnswer(ctx, a)
	}, nil)
	// Published with the next evaluation: the results now there are of the
	// answer before.
}

// change does something to a step, with the session's lock, and returns the
// step as it is then.
func (m *Manager) change(ctx context.Context, c Caller, id, step string, do func(l *live, i int) error) (StepState, error) {
	l, err := m.find(ctx, c, id)
	if err != nil {
		return StepState{}, err
	}
	if err := m.may(c, l.labName); err != nil {
		return StepState{}, err
	}
	l.mu.Lock()
	if l.state == Ended {
		l.mu.Unlock()
		return StepState{}, sessionEnded()
	}
	i := l.stepIndex(step)
	if i < 0 {
		l.mu.Unlock()
		return StepState{}, noStep()
	}
	if err := do(l, i); err != nil {
		l.mu.Unlock()
		return StepState{}, err
	}
	s := l.steps[i]
	l.mu.Unlock()
	return s.state(m.view(c)), nil
}

// settled returns the step once it is stored that it has passed, where it has.
func (m *Manager) settled(ctx context.Context, c Caller, l *live, step string) (StepState, error) {
	l.awaitStored(ctx, step)
	l.mu.Lock()
	i := l.stepIndex(step)
	if i < 0 { // a reset has brought another lab
		l.mu.Unlock()
		return StepState{}, noStep()
	}
	s := l.steps[i]
	l.mu.Unlock()
	return s.state(m.view(c)), nil
}

// awaitStored waits while the step's passing is being stored, though not long.
func (l *live) awaitStored(ctx context.Context, step string) {
	l.mu.Lock()
	stored := l.passing[step]
	l.mu.Unlock()
	if stored == nil {
		return
	}
	select {
	case <-stored:
	case <-time.After(storeWait):
	case <-ctx.Done():
	}
}
