package sandbox

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// stock keeps sandboxes prepared, without a network yet: what is the same for
// all networks takes most of the time of a start, and can be done before.
type stock struct {
	m      *Manager
	ctx    context.Context // ends with close
	cancel context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex
	cond   *sync.Cond
	ready  []*Sandbox
	failed error // of the last try, until one succeeds
	closed bool
}

const (
	// preparedNodes is how large a network they have room for. A larger one
	// gets a sandbox of its own making.
	preparedNodes = 24
	// bareHosts is how many hosts they have already, bare: as many as most labs
	// have. What a network lacks is made, what it does not need is ended.
	bareHosts = 3
	// stockBreath is how long nothing must have started before the next one is prepared.
	stockBreath = 60 * time.Millisecond
	// stockPause is how long after a failure the next try comes.
	stockPause = 2 * time.Second
)

func newStock(m *Manager) *stock {
	t := &stock{m: m, ended: make(chan struct{})}
	t.cond = sync.NewCond(&t.mu)
	t.ctx, t.cancel = context.WithCancel(context.Background())
	go t.fill()
	return t
}

// take returns a prepared sandbox, or nil.
func (t *stock) take() *Sandbox {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.cond.Broadcast()
	for len(t.ready) > 0 {
		s := t.ready[0]
		t.ready = slices.Delete(t.ready, 0, 1)
		select {
		case <-s.done: // its keeper was killed
			s.Destroy()
		default:
			return s
		}
	}
	return nil
}

// fill prepares sandboxes one by one, behind starts.
func (t *stock) fill() {
	defer close(t.ended)
	for {
		t.mu.Lock()
		for len(t.ready) >= t.m.o.Prepared && !t.closed {
			t.cond.Wait()
		}
		closed := t.closed
		t.mu.Unlock()
		if closed {
			return
		}
		if !t.lull() {
			continue
		}
		s := t.m.newSandbox()
		err := s.prepare(t.ctx, preparedNodes, bareHosts)
		t.mu.Lock()
		keep := err == nil && !t.closed
		if keep {
			t.ready = append(t.ready, s)
		}
		t.failed = err
		t.cond.Broadcast()
		t.mu.Unlock()
		if !keep {
			s.Destroy()
		}
		if err != nil && t.ctx.Err() == nil {
			t.m.o.Log.Warn("cannot prepare a sandbox; will try again", "error", err)
			select {
			case <-time.After(stockPause):
			case <-t.ctx.Done():
			}
		}
	}
}

// lull waits until nothing has started for a moment: a sandbox that was just
// made has its shell and its observer to start, which is what a learner waits
// for. It says whether there is still something to do.
func (t *stock) lull() bool {
	for {
		before := t.m.reaper.awaitStarts()
		select {
		case <-time.After(stockBreath):
		case <-t.ctx.Done():
			return false
		}
		if t.m.reaper.awaitStarts() == before {
			return true
		}
	}
}

// await waits until all stand prepared, or one cannot be.
func (t *stock) await(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.cond.Broadcast()
	})
	defer stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.ready) < t.m.o.Prepared && t.failed == nil && !t.closed {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cannot wait for the next sandboxes: %w", err)
		}
		t.cond.Wait()
	}
	return nil
}

// close ends what stands prepared and prepares nothing more.
func (t *stock) close() {
	for _, s := range t.leave() {
		s.Destroy()
	}
}

// leave prepares nothing more, and returns what stands prepared.
func (t *stock) leave() []*Sandbox {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.cancel()
	t.cond.Broadcast()
	<-t.ended
	ready := t.ready
	t.ready = nil
	return ready
}
