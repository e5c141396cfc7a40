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
	// own says that it has a server of its own, and waits that it mostly waits besides.
	own, waits bool
	// lasts is for how long it goes on, where that is longer than others do.
	lasts time.Duration
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
	// Away is for how long pages stay away at least that are to come back. 0: until
	// the server has given them up.
	Away time.Duration
	// Rootless says that this is an ordinary user, as root of a user namespace.
	Rootless bool
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
	Seconds   float64 `json:"seconds"`   // for which it went on
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
	if o.Rootless {
		return errors.New("cannot attack as an ordinary user: packets, mounts, memory and control groups of the machine tell what held. Run it with sudo")
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
	c := &campaign{o: &o, ctx: ctx, dir: dir, all: all, results: make([]*Result, len(all)), began: time.Now()}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	defer c.left.Close()
	// Those that mostly wait go on all the time; then those that measure nothing, in
	// rows beside each other; at last those that need the machine for themselves, the
	// longest of them first, in which the waiting may come to its end: it disturbs
	// nobody. A slow machine has enough to do with one at a time.
	var waiting, rows sync.WaitGroup
	for i := range all {
		if c.beside(&all[i]) && o.match(&all[i]) {
			waiting.Go(func() { c.done(i, c.fight().try(&all[i])) })
		}
	}
	var failed [6]error
	for n, groups := range [][]string{{Escape, Network}, {Verdict, Door}, {Accidents}} {
		mine := func(a *Attack) bool { return slices.Contains(groups, a.Group) && (a.own || a.Group != Accidents) }
		if rows.Go(func() { failed[n] = c.row(mine) }); o.Slower > 1 {
			rows.Wait()
		}
	}
	rows.Wait()
	failed[3] = c.row(func(a *Attack) bool { return a.Group == Exhaust && a.lasts > 0 })
	waiting.Wait()
	failed[4] = c.row(func(a *Attack) bool { return a.Group == Exhaust && a.lasts == 0 })
	failed[5] = c.row(func(a *Attack) bool { return a.Group == Accidents && !a.own })
	if ctx.Err() != nil {
		return nil, errors.Join(errors.New("interrupted; everything is removed"), errors.Join(failed[:]...))
	}
	r := &Report{Version: o.Version, Began: c.began, Kernel: kernel(), Cores: runtime.NumCPU(), Seconds: time.Since(c.began).Seconds()}
	for _, result := range c.results {
		if result != nil {
			r.Results = append(r.Results, *result)
		}
	}
	return r, errors.Join(failed[:]...)
}

// campaign is a run of everything.
type campaign struct {
	o      *Options
	ctx    context.Context
	dir    string
	left   *os.File      // open when servers start, and meant for nobody
	number atomic.Uint32 // of servers so far
	began  time.Time
	all    []Attack

	mu      sync.Mutex
	results []*Result // of each attack; nil while there is none
}

func (c *campaign) prepare() (err error) {
	if err := writeLabs(filepath.Join(c.dir, "labs")); err != nil {
		return err
	}
	if c.left, err = os.Open("/etc/passwd"); err != nil {
		return fmt.Errorf("cannot open a file that the server inherits: %w", err)
	}
	return nil
}

// done takes a result, and tells of it at once.
func (c *campaign) done(i int, r Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results[i] = &r
	_, _ = fmt.Fprintf(c.o.Log, "%5.0f s  %-9s %-10s %-22s %5.1f s\n", time.Since(c.began).Seconds(), r.Outcome, r.Group, r.ID, r.Seconds) // nobody depends on it
	if r.Outcome == NotHeld || r.Outcome == Unclear {
		_, _ = fmt.Fprintf(c.o.Log, "        %q\n", r.Why)
	}
}

// beside says whether an attack goes on beside all others.
func (c *campaign) beside(a *Attack) bool { return a.waits && c.o.Slower == 1 }

// row carries out some attacks, one after the other.
func (c *campaign) row(mine func(*Attack) bool) error {
	f := c.fight()
	for i := range c.all {
		a := &c.all[i]
		if c.beside(a) || !mine(a) || !c.o.match(a) || c.ctx.Err() != nil {
			continue
		}
		if c.o.Within > 0 && time.Since(c.began) > c.o.Within {
			c.done(i, Result{ID: a.ID, Group: a.Group, Tried: a.Tried, Held: a.Held, Outcome: Skipped, Why: []string{"left out: the time was up"}})
			continue
		}
		c.done(i, f.try(a))
	}
	return f.stop()
}

// fight is a server, and who plays on it.
type fight struct {
	*campaign
	server  *drive.Server
	players map[string]*player
	warm    map[*drive.Server]bool // have been warmed up
}

func (c *campaign) fight() *fight {
	return &fight{campaign: c, players: map[string]*player{}, warm: map[*drive.Server]bool{}}
}

// mostServers run beside each other.
const mostServers = 16

// options are those of another server, with a name of its own.
func (f *fight) options() drive.Options {
	m := f.o.Machine
	m.IDCount /= mostServers // those beside each other have different ones
	number := f.number.Add(1)
	m.IDBase += number % mostServers * m.IDCount
	m.Cgroup += fmt.Sprintf("-%d", number)
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
			if err := f.stop(); err != nil {
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

// stop dismisses all players and ends the server.
func (f *fight) stop() error {
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

// within is a time limit, longer on a slow machine.
func (f *fight) within(d time.Duration) time.Duration { return d * time.Duration(f.o.Slower) }
