package attack

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/netground/netground/server/drive"
)

// trial is one attack under way. Faults are what did not hold; an attack that
// cannot be carried out to its end says nothing, and is unclear.
type trial struct {
	*fight
	attack  *Attack
	ctx     context.Context
	faults  []string
	unclear string
	skipped string
	said    []string
	figures *Figures
	undo    []func()
}

// most is how long one attack may take.
const most = 90 * time.Second

// try carries out one attack.
func (f *fight) try(a *Attack) Result {
	limit := f.within(most) + a.lasts
	if a.waits {
		limit = 3*limit + f.o.Away // it waits as long as the server does, and others have the machine meanwhile
	}
	ctx, cancel := context.WithTimeoutCause(f.ctx, limit, fmt.Errorf("it took longer than %v", limit))
	defer cancel()
	t := &trial{fight: f, attack: a, ctx: ctx}
	began := time.Now()
	done := make(chan struct{})
	go func() { // ended by Goexit where it cannot go on
		defer close(done)
		defer t.clean()
		defer func() {
			if reason := recover(); reason != nil {
				t.unclear = fmt.Sprintf("it panicked: %v\n%s", reason, debug.Stack())
			}
		}()
		t.carryOut()
	}()
	<-done
	r := Result{ID: a.ID, Group: a.Group, Tried: a.Tried, Held: a.Held, Said: t.said, Figures: t.figures, Seconds: time.Since(began).Seconds()}
	switch {
	case len(t.faults) > 0:
		r.Outcome, r.Why = NotHeld, t.faults
		if t.unclear != "" {
			r.Why = append(r.Why, t.unclear)
		}
	case t.unclear != "":
		r.Outcome, r.Why = Unclear, []string{t.unclear}
	case t.skipped != "":
		r.Outcome, r.Why = Skipped, []string{t.skipped}
	default:
		r.Outcome = Held
	}
	if !a.own && (r.Outcome == NotHeld || r.Outcome == Unclear) { // the next one begins with sessions that nobody has touched
		for name := range f.players {
			f.dismiss(name)
		}
	}
	return r
}

func (t *trial) carryOut() {
	if !t.attack.own {
		_, err := t.running()
		t.must(err)
	}
	if t.attack.run != nil {
		t.attack.run(t)
	} else {
		out, exit := t.attacker().on("A").try(t.attack.line)
		if t.attack.want == "" && exit == 0 || t.attack.want != "" && out != t.attack.want {
			t.fault("exit status %d, %.500q", exit, out)
		}
	}
	if !t.attack.own && t.server != nil {
		select {
		case <-t.server.Ended:
			t.fault("the server has ended: %s", t.server.Said())
		default:
		}
	}
}

func (t *trial) clean() {
	for i := len(t.undo) - 1; i >= 0; i-- {
		t.undo[i]()
	}
}

// after has something done when the attack is over, the last one first.
func (t *trial) after(f func()) { t.undo = append(t.undo, f) }

// fault says what did not hold.
func (t *trial) fault(format string, args ...any) {
	t.faults = append(t.faults, fmt.Sprintf(format, args...))
}

// stop ends an attack that cannot be carried out.
func (t *trial) stop(format string, args ...any) {
	t.unclear = fmt.Sprintf(format, args...)
	if t.ctx.Err() != nil {
		t.unclear += ": " + context.Cause(t.ctx).Error()
	}
	runtime.Goexit()
}

// must ends an attack that cannot be carried out because of an error.
func (t *trial) must(err error) {
	if err != nil {
		t.stop("%v", err)
	}
}

// skip leaves an attack out, with the reason.
func (t *trial) skip(format string, args ...any) {
	t.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// say notes what was seen.
func (t *trial) say(format string, args ...any) {
	t.said = append(t.said, fmt.Sprintf(format, args...))
}

// wait lets time pass.
func (t *trial) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.ctx.Done():
		t.must(context.Cause(t.ctx))
	}
}

// until waits for a condition, and says whether it came.
func (t *trial) until(limit time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(t.within(limit)); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) || t.ctx.Err() != nil {
			return false
		}
	}
	return true
}

// field reads a number behind a name of a file like /proc/meminfo, in MiB.
func field(path, name string) float64 {
	b, _ := os.ReadFile(path) // 0 where it is not there
	_, rest, _ := strings.Cut(string(b), name)
	kib := 0
	_, _ = fmt.Sscan(rest, &kib)
	return float64(kib) / 1024
}

// kernelMemory is what the kernel has taken for itself and cannot take back, in
// MiB: of the machine, as some of what a sandbox causes is charged to nobody.
func kernelMemory() (sum float64) {
	for _, name := range []string{"SUnreclaim:", "Percpu:", "KernelStack:", "PageTables:"} {
		sum += field("/proc/meminfo", name)
	}
	return sum
}

// serverMemory is what is a server's own, in MiB.
func serverMemory(s *drive.Server) float64 {
	return field(fmt.Sprintf("/proc/%d/status", s.PID), "RssAnon:")
}
