package session

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/netground/netground/server/lab"
)

// freeMemory returns how much the machine has available, or the control group
// in which sandboxes are (a path below /sys/fs/cgroup), or this server's own, if
// that is less: a container is not the machine.
func freeMemory(group string) (int64, error) {
	free, err := availableMemory()
	if err != nil {
		return 0, err
	}
	own, _ := os.ReadFile("/proc/self/cgroup") // without, the machine's memory is what is known
	for line := range strings.Lines(string(own)) {
		id, path, _ := strings.Cut(strings.TrimSpace(line), "::")
		if id == "0" {
			free = min(free, freeInGroups("/sys/fs/cgroup", path))
		} else if _, path, ok := strings.Cut(strings.TrimSpace(line), ":memory:"); ok {
			free = min(free, freeInGroups("/sys/fs/cgroup/memory", path))
		}
	}
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/memory"} {
		free = min(free, freeInGroups(root, group))
	}
	return max(0, free), nil
}

// unlimited is beyond what any machine has.
const unlimited = int64(1) << 60

// freeInGroups is what the group below the root, or one above it, may still
// take: its limit less what it uses and cannot give back (memory.current,
// memory.stat of cgroup v2; memory.usage_in_bytes of v1).
func freeInGroups(root, group string) int64 {
	free := unlimited
	for path := filepath.Join("/", group); ; path = filepath.Dir(path) {
		dir := filepath.Join(root, path)
		for _, names := range [][2]string{{"memory.max", "memory.current"}, {"memory.limit_in_bytes", "memory.usage_in_bytes"}} {
			limit, ok := number(filepath.Join(dir, names[0]))
			if !ok || limit >= unlimited {
				continue
			}
			if used, ok := number(filepath.Join(dir, names[1])); ok {
				free = min(free, limit-used+inactive(filepath.Join(dir, "memory.stat")))
			}
		}
		if path == "/" {
			return free
		}
	}
}

func number(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64) // "max" is no number
	return n, err == nil
}

// inactive is the file cache of a group that goes first.
func inactive(stat string) (bytes int64) {
	b, _ := os.ReadFile(stat) // without, all that is used counts
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "inactive_file" || name == "total_inactive_file" { // v1 has both, the second with those below it
			bytes, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return bytes
}

// availableMemory returns MemAvailable, see proc_meminfo(5).
func availableMemory() (int64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("cannot read the free memory: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemAvailable:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("cannot read the free memory: %w", err)
			}
			return kb << 10, nil
		}
	}
	return 0, errors.Join(errors.New("cannot read the free memory: /proc/meminfo does not say it"), lines.Err())
}

// cost is what a session of the lab is reckoned with, in bytes: what its author
// says, or what its sessions were seen to take, and no less than an ordinary
// one. It is called with the lock.
func (m *Manager) cost(def *lab.Lab) int64 {
	return max(sessionMemory, int64(def.Memory)<<20, m.measured[def.Name])
}

// places are how many ordinary sessions one of the lab counts as. It is called
// with the lock.
func (m *Manager) places(def *lab.Lab) int {
	return int((m.cost(def) + sessionMemory - 1) / sessionMemory)
}

// measure notes what sessions take, as the mean of each lab's: one learner who
// fills a sandbox makes no lab a large one for all.
func (m *Manager) measure() {
	type sum struct{ bytes, n int64 }
	sums := map[string]sum{}
	for _, l := range m.all() {
		l.mu.Lock()
		mach := l.mach
		l.mu.Unlock()
		if mach == nil {
			continue
		}
		if used, err := mach.sb.Memory(); err == nil { // one that ends has none
			s := sums[l.labName]
			sums[l.labName] = sum{s.bytes + used, s.n + 1}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, s := range sums {
		m.measured[name] += (s.bytes/s.n - m.measured[name]) / 4
	}
}
