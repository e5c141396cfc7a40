package session

import (
	"context"
	"os"
	"time"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/sandbox/keeper"
	"github.com/netground/netground/server/store"
)

// Store is what a Manager keeps; see server/store.
type Store interface {
	AddSession(context.Context, store.Session, store.Learner) error
	GiveSession(context.Context, store.Session, store.Learner) error
	SetSession(ctx context.Context, id, state, sandbox string) error
	SetTopology(ctx context.Context, id, topology string) error
	TouchSessions(context.Context, []store.Session) error
	EndSession(ctx context.Context, id, reason string, at time.Time) error
	EndLive(ctx context.Context, reason string, at time.Time, but ...string) (int, error)
	Session(ctx context.Context, id string) (store.Session, error)
	SaveResult(context.Context, store.StepResult) error
	SaveHint(context.Context, store.Hint) error
	SaveSolution(context.Context, store.Step, time.Time) error
	SaveAnswer(context.Context, store.Answer) error
	SavePrediction(context.Context, store.Answer) error
	SaveFailure(context.Context, store.Failure) error
	LabRecord(ctx context.Context, learner, lab string) (store.LabRecord, error)
	PassedSteps(ctx context.Context, learner string) (map[string][]string, error)
}

// Engine makes networks and looks into them.
type Engine interface {
	// Create makes a sandbox. It does not return one that it could not finish.
	Create(ctx context.Context, id string, spec keeper.Spec) (Sandbox, error)
	// Adopted returns the sandboxes that an earlier server has left, once. Who
	// has no use for one destroys it.
	Adopted() []Adopted
	// Watch starts to observe a sandbox.
	Watch(ctx context.Context, s Sandbox) (Observer, error)
	// Evaluate establishes one check.
	Evaluate(ctx context.Context, c *lab.Check, o Observer, answers map[string]string) check.Result
	// RightAnswer returns the value that the answer check accepts now, if
	// there is a way to know it.
	RightAnswer(ctx context.Context, c *lab.AnswerCheck, o Observer) (string, bool)
}

// Sandbox is the isolated network of one session.
type Sandbox interface {
	// OpenTerminal starts a shell. The sandbox holds its master and copies of the
	// kept files for the next server, until CloseTerminal hangs it up.
	OpenTerminal(ctx context.Context, host string, cols, rows uint16, kept []*os.File) (Shell, error)
	CloseTerminal(shell uint32)
	// SetNote leaves a note (JSON) with the sandbox for the next server; without
	// one the sandbox ends with this server.
	SetNote([]byte) error
	Run(ctx context.Context, host, line string) (Output, error)
	Reboot(ctx context.Context, host string) error
	Events() <-chan SandboxEvent
	// Memory is what it takes now, in bytes.
	Memory() (int64, error)
	// Done is closed when the keeper has gone.
	Done() <-chan struct{}
	// Destroy returns at once; somebody else does it.
	Destroy()
}

// Shell is a shell that runs in a sandbox, and the master of its PTY.
type Shell struct {
	ID     uint32
	Master *os.File
}

// Adopted is a sandbox of an earlier server.
type Adopted struct {
	Sandbox Sandbox
	Note    []byte
	Hosts   []string
	Down    []string // hosts that are off
	Shells  []AdoptedShell
}

// AdoptedShell is a shell that an earlier server has opened.
type AdoptedShell struct {
	Shell
	Host   string
	Kept   []*os.File
	Exited bool
	Code   int
}

func (s *AdoptedShell) close() {
	for _, f := range append(s.Kept, s.Master) {
		_ = f.Close() // nobody could do something about it
	}
}

// Output is what a command said.
type Output struct {
	Text string // stdout and stderr, cut at some length
	Exit int
}

// The kinds of SandboxEvent.
const (
	ShellExited  = "exit"
	HostRebooted = "reboot"
	HostHalted   = "halt"
	Slowed       = "slowed"
)

// SandboxEvent is something that happened in a sandbox by itself.
type SandboxEvent struct {
	Kind  string
	Shell uint32 // ShellExited
	Code  int    // ShellExited
	Host  string // HostRebooted, HostHalted
	// Pause is how long all processes of the sandbox stop: Slowed.
	Pause time.Duration
	// Apply, where set, makes an observer see the host as it is after the event.
	Apply func(context.Context, Observer) error
}

// Observer sees a sandbox's network.
type Observer interface {
	State() *observe.State
	Refresh(context.Context) (*observe.State, error)
	// Subscribe gives the newest state whenever it has changed.
	Subscribe() (<-chan *observe.State, func())
	SetDown(host string)
	Close()
}
