package classroom

import (
	"reflect"
	"slices"
	"strconv"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Grid is where everybody in a class stands.
type Grid struct {
	Class    Class     `json:"class"`
	Rows     []Row     `json:"rows"`
	Board    Board     `json:"board"`
	Messages []Message `json:"messages"`
	Now      time.Time `json:"now"`
}

// The presences of a learner.
const (
	Typing = "typing" // something was typed in the last seconds
	Here   = "here"   // a page is open
	Away   = "away"   // a session lives, no page is open
	Off    = "off"
)

// Row is one member of the grid.
type Row struct {
	Member        string            `json:"member"`
	Name          string            `json:"name"`
	Joined        bool              `json:"joined"`
	Gone          bool              `json:"gone,omitempty" jsonschema:"the row is to be removed"`
	Presence      string            `json:"presence" jsonschema:"typing, here, away or off"`
	LastInput     *time.Time        `json:"lastInput"`
	Session       string            `json:"session" jsonschema:"the live session, or empty"`
	Lab           string            `json:"lab"`
	Step          string            `json:"step" jsonschema:"where the learner is; empty: everything is passed"`
	OnStepSince   *time.Time        `json:"onStepSince"`
	OnStepSeconds int               `json:"onStepSeconds" jsonschema:"active ones"`
	Cells         map[string][]Cell `json:"cells" jsonschema:"by lab, in the order of its steps"`
	Hand          *Hand             `json:"hand"`
	Watchers      []Watcher         `json:"watchers"`
	Keyboard      string            `json:"keyboard" jsonschema:"asked, granted, denied or empty"`
}

// The states of a cell.
const (
	NotStarted = "none"
	Trying     = "trying"
	Failed     = "failed"
	Passed     = "passed"
)

// Cell is one member at one step.
type Cell struct {
	State    string     `json:"state" jsonschema:"none, trying, failed or passed"`
	Holds    *bool      `json:"holds,omitempty"`
	Fails    int        `json:"fails,omitempty"`
	Same     int        `json:"same,omitempty" jsonschema:"how often in a row by the same check for the same reason"`
	Check    *int       `json:"check,omitempty" jsonschema:"the place of the first check that failed"`
	Kind     string     `json:"kind,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Why      string     `json:"why,omitempty"`
	Hints    int        `json:"hints,omitempty"`
	Revealed bool       `json:"revealed,omitempty"`
	CaughtUp bool       `json:"caughtUp,omitempty"`
	PassedAt *time.Time `json:"passedAt,omitempty"`
	Seconds  int        `json:"seconds,omitempty" jsonschema:"active time at it"`
}

// Hand is a member who wants help.
type Hand struct {
	Member    string     `json:"member"`
	At        time.Time  `json:"at"`
	Lab       string     `json:"lab"`
	Step      string     `json:"step"`
	Text      string     `json:"text"`
	ClaimedBy string     `json:"claimedBy"`
	ClaimedAt *time.Time `json:"claimedAt"`
}

// Watcher is a teacher who sees a learner's page.
type Watcher struct {
	Name   string `json:"name"`
	Typing bool   `json:"typing"`
}

// Board is what the rows say together.
type Board struct {
	Help      []Help              `json:"help" jsonschema:"who needs help, most urgent first"`
	Hands     []Hand              `json:"hands" jsonschema:"oldest first"`
	Funnel    map[string][]Funnel `json:"funnel" jsonschema:"by lab, in the order of its steps"`
	Causes    []Cause             `json:"causes" jsonschema:"who has failed what and why; those with the most who still do first. In an event null: as before"`
	Online    int                 `json:"online"`
	Joined    int                 `json:"joined"`
	Broadcast *Broadcast          `json:"broadcast"`
	Faults    []Injection         `json:"faults"`
}

// Help is somebody who needs help, and why.
type Help struct {
	Member string    `json:"member"`
	Reason string    `json:"reason" jsonschema:"hand, same-check, many-fails, long, revealed or idle"`
	Text   string    `json:"text"`
	Since  time.Time `json:"since"`
	Lab    string    `json:"lab"`
	Step   string    `json:"step"`
	Score  int       `json:"score"`
}

// Funnel is how many have come to a step, and how far.
type Funnel struct {
	Step          string `json:"step"`
	Reached       int    `json:"reached"`
	Trying        int    `json:"trying"`
	Failed        int    `json:"failed"`
	Passed        int    `json:"passed"`
	MedianSeconds *int   `json:"medianSeconds" jsonschema:"of those who have passed"`
}

// Cause is a check that members have failed at for the same reason.
type Cause struct {
	Lab      string   `json:"lab"`
	Step     string   `json:"step"`
	Check    int      `json:"check"`
	Kind     string   `json:"kind"`
	Reason   string   `json:"reason"`
	Expected string   `json:"expected" jsonschema:"what the check wants, of the newest try"`
	Why      string   `json:"why" jsonschema:"of the newest try"`
	Stuck    int      `json:"stuck" jsonschema:"how many still fail so"`
	Who      []Caused `json:"who" jsonschema:"who still fails first"`
}

func (c Cause) equal(o Cause) bool {
	same := slices.Equal(c.Who, o.Who)
	c.Who, o.Who = nil, nil
	return same && reflect.DeepEqual(c, o)
}

// Caused is a member who has failed for a cause.
type Caused struct {
	Member string    `json:"member"`
	Times  int       `json:"times"`
	At     time.Time `json:"at" jsonschema:"the last time"`
	Stuck  bool      `json:"stuck" jsonschema:"the last try failed so, and the step is not passed"`
	Passed bool      `json:"passed" jsonschema:"the step is passed since"`
}

// Message is what a teacher told learners.
type Message struct {
	ID      string        `json:"id"`
	At      time.Time     `json:"at"`
	From    string        `json:"from"`
	Text    string        `json:"text"`
	To      MessageTarget `json:"to"`
	Reached int           `json:"reached"`
}

// MessageTarget is whom a message is for; empty: the class.
type MessageTarget struct {
	Member string `json:"member,omitempty"`
	Lab    string `json:"lab,omitempty"`
	Step   string `json:"step,omitempty"`
}

// Broadcast is a teacher's terminal that the class sees.
type Broadcast struct {
	By   string    `json:"by"`
	Lab  string    `json:"lab"`
	Host string    `json:"host"`
	At   time.Time `json:"at"`
}

// Injection is a fault that was put into the networks of a class.
type Injection struct {
	ID      string     `json:"id"`
	At      time.Time  `json:"at"`
	By      string     `json:"by"`
	Lab     string     `json:"lab"`
	Fault   string     `json:"fault"`
	Title   string     `json:"title"`
	Members []Injected `json:"members"`
}

// Injected is a fault in one member's network.
type Injected struct {
	Member     string     `json:"member"`
	RepairedAt *time.Time `json:"repairedAt"`
	Error      string     `json:"error,omitempty"`
}

// Thumb is a learner's network, small: what the kernel says, reduced.
type Thumb struct {
	Nodes map[string]ThumbNode `json:"nodes"`
}

// ThumbNode is a host or a switch of a thumbnail.
type ThumbNode struct {
	Down       bool       `json:"down,omitempty"`
	Namespaces int        `json:"namespaces,omitempty"`
	Devs       []ThumbDev `json:"devs"`
}

// ThumbDev is a device of a thumbnail.
type ThumbDev struct {
	Name      string `json:"name"`
	Up        bool   `json:"up"`
	Carrier   bool   `json:"carrier"`
	Addresses int    `json:"addrs"`
}

// Membership is a class as its learner sees it.
type Membership struct {
	Class      string     `json:"class"`
	ClassName  string     `json:"className"`
	Language   string     `json:"language"`
	State      string     `json:"state"`
	BeginsOn   string     `json:"beginsOn" jsonschema:"the day on which the labs open; empty: they are open"`
	Member     string     `json:"member"`
	Name       string     `json:"name"`
	Code       string     `json:"code" jsonschema:"personal: it opens the place from another device"`
	Recording  bool       `json:"recording"`
	Labs       []LabTitle `json:"labs"`
	Hand       *Hand      `json:"hand"`
	Watchers   []Watcher  `json:"watchers"`
	Keyboard   string     `json:"keyboard" jsonschema:"asked, granted or empty"`
	KeyboardBy string     `json:"keyboardBy"`
	Messages   []Told     `json:"messages"`
	Broadcast  *Broadcast `json:"broadcast"`
	Faults     []MyFault  `json:"faults"`
}

// LabTitle names a lab.
type LabTitle struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Told is a message as its reader sees it.
type Told struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	From string    `json:"from"`
	Text string    `json:"text"`
}

// MyFault is a fault that a teacher has put into the learner's network.
type MyFault struct {
	ID         string     `json:"id"`
	At         time.Time  `json:"at"`
	Lab        string     `json:"lab"`
	Title      string     `json:"title" jsonschema:"what it was; empty until it is repaired"`
	RepairedAt *time.Time `json:"repairedAt"`
}
