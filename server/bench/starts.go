package bench

import (
	"context"
	"fmt"
	"github.com/netground/netground/server/drive"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/netground/netground/server/sandbox"
	"github.com/netground/netground/server/sandbox/keeper"
)

// phases collects samples of the parts of something, in the order in which the
// parts came first.
type phases struct {
	order []string
	of    map[string]*samples
}

func (p *phases) add(name string, v float64) {
	if p.of == nil {
		p.of = map[string]*samples{}
	}
	if p.of[name] == nil {
		p.order = append(p.order, name)
		p.of[name] = &samples{}
	}
	*p.of[name] = append(*p.of[name], v)
}

// record puts them below the figure with the id.
func (p *phases) record(r *recorder, id string) {
	plain := strings.NewReplacer(": ", ".", " ", "-")
	for _, part := range p.order {
		r.spread(id+"."+plain.Replace(part), "    "+part, "ms", *p.of[part])
	}
}

// parts takes a start's phases down: those of the server, then what the page
// waits for beside and after.
func (p *phases) parts(st *started) {
	rest := ms(st.answer)
	for _, part := range st.phases {
		p.add("server: "+part.name, part.took)
		rest -= part.took
	}
	p.add("request and answer", rest)
	p.add("websocket", ms(st.attach))
	p.add("first prompt byte", ms(st.prompt))
}

// timings takes the phases of a sandbox down: the server's and the keeper's
// have each a clock of their own, and the keeper's lie between the others.
func (p *phases) timings(all []keeper.Timing, until time.Duration) {
	var own, its time.Duration
	for _, t := range all {
		last := &own
		if strings.HasPrefix(t.Phase, "keeper: ") {
			last = &its
		}
		if t.Phase == "build" { // what comes before was prepared ahead, by a clock of its own
			own = 0
		}
		p.add(t.Phase, ms(t.At-*last))
		*last = t.At
	}
	p.add("terminal and prompt", ms(until-own))
}

// cold measures starts without a pool, and ends.
func (r *run) cold(ctx context.Context, s *server) error {
	for _, hosts := range []int{2, 3, 5} {
		var total, ended, gone samples
		var parts phases
		// The first start finds cold caches, which is no matter of the server's.
		for i := range r.some(50, 6) + 1 {
			st, err := r.start(ctx, s, labName(hosts))
			if err != nil {
				return err
			}
			if err := st.locate(ctx); err != nil {
				return err
			}
			began := time.Now()
			if err := st.end(ctx); err != nil {
				return err
			}
			answered := time.Since(began)
			if err := st.gone(ctx); err != nil {
				return err
			}
			if i == 0 {
				continue
			}
			total.add(st.total)
			parts.parts(st)
			ended.add(answered)
			gone.add(time.Since(began))
		}
		id, name := fmt.Sprintf("start.cold.%d", hosts), fmt.Sprintf("cold start, %d hosts", hosts)
		r.spread(id, name, "ms", total)
		parts.record(&r.recorder, id)
		r.spread(fmt.Sprintf("end.answer.%d", hosts), fmt.Sprintf("    end, %d hosts: until the answer", hosts), "ms", ended)
		r.spread(fmt.Sprintf("end.gone.%d", hosts), fmt.Sprintf("    end, %d hosts: until devices and groups are gone", hosts), "ms", gone)
	}
	return nil
}

// pool measures starts of sandboxes that stand ready.
func (r *run) pool(ctx context.Context, s *server) error {
	for _, hosts := range []int{2, 5, 3} { // the last stays in the pool for poolEnds
		var total samples
		var parts phases
		want := r.some(30, 5)
		for tries := 0; len(total) < want; tries++ {
			if tries > want+3*poolSize {
				return fmt.Errorf("of %d starts only %d came from the pool", tries, len(total))
			}
			if err := s.ready(ctx, poolSize); err != nil {
				return err
			}
			st, err := r.start(ctx, s, labName(hosts))
			if err != nil {
				return err
			}
			if st.pooled && tries >= poolSize {
				total.add(st.total)
				parts.parts(st)
			}
			if err := st.locate(ctx); err != nil {
				return err
			}
			if err := st.end(ctx); err != nil {
				return err
			}
			if err := st.gone(ctx); err != nil {
				return err
			}
		}
		id, name := fmt.Sprintf("start.pool.%d", hosts), fmt.Sprintf("start from the pool, %d hosts", hosts)
		r.spread(id, name, "ms", total)
		parts.record(&r.recorder, id)
	}
	return nil
}

// start opens the lab as often as it takes, three times at most: one failure
// says nothing about how long the others take, but is told.
func (r *run) start(ctx context.Context, s *server, lab string) (*started, error) {
	for tries := 1; ; tries++ {
		st, err := s.start(ctx, lab)
		if err == nil || ctx.Err() != nil || tries == 3 {
			return st, err
		}
		said := s.Said()
		r.note("A start failed and is not counted: %v; the server says: %s", err, said[strings.LastIndexByte(said, '\n')+1:])
	}
}

// grow lets so many sandboxes of three hosts stand idle, their shells at the
// prompt.
func (r *run) grow(ctx context.Context, s *server, n int) error {
	const workers = 2
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		fail error
	)
	left := n - len(s.crowd)
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				more := left > 0 && fail == nil
				left--
				mu.Unlock()
				if !more {
					return
				}
				st, err := r.start(ctx, s, labName(3))
				mu.Lock()
				if err != nil {
					fail = err
				} else {
					st.conn.Close()
					st.conn = nil
					s.crowd = append(s.crowd, st)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if fail != nil {
		return fmt.Errorf("cannot have %d sandboxes: %w", n, fail)
	}
	return nil
}

// shrink asks for the end of n sandboxes of the crowd at once, and returns what
// is left of them as a count.
func (s *server) shrink(ctx context.Context, n int) (alive func() int, err error) {
	all := s.crowd[len(s.crowd)-n:]
	s.crowd = s.crowd[:len(s.crowd)-n]
	for _, st := range all {
		if err := st.locate(ctx); err != nil {
			return nil, err
		}
	}
	errs := make(chan error, n)
	for _, st := range all {
		go func() { errs <- st.end(ctx) }()
	}
	for range n {
		if e := <-errs; e != nil {
			err = e
		}
	}
	return func() (alive int) {
		for _, st := range all {
			if exists(st.folder) {
				alive++
			}
		}
		return alive
	}, err
}

// whileEnding makes starts as long as 100 sandboxes end.
func (r *run) whileEnding(ctx context.Context, s *server, pooled bool) (total samples, parts phases, missed int, err error) {
	n := r.some(100, 10)
	if err := r.grow(ctx, s, n); err != nil {
		return nil, parts, 0, err
	}
	if pooled {
		if err := s.ready(ctx, poolSize); err != nil {
			return nil, parts, 0, err
		}
	}
	began := time.Now()
	alive, err := s.shrink(ctx, n)
	if err != nil {
		return nil, parts, 0, err
	}
	var mine []*started
	for len(total) < 150 && alive() > 0 {
		st, err := r.start(ctx, s, labName(3))
		if err != nil {
			return nil, parts, 0, err
		}
		mine = append(mine, st)
		st.conn.Close()
		if st.pooled != pooled {
			missed++
			continue
		}
		total.add(st.total)
		parts.parts(st)
		if pooled {
			if err := s.ready(ctx, poolSize); err != nil {
				return nil, parts, 0, err
			}
		}
	}
	if err := drive.Poll(ctx, 5*time.Millisecond, func() (bool, error) { return alive() == 0, nil }); err != nil {
		return nil, parts, 0, err
	}
	r.value(map[bool]string{false: "ends.took", true: "poolends.took"}[pooled], fmt.Sprintf("end of %d sandboxes, %d starts meanwhile", n, len(mine)), "ms", ms(time.Since(began)))
	s.crowd = append(s.crowd, mine...)
	if len(total) == 0 {
		err = fmt.Errorf("all %d sandboxes had ended before one could be started", n)
	}
	return total, parts, missed, err
}

func (r *run) ends(ctx context.Context, s *server) error {
	total, parts, _, err := r.whileEnding(ctx, s, false)
	if err != nil {
		return err
	}
	f := r.spread("ends.cold", "cold start while sandboxes end, 3 hosts", "ms", total)
	f.Reduced = r.fewer(100, 10)
	parts.record(&r.recorder, "ends.cold")
	return nil
}

func (r *run) poolEnds(ctx context.Context, s *server) error {
	total, parts, missed, err := r.whileEnding(ctx, s, true)
	if err != nil {
		return err
	}
	f := r.spread("ends.pool", "start from the pool while sandboxes end, 3 hosts", "ms", total)
	f.Reduced = r.fewer(100, 10)
	if missed > 0 {
		f.Note = fmt.Sprintf("%d more starts found the pool empty", missed)
	}
	parts.record(&r.recorder, "ends.pool")
	return nil
}

// fewer is why a quick run says nothing about a goal.
func (r *run) fewer(n, quick int) string {
	if r.o.Quick {
		return fmt.Sprintf("only %d sandboxes instead of %d in a quick run", quick, n)
	}
	return ""
}

// sandbox measures a sandbox's start alone, by the phases that it tells.
func (r *run) sandbox(ctx context.Context, _ *server) (err error) {
	m := r.o.Machine
	boxes, err := sandbox.Open(ctx, sandbox.Options{
		Rootfs: m.Rootfs, Keeper: m.Keeper, StateDir: filepath.Join(m.State, "boxes"), RuntimeDir: filepath.Join(m.Runtime, "boxes"),
		IDBase: m.IDBase, IDCount: m.IDCount, CgroupParent: m.Cgroup + "-boxes", Log: slog.New(slog.DiscardHandler),
		Limits: sandbox.Limits{MemoryBytes: m.MemoryMiB << 20, Pids: m.Pids, CPUPercent: m.CPU, DiskBytes: m.DiskMiB << 20},
	})
	if err != nil {
		return err
	}
	defer func() {
		if e := boxes.Close(context.WithoutCancel(ctx)); err == nil {
			err = e
		}
	}()
	spec := keeper.Spec{Name: "bench", Switches: []string{"sw"}}
	for i := range 3 {
		name := fmt.Sprintf("h%d", i+1)
		spec.Hosts = append(spec.Hosts, keeper.Host{Name: name})
		spec.Links = append(spec.Links, keeper.Link{A: keeper.End{Node: name, Device: "eth0"}, B: keeper.End{Node: "sw"}})
	}
	var total samples
	var parts phases
	for i := range r.some(30, 5) + 1 {
		began := time.Now()
		box, err := boxes.Create(ctx, fmt.Sprintf("bench-%d", i), spec)
		if err != nil {
			return err
		}
		shell, err := box.OpenTerminal(ctx, "h1", 80, 24)
		if err == nil {
			_, err = shell.Master.Read(make([]byte, 1))
			took := time.Since(began)
			shell.Master.Close()
			if i > 0 {
				total.add(took)
				parts.timings(box.Timings(), took)
			}
		}
		box.Destroy()
		if err != nil {
			return fmt.Errorf("cannot use a terminal: %w", err)
		}
		if err := boxes.Drain(ctx); err != nil {
			return err
		}
	}
	r.spread("sandbox.3", "sandbox and prompt without server, 3 hosts", "ms", total)
	parts.record(&r.recorder, "sandbox.3")
	return nil
}
