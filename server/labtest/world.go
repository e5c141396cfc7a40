package labtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

const (
	rebootTimeout = 15 * time.Second
	mostOutput    = 64 << 10
)

// results are those of all checks of a step.
type results []check.Result

func (r results) ok() bool {
	for i := range r {
		if !r[i].OK {
			return false
		}
	}
	return true
}

// why tells which checks fail.
func (r results) why(s *lab.Step) string {
	var all []string
	for i := range r {
		if !r[i].OK {
			all = append(all, fmt.Sprintf("%s: expected %s; found %s; %s", strings.TrimPrefix(name(s, i), "the check "), r[i].Expected.In("en"), r[i].Found.In("en"), r[i].Why.In("en")))
		}
	}
	return strings.Join(all, " | ")
}

// world is a sandbox of the lab, its observer, its terminals and the answers given.
type world struct {
	lab      *lab.Lab // with the values of this sandbox
	e        session.Engine
	sb       session.Sandbox
	obs      session.Observer
	patience time.Duration // with one command
	settle   time.Duration
	answers  map[string]map[string]string // by step and name
	typists  map[string]*typist
	rebooted chan string // hosts, when they are up again
	done     chan struct{}
	once     sync.Once
}

func (p *prover) world(ctx context.Context) (*world, error) {
	id := "test-" + strings.ToLower(rand.Text())
	own, err := p.lab.Instance(id)
	if err != nil {
		return nil, err
	}
	sb, err := p.o.Engine.Create(ctx, id, session.Spec(own))
	if err != nil {
		return nil, fmt.Errorf("cannot make a sandbox of %s: %w", p.lab.Name, err)
	}
	obs, err := p.o.Engine.Watch(ctx, sb)
	if err != nil {
		sb.Destroy()
		return nil, fmt.Errorf("cannot observe a sandbox of %s: %w", p.lab.Name, err)
	}
	w := &world{
		lab: own,
		e:   p.o.Engine, sb: sb, obs: obs, patience: p.o.Patience, settle: p.o.Settle, answers: map[string]map[string]string{}, typists: map[string]*typist{},
		rebooted: make(chan string, 16), done: make(chan struct{}),
	}
	go w.hear()
	return w, nil
}

// hear keeps the observer in step with reboots.
func (w *world) hear() {
	for {
		select {
		case <-w.done:
			return
		case <-w.sb.Done():
			return
		case e := <-w.sb.Events():
			if e.Apply != nil {
				ctx, cancel := context.WithTimeout(context.Background(), rebootTimeout)
				_ = e.Apply(ctx, w.obs) // what it leaves undone, the checks show
				cancel()
			}
			if e.Kind == session.HostRebooted {
				select {
				case w.rebooted <- e.Host:
				default:
				}
			}
		}
	}
}

func (w *world) close() {
	w.once.Do(func() {
		close(w.done)
		for _, t := range w.typists {
			t.close()
		}
		w.obs.Close()
		w.sb.Destroy()
	})
}

// answer gives an answer of a step; those of other steps may have the same name.
func (w *world) answer(s *lab.Step, name, value string) {
	if w.answers[s.ID] == nil {
		w.answers[s.ID] = map[string]string{}
	}
	w.answers[s.ID][name] = value
}

// answerRest answers what the solution leaves to the sandbox's own facts.
func (w *world) answerRest(ctx context.Context, s *lab.Step) {
	for i := range s.Checks {
		a := s.Checks[i].Answer
		if a == nil || a.Is == nil || w.answers[s.ID][a.Name] != "" {
			continue
		}
		if v, ok := w.e.RightAnswer(ctx, a, w.obs); ok {
			w.answer(s, a.Name, v)
		}
	}
}

func (w *world) evaluate(ctx context.Context, s *lab.Step) results {
	_, _ = w.obs.Refresh(ctx)
	answers := w.answers[s.ID]
	all := make(results, len(s.Checks))
	var wait sync.WaitGroup
	for i := range s.Checks {
		wait.Go(func() { all[i] = w.e.Evaluate(ctx, &s.Checks[i], w.obs, answers) })
	}
	wait.Wait()
	return all
}

// eventually evaluates until all checks hold, or for some seconds.
func (w *world) eventually(ctx context.Context, s *lab.Step) results {
	limit, cancel := context.WithTimeout(ctx, w.settle)
	defer cancel()
	states, stop := w.obs.Subscribe()
	defer stop()
	for {
		r := w.evaluate(ctx, s)
		if r.ok() || limit.Err() != nil {
			return r
		}
		select {
		case <-states:
		case <-time.After(200 * time.Millisecond): // a file or a socket, of which no event tells
		case <-limit.Done():
		}
	}
}

// quiet waits until the network has not changed for a while.
func (w *world) quiet(ctx context.Context) error {
	states, stop := w.obs.Subscribe()
	defer stop()
	for {
		select {
		case <-states:
		case <-time.After(300 * time.Millisecond):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
