package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/netground/netground/server/drive"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// How a learner works, about as somebody does who types what the lesson says.
const (
	classSteps = 6
	keyLeast   = 60 * time.Millisecond
	keyMost    = 160 * time.Millisecond
	thinkLeast = time.Second
	thinkMost  = 4 * time.Second
	oneIn      = 4 // steps are tried wrongly first
	// classTime is how long a class may take.
	classTime = 4 * time.Minute
)

// ClassOptions are those of a class that is measured.
type ClassOptions struct {
	Options
	// Learners are the sizes of classes, one after the other. In a Quick run
	// they work ten times as fast as a person.
	Learners []int
}

// Class measures what a class costs, and how late its teacher's grid is: learners
// join, open a lab each, and type the solutions with a person's pauses, while a
// teacher's page follows.
func Class(ctx context.Context, o ClassOptions) (_ *Report, err error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("sandboxes need root: run it with sudo")
	}
	if o.Rootless {
		return nil, fmt.Errorf("cannot measure a class: %s", needsRoot)
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
	if err := writeClassLab(filepath.Join(dir, "labs")); err != nil {
		return nil, err
	}
	r := &run{o: &o.Options, dir: dir, began: time.Now()}
	for _, n := range o.Learners {
		r.say("a class of %d", n)
		if err := r.class(ctx, n); err != nil {
			return nil, fmt.Errorf("cannot measure a class of %d: %w", n, err)
		}
	}
	machine.LoadAfter = load()
	return &Report{Version: o.Version, Began: r.began, Seconds: time.Since(r.began).Seconds(), Machine: machine, Goals: []Goal{}, Figures: r.figures, Notes: r.notes}, nil
}

const classLab = "class"

func classAddress(step int) string { return fmt.Sprintf("10.99.%d.1", step+1) }

// writeClassLab writes a course of one lab, whose steps want an address each.
func writeClassLab(dir string) error {
	var lab strings.Builder
	lesson := map[string]*strings.Builder{"en": {}, "ko": {}}
	lab.WriteString(`title: {en: Class, ko: 수업}
minutes: 10
topology:
  hosts:
    h1: {at: [0, 2], interfaces: {eth0: {up: true, addresses: [10.77.0.1/24]}}}
    h2: {at: [2, 2], interfaces: {eth0: {up: true, addresses: [10.77.0.2/24]}}}
    h3: {at: [4, 2], interfaces: {eth0: {up: true, addresses: [10.77.0.3/24]}}}
  switches: {sw: {at: [0, 0]}}
  links: [[h1:eth0, sw], [h2:eth0, sw], [h3:eth0, sw]]
steps:
`)
	for i := range classSteps {
		fmt.Fprintf(&lab, "  - id: step-%d\n    checks:\n      - address: {host: h1, dev: eth0, has: %s/24}\n      - reach: {from: h1, to: 10.77.0.2, at: h2}\n    solution: {h1: ip addr add %s/24 dev eth0}\n",
			i, classAddress(i), classAddress(i))
		for _, b := range lesson {
			fmt.Fprintf(b, "## %d {#step-%d}\n\n```bash host=h1\nip addr add %s/24 dev eth0\n```\n\n", i, i, classAddress(i))
		}
	}
	files := map[string]string{
		"course.yaml":              "title: {en: Measurements, ko: 측정}\nchapters:\n  - id: class\n    title: {en: Class, ko: 수업}\n    labs: [" + classLab + "]\n",
		classLab + "/lab.yaml":     lab.String(),
		classLab + "/lesson.en.md": lesson["en"].String(), classLab + "/lesson.ko.md": lesson["ko"].String(),
	}
	if err := os.MkdirAll(filepath.Join(dir, classLab), 0o755); err != nil {
		return fmt.Errorf("cannot write the lab: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("cannot write the lab: %w", err)
		}
	}
	return nil
}

// moment is a step of a member.
type moment struct {
	member string
	step   int
}

// delays joins when the kernel had a change and when the teacher's page heard.
type delays struct {
	mu     sync.Mutex
	kernel map[moment]time.Time
	told   map[moment]time.Time
}

func note(mu *sync.Mutex, m map[moment]time.Time, k moment, at time.Time) {
	mu.Lock()
	defer mu.Unlock()
	if _, ok := m[k]; !ok {
		m[k] = at
	}
}

func (d *delays) samples() (s samples, missing int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k, at := range d.kernel {
		if told, ok := d.told[k]; ok {
			s.add(told.Sub(at))
		} else {
			missing++
		}
	}
	return s, missing
}

// class measures a class of n, on a server of its own.
func (r *run) class(ctx context.Context, n int) (err error) {
	ctx, cancel := within(ctx, classTime)
	defer cancel()
	name := fmt.Sprintf("class-%d", n)
	s, err := startNamed(ctx, r.o, r.dir, name, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	teacher, class, code, err := s.openClass(ctx, filepath.Join(r.dir, name+".out"))
	if err != nil {
		return err
	}
	// What the first learner brings for all, and what hashing the password took, is
	// no learner's.
	if err := s.warmUp(ctx, code); err != nil {
		return err
	}
	memory, err := s.inUse(ctx)
	if err != nil {
		return err
	}
	before, err := s.settled(ctx)
	if err != nil {
		return err
	}
	d := &delays{kernel: map[moment]time.Time{}, told: map[moment]time.Time{}}
	follow, stop := context.WithCancel(ctx)
	defer stop()
	grid, err := teacher.Follow(follow, "/api/classes/"+class+"/events?thumbs=1")
	if err != nil {
		return err
	}
	var told sync.WaitGroup
	told.Go(func() { d.follow(grid) })

	var pupils []*pupil
	defer func() {
		for _, p := range pupils {
			p.close()
		}
	}()
	for i := range n {
		p, err := s.join(ctx, code, fmt.Sprintf("Learner %03d", i+1), d)
		if err != nil {
			return err
		}
		pupils = append(pupils, p)
	}
	r.say("  everybody is in; they work")
	open, err := s.settled(ctx)
	if err != nil {
		return err
	}
	cpu, err := cpuTime(s.PID)
	if err != nil {
		return err
	}
	began := time.Now()
	errs := make(chan error, n)
	for _, p := range pupils {
		go func() { errs <- p.work(ctx, r.o.Quick) }()
	}
	for range pupils {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		return err
	}
	// What was done last is told, too.
	if err := drive.Poll(ctx, 20*time.Millisecond, func() (bool, error) {
		s, missing := d.samples()
		return missing == 0 && len(s) == n*classSteps, nil
	}); err != nil {
		s, missing := d.samples()
		return fmt.Errorf("the teacher heard of %d steps and not of %d: %w", len(s), missing, err)
	}
	took := time.Since(began)
	after, err := cpuTime(s.PID)
	if err != nil {
		return err
	}
	now, err := s.inUse(ctx)
	if err != nil {
		return err
	}
	resident, err := residentMemory(s.PID)
	if err != nil {
		return err
	}
	stop()
	told.Wait()
	late, _ := d.samples()
	id := fmt.Sprintf("class.%d", n)
	r.spread(id+".late", fmt.Sprintf("class of %d: from the kernel's change to the teacher's event", n), "ms", late)
	r.value(id+".cpu", "    the server's CPU, a learner who works", "% of a core", 100*(after-cpu).Seconds()/took.Seconds()/float64(n))
	r.value(id+".heap", "    the server's memory in use, a learner", "MB", float64(now-memory)/1e6/float64(n))
	r.value(id+".rss", "    the server's resident memory, all of it", "MB", float64(resident)/1e6)
	r.value(id+".all", "    all memory of the machine, a learner", "MB", float64(open.less(before).all)/1e6/float64(n))
	r.value(id+".took", "    time until all had passed everything", "s", took.Seconds())
	return nil
}

// warmUp has a learner come, work and go.
func (s *server) warmUp(ctx context.Context, code string) error {
	p, err := s.join(ctx, code, "Warm-up", &delays{kernel: map[moment]time.Time{}, told: map[moment]time.Time{}})
	if err != nil {
		return err
	}
	err = p.work(ctx, true)
	p.close()
	if err != nil {
		return err
	}
	if err := p.end(ctx); err != nil {
		return err
	}
	return p.gone(ctx)
}

// openClass signs the owner in by the link that the server prints, and makes a class.
func (s *server) openClass(ctx context.Context, printed string) (*drive.Learner, string, string, error) {
	var token string
	err := drive.Poll(ctx, 20*time.Millisecond, func() (bool, error) {
		b, err := os.ReadFile(printed)
		_, rest, found := strings.Cut(string(b), "/teach/setup#")
		line, _, whole := strings.Cut(rest, "\n")
		token = line
		return found && whole, err
	})
	if err != nil {
		return nil, "", "", fmt.Errorf("the server prints no teacher's link: %w", err)
	}
	teacher := s.Learner()
	if _, err := teacher.Do(ctx, http.MethodPost, "/api/staff/setup", map[string]string{"token": token, "login": "bench", "name": "Bench", "password": "a bench's password"}, nil); err != nil {
		return nil, "", "", err
	}
	var class struct{ ID, Code string }
	_, err = teacher.Do(ctx, http.MethodPost, "/api/classes", map[string]any{"name": "Bench", "language": "", "labs": []string{classLab}, "startsOn": "", "endsOn": "",
		"recording": false, "rosterOnly": false, "retainDays": 0}, &class)
	return teacher, class.ID, class.Code, err
}

// follow notes which steps the teacher's page hears of.
func (d *delays) follow(events <-chan drive.Event) {
	for e := range events {
		if e.Name != "rows" {
			continue
		}
		var data struct {
			Rows []struct {
				Member string
				Cells  map[string][]struct{ State string }
			}
		}
		if json.Unmarshal(e.Data, &data) != nil {
			continue
		}
		for _, row := range data.Rows {
			for i, c := range row.Cells[classLab] {
				if c.State == "passed" {
					note(&d.mu, d.told, moment{row.Member, i}, e.At)
				}
			}
		}
	}
}

// pupil is a learner of a class, with everything that the browser has open.
type pupil struct {
	*started
	member string
	stop   func()
	done   chan struct{}
}

// join joins the class, opens its lab, and listens to the network of its first host.
func (s *server) join(ctx context.Context, code, name string, d *delays) (*pupil, error) {
	l := s.Learner()
	var m struct{ Member string }
	if _, err := l.Do(ctx, http.MethodPost, "/api/join", map[string]string{"code": code, "name": name}, &m); err != nil {
		return nil, err
	}
	st, err := s.open(ctx, l, classLab)
	if err != nil {
		return nil, err
	}
	if err := st.locate(ctx); err != nil {
		return nil, err
	}
	p := &pupil{started: st, member: m.Member, done: make(chan struct{})}
	ns, err := netns.GetFromPid(st.process)
	if err != nil {
		return nil, fmt.Errorf("cannot open a network namespace: %w", err)
	}
	defer ns.Close()
	changes, ended := make(chan netlink.AddrUpdate, 64), make(chan struct{})
	if err := netlink.AddrSubscribeWithOptions(changes, ended, netlink.AddrSubscribeOptions{Namespace: &ns}); err != nil {
		return nil, fmt.Errorf("cannot listen to a network: %w", err)
	}
	live, stop := context.WithCancel(ctx)
	p.stop = func() {
		stop()
		close(ended)
		st.conn.Close()
	}
	page, err := st.Events(live, st.id)
	if err != nil {
		p.stop()
		return nil, err
	}
	go func() {
		defer close(p.done)
		for u := range changes {
			at := time.Now()
			for i := range classSteps {
				ones, _ := u.LinkAddress.Mask.Size()
				if u.NewAddr && ones == 24 && u.LinkAddress.IP.String() == classAddress(i) {
					note(&d.mu, d.kernel, moment{p.member, i}, at)
				}
			}
		}
	}()
	go func() {
		for range page { // a browser reads them
		}
	}()
	go func() {
		for {
			out, err := st.conn.Next()
			if err != nil {
				return
			}
			_ = st.conn.Ack(out.Offset + int64(len(out.Data))) // the next read tells if it has ended
		}
	}()
	return p, nil
}

func (p *pupil) close() {
	p.stop()
	<-p.done
}

func between(least, most time.Duration) time.Duration {
	return least + rand.N(most-least)
}

// work types the solutions.
func (p *pupil) work(ctx context.Context, quick bool) error {
	pause := func(d time.Duration) error {
		if quick {
			d /= 10
		}
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	line := func(text string) error {
		for _, key := range text + "\n" {
			if err := pause(between(keyLeast, keyMost)); err != nil {
				return err
			}
			if err := p.conn.Type([]byte(string(key))); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range classSteps {
		if err := pause(between(thinkLeast, thinkMost)); err != nil {
			return err
		}
		if rand.N(oneIn) == 0 {
			if err := line("ip addr add " + classAddress(i) + "/32 dev eth0"); err != nil {
				return err
			}
			if err := pause(between(thinkLeast, thinkMost)); err != nil {
				return err
			}
			if err := line("ip addr del " + classAddress(i) + "/32 dev eth0"); err != nil {
				return err
			}
		}
		if err := line("ip addr add " + classAddress(i) + "/24 dev eth0"); err != nil {
			return err
		}
	}
	return nil
}
