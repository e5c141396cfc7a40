// Package lab reads labs and courses: a topology, steps with checks, and a
// lesson in each language. It is pure: it opens files of an fs.FS and returns
// plain values, and every error names the file, the line and the remedy.
package lab

import (
	"net/netip"
	"regexp"
)

// Languages that every text of a lab exists in, the first being the fallback.
var Languages = []string{"en", "ko"}

// Text is one sentence or title in every language, keyed by language code.
type Text map[string]string

// In returns the text in the language, or in English where that is missing.
func (t Text) In(language string) string {
	if s, ok := t[language]; ok {
		return s
	}
	return t["en"]
}

// Course is an ordered list of chapters of labs, read from course.yaml.
type Course struct {
	Title    Text      `yaml:"title" json:"title"`
	Chapters []Chapter `yaml:"chapters" json:"chapters"`
}

// Chapter is a titled run of labs. Labs are named by their folders.
type Chapter struct {
	ID      string   `yaml:"id" json:"id"`
	Title   Text     `yaml:"title" json:"title"`
	Summary Text     `yaml:"summary,omitempty" json:"summary,omitempty"`
	Labs    []string `yaml:"labs" json:"labs"`
}

// Lab is one folder: lab.yaml and its lessons.
type Lab struct {
	// Name is the folder's name: lower-case letters, digits and hyphens.
	Name    string `yaml:"-"`
	Title   Text   `yaml:"title"`
	Summary Text   `yaml:"summary,omitempty"`
	Minutes int    `yaml:"minutes"` // estimated, 1 to 240
	// Memory is what a session of the lab takes while somebody works in it, in MiB,
	// where that is more than the 64 that every lab is reckoned with.
	Memory     int `yaml:"memory,omitempty"`
	memoryLine int
	// Values are what every sandbox has another of.
	Values   map[string]Value `yaml:"values,omitempty"`
	Topology Topology         `yaml:"topology"`
	Steps    []Step           `yaml:"steps"`
	// Faults are what a teacher may break in everybody's network.
	Faults []Fault `yaml:"faults,omitempty"`
	// Lessons holds one lesson per language of Languages.
	Lessons map[string]Lesson `yaml:"-"`
	// Source is the text of a learner's topology; empty for a lab of a folder.
	Source string `yaml:"-"`

	text   []byte // of a lab.yaml with values, from which instances are made
	origin *Lab   // of an instance
}

// Step returns the step with the id, and its index; nil and -1 if there is none.
func (l *Lab) Step(id string) (*Step, int) {
	for i := range l.Steps {
		if l.Steps[i].ID == id {
			return &l.Steps[i], i
		}
	}
	return nil, -1
}

// Topology is the network that a lab starts with.
type Topology struct {
	Hosts    map[string]Host   `yaml:"hosts"`
	Switches map[string]Switch `yaml:"switches,omitempty"`
	Links    []Link            `yaml:"links,omitempty"`
}

// Point is a place in the diagram: column and row of a grid whose unit is
// about one host wide; fractions are allowed.
type Point [2]float64

// Host is a machine of the topology.
type Host struct {
	At    Point  `yaml:"at"`
	Label Text   `yaml:"label,omitempty"`
	Kind  string `yaml:"kind,omitempty"` // how it is drawn: "host" (default), "router", "server"
	// Interfaces configures devices at each boot of the host, by device name.
	// A device of a link that is not named here stays down and without address.
	Interfaces map[string]Interface `yaml:"interfaces,omitempty"`
	// Routes are added at each boot, in order.
	Routes []RouteSpec `yaml:"routes,omitempty"`
	// Sysctl are net.* settings applied at each boot, before the host's own
	// /etc/sysctl.conf.
	Sysctl map[string]string `yaml:"sysctl,omitempty"`
	// Files are written once, when the sandbox is made: absolute path → content.
	Files map[string]string `yaml:"files,omitempty"`
	// Start are shell commands run by the host's root at each boot, in the
	// background, in order (a web server, say).
	Start []string `yaml:"start,omitempty"`
}

// Interface is the boot configuration of one device.
type Interface struct {
	Up        bool           `yaml:"up,omitempty"`
	Addresses []netip.Prefix `yaml:"addresses,omitempty"`
	MAC       string         `yaml:"mac,omitempty"`
}

// RouteSpec is a route as `ip route add` takes it.
type RouteSpec struct {
	To  string `yaml:"to"` // prefix or "default"
	Via string `yaml:"via,omitempty"`
	Dev string `yaml:"dev,omitempty"`
}

// Switch is a bridge in a namespace of its own, without a shell.
type Switch struct {
	At    Point `yaml:"at"`
	Label Text  `yaml:"label,omitempty"`
}

// Link is a cable between two ends. It is written [A:eth0, sw] or [A:eth0, B:eth1].
type Link struct{ A, B End }

// End is one end of a link: a device of a host, or a port of a switch (Device
// is then empty: the port is named by the sandbox).
type End struct{ Node, Device string }

// Step is a lesson section with checks.
type Step struct {
	ID     string  `yaml:"id"`
	Checks []Check `yaml:"checks,omitempty"`
	// Hints come one by one, each helping a little more.
	Hints []Text `yaml:"hints,omitempty"`
	// Solution is what is typed on each host; see Script.
	Solution Script    `yaml:"solution,omitempty"`
	Mistakes []Mistake `yaml:"mistakes,omitempty"`
	// Predict are questions that the lesson asks before a command.
	Predict []Prediction `yaml:"predict,omitempty"`

	line int // where it stands in lab.yaml, for Lint
}

// Script is an ordered list of commands on hosts. In YAML it is either a
// mapping host → command (or list of commands), run in the order written, or a
// list of such mappings where hosts take turns. The pseudo host "answer" gives
// the value of the step's answer check with that name.
type Script []Command

// Command is what is typed into a terminal of a host: a line, or several that
// belong together.
type Command struct{ Host, Line string }

// Reboots says whether the command looks as if it reboots a host: its own, or
// another one by ssh. What comes next must wait until that is up again.
func (c Command) Reboots() bool { return rebooting.MatchString(c.Line) }

var rebooting = regexp.MustCompile(`(^|[\s;&|/'"])(reboot|shutdown\s+-r\b.*|init\s+6|systemctl\s+reboot)\s*['"]?($|[\n;&|])`)

// Mistake is what real learners get wrong: after Run (from the state in which
// the step begins) the check of the kind Fails must fail.
type Mistake struct {
	Run Script `yaml:"run"`
	// Fails is the kind of the check that must fail, or kind#N for the N-th
	// check of the step (1-based) of that kind.
	Fails string `yaml:"fails"`
	// Reason and Found tell mistakes of the same check apart: the code that it
	// fails with, and a part of what it finds, in English. An answer is told by
	// its value.
	Reason string `yaml:"reason,omitempty"`
	Found  string `yaml:"found,omitempty"`
	// Hint is shown to a learner whose failure looks like this one, before the
	// general hints.
	Hint Text `yaml:"hint,omitempty"`
}

// Prediction is a question that a learner answers before trying: what will
// happen? The lesson places it by a fenced block with the info string
// "predict NAME". It is never graded; the truth is shown beside the answer.
type Prediction struct {
	Name     string   `yaml:"name"`
	Question Text     `yaml:"question"`
	Choices  []Choice `yaml:"choices,omitempty"` // a choice instead of a text field
	// Truth is what happens, and why.
	Truth Text `yaml:"truth"`
}

// Prediction returns the step's prediction of that name, or nil.
func (s *Step) Prediction(name string) *Prediction {
	for i := range s.Predict {
		if s.Predict[i].Name == name {
			return &s.Predict[i]
		}
	}
	return nil
}

// Fault is something that a teacher breaks on purpose, for a class to repair.
type Fault struct {
	ID    string `yaml:"id"`
	Title Text   `yaml:"title"` // for the teacher; learners read it when they have repaired it
	// Run breaks it, in a network where all steps are solved.
	Run Script `yaml:"run"`
	// Checks fail once it is broken, and hold again when it is repaired.
	Checks []Check `yaml:"checks"`
	// Repair is one way to repair it.
	Repair Script `yaml:"repair"`
}

// Fault returns the fault with the id; nil if there is none.
func (l *Lab) Fault(id string) *Fault {
	for i := range l.Faults {
		if l.Faults[i].ID == id {
			return &l.Faults[i]
		}
	}
	return nil
}

// Lesson is a lesson.LANG.md cut at its "## Title {#step}" headings.
type Lesson struct {
	Language string
	Intro    string // markdown before the first step's heading
	Sections []Section
	Summary  string // markdown of the closing "## … {#summary}" section, if any

	summaryLine                  int // of its heading in the file; 0: there is none
	introSkipped, summarySkipped int // empty lines before the text
}

// Section is the lesson text of one step.
type Section struct {
	Step     string // the step's id
	Title    string
	Markdown string // without the heading
	Line     int    // of the heading in the file, for errors

	skipped int // empty lines between the heading and Markdown
}
