package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Some of what a learner can make the kernel allocate is charged to nobody:
// routes, the cgroups of v1, tracked connections. Pseudo terminals are counted
// for the whole machine. The warden is the bound behind the bounds: it ends the
// sandbox that eats what all others need, long before the kernel has to choose.
type warden struct {
	m    *Manager
	stop chan struct{}
	gone chan struct{}
	cpu  map[*Sandbox]int64 // at the last look, if that was under pressure
	seen time.Time          // when that was
}

const (
	wardenPeriod = 250 * time.Millisecond
	// mercy is how long what an ended sandbox held may take to come back.
	mercy = 3 * time.Second
	// manyTerminals is more than anybody works with. Who holds fewer is not to
	// blame for what is used up, whoever else holds the most.
	manyTerminals = 32
)

func newWarden(m *Manager) *warden {
	w := &warden{m: m, stop: make(chan struct{}), gone: make(chan struct{})}
	go w.loop()
	return w
}

func (w *warden) close() {
	close(w.stop)
	<-w.gone
}

func (w *warden) loop() {
	defer close(w.gone)
	ticker := time.NewTicker(wardenPeriod)
	defer ticker.Stop()
	var quiet, quietTerminals time.Time // no more is taken back before
	for {
		select {
		case <-w.stop:
			return
		case now := <-ticker.C:
			free, err := availableMemory()
			if err != nil || free >= 2*w.m.o.ReserveBytes {
				w.cpu = nil // ordinary times cost one small read
			} else if s := w.busiest(now); s != nil && free < w.m.o.ReserveBytes && now.After(quiet) {
				w.end(s, fmt.Sprintf("the machine has %d MiB of memory left, and it works the most", free>>20))
				quiet = now.Add(mercy)
			}
			if used, limit := terminals(); limit > 0 && used > limit-limit/4 && now.After(quietTerminals) {
				if s := w.mostTerminals(); s != nil {
					w.end(s, fmt.Sprintf("the machine has %d of %d terminals, and it the most of them", used, limit))
					quietTerminals = now.Add(mercy)
				}
			}
		}
	}
}

func (w *warden) end(s *Sandbox, why string) {
	w.m.o.Log.Error("ending a sandbox that uses the machine up", "sandbox", s.id, "because", why)
	s.Destroy()
}

// busiest is the sandbox that has worked the most since the last look, if it
// worked at all: memory that others have taken is not given back by idle ones.
func (w *warden) busiest(at time.Time) (most *Sandbox) {
	now := map[*Sandbox]int64{}
	best := int64(at.Sub(w.seen)) / 5 // a fifth of a processor
	for _, s := range w.m.live() {
		n, err := s.cgroup.cpuNanos()
		if err != nil {
			continue
		}
		now[s] = n
		if before, ok := w.cpu[s]; ok && n-before > best {
			most, best = s, n-before
		}
	}
	w.cpu, w.seen = now, at
	return most
}

// mostTerminals is the sandbox whose processes hold the most masters of pseudo
// terminals, if it is many. Names of open files are read, never followed.
func (w *warden) mostTerminals() (most *Sandbox) {
	best := manyTerminals
	for _, s := range w.m.live() {
		n := 0
		for _, pid := range s.cgroup.processes() {
			dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
			entries, err := os.ReadDir(dir)
			if err != nil {
				continue
			}
			for _, e := range entries {
				if name, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasSuffix(name, "/ptmx") {
					n++
				}
			}
		}
		if n > best {
			most, best = s, n
		}
	}
	return most
}

// live lists the sandboxes that have started and are not being ended.
func (m *Manager) live() (out []*Sandbox) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sandboxes {
		if s != nil && s.started && !s.ending.Load() {
			out = append(out, s)
		}
	}
	return out
}

func availableMemory() (int64, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), "MemAvailable:")
	rest, _, _ = strings.Cut(rest, "kB")
	n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
	return n << 10, err
}

// defaultReserve is a sixteenth of the machine's memory, at least 128 MiB.
func defaultReserve() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 128 << 20
	}
	return max(128<<20, int64(info.Totalram)*int64(info.Unit)/16)
}

func terminals() (used, limit int64) {
	return readNumber("/proc/sys/kernel/pty/nr"), readNumber("/proc/sys/kernel/pty/max")
}

func readNumber(path string) int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n
}
