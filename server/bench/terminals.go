package bench

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/netground/netground/server/httpapi/ws"
)

// web starts a session, and returns its first shell.
func (s *server) web(ctx context.Context) (*started, *webTTY, error) {
	st, err := s.start(ctx, labName(2))
	if err != nil {
		return nil, nil, err
	}
	return st, &webTTY{Client: st.conn, pid: s.PID, shown: st.seen, acked: 0}, nil
}

// finish ends a session that a measurement has used.
func finish(ctx context.Context, st *started, err *error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if e := st.end(ctx); *err == nil {
		*err = e
	}
}

// within bounds a measurement that reads terminals: they have no deadline.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("it took longer than %v", d))
}

// echo types keys 5 ms apart into a host's shell and into a bare PTY.
func (r *run) echo(ctx context.Context, s *server) (err error) {
	ctx, cancel := within(ctx, time.Minute)
	defer cancel()
	keys := r.some(1000, 200)
	bare, err := openBare(r.dir)
	if err != nil {
		return err
	}
	defer bare.close()
	defer context.AfterFunc(ctx, func() { bare.master.Close() })()
	plain, _, err := echo(ctx, bare, keys, 5*time.Millisecond)
	if err != nil {
		return fmt.Errorf("bare PTY: %w", err)
	}
	st, web, err := s.web(ctx)
	if err != nil {
		return err
	}
	defer finish(ctx, st, &err)
	took, cpu, err := echo(ctx, web, keys, 5*time.Millisecond)
	if err != nil {
		return err
	}
	r.spread("echo", "echo of a key, keys 5 ms apart", "µs", took)
	r.spread("echo.bare", "    the same over a bare PTY", "µs", plain)
	r.value("echo.cpu", "    server CPU of a key", "µs", ms(cpu)*1000/float64(keys))
	return nil
}

// bulk prints a file again and again, read as fast as possible.
func (r *run) bulk(ctx context.Context, s *server) (err error) {
	ctx, cancel := within(ctx, 2*time.Minute)
	defer cancel()
	bare, err := openBare(r.dir)
	if err != nil {
		return err
	}
	defer bare.close()
	defer context.AfterFunc(ctx, func() { bare.master.Close() })()
	st, web, err := s.web(ctx)
	if err != nil {
		return err
	}
	defer finish(ctx, st, &err)
	if err := bulkPrepare(bare, r.dir); err != nil {
		return err
	}
	if err := bulkPrepare(web, "/tmp"); err != nil {
		return err
	}
	var rates, cpus, plainRates, plainCPUs samples
	times := r.some(4, 1)
	for range r.some(7, 3) { // by turns, so that both see the same machine
		rate, cpu, err := bulk(bare, r.dir, times)
		if err != nil {
			return fmt.Errorf("bare PTY: %w", err)
		}
		plainRates, plainCPUs = append(plainRates, rate), append(plainCPUs, cpu)
		if rate, cpu, err = bulk(web, "/tmp", times); err != nil {
			return err
		}
		rates, cpus = append(rates, rate), append(cpus, cpu)
	}
	r.spread("bulk", "bulk output with the window", "MB/s", rates)
	r.spread("bulk.bare", "    the same over a bare PTY", "MB/s", plainRates)
	r.spread("bulk.cpu", "    server CPU", "ms/MB", cpus)
	r.spread("bulk.bare.cpu", "    reader's CPU of the bare PTY", "ms/MB", plainCPUs)
	return nil
}

// interrupt floods a page that shows 5 or 10 MB/s, and presses Ctrl-C.
func (r *run) interrupt(ctx context.Context, s *server) (err error) {
	for _, rate := range []int{5, 10} {
		var took samples
		for range r.some(5, 2) {
			d, err := r.flood(ctx, s, float64(rate)*1e6)
			if err != nil {
				return err
			}
			took.add(d)
		}
		r.spread(fmt.Sprintf("interrupt.%d", rate), fmt.Sprintf("Ctrl-C under flood, page at %d MB/s", rate), "ms", took)
	}
	return nil
}

// flood prints for a while, and returns how long after Ctrl-C the prompt is shown.
func (r *run) flood(ctx context.Context, s *server, rate float64) (_ time.Duration, err error) {
	ctx, cancel := within(ctx, 30*time.Second)
	defer cancel()
	st, web, err := s.web(ctx)
	if err != nil {
		return 0, err
	}
	defer finish(ctx, st, &err)
	if err := command(web, "true"); err != nil {
		return 0, err
	}
	p := newPage(web.Client, web.shown, rate)
	if err := web.Type([]byte("yes\n")); err != nil {
		return 0, err
	}
	select {
	case <-time.After(time.Duration(r.some(3000, 1000)) * time.Millisecond):
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	began := p.interrupted()
	if err := web.Type([]byte{3}); err != nil {
		return 0, err
	}
	select {
	case at := <-p.prompt:
		return at.Sub(began), nil
	case err := <-p.failed:
		return 0, err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// page shows output at a rate, as a browser does: what arrives is queued
// without bound, parsed piece by piece, and acknowledged when it was.
type page struct {
	prompt chan time.Time
	failed chan error

	mu      sync.Mutex
	more    sync.Cond
	queue   [][]byte
	pressed bool
	ended   bool
}

func newPage(c *ws.Client, shown int64, rate float64) *page {
	p := &page{prompt: make(chan time.Time, 1), failed: make(chan error, 1)}
	p.more.L = &p.mu
	go func() { // the browser's network
		for {
			out, err := c.Next()
			p.mu.Lock()
			if err != nil {
				p.ended = true
				p.failed <- err
			} else {
				p.queue = append(p.queue, bytes.Clone(out.Data))
			}
			p.more.Signal()
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go p.show(c, shown, rate)
	return p
}

// interrupted has the page look for the prompt from now on.
func (p *page) interrupted() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pressed = true
	return time.Now()
}

func (p *page) show(c *ws.Client, shown int64, rate float64) {
	acked := shown
	until := time.Now() // when what was shown so far is parsed
	var last []byte
	for {
		p.mu.Lock()
		for len(p.queue) == 0 && !p.ended {
			p.more.Wait()
		}
		if p.ended {
			p.mu.Unlock()
			return
		}
		all, pressed := p.queue[0], p.pressed
		p.queue = p.queue[1:]
		p.mu.Unlock()
		for len(all) > 0 {
			piece := all[:min(len(all), ackEvery)]
			all = all[len(piece):]
			if now := time.Now(); until.Before(now) {
				until = now
			}
			until = until.Add(time.Duration(float64(len(piece)) / rate * float64(time.Second)))
			time.Sleep(time.Until(until))
			if shown += int64(len(piece)); shown-acked >= ackEvery {
				acked = shown
				_ = c.Ack(shown) // the reader hears of a connection that has ended
			}
			if !pressed {
				continue
			}
			last = append(last, piece[max(0, len(piece)-256):]...)
			last = last[max(0, len(last)-256):]
			if _, rest, ok := bytes.Cut(last, []byte("^C")); ok && bytes.Contains(rest, []byte(prompt)) {
				p.prompt <- time.Now()
				return
			}
		}
	}
}

// stalled lets readers stop in the middle of a flood.
func (r *run) stalled(ctx context.Context, s *server) (err error) {
	ctx, cancel := within(ctx, time.Minute)
	defer cancel()
	n := r.some(8, 3)
	var all []*webTTY
	for range n {
		st, web, err := s.web(ctx)
		if err != nil {
			return err
		}
		defer finish(ctx, st, &err)
		// The scrollback fills first: it is there whoever reads.
		if err := command(web, "yes | head -c 1500000"); err != nil {
			return err
		}
		all = append(all, web)
	}
	before, err := residentMemory(s.PID)
	if err != nil {
		return err
	}
	most := before
	for _, web := range all {
		if err := web.Type([]byte("yes\n")); err != nil {
			return err
		}
	}
	for range r.some(30, 10) {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		now, err := residentMemory(s.PID)
		if err != nil {
			return err
		}
		most = max(most, now)
	}
	f := r.value("stalled", fmt.Sprintf("server memory of a stalled reader under flood, at most, mean of %d", n), "MB", float64(most-before)/1e6/float64(n))
	f.Note = "beyond the scrollback"
	return nil
}
