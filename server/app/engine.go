package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/rootless"
	"github.com/netground/netground/server/sandbox"
	"github.com/netground/netground/server/sandbox/keeper"
	"github.com/netground/netground/server/session"
)

// Engine makes networks and looks into them: the sandboxes, what observes
// them, and the checks, as one session.Engine.
type Engine struct {
	boxes *sandbox.Manager
	watch *observe.Service
	// rootfs takes an ordinary user's copy of the hosts' root file system away.
	rootfs func() error
}

// OpenEngine prepares the making of sandboxes, and takes over those that an
// earlier server left.
func OpenEngine(ctx context.Context, m config.Machine, log *slog.Logger) (*Engine, error) {
	inside, removeRootfs := rootless.Inside(), func() error { return nil }
	if inside {
		rootfs, remove, err := rootless.Rootfs(m.Rootfs, m.Runtime)
		if err != nil {
			return nil, err
		}
		m.Rootfs, removeRootfs = rootfs, remove
	}
	boxes, err := sandbox.Open(ctx, sandbox.Options{
		Rootless: inside, Rootfs: m.Rootfs, Keeper: m.Keeper, StateDir: m.State, RuntimeDir: m.Runtime,
		IDBase: m.IDBase, IDCount: m.IDCount, CgroupParent: path.Join("/", rootless.Group(), m.Cgroup), Log: log,
		Limits: sandbox.Limits{MemoryBytes: m.MemoryMiB << 20, Pids: m.Pids, CPUPercent: m.CPU, DiskBytes: m.DiskMiB << 20},
	})
	if err != nil {
		return nil, errors.Join(err, removeRootfs())
	}
	watch, err := observe.Open(log)
	if err != nil {
		return nil, errors.Join(err, boxes.Close(ctx), removeRootfs())
	}
	return &Engine{boxes: boxes, watch: watch, rootfs: removeRootfs}, nil
}

// Close ends all sandboxes; observers must be closed before.
func (e *Engine) Close(ctx context.Context) error {
	err := e.boxes.Close(ctx)
	e.watch.Close()
	return errors.Join(err, e.rootfs())
}

// Leave lets go of all sandboxes, for the next server; observers must be closed before.
func (e *Engine) Leave(ctx context.Context) error {
	err := e.boxes.Leave(ctx)
	e.watch.Close()
	return err
}

// Drain waits until the sandboxes that were destroyed so far are gone.
func (e *Engine) Drain(ctx context.Context) error { return e.boxes.Drain(ctx) }

// Create implements session.Engine.
func (e *Engine) Create(ctx context.Context, id string, spec keeper.Spec) (session.Sandbox, error) {
	s, err := e.boxes.Create(ctx, id, spec)
	if err != nil {
		return nil, err
	}
	return newBox(s), nil
}

func newBox(s *sandbox.Sandbox) *box {
	b := &box{Sandbox: s, events: make(chan session.SandboxEvent)}
	go b.translate()
	return b
}

// Adopted implements session.Engine.
func (e *Engine) Adopted() (all []session.Adopted) {
	for _, s := range e.boxes.Adopted() {
		a := session.Adopted{Sandbox: newBox(s), Note: s.Note(), Down: s.Down()}
		for _, n := range s.Nodes() {
			if n.Kind == "host" {
				a.Hosts = append(a.Hosts, n.Name)
			}
		}
		for _, left := range s.Shells() {
			a.Shells = append(a.Shells, session.AdoptedShell{
				Shell: session.Shell{ID: left.ID, Master: left.Master}, Host: left.Host, Kept: left.Kept, Exited: left.Exited, Code: left.Code,
			})
		}
		all = append(all, a)
	}
	return all
}

// Watch implements session.Engine.
func (e *Engine) Watch(ctx context.Context, s session.Sandbox) (session.Observer, error) {
	b, ok := s.(*box)
	if !ok {
		return nil, fmt.Errorf("cannot observe a %T", s)
	}
	var targets []observe.Target
	for _, n := range b.Nodes() {
		targets = append(targets, observe.Target(n))
	}
	return e.watch.Watch(ctx, targets)
}

// Evaluate implements session.Engine.
func (e *Engine) Evaluate(ctx context.Context, c *lab.Check, o session.Observer, answers map[string]string) check.Result {
	return check.Evaluate(ctx, c, o.(*observe.Watch), answers)
}

// RightAnswer implements session.Engine.
func (e *Engine) RightAnswer(_ context.Context, c *lab.AnswerCheck, o session.Observer) (string, bool) {
	return check.Right(c, o.State())
}

// box is a sandbox as sessions know it.
type box struct {
	*sandbox.Sandbox
	events chan session.SandboxEvent
}

func (b *box) Events() <-chan session.SandboxEvent { return b.events }

func (b *box) OpenTerminal(ctx context.Context, host string, cols, rows uint16, kept []*os.File) (session.Shell, error) {
	s, err := b.Sandbox.OpenTerminal(ctx, host, cols, rows, kept...)
	return session.Shell{ID: s.ID, Master: s.Master}, err
}

// Memory implements session.Sandbox.
func (b *box) Memory() (int64, error) {
	u, err := b.Usage()
	return u.MemoryBytes, err
}

func (b *box) Run(ctx context.Context, host, line string) (session.Output, error) {
	out, err := b.Sandbox.Run(ctx, host, line, nil)
	return session.Output{Text: string(out.Stdout) + string(out.Stderr), Exit: out.Exit}, err
}

// translate gives the sandbox's events to whoever has the session, until the
// sandbox ends. Events that nobody takes then are of no use.
func (b *box) translate() {
	for e := range b.Sandbox.Events() {
		out := session.SandboxEvent{Host: e.Host, Shell: e.Shell, Code: e.Code}
		switch e.Kind {
		case "exit":
			out.Kind = session.ShellExited
		case "reboot":
			out.Kind = session.HostRebooted
			out.Apply = func(ctx context.Context, o session.Observer) error {
				return o.(*observe.Watch).Replace(ctx, observe.Target(e.Node))
			}
		case "halt":
			out.Kind = session.HostHalted
			out.Apply = func(_ context.Context, o session.Observer) error {
				o.SetDown(e.Host)
				return nil
			}
		case "slowed":
			out.Kind, out.Pause = session.Slowed, e.Pause
		default:
			continue
		}
		select {
		case b.events <- out:
		case <-b.Done():
		}
	}
}
