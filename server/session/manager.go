package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/netground/netground/server/lab"
)

// Options configures a Manager. Zero values mean the default that is named.
type Options struct {
	Course *lab.Course
	Labs   map[string]*lab.Lab
	// Render turns a hint's markdown into safe HTML.
	Render func(markdown string) string
	Log    *slog.Logger
	// Now is the clock; time.Now.
	Now func() time.Time

	IdleTimeout   time.Duration // 45 minutes
	WarnBefore    time.Duration // 5 minutes
	HardLimit     time.Duration // 8 hours
	MaxPerLearner int           // live sessions of one learner; 3
	MaxSessions   int           // sandboxes in all, ready ones among them; by the machine's memory
	MaxTerminals  int           // shells of one session; 16
	PoolSize      int           // sandboxes kept ready; 2, negative: none
}

// Manager holds all sessions of a server.
type Manager struct{}

var errTodo = errors.New("not built yet")

// Open returns a manager, after it has marked as ended what a crash left.
func Open(ctx context.Context, o Options) (*Manager, error) { return nil, errTodo }

// Close ends all sessions and returns when everything is stored, or when ctx ends.
func (m *Manager) Close(ctx context.Context) error { return errTodo }

// SetLabs replaces the labs; running sessions keep theirs until a reset.
func (m *Manager) SetLabs(course *lab.Course, labs map[string]*lab.Lab) {}

// Create returns the learner's live session of the lab, or makes one.
func (m *Manager) Create(ctx context.Context, c Caller, labName string) (Created, error) {
	return Created{}, errTodo
}

// Get returns a session.
func (m *Manager) Get(ctx context.Context, c Caller, id string) (Session, error) {
	return Session{}, errTodo
}

// LabProgress is how far a learner is with a lab.
type LabProgress struct {
	Passed  int    // steps
	Session string // the live session's id, or empty
}

// Progress returns how far the learner is, by lab.
func (m *Manager) Progress(ctx context.Context, learner string) (map[string]LabProgress, error) {
	return nil, errTodo
}

// End ends a session.
func (m *Manager) End(ctx context.Context, c Caller, id string) error { return errTodo }

// Reset gives the session a new sandbox. Passed steps stay passed.
func (m *Manager) Reset(ctx context.Context, c Caller, id string) (Session, error) {
	return Session{}, errTodo
}

// Extend lets the session live for another idle timeout.
func (m *Manager) Extend(ctx context.Context, c Caller, id string) (Session, error) {
	return Session{}, errTodo
}

// CatchUp starts to solve the steps before the step; events tell how it goes.
func (m *Manager) CatchUp(ctx context.Context, c Caller, id, step string) error { return errTodo }

// Check evaluates the step now. A step without checks passes by it.
func (m *Manager) Check(ctx context.Context, c Caller, id, step string) (StepState, error) {
	return StepState{}, errTodo
}

// Hint shows one more hint of the step.
func (m *Manager) Hint(ctx context.Context, c Caller, id, step string) (StepState, error) {
	return StepState{}, errTodo
}

// Solution reveals the step's solution.
func (m *Manager) Solution(ctx context.Context, c Caller, id, step string) (StepState, error) {
	return StepState{}, errTodo
}

// Answer stores the learner's value for an answer check and evaluates the step.
func (m *Manager) Answer(ctx context.Context, c Caller, id, step, name, value string) (StepState, error) {
	return StepState{}, errTodo
}

// Reboot reboots a host.
func (m *Manager) Reboot(ctx context.Context, c Caller, id, host string) error { return errTodo }

// Terminals lists the session's terminals.
func (m *Manager) Terminals(ctx context.Context, c Caller, id string) ([]Terminal, error) {
	return nil, errTodo
}

// OpenTerminal starts a shell on a host.
func (m *Manager) OpenTerminal(ctx context.Context, c Caller, id, host string, cols, rows uint16) (Terminal, error) {
	return Terminal{}, errTodo
}

// CloseTerminal hangs up a terminal and forgets it.
func (m *Manager) CloseTerminal(ctx context.Context, c Caller, id, terminal string) error {
	return errTodo
}

// Attachment is what the websocket layer needs of a terminal. (AttachTerminal
// follows with the terminal package:
//
//	func (m *Manager) AttachTerminal(c Caller, id, terminal string) (*Attachment, error)
//	Attachment{Terminal *terminal.Terminal; Info Terminal; Done <-chan struct{}; Touch func()}
//
// Done is closed when the session ends or is reset; Touch says that the learner typed.)

// ErrOverflow ends a subscription whose reader was too slow; it subscribes again.
var ErrOverflow = errors.New("the subscriber is too slow")

// Subscription is one reader of a session's events.
type Subscription struct{}

// Subscribe starts with a full set: a session event, then a state event.
func (m *Manager) Subscribe(ctx context.Context, c Caller, id string) (*Subscription, error) {
	return nil, errTodo
}

// Next waits for the next event. It returns io.EOF after the session has ended
// and everything was read, and ErrOverflow if the reader was too slow.
func (s *Subscription) Next(ctx context.Context) (Event, error) { return Event{}, errTodo }

// Close ends the subscription.
func (s *Subscription) Close() {}
