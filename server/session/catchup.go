package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/netground/netground/server/lab"
)

const (
	commandTimeout = 15 * time.Second
	// holdsWithin is how long a step's checks have to hold after its solution:
	// what was started in the background may take a moment.
	holdsWithin = 2 * time.Second
	holdsPause  = 100 * time.Millisecond
	maxSaid     = 200 // characters of what a command that failed has said
)

// CatchUp starts to solve the steps before the step; events tell how it goes.
// A reset or the session's end cancels it.
func (m *Manager) CatchUp(ctx context.Context, c Caller, id, step string) error {
	l, err := m.find(ctx, c, id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(); err != nil {
		return err
	}
	to := l.stepIndex(step)
	if to < 0 {
		return noStep()
	}
	if l.busy != "" {
		return sessionBusy()
	}
	run, cancel := context.WithCancel(l.ctx)
	done := make(chan struct{})
	l.busy, l.catchTo, l.catchCancel, l.catchDone = busyCatchUp, to, cancel, done
	l.interrupted = nil
	mach := l.mach
	mach.remember(func(n *note) { n.CatchUp = to })
	m.count.catchUps.Add(1)
	m.background.Go(func() {
		defer close(done)
		defer cancel()
		l.catchUp(run, mach, to)
	})
	return nil
}

// catchUp solves the steps one after the other, up to the first that resists.
func (l *live) catchUp(ctx context.Context, mach *machine, to int) {
	p := progress{what: busyCatchUp, total: to}
	for i := 0; i < to && p.err == nil && ctx.Err() == nil; i++ {
		l.mu.Lock()
		if l.mach != mach {
			l.mu.Unlock()
			break
		}
		def := l.steps[i].def
		p.step, p.done = def.ID, i
		l.hub.publish(ProgressEvent, p)
		l.mu.Unlock()
		r := rescue{l: l, mach: mach, def: def}
		p.err = r.solve(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.catchTo = 0
	l.catchCancel, l.catchDone = nil, nil
	if l.busy == busyCatchUp {
		l.busy = ""
	}
	if ctx.Err() != nil {
		return // who cancelled it says so
	}
	mach.remember(func(n *note) { n.CatchUp = 0 })
	if p.err == nil {
		p.step, p.done = "", to
	} else {
		l.m.log.Warn("cannot catch up", "session", l.id, "lab", l.labName, "step", p.step, "why", p.err.In("en"))
	}
	l.hub.publish(ProgressEvent, p)
}

// rescue solves one step for the learner.
type rescue struct {
	l    *live
	mach *machine
	def  *lab.Step
	// trouble is the first command that did not end well. That alone is no
	// error: what exists already cannot be added again.
	trouble lab.Text
}

// solve makes the step's checks hold, by its solution unless they do already,
// and the step passed. Otherwise it says why not.
func (r *rescue) solve(ctx context.Context) lab.Text {
	checks := len(r.def.Checks) > 0
	if checks {
		if s, err := r.l.ask(ctx, r.def.ID); err == nil && holdsNow(&s) {
			r.l.awaitStored(ctx, r.def.ID)
			return nil
		}
	}
	answered := map[string]bool{}
	for _, c := range r.def.Solution {
		if ctx.Err() != nil {
			return nil
		}
		if c.Host == lab.AnswerHost {
			name, value := r.def.Answer(c.Line)
			answered[name] = true
			r.answer(name, value)
			continue
		}
		r.run(ctx, c)
	}
	if !checks {
		r.l.mu.Lock()
		if i := r.l.stepIndex(r.def.ID); r.l.mach == r.mach && i >= 0 && r.l.steps[i].passed.IsZero() {
			r.l.pass(i)
		}
		r.l.mu.Unlock()
		r.l.awaitStored(ctx, r.def.ID)
		return nil
	}
	r.answerRight(ctx, answered)
	return r.verify(ctx)
}

func (r *rescue) run(ctx context.Context, c lab.Command) {
	limited, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	select {
	case <-r.mach.booted: // of an earlier command
	default:
	}
	out, err := r.mach.sb.Run(limited, c.Host, c.Line)
	if c.Reboots() && ctx.Err() == nil {
		select { // how the command ended says nothing: the reboot has ended it
		case <-r.mach.booted:
			return
		case <-limited.Done():
			err = limited.Err()
		}
	}
	if r.trouble != nil || ctx.Err() != nil {
		return
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		seconds := int(commandTimeout.Seconds())
		r.trouble = lab.Text{
			"en": fmt.Sprintf("On %s, “%s” did not end within %d seconds.", c.Host, c.Line, seconds),
			"ko": fmt.Sprintf("%s에서 “%s” 명령이 %d초 안에 끝나지 않았습니다.", c.Host, c.Line, seconds),
		}
	case err != nil:
		r.l.m.log.Warn("cannot run a command of a solution", "session", r.l.id, "host", c.Host, "command", c.Line, "error", err)
		r.trouble = lab.Text{
			"en": fmt.Sprintf("On %s, “%s” could not be run.", c.Host, c.Line),
			"ko": fmt.Sprintf("%s에서 “%s” 명령을 실행하지 못했습니다.", c.Host, c.Line),
		}
	case out.Exit != 0:
		r.trouble = lab.Text{
			"en": fmt.Sprintf("On %s, “%s” ended with the exit code %d%s.", c.Host, c.Line, out.Exit, said(out.Text)),
			"ko": fmt.Sprintf("%s에서 “%s” 명령이 종료 코드 %d(으)로 끝났습니다%s.", c.Host, c.Line, out.Exit, said(out.Text)),
		}
	}
}

// said is the last line of what a command printed, in brackets.
func said(text string) string {
	text = strings.TrimSpace(text)
	text = strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
	if text == "" {
		return ""
	}
	if chars := []rune(text); len(chars) > maxSaid {
		text = string(chars[:maxSaid]) + "…"
	}
	return " (" + strings.TrimSuffix(strings.ToValidUTF8(text, "�"), ".") + ")"
}

func (r *rescue) answer(name, value string) {
	r.l.mu.Lock()
	defer r.l.mu.Unlock()
	if i := r.l.stepIndex(r.def.ID); r.l.mach == r.mach && i >= 0 {
		r.l.setAnswer(i, name, value)
	}
}

// answerRight gives the answers that the solution does not name, since only
// the sandbox knows them.
func (r *rescue) answerRight(ctx context.Context, answered map[string]bool) {
	for i := range r.def.Checks {
		c := r.def.Checks[i].Answer
		if c == nil || answered[c.Name] {
			continue
		}
		if value, ok := r.l.m.engine.RightAnswer(ctx, c, r.mach.obs); ok {
			r.answer(c.Name, value)
		}
	}
}

// verify waits until the checks hold, or says what is wrong.
func (r *rescue) verify(ctx context.Context) lab.Text {
	for end := time.Now().Add(holdsWithin); ; {
		s, err := r.l.ask(ctx, r.def.ID)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && holdsNow(&s):
			r.l.awaitStored(ctx, r.def.ID)
			return nil
		case time.Now().After(end):
			return r.complain(&s)
		}
		select {
		case <-time.After(holdsPause):
		case <-ctx.Done():
			return nil
		}
	}
}

func holdsNow(s *step) bool {
	holds := s.holds()
	return holds != nil && *holds
}

// complain says why the step is not solved: what fails, and which command went
// wrong.
func (r *rescue) complain(s *step) lab.Text {
	why := r.trouble
	var failing lab.Text
	if s.def != nil {
		if i := s.firstFailing(); i >= 0 {
			failing = s.results[i].Why
		}
	}
	text := lab.Text{}
	for _, language := range lab.Languages {
		parts := []string{fmt.Sprintf("The step “%s” could not be solved.", r.title(language))}
		if language == "ko" {
			parts[0] = fmt.Sprintf("“%s” 단계를 풀지 못했습니다.", r.title(language))
		}
		for _, more := range []lab.Text{why, failing} {
			if sentence := more.In(language); sentence != "" {
				parts = append(parts, sentence)
			}
		}
		text[language] = strings.Join(parts, " ")
	}
	return text
}

// title is what the lesson calls the step.
func (r *rescue) title(language string) string {
	for _, s := range r.mach.lab.Lessons[language].Sections {
		if s.Step == r.def.ID && s.Title != "" {
			return s.Title
		}
	}
	return r.def.ID
}
