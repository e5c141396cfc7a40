// Package labtest proves a lab in real sandboxes: nothing passes before
// somebody has done something, the solution passes step by step, typed into a
// real terminal, each mistake fails with the check that it names, each check is
// able to fail, and the commands of the lesson work.
package labtest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

// Options of Prove.
type Options struct {
	Engine session.Engine
	Log    *slog.Logger
	// Progress is told what is being done, where that is set.
	Progress func(what string)
	// Parallel is how many sandboxes are used at once; 2.
	Parallel int
	// Patience is how long one command may take; 30 seconds.
	Patience time.Duration
	// Solutions has only them tried, and no mistakes, faults and lessons.
	Solutions bool
	// Settle is how long a solution may take until its checks hold; 6 seconds.
	Settle time.Duration
}

// Problem is one thing that does not hold.
type Problem struct {
	Step     string // empty: the lab as a whole
	Sentence string
}

func (p Problem) String() string {
	if p.Step == "" {
		return p.Sentence
	}
	return "step " + p.Step + ": " + p.Sentence
}

// Report is the outcome of a proof.
type Report struct {
	Lab                               string
	Problems                          []Problem
	Steps, Checks, Mistakes, Commands int // what was proved
	Took                              time.Duration
}

// prover is one proof on its way.
type prover struct {
	o   Options
	lab *lab.Lab

	mu     sync.Mutex
	report Report
	// failed are the checks that were seen to fail, by step and index.
	failed map[string]map[int]bool
}

// Prove tries everything. An error says that it could not be tried; what is
// wrong with the lab stands in the report.
func Prove(ctx context.Context, l *lab.Lab, o Options) (Report, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Parallel == 0 {
		o.Parallel = 2
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	if o.Settle == 0 {
		o.Settle = 6 * time.Second
	}
	p := &prover{o: o, lab: l, report: Report{Lab: l.Name}, failed: map[string]map[int]bool{}}
	began := time.Now()
	for i := range l.Steps {
		p.report.Checks += len(l.Steps[i].Checks)
		if !o.Solutions {
			p.report.Mistakes += len(l.Steps[i].Mistakes)
		}
	}
	p.report.Steps = len(l.Steps)
	for _, d := range lab.Differences(l) {
		p.problem("", "%s:%d: %s. %s", d.File, d.Line, d.Message, d.Remedy)
	}
	tasks := []func(context.Context) error{p.solution}
	if !o.Solutions {
		tasks = append(tasks, p.rest()...)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Parallel)
	for _, t := range tasks {
		group.Go(func() error { return t(ctx) })
	}
	err := group.Wait()
	if err == nil && !o.Solutions {
		p.neverFailed()
	}
	order := map[string]int{"": -1}
	for i := range l.Steps {
		order[l.Steps[i].ID] = i
	}
	slices.SortStableFunc(p.report.Problems, func(a, b Problem) int { return order[a.Step] - order[b.Step] })
	p.report.Took = time.Since(began)
	return p.report, err
}

// rest is all there is to try beside the solutions.
func (p *prover) rest() (tasks []func(context.Context) error) {
	for _, language := range p.languages() {
		tasks = append(tasks, func(ctx context.Context) error { return p.lesson(ctx, language) })
	}
	for i := range p.lab.Steps {
		for j := range p.lab.Steps[i].Mistakes {
			tasks = append(tasks, func(ctx context.Context) error { return p.mistake(ctx, i, j) })
		}
	}
	for i := range p.lab.Faults {
		tasks = append(tasks, func(ctx context.Context) error { return p.fault(ctx, i) })
	}
	return tasks
}

func (p *prover) progress(format string, args ...any) {
	if p.o.Progress != nil {
		p.o.Progress(fmt.Sprintf(format, args...))
	}
}

func (p *prover) problem(step, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := Problem{step, fmt.Sprintf(format, args...)}
	if !slices.Contains(p.report.Problems, one) {
		p.report.Problems = append(p.report.Problems, one)
	}
}

// saw notes which checks fail.
func (p *prover) saw(step *lab.Step, results results) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range results {
		if !r.OK {
			if p.failed[step.ID] == nil {
				p.failed[step.ID] = map[int]bool{}
			}
			p.failed[step.ID][i] = true
		}
	}
}

// neverFailed reports checks that passed whatever was done.
func (p *prover) neverFailed() {
	for i := range p.lab.Steps {
		s := &p.lab.Steps[i]
		for j := range s.Checks {
			if !p.failed[s.ID][j] {
				p.problem(s.ID, "%s was never seen to fail, neither before the step nor after a mistake: as it is, it proves nothing. Add a mistake that it catches, or remove it", name(s, j))
			}
		}
	}
}

// name names a check as a mistake does: kind, or kind#N.
func name(s *lab.Step, at int) string {
	kind := s.Checks[at].Kind()
	n, all := 0, 0
	for i := range s.Checks {
		if s.Checks[i].Kind() == kind {
			all++
			if i <= at {
				n++
			}
		}
	}
	if all == 1 {
		return "the check " + kind
	}
	return fmt.Sprintf("the check %s#%d", kind, n)
}

// untouched reports steps that pass before anybody has done anything.
func (p *prover) untouched(ctx context.Context, w *world, when string) {
	for i := range w.lab.Steps {
		s := &w.lab.Steps[i]
		if len(s.Checks) == 0 {
			continue
		}
		r := w.evaluate(ctx, s)
		p.saw(s, r)
		if r.ok() {
			p.problem(s.ID, "passes %s, before anybody has done anything", when)
		}
		p.nonsense(ctx, w, s)
	}
}

// nonsense answers what cannot be right.
func (p *prover) nonsense(ctx context.Context, w *world, s *lab.Step) {
	for i := range s.Checks {
		if a := s.Checks[i].Answer; a != nil {
			r := w.e.Evaluate(ctx, &s.Checks[i], w.obs, map[string]string{a.Name: "no such thing 73"})
			if r.OK {
				p.problem(s.ID, "%s takes anything for right", name(s, i))
			}
		}
	}
}

// solution types the solutions of all steps into terminals, and looks whether
// each step passes by its own; and whether a reset takes it all back.
func (p *prover) solution(ctx context.Context) error {
	p.progress("the untouched lab")
	w, err := p.world(ctx)
	if err != nil {
		return err
	}
	defer func() { w.close() }()
	p.untouched(ctx, w, "in the untouched lab")
	for i := range w.lab.Steps {
		s := &w.lab.Steps[i]
		p.progress("the solution of %s", s.ID)
		if len(s.Checks) > 0 {
			before := w.evaluate(ctx, s)
			p.saw(s, before)
			if before.ok() {
				p.problem(s.ID, "holds already when the steps before it are solved: its own solution proves nothing")
			}
		}
		for _, c := range s.Solution {
			if c.Host == lab.AnswerHost {
				given(w, s, c)
				continue
			}
			// The exit status is not looked at: the checks say whether it did what it should.
			if _, err := w.typeLine(ctx, c.Host, c.Line); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				p.problem(s.ID, "the solution's %q on %s %v", c.Line, c.Host, err)
			}
			p.count()
		}
		w.answerRest(ctx, s)
		if r := w.eventually(ctx, s); !r.ok() {
			p.problem(s.ID, "the solution does not pass. %s", r.why(s))
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.progress("a reset")
	w.close()
	if w, err = p.world(ctx); err != nil {
		return err
	}
	p.untouched(ctx, w, "after a reset")
	return p.catchUp(ctx, w)
}

// catchUp runs all solutions without a terminal, each command in a shell of its
// own, as catching up to a step does.
func (p *prover) catchUp(ctx context.Context, w *world) error {
	for i := range w.lab.Steps {
		s := &w.lab.Steps[i]
		p.progress("catching up to %s", s.ID)
		if err := p.solve(ctx, w, s); err != nil {
			return err
		}
		if r := w.eventually(ctx, s); !r.ok() && ctx.Err() == nil {
			p.problem(s.ID, "catching up does not solve it: there each command has a shell of its own. %s", r.why(s))
		}
	}
	return ctx.Err()
}

// solve runs the solution of a step.
func (p *prover) solve(ctx context.Context, w *world, s *lab.Step) error {
	for _, c := range s.Solution {
		if c.Host == lab.AnswerHost {
			given(w, s, c)
		} else if _, err := w.run(ctx, c); err != nil {
			return fmt.Errorf("the solution of step %s: %w", s.ID, err)
		}
	}
	w.answerRest(ctx, s)
	return nil
}

// given gives the answer of a script.
func given(w *world, s *lab.Step, c lab.Command) {
	name, value := s.Answer(c.Line)
	w.answer(s, name, value)
}

func (p *prover) count() {
	p.mu.Lock()
	p.report.Commands++
	p.mu.Unlock()
}

// solved returns a world in which the steps before the one with the index are solved.
func (p *prover) solved(ctx context.Context, before int) (*world, error) {
	w, err := p.world(ctx)
	if err != nil {
		return nil, err
	}
	for i := range w.lab.Steps[:before] {
		s := &w.lab.Steps[i]
		if err := p.solve(ctx, w, s); err != nil {
			w.close()
			return nil, err
		}
		// What a solution starts may take a moment.
		if r := w.eventually(ctx, s); !r.ok() && ctx.Err() != nil {
			w.close()
			return nil, ctx.Err()
		}
	}
	return w, nil
}

// mistake makes a mistake at the beginning of its step, and looks whether the
// check that it names fails.
func (p *prover) mistake(ctx context.Context, step, at int) error {
	p.progress("mistake %d of %s", at+1, p.lab.Steps[step].ID)
	w, err := p.solved(ctx, step)
	if err != nil {
		return err
	}
	defer w.close()
	s := &w.lab.Steps[step]
	m := &s.Mistakes[at]
	for _, c := range m.Run {
		if c.Host == lab.AnswerHost {
			given(w, s, c)
			continue
		}
		exit, err := w.run(ctx, c)
		if err != nil {
			return fmt.Errorf("mistake %d of step %s: %w", at+1, s.ID, err)
		}
		if exit == 127 {
			p.problem(s.ID, "mistake %d is not made: %q on %s names a command that does not exist", at+1, c.Line, c.Host)
		}
	}
	named := s.FailingCheck(*m)
	if named < 0 { // a loaded lab has none such
		return fmt.Errorf("cannot find the check %q of step %s", m.Fails, s.ID)
	}
	// What is wrong stays wrong, when the network has come to rest.
	if err := w.quiet(ctx); err != nil {
		return err
	}
	r := w.evaluate(ctx, s)
	p.saw(s, r)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case r.ok():
		p.problem(s.ID, "mistake %d passes: after it all checks hold", at+1)
	case r[named].OK:
		p.problem(s.ID, "mistake %d should fail with %s, but that holds. %s", at+1, m.Fails, r.why(s))
	case m.Reason != "" && m.Reason != r[named].Reason:
		p.problem(s.ID, "mistake %d fails with the reason %q, not %q. %s", at+1, r[named].Reason, m.Reason, r.why(s))
	case !strings.Contains(r[named].Found.In("en"), m.Found):
		p.problem(s.ID, "after mistake %d, %s finds %q, in which there is no %q", at+1, m.Fails, r[named].Found.In("en"), m.Found)
	}
	return nil
}

// languages are those whose command blocks must be tried: one, if they all are
// the same.
func (p *prover) languages() []string {
	var try []string
	for i, language := range lab.Languages {
		if i == 0 || !slices.EqualFunc(p.lab.Lessons[language].Sections, p.lab.Lessons[lab.Languages[0]].Sections, func(a, b lab.Section) bool {
			return a.Step == b.Step && slices.EqualFunc(a.Blocks(), b.Blocks(), func(a, b lab.Block) bool {
				return a.Host == b.Host && a.Code == b.Code && a.Fails == b.Fails
			})
		}) {
			try = append(try, language)
		}
	}
	return try
}

// lesson runs the command blocks of a lesson in order, as a learner who
// presses all buttons.
func (p *prover) lesson(ctx context.Context, language string) error {
	w, err := p.world(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	lesson := p.lab.Lessons[language]
	for i := range lesson.Sections {
		section := &lesson.Sections[i]
		s, _ := w.lab.Step(section.Step)
		p.progress("the commands of %s (%s)", section.Step, language)
		for _, b := range section.Blocks() {
			failed := false
			for _, one := range w.statements(ctx, b.Host, b.Code) {
				p.count()
				exit, err := w.typeLine(ctx, b.Host, one.code)
				line, at := one.code, section.Line+b.Line+one.line
				if ctx.Err() != nil {
					return ctx.Err()
				}
				switch {
				case err != nil:
					p.problem(section.Step, "the lesson's command %q on %s %v (%s, line %d)", line, b.Host, err, file(language), at)
				case exit != 0 && !b.Fails:
					p.problem(section.Step, "the lesson's command %q on %s ends with exit code %d: %s (%s, line %d). If it should, write fails behind host=%s",
						line, b.Host, exit, w.last(b.Host), file(language), at, b.Host)
				}
				failed = failed || exit != 0
			}
			if b.Fails && !failed {
				p.problem(section.Step, "the lesson's command %q on %s should fail, but works (%s, line %d)", b.Code, b.Host, file(language), section.Line+b.Line)
			}
		}
		if s == nil || len(s.Checks) == 0 {
			continue
		}
		if r := w.evaluate(ctx, s); r.ok() {
			continue
		}
		if err := p.solve(ctx, w, s); err != nil {
			return err
		}
		if r := w.eventually(ctx, s); !r.ok() {
			p.problem(s.ID, "after the lesson's commands, the solution does not pass. %s", r.why(s))
		}
	}
	return ctx.Err()
}

func file(language string) string { return "lesson." + language + ".md" }
