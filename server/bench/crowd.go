package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"github.com/netground/netground/server/drive"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/netground/netground/server/httpapi/ws"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// settled waits until the machine's memory is quiet, for a while at most, and
// returns a picture of it.
func (s *server) settled(ctx context.Context) (memory, error) {
	var last memory
	for range 20 {
		now, err := s.memory()
		if err != nil {
			return now, err
		}
		if d := now.all - last.all; d < 1<<20 && d > -1<<20 {
			return now, nil
		}
		last = now
		select {
		case <-time.After(150 * time.Millisecond):
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
	return last, nil
}

// memory measures what idle sandboxes take.
func (r *run) memory(ctx context.Context, s *server) error {
	const perSandbox = 12 << 20 // generous
	counts := []int{r.some(50, 5), r.some(200, 10)}
	info, err := memInfo()
	if err != nil {
		return err
	}
	if fit := int((info["MemAvailable"] - 1<<30) / perSandbox); fit < counts[1] {
		r.note("Only %d sandboxes fit into the memory of this machine instead of %d.", max(fit, 1), counts[1])
		counts[1] = max(fit, 1)
		counts[0] = min(counts[0], counts[1])
	}
	st, err := r.start(ctx, s, labName(3)) // code and caches that all of them share
	if err != nil {
		return err
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
	begin := len(s.crowd)
	before, err := s.settled(ctx)
	if err != nil {
		return err
	}
	for i, n := range counts {
		r.say("  %d sandboxes", n)
		if err := r.grow(ctx, s, begin+n); err != nil {
			return err
		}
		now, err := s.settled(ctx)
		if err != nil {
			return err
		}
		d := now.less(before)
		each := func(b int64) float64 { return float64(b) / 1e6 / float64(n) }
		id := fmt.Sprintf("memory.%d", n)
		if i == len(counts)-1 {
			id = "memory"
		}
		f := r.value(id, fmt.Sprintf("idle sandbox, 3 hosts, of %d: all in", n), "MB", each(d.all))
		f.Note = "what the machine has less available"
		f.Reduced = r.fewer(200, 10)
		if known := d.kernel + d.user; f.Reduced == "" && (d.all < known/2 || d.all > 2*known || d.all < d.kernel || d.user < d.server) {
			f.Reduced = "other programs' memory has changed meanwhile"
		}
		r.value(id+".kernel", "    kernel: slabs, per-CPU, stacks, page tables", "MB", each(d.kernel))
		r.value(id+".user", "    processes and tmpfs, the server among them", "MB", each(d.user))
		r.value(id+".server", "    the server itself", "MB", each(d.server))
		r.value(id+".cgroup", "    charged to its control group", "MB", each(d.cgroup))
	}
	return nil
}

// connection measures what idle websockets take of the server.
func (r *run) connection(ctx context.Context, s *server) (err error) {
	ctx, cancel := within(ctx, time.Minute)
	defer cancel()
	if err := r.grow(ctx, s, r.some(100, 10)); err != nil {
		return err
	}
	const each = 8 // viewers of a terminal
	of := s.crowd[:r.some(100, 10)]
	before, err := residentMemory(s.PID)
	if err != nil {
		return err
	}
	var all []*ws.Client
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	for _, st := range of {
		for i := range each {
			c, err := st.attachAs(ctx, -1, "viewer-"+strconv.Itoa(i))
			if err != nil {
				return err
			}
			all = append(all, c)
			if _, err := c.Next(); err != nil {
				return err
			}
		}
	}
	after, err := residentMemory(s.PID)
	if err != nil {
		return err
	}
	f := r.value("connection", fmt.Sprintf("server memory of an idle websocket, of %d", len(all)), "KB", float64(after-before)/1e3/float64(len(all)))
	f.Note = "with what their handshakes left to the garbage collector"
	if r.o.Quick {
		f.Reduced = "too few connections in a quick run"
	}
	return nil
}

// watched is a session whose events are read, and whose first host's network
// can be changed from here.
type watched struct {
	events <-chan drive.Event
	net    *netlink.Handle
	dev    netlink.Link
}

// change adds or removes the address that the lab's step waits for, and returns
// how long after that the state and the step's result were here.
func (w *watched) change(ctx context.Context, add bool) (state, step time.Duration, err error) {
	for { // nothing of before
		select {
		case <-w.events:
			continue
		default:
		}
		break
	}
	a, err := netlink.ParseAddr(wantedAddress)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if add {
		err = w.net.AddrAdd(w.dev, a)
	} else {
		err = w.net.AddrDel(w.dev, a)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("cannot change the network: %w", err)
	}
	ok := []byte(`"ok":` + strconv.FormatBool(add))
	for state == 0 || step == 0 {
		select {
		case e, open := <-w.events:
			switch {
			case !open:
				return 0, 0, fmt.Errorf("the events have ended")
			case state == 0 && e.Name == "state" && bytes.Contains(e.Data, []byte(wantedAddress)) == add:
				state = e.At.Sub(began)
			case step == 0 && e.Name == "step" && bytes.Contains(e.Data, ok):
				step = e.At.Sub(began)
			}
		case <-time.After(10 * time.Second):
			return 0, 0, fmt.Errorf("no event tells of a change within 10 s (state told: %t)", state > 0)
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
	return state, step, nil
}

// watch subscribes to a session's events and opens its first host's network.
func (st *started) watch(ctx context.Context) (*watched, error) {
	w := &watched{}
	var err error
	if w.net, w.dev, err = st.network(ctx); err != nil {
		return nil, err
	}
	if w.events, err = st.Events(ctx, st.id); err != nil {
		w.net.Close()
		return nil, err
	}
	for { // the full set that comes first, the step's result among it or behind it
		select {
		case e := <-w.events:
			if e.Name == "state" {
				return w, nil
			}
		case <-time.After(10 * time.Second):
			w.net.Close()
			return nil, fmt.Errorf("the events do not begin")
		}
	}
}

// network opens the first host's namespace.
func (st *started) network(ctx context.Context) (*netlink.Handle, netlink.Link, error) {
	if err := st.locate(ctx); err != nil {
		return nil, nil, err
	}
	ns, err := netns.GetFromPid(st.process)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open a network namespace: %w", err)
	}
	defer ns.Close()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot enter a network namespace: %w", err)
	}
	dev, err := h.LinkByName("eth0")
	if err != nil {
		h.Close()
		return nil, nil, fmt.Errorf("cannot find the first host's device: %w", err)
	}
	return h, dev, nil
}

// locate finds the session's sandbox, which has a name that the API does not
// tell: the state tells which network namespace its first host has, and the
// control groups which process is in it.
func (st *started) locate(ctx context.Context) error {
	if st.folder != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	events, err := st.Events(ctx, st.id)
	if err != nil {
		return err
	}
	var state struct {
		Nodes map[string]struct{ Namespace struct{ Inode uint64 } }
	}
	for e := range events {
		if e.Name == "state" {
			if err := json.Unmarshal(e.Data, &state); err != nil {
				return fmt.Errorf("cannot read the state of a network: %w", err)
			}
			break
		}
	}
	want := fmt.Sprintf("net:[%d]", state.Nodes["h1"].Namespace.Inode)
	for key, pids := range processesBelow(st.Server.Machine.Cgroup) {
		for _, pid := range pids {
			if ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid)); err == nil && ns == want {
				st.folder, st.process = filepath.Join(st.Server.Machine.Runtime, key), pid
				return nil
			}
		}
	}
	return fmt.Errorf("cannot find the sandbox of the session %s (%s)", st.id, want)
}

// processesBelow lists the processes in each group below one: of v1, in the
// hierarchy that limits their number.
func processesBelow(group string) map[string][]int {
	all := map[string][]int{}
	dir := filepath.Join("/sys/fs/cgroup", group)
	if !exists(dir) {
		dir = filepath.Join("/sys/fs/cgroup/pids", group)
	}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "cgroup.procs" {
			return nil // of a group that has just gone
		}
		b, _ := os.ReadFile(path) // a group that has gone has no processes
		key, _, _ := strings.Cut(strings.TrimPrefix(path, dir+"/"), "/")
		for _, f := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil && pid > 0 {
				all[key] = append(all[key], pid)
			}
		}
		return nil
	})
	return all
}

// event measures from a change in the kernel to the browser's events, while
// 100 browsers look at their labs.
func (r *run) event(ctx context.Context, s *server) (err error) {
	ctx, cancel := within(ctx, 2*time.Minute)
	defer cancel()
	n := r.some(100, 10)
	if err := r.grow(ctx, s, n); err != nil {
		return err
	}
	if len(s.crowd) > n {
		alive, err := s.shrink(ctx, len(s.crowd)-n)
		if err != nil {
			return err
		}
		if err := drive.Poll(ctx, 5*time.Millisecond, func() (bool, error) { return alive() == 0, nil }); err != nil {
			return err
		}
	}
	var all []*watched
	defer func() {
		for _, w := range all {
			w.net.Close()
		}
	}()
	for _, st := range s.crowd {
		w, err := st.watch(ctx)
		if err != nil {
			return err
		}
		all = append(all, w)
	}
	var state, step samples
	for range r.some(2, 1) {
		for _, add := range []bool{true, false} {
			for _, w := range all {
				a, b, err := w.change(ctx, add)
				if err != nil {
					return err
				}
				state.add(a)
				step.add(b)
			}
		}
	}
	f := r.spread("event.step", fmt.Sprintf("kernel's change to the check's event, of %d sandboxes", n), "ms", step)
	f.Note = "the check waits until the network is quiet"
	f.Reduced = r.fewer(100, 10)
	r.spread("event.state", "    kernel's change to the diagram's event", "ms", state)
	return nil
}
