package labtest

import (
	"context"
	"fmt"

	"github.com/netground/netground/server/lab"
)

// fault proves a fault in a network where all steps are solved: its checks hold
// before, one of them fails once it is broken, and all hold after the repair.
func (p *prover) fault(ctx context.Context, at int) error {
	id := p.lab.Faults[at].ID
	p.progress("fault %s", id)
	w, err := p.solved(ctx, len(p.lab.Steps))
	if err != nil {
		return err
	}
	defer w.close()
	f := &w.lab.Faults[at]
	checks := &lab.Step{ID: id, Checks: f.Checks}
	run := func(script lab.Script) error {
		for _, c := range script {
			exit, err := w.run(ctx, c)
			if err != nil {
				return fmt.Errorf("fault %s: %w", id, err)
			}
			if exit != 0 {
				p.problem("", "fault %s: %q on %s ends with exit code %d", id, c.Line, c.Host, exit)
			}
		}
		return nil
	}
	if r := w.eventually(ctx, checks); !r.ok() && ctx.Err() == nil {
		p.problem("", "fault %s: its checks do not hold in the solved lab. %s", id, r.why(checks))
	}
	if err := run(f.Run); err != nil {
		return err
	}
	if err := w.quiet(ctx); err != nil {
		return err
	}
	if r := w.evaluate(ctx, checks); r.ok() && ctx.Err() == nil {
		p.problem("", "fault %s: its checks hold though it is broken", id)
	}
	if err := run(f.Repair); err != nil {
		return err
	}
	if r := w.eventually(ctx, checks); !r.ok() && ctx.Err() == nil {
		p.problem("", "fault %s: its checks do not hold after the repair. %s", id, r.why(checks))
	}
	return ctx.Err()
}
