package session

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/store"
)

// live is one session from its creation to its end.
type live struct {
	m        *Manager
	id       string
	learner  string
	labName  string   // never changes, whereas lab does with a reset
	admitted *lab.Lab // when there was a place for it
	created  time.Time
	up       time.Duration // of the machine, then

	ctx    context.Context // ends with the session
	cancel context.CancelFunc

	built    chan struct{} // closed when the sandbox is ready, or could not be made
	buildErr error         // to be read after built
	phases   []Phase       // to be read after built
	fromPool bool          // to be read after built

	wake chan struct{} // of the evaluator; buffered 1

	mu     sync.Mutex
	state  string
	lab    *lab.Lab
	mach   *machine // nil while starting
	steps  []step
	hub    hub
	active time.Time
	typed  time.Time // the learner's last key
	stored time.Time // the value of active that the row has
	warned bool      // of its expiry

	unstored    bool      // results wait for the database
	outdated    bool      // the lab's network has changed, and a reset brings the new one
	interrupted *progress // what the end of an earlier server interrupted, until something else goes on

	probing     bool   // a probe that the learner asked for goes on
	busy        string // "reset" or "catch-up" while that goes on
	catchCancel context.CancelFunc
	catchDone   chan struct{}
	catchTo     int // steps before this one are being solved for the learner

	work work
	// passing holds the steps whose passing is being stored; see pass.
	passing map[string]chan struct{}
	// running is the evaluation that goes on, if it may be interrupted.
	running evaluation
}

// newLive is called with the manager's lock, or before anything runs.
func newLive(m *Manager, l *lab.Lab, learner string, now time.Time) *live {
	n := &live{
		m: m, id: newID(), learner: learner, labName: l.Name, created: now, up: m.o.Uptime(), lab: l, admitted: l, state: Starting, active: now,
		built: make(chan struct{}), wake: make(chan struct{}, 1), passing: map[string]chan struct{}{},
		steps: newSteps(l, store.LabRecord{}), unstored: m.unstored,
	}
	n.hub = hub{subs: map[*Subscription]struct{}{}, slow: func() { m.count.slow.Add(1) }}
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(m.ctx))
	return n
}

func (l *live) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == Ended
}

// expires returns when the session ends if nothing happens any more.
func (l *live) expires() time.Time {
	idle, hard := l.active.Add(l.m.o.IdleTimeout), l.created.Add(l.m.o.HardLimit)
	if hard.Before(idle) {
		return hard
	}
	return idle
}

// touch says that the learner did something. It is called with the lock.
func (l *live) touch() {
	if l.state == Ended {
		return
	}
	l.active = l.m.o.Now()
	l.tell()
	if l.warned && l.expires().Sub(l.active) > l.m.o.WarnBefore {
		l.warned = false
		l.publishSession()
	}
}

func (l *live) record(state string) store.Session {
	sandbox := l.id
	if l.mach != nil {
		sandbox = l.mach.id
	}
	return store.Session{
		ID: l.id, Learner: l.learner, Lab: l.lab.Name, Sandbox: sandbox, State: state,
		Created: l.created, Active: l.active, Expires: l.expires(), Topology: l.lab.Source,
	}
}

// snapshot is a session at one moment.
type snapshot struct {
	session Session // without steps
	steps   []step
}

// snapshot is called with the lock.
func (l *live) snapshot() snapshot {
	s := snapshot{
		session: Session{
			ID: l.id, Lab: l.lab.Name, CreatedAt: *wall(l.created), ExpiresAt: *wall(l.expires()), State: l.state,
			Hosts: []HostState{}, Terminals: []Terminal{},
		},
		steps: slices.Clone(l.steps),
	}
	if l.mach != nil && l.state != Ended {
		s.session.Hosts = l.mach.hostStates()
		s.session.Terminals = l.mach.terminals()
	}
	return s
}

func (s snapshot) in(v view) any { return s.view(v) }

func (s snapshot) view(v view) Session {
	s.session.Steps = make([]StepState, 0, len(s.steps))
	for i := range s.steps {
		s.session.Steps = append(s.session.Steps, s.steps[i].state(v))
	}
	return s.session
}

func (l *live) publishSession() {
	l.hub.publish(SessionEvent, l.snapshot())
	l.tell()
}

// publishState gives the network as it is now; whoever draws a new network was
// told of it before.
func (l *live) publishState() {
	if st := l.mach.obs.State(); st != nil {
		l.hub.publishState(st)
		l.tellState(st)
	}
}

func (l *live) publishStep(i int) {
	l.hub.publish(StepEvent, l.steps[i])
	l.tellStep(i, nil)
}

// stepIndex returns the index of the step with the id, or -1.
func (l *live) stepIndex(id string) int {
	return slices.IndexFunc(l.steps, func(s step) bool { return s.def.ID == id })
}

// terminalChanged, hostChanged and machineGone hear the machine.

func (l *live) terminalChanged(m *machine, t *term) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mach == m && m.terminal(t.id) != nil {
		l.hub.publish(TerminalEvent, t.view())
	}
}

func (l *live) hostChanged(m *machine, host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// What is told is the state now: changes may arrive in another order.
	if state, ok := m.hostState(host); ok && l.mach == m {
		l.hub.publish(HostEvent, state)
		l.want(func(w *work) { w.changed = true })
	}
}

// slowed tells why nothing moves in the session's network for a moment.
func (l *live) slowed(m *machine, pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mach == m && l.state != Ended {
		l.hub.publish(NoticeEvent, notice{"slowed", slowedText(pause), l.m.o.Now().Add(pause)})
	}
}

func slowedText(pause time.Duration) lab.Text {
	n := max(1, int(pause.Round(time.Second)/time.Second))
	seconds := fmt.Sprintf("%d seconds", n)
	if n == 1 {
		seconds = "1 second"
	}
	return lab.Text{
		"en": fmt.Sprintf("Network devices are made and deleted here so fast that the labs of others have to wait. Everything in this lab pauses for %s and then goes on.", seconds),
		"ko": fmt.Sprintf("이 실습에서 네트워크 장치를 너무 빠르게 만들고 지워 다른 사람의 실습이 느려지고 있습니다. 이 실습의 모든 동작을 %d초 동안 멈췄다가 이어서 실행합니다.", n),
	}
}

func (l *live) machineGone(m *machine) {
	l.mu.Lock()
	mine := l.mach == m
	l.mu.Unlock()
	if mine {
		l.m.end(l, reasonKeeperGone)
	}
}

// watch gives the network's changes to subscribers and to the checks, for as
// long as the session has the machine.
func (l *live) watch(m *machine, states <-chan *observe.State) {
	for {
		select {
		case st, ok := <-states:
			if !ok || !l.changed(m, st) {
				return
			}
		case <-m.stopped:
			return
		case <-l.ctx.Done():
			return
		}
	}
}

func (l *live) changed(m *machine, st *observe.State) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mach != m {
		return false
	}
	l.hub.publishState(st)
	l.tellState(st)
	l.running.interrupt(digest(st))
	l.want(func(w *work) { w.changed = true })
	return true
}

// adopt makes the machine the session's one, which it is since that time. It is
// called with the lock.
func (l *live) adopt(m *machine, since time.Time) {
	l.mach, l.lab = m, m.lab
	l.state = Ready
	m.remember(func(n *note) {
		*n = note{
			Machine: m.id, Session: l.id, Learner: l.learner, Lab: l.labName, Created: l.created, Up: l.up, Since: since,
			Topology: m.lab.Topology, Source: m.lab.Source,
		}
	})
	m.give(l)
	l.tellTerminals(m)
	states, cancel := m.obs.Subscribe() // here: from now on no change is missed
	l.m.background.Go(func() {
		defer cancel()
		l.watch(m, states)
	})
	l.want(func(w *work) { w.tick = true })
}

// progress is Progress before it has a language.
type progress struct {
	what, step  string
	done, total int
	err         lab.Text
}

func (p progress) in(v view) any {
	return Progress{What: p.what, Step: p.step, Done: p.done, Total: p.total, Error: v.text(p.err), Errors: p.err}
}

type notice struct {
	kind    string
	text    lab.Text
	expires time.Time
}

func (n notice) in(v view) any {
	return Notice{Kind: n.kind, Text: v.text(n.text), Texts: n.text, ExpiresAt: *wall(n.expires)}
}

// revise takes over a changed lab. What was passed stays passed.
func (l *live) revise(def *lab.Lab) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lab.Origin() == def || l.state == Ended {
		return
	}
	own, err := def, error(nil)
	if l.mach != nil {
		own, err = def.Instance(l.mach.id) // a lab that loads has one
	}
	same := err == nil && sameTopology(l.lab.Topology, own.Topology) && reflect.DeepEqual(l.lab.Values, def.Values)
	l.outdated = !same
	if same {
		l.lab, l.steps = own, carry(l.steps, own)
		l.want(func(w *work) { w.tick = true })
	}
	l.hub.publish(LabEvent, LabChange{NeedsReset: !same})
	l.publishSession()
}
