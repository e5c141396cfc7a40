package session

import (
	"context"
	"maps"
	"reflect"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/store"
)

const (
	// A change is looked at when the network has been quiet for a moment, or
	// after a while at the latest: one command often makes many changes.
	quiet     = 5 * time.Millisecond
	quietMost = 50 * time.Millisecond

	// Automatic evaluations of one session: a learner who flaps a link does
	// not keep the server busy.
	evaluationRate  = 10
	evaluationBurst = 20

	askTimeout  = 20 * time.Second
	autoTimeout = 10 * time.Second
	// interruptAfter is how long an automatic evaluation may go on after the
	// network has changed beneath it; then it starts again.
	interruptAfter = 50 * time.Millisecond
)

// work is what the evaluator is to do next. However much is asked for while it
// is busy, there is one next evaluation.
type work struct {
	changed bool                      // the network has changed
	tick    bool                      // look at what has no events, too
	asks    map[string][]chan outcome // steps that somebody waits for
}

type outcome struct {
	step step
	err  error
}

// want adds to the work. It is called with the lock.
func (l *live) want(add func(*work)) {
	add(&l.work)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// evaluation is one that goes on by itself.
type evaluation struct {
	cancel context.CancelFunc // nil: none, or somebody waits for it
	since  time.Time
	digest uint64 // of the state that it looks at
}

// interrupt ends an evaluation that looks at a network of the past: its probes
// may take seconds to fail, though the learner has mended it meanwhile.
func (e *evaluation) interrupt(digest uint64) {
	if e.cancel != nil && digest != e.digest && time.Since(e.since) > interruptAfter {
		e.cancel()
	}
}

// evaluator evaluates the session's checks until the session ends.
func (l *live) evaluator() {
	limit := rate.NewLimiter(evaluationRate, evaluationBurst)
	tick := time.NewTicker(l.m.o.RecheckEvery)
	defer tick.Stop()
	defer l.refuseAsks()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-l.wake:
		case <-tick.C:
			l.mu.Lock()
			if l.m.o.Now().Sub(l.active) < l.m.o.RecheckFor {
				l.work.tick = true
			}
			l.mu.Unlock()
		}
		l.settle()
		l.pause(limit.Reserve().Delay())
		if w := l.take(); w.changed || w.tick || len(w.asks) > 0 {
			l.evaluate(w)
		}
	}
}

// settle waits until the network is quiet, unless somebody waits.
func (l *live) settle() {
	most := time.After(quietMost)
	for !l.asked() {
		select {
		case <-l.wake:
		case <-time.After(quiet):
			return
		case <-most:
			return
		case <-l.ctx.Done():
			return
		}
	}
}

// pause waits, unless somebody else does.
func (l *live) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	end := time.After(d)
	for !l.asked() {
		select {
		case <-l.wake:
		case <-end:
			return
		case <-l.ctx.Done():
			return
		}
	}
}

func (l *live) asked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.work.asks) > 0
}

func (l *live) take() work {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.work
	l.work = work{}
	return w
}

// ask evaluates all checks of a step now, and waits for the outcome. It is
// called without the lock.
func (l *live) ask(ctx context.Context, id string) (step, error) {
	answer := make(chan outcome, 1)
	l.mu.Lock()
	if l.state == Ended {
		l.mu.Unlock()
		return step{}, sessionEnded()
	}
	l.want(func(w *work) {
		if w.asks == nil {
			w.asks = map[string][]chan outcome{}
		}
		w.asks[id] = append(w.asks[id], answer)
	})
	if l.running.cancel != nil {
		l.running.cancel() // it is evaluated again afterwards
	}
	l.mu.Unlock()
	select {
	case o := <-answer:
		return o.step, o.err
	case <-l.ctx.Done():
		return step{}, sessionEnded()
	case <-ctx.Done():
		return step{}, ctx.Err()
	}
}

func (l *live) refuseAsks() {
	for _, waiting := range l.take().asks {
		for _, answer := range waiting {
			answer <- outcome{err: sessionEnded()}
		}
	}
}

// evaluate looks at all steps: at those that somebody waits for first, then at
// the one where the learner is, then at the others as far as that is cheap.
func (l *live) evaluate(w work) {
	began := time.Now()
	timeout := autoTimeout
	if len(w.asks) > 0 {
		timeout = askTimeout
	}
	ctx, cancel := context.WithTimeout(l.ctx, timeout)
	defer cancel()

	l.mu.Lock()
	mach, ready := l.mach, l.state == Ready
	steps := append([]step(nil), l.steps...)
	l.mu.Unlock()
	if !ready {
		for _, waiting := range w.asks {
			for _, answer := range waiting {
				answer <- outcome{err: sessionBusy()}
			}
		}
		return
	}
	if len(w.asks) > 0 {
		if _, err := mach.obs.Refresh(ctx); err != nil {
			l.m.log.Warn("cannot read the network's state", "session", l.id, "error", err)
		}
	}
	now := digest(mach.obs.State())
	if len(w.asks) == 0 {
		l.mu.Lock()
		l.running = evaluation{cancel, began, now}
		if len(l.work.asks) > 0 { // somebody came in between
			cancel()
		}
		l.mu.Unlock()
	}
	at := current(steps)
	for _, i := range order(steps, at, w.asks) {
		s := &steps[i]
		waiting := w.asks[s.def.ID]
		delete(w.asks, s.def.ID)
		e := stepEvaluation{l: l, mach: mach, step: s, digest: now, current: i == at, full: len(waiting) > 0 || i == at && w.tick}
		results := e.run(ctx)
		if ctx.Err() != nil {
			for _, answer := range waiting {
				answer <- outcome{err: fail(Failed, "The check took too long. Try again.", "확인이 너무 오래 걸렸습니다. 다시 시도하십시오.", ctx.Err())}
			}
			break
		}
		after, err := l.keep(mach, s.def, results, &e, len(waiting) > 0)
		for _, answer := range waiting {
			answer <- outcome{after, err}
		}
	}
	for _, waiting := range w.asks { // not reached, or no step of this lab any more
		for _, answer := range waiting {
			answer <- outcome{err: sessionBusy()}
		}
	}
	l.mu.Lock()
	l.running = evaluation{}
	if ctx.Err() != nil && l.ctx.Err() == nil && len(w.asks) == 0 {
		l.want(func(n *work) { n.changed, n.tick = true, n.tick || w.tick })
	}
	l.mu.Unlock()
	l.m.count.evaluations.Add(1)
	l.m.count.evaluation.add(time.Since(began))
}

// order returns the indexes of the steps with checks: asked ones, the current
// one, the rest.
func order(steps []step, at int, asks map[string][]chan outcome) []int {
	var first, rest []int
	for i := range steps {
		switch {
		case len(asks[steps[i].def.ID]) > 0:
			first = append(first, i)
		case len(steps[i].def.Checks) == 0 || i == at:
		default:
			rest = append(rest, i)
		}
	}
	if at >= 0 && len(asks[steps[at].def.ID]) == 0 {
		first = append(first, at)
	}
	return append(first, rest...)
}

// The classes of checks, by what they cost.
const (
	byState = iota // the observed state says it
	byRead         // something must be read: no event tells that it has changed
	byProbe        // packets must be sent
	classes
)

func class(c *lab.Check) int {
	switch {
	case c.Reach != nil, c.Blocked != nil, c.Resolves != nil:
		return byProbe
	case c.Sysctl != nil, c.File != nil, c.Listens != nil:
		return byRead
	}
	return byState
}

// stepEvaluation evaluates one step.
type stepEvaluation struct {
	l       *live
	mach    *machine
	step    *step
	digest  uint64
	current bool
	full    bool // everything, and fresh
	probed  bool // set by run: all probes were sent
}

// run returns the results of all checks: fresh ones as far as their class is
// due, earlier ones for the rest. What is read or probed for a step at which
// the learner is not yet is due only if all that is cheaper holds; a probe only
// if the network has changed since the last one. A step that would pass is
// looked at afresh as a whole.
func (e *stepEvaluation) run(ctx context.Context) []check.Result {
	checks := e.step.def.Checks
	results := make([]check.Result, len(checks))
	for i := range checks {
		if i < len(e.step.results) {
			results[i] = e.step.results[i]
		} else {
			results[i] = check.Result{Kind: checks[i].Kind(), Reason: NotChecked}
		}
	}
	fresh := make([]bool, len(checks))
	for of := range classes {
		due := e.full || of == byState || e.current || allOK(results, checks, of)
		if of == byProbe && !e.full && e.step.probedAt == e.digest {
			due = false
		}
		if due {
			e.evaluate(ctx, results, fresh, of)
		}
	}
	if e.step.passed.IsZero() && allOK(results, checks, classes) {
		for of := range classes {
			e.evaluate(ctx, results, fresh, of)
		}
	}
	e.probed = true
	for i := range checks {
		e.probed = e.probed && (fresh[i] || class(&checks[i]) != byProbe)
	}
	return results
}

// allOK says whether all checks of cheaper classes hold.
func allOK(results []check.Result, checks []lab.Check, below int) bool {
	for i := range checks {
		if class(&checks[i]) < below && !results[i].OK {
			return false
		}
	}
	return true
}

// evaluate evaluates the checks of a class that are not fresh yet; probes side
// by side, since each may have to wait.
func (e *stepEvaluation) evaluate(ctx context.Context, results []check.Result, fresh []bool, of int) {
	var wg sync.WaitGroup
	checks := e.step.def.Checks
	answers := maps.Clone(e.step.answers)
	for i := range checks {
		if fresh[i] || class(&checks[i]) != of || ctx.Err() != nil {
			continue
		}
		fresh[i] = true
		one := func() {
			results[i] = e.l.m.engine.Evaluate(ctx, &checks[i], e.mach.obs, answers)
			if i < len(e.step.heldPassed) && e.step.heldPassed[i] {
				results[i] = check.Faded(&checks[i], results[i])
			}
			if err := results[i].Err; err != nil && ctx.Err() == nil {
				e.l.m.log.Warn("cannot establish a check", "session", e.l.id, "step", e.step.def.ID, "check", i+1, "error", err)
			}
		}
		e.l.m.count.checks.Add(1)
		if of == byProbe {
			wg.Go(one)
		} else {
			one()
		}
	}
	wg.Wait()
}

// keep makes the results those of the step, and the step passed if they are
// good. It returns the step as it is then.
func (l *live) keep(mach *machine, def *lab.Step, results []check.Result, e *stepEvaluation, asked bool) (step, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.stepIndex(def.ID)
	if l.mach != mach || l.state != Ready || i < 0 || l.steps[i].def != def {
		return step{}, sessionBusy() // reset meanwhile
	}
	s := &l.steps[i]
	differs := !reflect.DeepEqual(s.results, results)
	s.results, s.checked, s.seen = results, l.m.o.Now(), e.digest
	if !s.passed.IsZero() {
		s.hold()
	}
	if e.probed {
		s.probedAt = e.digest
	}
	if e.current && s.begun == 0 {
		s.begun = e.digest
	}
	if e.current {
		s.begin(results)
	}
	if s.passed.IsZero() && (e.current || asked) && i >= l.catchTo {
		if holding := s.come(); len(holding) > 0 {
			l.tellStep(i, nil, holding...)
		}
	}
	if s.passed.IsZero() && len(results) > 0 && allOK(results, def.Checks, classes) {
		s.hold()
		l.pass(i)
	}
	if differs || asked {
		l.publishStep(i)
	}
	if f := l.failedTry(i, e, asked); f != nil {
		l.tellStep(i, f)
	}
	return *s, nil
}

// pass has it stored that a step is passed, and says so when it is on the
// disk: what a learner has seen as solved survives a power cut. It is called
// with the lock.
func (l *live) pass(i int) {
	s := &l.steps[i]
	id := s.def.ID
	if l.passing[id] != nil {
		return
	}
	stored := make(chan struct{})
	l.passing[id] = stored
	r := l.result(i)
	r.Passed, r.CaughtUp = l.m.o.Now(), i < l.catchTo
	l.saveResult(r, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.passing, id)
		if i := l.stepIndex(id); i >= 0 {
			l.steps[i].passed, l.steps[i].caughtUp = r.Passed, r.CaughtUp
			l.publishStep(i)
		}
		l.m.count.passed.Add(1)
		close(stored)
		l.want(func(w *work) { w.tick = true }) // the learner is at another step now
	})
}

// result returns what is stored of a step. It is called with the lock.
func (l *live) result(i int) store.StepResult {
	s := &l.steps[i]
	return store.StepResult{
		Step:   l.key(i),
		Passed: s.passed, CaughtUp: s.caughtUp, Attempts: s.attempts, Checked: s.checked,
	}
}

func (l *live) key(i int) store.Step {
	return store.Step{Learner: l.learner, Lab: l.lab.Name, Step: l.steps[i].def.ID, Session: l.id}
}

func (l *live) saveResult(r store.StepResult, done func()) {
	key := "result " + r.Learner + " " + r.Lab + " " + r.Step.Step
	if !r.Passed.IsZero() {
		key += " passed" // a later count of attempts must not take its place
	}
	l.m.journal.put(key, func(ctx context.Context) error { return l.m.store.SaveResult(ctx, r) }, done)
}
