package session

import (
	"encoding/json"
	"time"

	"github.com/netground/netground/server/lab"
)

// Caller is who asks, and in which language texts are wanted.
type Caller struct {
	Learner  string
	Language string
	// Guest says that a teacher asks, who may see what the learner sees: that is
	// no activity of the learner's, and its terminals are only watched.
	Guest bool
}

// The states of a session.
const (
	Starting  = "starting"
	Ready     = "ready"
	Resetting = "resetting"
	Ended     = "ended"
)

// The states of a host.
const (
	HostUp        = "up"
	HostRebooting = "rebooting"
	HostDown      = "down"
)

// Session is one learner in one lab, as the API shows it.
type Session struct {
	ID        string      `json:"id"`
	Lab       string      `json:"lab"`
	CreatedAt time.Time   `json:"createdAt"`
	ExpiresAt time.Time   `json:"expiresAt"`
	State     string      `json:"state"` // Starting, Ready, Resetting or Ended
	Hosts     []HostState `json:"hosts"`
	Terminals []Terminal  `json:"terminals"`
	Steps     []StepState `json:"steps"`
}

// HostState is whether a host runs.
type HostState struct {
	Name  string `json:"name"`
	State string `json:"state"` // HostUp, HostRebooting or HostDown
}

// Terminal is one shell on one host.
type Terminal struct {
	ID       string `json:"id"`
	Host     string `json:"host"`
	Cols     uint16 `json:"cols"`
	Rows     uint16 `json:"rows"`
	Exited   bool   `json:"exited"`
	ExitCode int    `json:"exitCode"`
}

// StepState is how far the learner is with one step.
type StepState struct {
	ID       string     `json:"id"`
	Passed   bool       `json:"passed"`
	PassedAt *time.Time `json:"passedAt"`
	// Holds says whether all checks hold now; nil as long as nobody has looked.
	Holds *bool `json:"holds"`
	// CaughtUp says that the step passed by "catch up", not by the learner.
	CaughtUp  bool     `json:"caughtUp,omitempty"`
	HintsUsed int      `json:"hintsUsed"`
	Hints     []string `json:"hints"` // HTML, in the order in which they were shown
	// MoreHints says whether another hint is to be had now.
	MoreHints        bool              `json:"moreHints"`
	SolutionRevealed bool              `json:"solutionRevealed"`
	Solution         []Command         `json:"solution"` // nil until revealed
	CheckedAt        *time.Time        `json:"checkedAt"`
	Attempts         int               `json:"attempts"` // times that the learner asked for a check
	Answers          map[string]string `json:"answers"`
	// Predictions are what the learner expected, and what is true.
	Predictions map[string]Prediction `json:"predictions"`
	// Checks is the last evaluation in the lab's order, or empty before the
	// first. A check of it that was left out (a probe of a later step) has the
	// reason NotChecked.
	Checks []CheckState `json:"checks"`
}

// Prediction is what a learner expected before trying, and what is true.
type Prediction struct {
	Value string `json:"value"` // in the caller's language, where it was chosen
	// Right is nil for a free text, which nobody judges.
	Right *bool  `json:"right"`
	Why   string `json:"why"`   // HTML: about the choice; may be empty
	Truth string `json:"truth"` // HTML
}

// NotChecked is the reason of a check that was not evaluated yet.
const NotChecked = "not-checked"

// Command is one line of a solution and the host on which it is typed; the
// host "answer" stands for the answer field of the page.
type Command struct {
	Host string `json:"host"`
	Line string `json:"line"`
}

// CheckState is the outcome of one check.
type CheckState struct {
	Kind     string `json:"kind"`
	OK       bool   `json:"ok"`
	Expected string `json:"expected"`
	Found    string `json:"found"`
	Why      string `json:"why"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint"` // HTML; empty unless the learner asked
}

// The names of events, as server-sent events carry them.
const (
	SessionEvent  = "session"  // Data is Session
	StateEvent    = "state"    // Data is *observe.State
	StepEvent     = "step"     // Data is StepState
	TerminalEvent = "terminal" // Data is Terminal; a closed one has Exited set
	HostEvent     = "host"     // Data is HostState
	ProgressEvent = "progress" // Data is Progress
	NoticeEvent   = "notice"   // Data is Notice
	LabEvent      = "lab"      // Data is LabChange
)

// Event is one thing that happened in a session. Data is ready for JSON, in
// the language of the subscriber.
type Event struct {
	ID   uint64
	Name string
	Data any
}

// JSON returns the event's data as one line.
func (e Event) JSON() ([]byte, error) { return json.Marshal(e.Data) }

// Progress is how far something has come that takes a while.
type Progress struct {
	What  string `json:"what"` // "catch-up" or "reset"
	Step  string `json:"step"` // the step that is being solved, or empty
	Done  int    `json:"done"`
	Total int    `json:"total"`
	Error string `json:"error,omitempty"`
	// Errors has it in every language, for a page whose reader switches.
	Errors lab.Text `json:"errors,omitempty"`
}

// Notice is a sentence that the learner must see.
type Notice struct {
	Kind      string    `json:"kind"` // "expires-soon", "ended", "keeper-gone", "slowed", "storage", "stored"
	Text      string    `json:"text"`
	Texts     lab.Text  `json:"texts,omitempty"` // by language, for a page whose reader switches
	ExpiresAt time.Time `json:"expiresAt"`       // of "slowed": when the network goes on; of "storage" and "stored": until when it is shown
}

// Phase is one part of what creating a session took.
type Phase struct {
	Name     string // admission, store, pool, sandbox, observe, terminal
	Duration time.Duration
}

// LabChange says that the lab was changed by its author.
type LabChange struct {
	// NeedsReset says that its network has changed, which a reset brings.
	NeedsReset bool `json:"needsReset"`
}

// Created is what Create did.
type Created struct {
	Session Session
	// New is false if the learner's live session of that lab was resumed.
	New bool
	// FromPool says that the sandbox stood ready.
	FromPool bool
	Phases   []Phase
}
