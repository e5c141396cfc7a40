// Package bench measures a machine against the goals of the project: it starts
// a server in a process of its own, drives it as browsers do, and compares what
// it finds with the goals, and with what the kernel alone takes in the same run.
//
// It enters sandboxes' network namespaces and opens PTYs itself, which no other
// package outside the sandbox's does: to change a network at a known moment, and
// for the comparison.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/netground/netground/server/config"
)

// Options of a run.
type Options struct {
	// Machine has folders, ids and a control group that nobody else uses; they
	// are empty again afterwards.
	Machine config.Machine
	Program string // netground, whose serve is measured
	Version string
	Quick   bool     // fewer of everything, for a first look
	Only    []string // names of scenarios; all of them
	// Rootless says that this is an ordinary user, as root of a user namespace: what
	// needs more is left out.
	Rootless bool
	Log      io.Writer // progress
}

// scenario is one measurement, with the server that it needs.
type scenario struct {
	name, what string
	pool       int // -1: no server
	run        func(*run, context.Context, *server) error
	root       bool // needs the machine's root: it looks into sandboxes from outside, or makes what is none
}

// needsRoot is why an ordinary user does not measure something.
const needsRoot = "it needs the machine's control groups, which an ordinary user has not: run it with sudo"

// mostTime is how long one scenario may take.
const mostTime = 3 * time.Minute

// poolSize is the server's own default.
const poolSize = 2

// scenarios are in the order in which they run; those of one server follow each
// other, and the later ones use the sandboxes that memory has made.
func scenarios() []scenario {
	return []scenario{
		{"floor", "what the kernel takes for such a network", -1, (*run).floor, true},
		{"sandbox", "phases of a sandbox's start, without server", -1, (*run).sandbox, true},
		{"cold", "cold starts and ends", 0, (*run).cold, true},
		{"echo", "echo of keys, and of a bare PTY", 0, (*run).echo, false},
		{"bulk", "bulk output, and of a bare PTY", 0, (*run).bulk, false},
		{"interrupt", "Ctrl-C under flood", 0, (*run).interrupt, false},
		{"stalled", "readers that stop reading", 0, (*run).stalled, false},
		{"memory", "memory of idle sandboxes", 0, (*run).memory, true},
		{"connection", "memory of websockets", 0, (*run).connection, false},
		{"ends", "cold starts while sandboxes end", 0, (*run).ends, true},
		{"event", "from the kernel's change to the browser's event", 0, (*run).event, true},
		{"pool", "starts from the pool", poolSize, (*run).pool, true},
		{"poolends", "starts from the pool while sandboxes end", poolSize, (*run).poolEnds, true},
	}
}

// Names are the scenarios' names.
func Names() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// run is a run of the measurements.
type run struct {
	recorder
	o     *Options
	dir   string // of labs and files
	began time.Time
}

// say tells how it goes.
func (r *run) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.o.Log, "%4.0f s  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...)) // nobody depends on it
}

// some is n, or a few in a quick run.
func (r *run) some(n, quick int) int {
	if r.o.Quick {
		return quick
	}
	return n
}

// Run measures. What could not be measured has its reason among the goals; an
// error means that nothing could, or that something was left behind.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	all := scenarios()
	for _, name := range o.Only {
		if !slices.ContainsFunc(all, func(s scenario) bool { return s.name == name }) {
			return nil, fmt.Errorf("there is no measurement %q; there are: %s", name, strings.Join(Names(), ", "))
		}
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("sandboxes need root: run it with sudo")
	}
	machine, err := thisMachine()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "netground-bench-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	defer removeCgroup(o.Machine.Cgroup)
	if err := writeLabs(filepath.Join(dir, "labs"), 3, 2, 5); err != nil {
		return nil, err
	}
	r := &run{o: &o, dir: dir, began: time.Now()}
	missing := map[string]string{}
	if err := r.all(ctx, all, missing); err != nil {
		return nil, err
	}
	machine.LoadAfter = load()
	if machine.LoadBefore > 0.5 {
		r.note("The machine was busy before the run (load %s): figures may be worse than it can do.", number(machine.LoadBefore))
	}
	return &Report{
		Version: o.Version, Began: r.began, Seconds: time.Since(r.began).Seconds(), Quick: o.Quick, Machine: machine,
		Goals: grade(wishes(), r.figures, missing), Figures: r.figures, Notes: r.notes,
	}, nil
}

// all runs the scenarios, each on the server that it needs.
func (r *run) all(ctx context.Context, all []scenario, missing map[string]string) (err error) {
	var s *server
	running := -1
	stop := func() error {
		if s == nil {
			return nil
		}
		r.say("stopping the server")
		e := s.Close()
		s = nil
		return e
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, sc := range all {
		if len(r.o.Only) > 0 && !slices.Contains(r.o.Only, sc.name) {
			continue
		}
		if sc.root && r.o.Rootless {
			missing[sc.name] = needsRoot
			r.say("%s: left out: %s", sc.name, missing[sc.name])
			continue
		}
		if sc.pool >= 0 && (s == nil || running != sc.pool) {
			if err := stop(); err != nil {
				return err
			}
			r.say("starting a server with %d sandboxes in its pool", sc.pool)
			if s, err = startServer(ctx, r.o, r.dir, sc.pool); err != nil {
				return err
			}
			running = sc.pool
		}
		r.say("%s: %s", sc.name, sc.what)
		if err := r.one(ctx, sc, s); err != nil {
			if ctx.Err() != nil {
				return errors.New("interrupted; everything is removed")
			}
			missing[sc.name] = "it failed, see the notes"
			r.note("%s could not be measured: %v", sc.name, err)
			r.say("%s could not be measured: %v", sc.name, err)
			if s == nil {
				continue
			}
			if said := s.Said(); said != "" {
				r.note("The server says: %s", said)
			}
			select {
			case <-s.Ended: // the next one gets another
				err = stop()
			default:
				err = nil
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// one runs a scenario, which a server that hangs does not hold for ever.
func (r *run) one(ctx context.Context, sc scenario, s *server) error {
	ctx, cancel := within(ctx, mostTime)
	defer cancel()
	err := sc.run(r, ctx, s)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
