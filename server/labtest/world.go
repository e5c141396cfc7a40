package labtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

const (
	commandTimeout = 30 * time.Second
	passTimeout    = 6 * time.Second
	rebootTimeout  = 15 * time.Second
	mostOutput     = 64 << 10
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
	e        session.Engine
	sb       session.Sandbox
	obs      session.Observer
	answers  map[string]string
	typists  map[string]*typist
	rebooted chan string // hosts, when they are up again
	done     chan struct{}
	once     sync.Once
}

func (p *prover) world(ctx context.Context) (*world, error) {
	sb, err := p.o.Engine.Create(ctx, "test-"+strings.ToLower(rand.Text()), session.Spec(p.lab))
	if err != nil {
		return nil, fmt.Errorf("cannot make a sandbox of %s: %w", p.lab.Name, err)
	}
	obs, err := p.o.Engine.Watch(ctx, sb)
	if err != nil {
		sb.Destroy()
		return nil, fmt.Errorf("cannot observe a sandbox of %s: %w", p.lab.Name, err)
	}
	w := &world{
		e: p.o.Engine, sb: sb, obs: obs, answers: map[string]string{}, typists: map[string]*typist{},
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

func (w *world) answer(name, value string) { w.answers[name] = value }

// answerRest answers what the solution leaves to the sandbox's own facts.
func (w *world) answerRest(ctx context.Context, s *lab.Step) {
	for i := range s.Checks {
		a := s.Checks[i].Answer
		if a == nil || a.Is == nil || w.answers[a.Name] != "" {
			continue
		}
		if v, ok := w.e.RightAnswer(ctx, a, w.obs); ok {
			w.answer(a.Name, v)
		}
	}
}

func (w *world) evaluate(ctx context.Context, s *lab.Step) results {
	_, _ = w.obs.Refresh(ctx)
	all := make(results, len(s.Checks))
	var wait sync.WaitGroup
	for i := range s.Checks {
		wait.Go(func() { all[i] = w.e.Evaluate(ctx, &s.Checks[i], w.obs, w.answers) })
	}
	wait.Wait()
	return all
}

// eventually evaluates until all checks hold, or for some seconds.
func (w *world) eventually(ctx context.Context, s *lab.Step) results {
	limit, cancel := context.WithTimeout(ctx, passTimeout)
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

// run runs a command without a terminal; its exit status does not matter.
func (w *world) run(ctx context.Context, c lab.Command) error {
	limit, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	_, err := w.sb.Run(limit, c.Host, c.Line)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil // it was killed; the checks say what came of it
	}
	return err
}

// typist types into one terminal, as a learner.
type typist struct {
	master *os.File
	count  int

	mu     sync.Mutex
	output []byte // the newest mostOutput bytes
	more   chan struct{}
	ended  chan struct{}
	last   string // what the last command printed
}

func (w *world) typist(ctx context.Context, host string) (*typist, error) {
	if t := w.typists[host]; t != nil {
		return t, nil
	}
	shell, err := w.sb.OpenTerminal(ctx, host, 100, 40)
	if err != nil {
		return nil, err
	}
	t := &typist{master: shell.Master, more: make(chan struct{}, 1), ended: make(chan struct{})}
	go t.read()
	w.typists[host] = t
	return t, nil
}

func (t *typist) close() {
	t.master.Close()
	<-t.ended
}

func (t *typist) read() {
	defer close(t.ended)
	buf := make([]byte, 8192)
	for {
		n, err := t.master.Read(buf)
		t.mu.Lock()
		t.output = append(t.output, buf[:n]...)
		if over := len(t.output) - mostOutput; over > 0 {
			t.output = t.output[over:]
		}
		t.mu.Unlock()
		select {
		case t.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// typeLine types a line and Enter on a host, and returns its exit status when
// the prompt is back. A line that reboots the host is waited for, too.
func (w *world) typeLine(ctx context.Context, host, line string) (exit int, err error) {
	limit, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	t, err := w.typist(limit, host)
	if err != nil {
		return 0, fmt.Errorf("cannot be typed: %w", err)
	}
	exit, err = t.line(limit, line)
	switch {
	case errors.Is(err, io.EOF):
		t.close()
		delete(w.typists, host)
		return 0, w.awaitReboot(ctx, host)
	case err != nil && ctx.Err() == nil && limit.Err() != nil:
		// The terminal is of no use any more: the next line gets another.
		t.close()
		delete(w.typists, host)
		return 0, errHung
	}
	return exit, err
}

func (w *world) awaitReboot(ctx context.Context, host string) error {
	limit := time.After(rebootTimeout)
	for {
		select {
		case h := <-w.rebooted:
			if h == host {
				return nil
			}
		case <-limit:
			return errors.New("ends the shell")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// line types a line, and then one that prints the exit status: its output
// differs from what is typed by the sum, so that the echo is not taken for it.
func (t *typist) line(ctx context.Context, line string) (exit int, err error) {
	t.count++
	t.mu.Lock()
	t.output = nil
	t.mu.Unlock()
	mark := fmt.Sprintf("echo __$((%d+1))_$?__", 1000+t.count)
	if _, err := t.master.WriteString(line + "\r" + mark + "\r"); err != nil {
		return 0, io.EOF
	}
	done := regexp.MustCompile(fmt.Sprintf(`__%d_(\d+)__`, 1001+t.count))
	for {
		t.mu.Lock()
		m := done.FindSubmatchIndex(t.output)
		if m != nil {
			exit, _ = strconv.Atoi(string(t.output[m[2]:m[3]]))
			t.last = printed(string(t.output[:m[0]]), line, mark)
		}
		t.mu.Unlock()
		if m != nil {
			return exit, nil
		}
		select {
		case <-t.more:
		case <-t.ended:
			return 0, io.EOF
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// printed is the last line of a command's output, without echoes and prompts.
func printed(output, line, mark string) string {
	last := ""
	for l := range strings.SplitSeq(control.ReplaceAllString(output, ""), "\n") {
		l = strings.TrimSpace(l)
		if l != "" && !strings.Contains(l, mark) && !strings.HasSuffix(l, line) && !strings.HasSuffix(l, "#") {
			last = l
		}
	}
	return last
}

// control are escape sequences and control characters; compiled once.
var control = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07|[\x00-\x08\x0b-\x1f]`)

func (w *world) last(host string) string {
	if t := w.typists[host]; t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.last != "" {
			return t.last
		}
	}
	return "it prints nothing"
}
