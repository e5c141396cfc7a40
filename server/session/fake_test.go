package session

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/sandbox/keeper"
)

// fakeEngine makes sandboxes that are a set of facts. A link check holds where
// its device is such a fact, and a probe arrives where its address is one; it
// hangs where "hole" is one. The right value of an answer with a source is the
// sandbox's id.
type fakeEngine struct {
	mu    sync.Mutex
	boxes []*fakeBox     // in the order of their creation
	fail  error          // of Create
	gate  chan struct{}  // where set, Create waits for it
	sent  map[string]int // probes by address
	left  []Adopted      // by an earlier server
}

func (e *fakeEngine) Create(ctx context.Context, id string, _ keeper.Spec) (Sandbox, error) {
	e.mu.Lock()
	fail, gate := e.fail, e.gate
	e.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if fail != nil {
		return nil, fail
	}
	b := &fakeBox{
		id: id, facts: map[string]bool{}, down: map[string]bool{}, events: make(chan SandboxEvent, 16),
		done: make(chan struct{}), watchers: map[chan *observe.State]struct{}{},
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.boxes = append(e.boxes, b)
	return b, nil
}

func (e *fakeEngine) Watch(_ context.Context, s Sandbox) (Observer, error) {
	return &fakeObserver{s.(*fakeBox)}, nil
}

func (e *fakeEngine) Evaluate(ctx context.Context, c *lab.Check, o Observer, answers map[string]string) check.Result {
	box := o.(*fakeObserver).fakeBox
	r := check.Result{Kind: c.Kind(), Reason: "ok", Expected: text("expected"), Found: text("found")}
	switch {
	case c.Link != nil:
		r.OK = box.has(c.Link.Dev)
	case c.Neighbour != nil:
		if r.OK = box.has("known"); !r.OK {
			r.Reason, r.Why = check.Unknown, text("it is not known")
			return r
		}
	case c.Reach != nil:
		e.mu.Lock()
		e.sent[c.Reach.To]++
		e.mu.Unlock()
		if r.OK = box.has(c.Reach.To); !r.OK && box.has("hole") {
			<-ctx.Done()
		}
	case c.Answer.Is != nil:
		r.OK = answers[c.Answer.Name] == box.id
	default:
		r.OK = answers[c.Answer.Name] == c.Answer.Value
	}
	if !r.OK {
		r.Reason, r.Why = "absent", text("it is not there")
	}
	return r
}

func (e *fakeEngine) RightAnswer(_ context.Context, c *lab.AnswerCheck, o Observer) (string, bool) {
	return o.(*fakeObserver).id, c.Is != nil
}

// box returns the sandbox that was made last.
func (e *fakeEngine) box() *fakeBox {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.boxes[len(e.boxes)-1]
}

// boxOf returns the sandbox with the id.
func (e *fakeEngine) boxOf(id string) *fakeBox {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.boxes[slices.IndexFunc(e.boxes, func(b *fakeBox) bool { return b.id == id })]
}

// running counts the sandboxes that were not destroyed.
func (e *fakeEngine) running() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, b := range e.boxes {
		if !b.destroyed() {
			n++
		}
	}
	return n
}

func (e *fakeEngine) probes(to string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sent[to]
}

func (e *fakeEngine) set(do func(*fakeEngine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do(e)
}

type fakeBox struct {
	id     string
	events chan SandboxEvent
	done   chan struct{}

	mu       sync.Mutex
	facts    map[string]bool
	down     map[string]bool
	version  uint64
	watchers map[chan *observe.State]struct{}
	ran      []string
	slaves   []*os.File
	note     []byte
	memory   int64
	shells   []AdoptedShell // what a keeper holds
	stopped  bool
	reboot   chan struct{} // where set, Reboot waits for it
	halts    bool          // a host that reboots halts at once
	look     chan struct{} // where set, the eyes for a host that came up do: once to say so, once to go on
}

func (e *fakeEngine) Adopted() []Adopted {
	e.mu.Lock()
	defer e.mu.Unlock()
	left := e.left
	e.left = nil
	return left
}

func duplicate(fd int) (*os.File, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(n, true)
	}
	return os.NewFile(uintptr(n), "duplicate"), err
}

func (b *fakeBox) CloseTerminal(id uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shells = slices.DeleteFunc(b.shells, func(s AdoptedShell) bool {
		if s.ID == id {
			s.close()
		}
		return s.ID == id
	})
}

// leave is what the next server finds of the boxes that have a note; it has
// the others removed.
func (e *fakeEngine) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range e.boxes {
		b.mu.Lock()
		unused := b.note == nil
		b.mu.Unlock()
		if unused {
			b.Destroy()
		}
		b.mu.Lock()
		if !b.stopped && b.note != nil {
			e.left = append(e.left, Adopted{Sandbox: b, Note: b.note, Hosts: []string{"A", "B"}, Shells: b.shells})
			b.shells = nil
		}
		b.mu.Unlock()
	}
}

func (b *fakeBox) SetNote(text []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note = text
	return nil
}

func (b *fakeBox) OpenTerminal(_ context.Context, host string, cols, rows uint16, kept []*os.File) (Shell, error) {
	m, s, err := pty.Open()
	if err != nil {
		return Shell{}, err
	}
	defer m.Close()
	if err := pty.Setsize(m, &pty.Winsize{Cols: cols, Rows: rows}); err != nil {
		return Shell{}, err
	}
	fd, err := unix.FcntlInt(m.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return Shell{}, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return Shell{}, err
	}
	if _, err := s.WriteString(host + "$ "); err != nil {
		return Shell{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slaves = append(b.slaves, s)
	shell := AdoptedShell{Shell: Shell{ID: uint32(len(b.slaves))}, Host: host}
	if shell.Master, err = duplicate(fd); err != nil {
		return Shell{}, err
	}
	for _, f := range kept {
		d, err := duplicate(int(f.Fd()))
		if err != nil {
			return Shell{}, err
		}
		shell.Kept = append(shell.Kept, d)
	}
	b.shells = append(b.shells, shell)
	return Shell{ID: uint32(len(b.slaves)), Master: os.NewFile(uintptr(fd), "terminal")}, nil
}

// Run understands: set NAME, unset NAME, fail, hang, reboot.
func (b *fakeBox) Run(ctx context.Context, host, line string) (Output, error) {
	b.mu.Lock()
	b.ran = append(b.ran, host+": "+line)
	b.mu.Unlock()
	word, name, _ := strings.Cut(line, " ")
	switch word {
	case "set", "unset":
		b.change(name, word == "set")
	case "fail":
		return Output{Text: "warming up\nRTNETLINK answers: No such device\n", Exit: 2}, nil
	case "reboot":
		go func() { _ = b.Reboot(context.Background(), host) }()
		return Output{Exit: 137}, nil
	case "hang":
		<-ctx.Done()
		return Output{}, ctx.Err()
	}
	return Output{}, nil
}

func (b *fakeBox) Reboot(ctx context.Context, host string) error {
	b.mu.Lock()
	gate := b.reboot
	b.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.mu.Lock()
	halts := b.halts
	b.mu.Unlock()
	if halts {
		b.events <- SandboxEvent{Kind: HostHalted, Host: host}
		return nil
	}
	b.events <- SandboxEvent{Kind: HostRebooted, Host: host, Apply: func(context.Context, Observer) error {
		b.mu.Lock()
		look := b.look
		b.mu.Unlock()
		if look != nil {
			look <- struct{}{}
			<-look
		}
		b.mu.Lock()
		b.facts, b.down[host] = map[string]bool{}, false
		b.mu.Unlock()
		b.tell()
		return nil
	}}
	return nil
}

func (b *fakeBox) Events() <-chan SandboxEvent { return b.events }
func (b *fakeBox) Memory() (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.memory, nil
}
func (b *fakeBox) Done() <-chan struct{} { return b.done }

func (b *fakeBox) Destroy() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	b.stopped, b.note = true, nil
	for _, s := range b.shells {
		s.close()
	}
	b.shells = nil
	for _, s := range b.slaves {
		_ = s.Close()
	}
	close(b.done)
}

func (b *fakeBox) destroyed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stopped
}

func (b *fakeBox) has(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.facts[name]
}

func (b *fakeBox) commands() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.ran)
}

// change makes something a fact, or not, as a learner does with a command.
func (b *fakeBox) change(name string, is bool) {
	b.mu.Lock()
	b.facts[name] = is
	b.mu.Unlock()
	b.tell()
}

func (b *fakeBox) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	st := b.state()
	for w := range b.watchers {
		select {
		case <-w:
		default:
		}
		w <- st
	}
}

func (b *fakeBox) state() *observe.State {
	ns := &observe.Namespace{}
	for _, name := range slices.Sorted(maps.Keys(b.facts)) {
		ns.Links = append(ns.Links, observe.Link{Name: name, Up: b.facts[name]})
	}
	return &observe.State{Version: b.version, Nodes: map[string]*observe.Node{
		"A": {Kind: "host", Namespace: ns, Down: b.down["A"]}, "box " + b.id: {Kind: "switch"},
	}}
}

type fakeObserver struct{ *fakeBox }

func (o *fakeObserver) State() *observe.State {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state()
}

func (o *fakeObserver) Refresh(context.Context) (*observe.State, error) { return o.State(), nil }

func (o *fakeObserver) Subscribe() (<-chan *observe.State, func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := make(chan *observe.State, 1)
	o.watchers[w] = struct{}{}
	return w, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.watchers, w)
	}
}

func (o *fakeObserver) SetDown(host string) {
	o.mu.Lock()
	o.down[host] = true
	o.mu.Unlock()
	o.tell()
}

func (o *fakeObserver) Close() {}

func text(s string) lab.Text { return lab.Text{"en": s, "ko": s} }

func link(dev string) lab.Check { return lab.Check{Link: &lab.LinkCheck{Dev: dev}} }

// demo is a lab with all that a step may have.
func demo(name string) *lab.Lab {
	hinted := link("one")
	hinted.Hint = text("check hint")
	return &lab.Lab{
		Name:     name,
		Topology: lab.Topology{Hosts: map[string]lab.Host{"A": {}, "B": {}}},
		Steps: []lab.Step{
			{ID: "intro"},
			{
				ID: "link", Checks: []lab.Check{hinted}, Hints: []lab.Text{text("first"), text("second")},
				Solution: lab.Script{{Host: "A", Line: "fail"}, {Host: "A", Line: "set one"}},
				Mistakes: []lab.Mistake{{Fails: "link", Hint: text("mistake hint")}},
			},
			{
				ID: "ask", Checks: []lab.Check{
					{Answer: &lab.AnswerCheck{Name: "mac", Is: &lab.AnswerSource{Fact: "mac"}}},
					{Answer: &lab.AnswerCheck{Name: "why", Value: "because"}},
				},
				Solution: lab.Script{{Host: lab.AnswerHost, Line: "why=because"}},
			},
			{
				ID: "two", Checks: []lab.Check{link("two")}, Solution: lab.Script{{Host: "B", Line: "set two"}},
				Predict: []lab.Prediction{
					{Name: "p", Truth: text("it is **up**"), Choices: []lab.Choice{{Text: lab.Text{"en": "up", "ko": "위"}, Right: true}, {Text: lab.Text{"en": "down", "ko": "아래"}, Why: text("no")}}},
					{Name: "free", Truth: text("three")},
				},
			},
			{ID: "broken", Checks: []lab.Check{link("never")}, Solution: lab.Script{{Host: "A", Line: "fail"}}},
			{ID: "slow", Checks: []lab.Check{link("late")}, Solution: lab.Script{{Host: "A", Line: "hang"}}},
			{ID: "end"},
		},
	}
}
