// Package attack tries against a server of its own what learners, strangers and
// accidents may try, and says what held. The list is data: the command prints
// it, and the tests of real sandboxes run it.
package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/drive"
)

// Attack is one thing that is tried.
type Attack struct {
	ID    string // its name, unique
	Group string
	Tried string // what is tried
	Held  string // what must be true for it to have held

	// line is typed by root of host A: without want it must fail, else print that.
	line, want string
	run        func(*trial) // where a line is not enough
	// beside says that it is carried out beside all others from the beginning on, as
	// it mostly waits; it has a server of its own.
	beside bool
}

// The groups, in the order in which they run.
const (
	Escape    = "escape"
	Verdict   = "verdict"
	Exhaust   = "exhaust"
	Network   = "network"
	Door      = "door"
	Accidents = "accidents"
)

// Groups are the names of all groups with what is tried in them.
func Groups() [][2]string {
	return [][2]string{
		{Escape, "out of the sandbox"}, {Verdict, "fooling the verdict"}, {Exhaust, "exhausting the machine"},
		{Network, "leaving or entering by the network"}, {Door, "at the door: HTTP and websocket"}, {Accidents, "accidents"},
	}
}

// Catalogue lists all attacks.
func Catalogue() []Attack {
	return slices.Concat(escapes(), escapesWithNeighbour(), verdicts(), exhaustions(), networks(), doors(), streams(), absences(), storageFaults(), accidents())
}

// Options of a run.
type Options struct {
	// Machine has folders, ids and a control group that nobody else uses; they
	// are empty again afterwards.
	Machine config.Machine
	Program string // netground, whose serve is attacked
	Version string
	Only    []string // groups, or ids of attacks; all
	Slower  int      // how much slower than an ordinary one the machine is; 1
	// Within is when no other attack is begun: those are skipped. 0: never.
	Within time.Duration
	// SetClock allows to set the machine's clock, which is put right again.
	SetClock bool
	Log      io.Writer
}

// The outcomes of an attack.
const (
	Held    = "held"
	NotHeld = "NOT HELD"
	Unclear = "UNCLEAR" // it could not be carried out
	Skipped = "skipped"
)

// Result is how one attack went.
type Result struct {
	ID      string   `json:"id"`
	Group   string   `json:"group"`
	Tried   string   `json:"tried"`
	Held    string   `json:"held"` // what had to be true
	Outcome string   `json:"outcome"`
	Why     []string `json:"why,omitempty"`  // if not held, or skipped
	Said    []string `json:"said,omitempty"` // what else was seen
	Figures *Figures `json:"figures,omitempty"`
	Seconds float64  `json:"seconds"`
}

// Figures are what the others had to bear meanwhile.
type Figures struct {
	EchoP50   float64 `json:"echoP50Ms"` // of a neighbour's keys
	EchoP99   float64 `json:"echoP99Ms"`
	EchoWorst float64 `json:"echoWorstMs"`
	Start     float64 `json:"startMs"`   // of a new learner's lab, to its prompt
	Server    float64 `json:"serverMiB"` // by which its own memory grew
	Kernel    float64 `json:"kernelMiB"` // by which the kernel's grew that it cannot take back
}

// match says whether the attack was asked for.
func (o *Options) match(a *Attack) bool {
	return len(o.Only) == 0 || slices.Contains(o.Only, a.Group) || slices.Contains(o.Only, a.ID)
}

func (o *Options) validate(all []Attack) error {
	for _, name := range o.Only {
		if !slices.ContainsFunc(all, func(a Attack) bool { return a.Group == name || a.ID == name }) {
			var groups []string
			for _, g := range Groups() {
				groups = append(groups, g[0])
			}
			return fmt.Errorf("there is no group or attack %q; the groups are: %s", name, strings.Join(groups, ", "))
		}
	}
	if os.Geteuid() != 0 {
		return errors.New("sandboxes need root: run it with sudo")
	}
	return nil
}

// Run tries everything. An error means that nothing could be tried, or that
// something was left behind; each other fault is in a result.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	all := Catalogue()
	if err := o.validate(all); err != nil {
		return nil, err
	}
	o.Slower = max(1, o.Slower)
	dir, err := os.MkdirTemp("", "netground-attack-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f := &fight{o: &o, ctx: ctx, dir: dir, players: map[string]*player{}}
	if err := f.prepare(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	beside, wait := f.startBeside(all)
	defer wait()
	r := &Report{Version: o.Version, Began: time.Now(), Kernel: kernel(), Cores: runtime.NumCPU()}
	for i := range all {
		a := &all[i]
		if !o.match(a) {
			continue
		}
		if ctx.Err() != nil {
			return nil, errors.New("interrupted; everything is removed")
		}
		if result := beside[a.ID]; result != nil {
			r.add(<-result, o.Log)
			continue
		}
		if o.Within > 0 && time.Since(r.Began) > o.Within {
			r.Results = append(r.Results, Result{ID: a.ID, Group: a.Group, Tried: a.Tried, Held: a.Held, Outcome: Skipped, Why: []string{"left out: the time was up"}})
			continue
		}
		r.add(f.try(a), o.Log)
	}
	r.Seconds = time.Since(r.Began).Seconds()
	return r, nil
}

// startBeside begins the attacks that mostly wait; wait waits for their end.
func (f *fight) startBeside(all []Attack) (results map[string]chan Result, wait func()) {
	results = map[string]chan Result{}
	var under sync.WaitGroup
	for i := range all {
		if a := &all[i]; a.beside && f.o.match(a) {
			result := make(chan Result, 1)
			results[a.ID] = result
			under.Go(func() { result <- f.try(a) })
		}
	}
	return results, under.Wait
}

// fight is a run: the server, and who plays.
type fight struct {
	o       *Options
	ctx     context.Context
	dir     string
	server  *drive.Server
	number  atomic.Uint32 // of servers so far
	players map[string]*player
	warm    sync.Map // of servers that have been warmed up
	left    *os.File // open when the server starts, and meant for nobody
}

func (f *fight) prepare() (err error) {
	if err := writeLabs(filepath.Join(f.dir, "labs")); err != nil {
		return err
	}
	if f.left, err = os.Open("/etc/passwd"); err != nil {
		return fmt.Errorf("cannot open a file that the server inherits: %w", err)
	}
	return nil
}

// mostServers run beside each other.
const mostServers = 16

// options are those of another server, with a name of its own.
func (f *fight) options() drive.Options {
	m := f.o.Machine
	m.IDCount /= mostServers // those beside each other have different ones
	number := f.number.Add(1)
	m.IDBase += number % mostServers * m.IDCount
	return drive.Options{
		Machine: m, Program: f.o.Program, Labs: filepath.Join(f.dir, "labs"), Dir: f.dir,
		Name: fmt.Sprintf("server-%d", number), MaxSessions: 40, Slower: f.o.Slower, Inherit: []*os.File{f.left},
	}
}

// running returns the server, started anew if it has ended.
func (f *fight) running() (*drive.Server, error) {
	if f.server != nil {
		select {
		case <-f.server.Ended:
			if err := f.stopServer(); err != nil {
				return nil, err
			}
		default:
			return f.server, nil
		}
	}
	var err error
	f.server, err = drive.Start(f.ctx, f.options())
	return f.server, err
}

func (f *fight) stopServer() error {
	for name := range f.players {
		f.dismiss(name)
	}
	if f.server == nil {
		return nil
	}
	err := f.server.Close()
	f.server = nil
	return err
}

func (f *fight) stop() error {
	return errors.Join(f.stopServer(), f.left.Close())
}

// within is a time limit, longer on a slow machine.
func (f *fight) within(d time.Duration) time.Duration { return d * time.Duration(f.o.Slower) }
