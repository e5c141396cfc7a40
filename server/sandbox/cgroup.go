package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/manager"
)

// limited are the v1 controllers with limits. They hold what hosts run and not
// the keeper: a fork bomb or a full memory must not hit the process that ends
// them. The other hierarchies hold the keeper too, as they limit nothing.
var limited = []string{"memory", "pids", "cpu", "cpuacct"}

// cgroup is the control group of one sandbox, on v1 and v2.
type cgroup struct {
	manager cgroups.Manager // nil: the machine gives none, see uncontrolled.go
	base    uint32          // the sandbox's first id
	v2      bool
	dir     string            // v2: the parent of keeper and hosts
	paths   map[string]string // v1: by controller
}

func (m *Manager) newCgroup(parent, id string, base uint32) (*cgroup, error) {
	if m.uncontrolled {
		return &cgroup{base: base}, nil
	}
	m.cgroups.Lock()
	defer m.cgroups.Unlock()
	l := m.o.Limits
	g := &cgroup{v2: cgroups.IsCgroup2UnifiedMode(), base: base}
	path := filepath.Join("/", parent, id)
	if g.v2 {
		g.dir = filepath.Join("/sys/fs/cgroup", path)
		path = filepath.Join(path, "hosts")
	}
	r := &cgroups.Resources{
		Memory: l.MemoryBytes, MemorySwap: l.MemoryBytes, PidsLimit: &l.Pids, SkipDevices: true,
	}
	if l.CPUPercent > 0 {
		r.CpuQuota, r.CpuPeriod = int64(l.CPUPercent)*1000, 100_000 // of one processor
	}
	var err error
	if g.manager, err = manager.New(&cgroups.Cgroup{Path: path, Resources: r}); err != nil {
		return nil, fmt.Errorf("cannot prepare a cgroup: %w", err)
	}
	if err := g.create(r, int(base)); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot make a cgroup: %w", err), g.destroy())
	}
	return g, nil
}

func (g *cgroup) create(r *cgroups.Resources, owner int) error {
	if err := g.manager.Apply(-1); err != nil {
		return err
	}
	err := g.manager.Set(r)
	if err != nil && !g.v2 && r.MemorySwap != 0 {
		// Swap accounting is off, as is Debian's default on v1.
		r.MemorySwap = 0
		err = g.manager.Set(r)
	}
	if err != nil {
		return err
	}
	dirs := []string{}
	if g.v2 {
		// There already, where a crash has left it and it is about to be removed.
		if err := os.MkdirAll(filepath.Join(g.dir, "keeper"), 0o755); err != nil {
			return err
		}
		// The keeper moves what it forks to hosts, which needs the right to write
		// to their common ancestor's cgroup.procs (cgroups(7), delegation).
		if err := os.Chown(filepath.Join(g.dir, "cgroup.procs"), owner, owner); err != nil {
			return err
		}
		dirs = append(dirs, filepath.Join(g.dir, "hosts"))
		// Cgroups cost memory that is charged to nobody. (v1 has no such limit; see warden.)
		if err := os.WriteFile(filepath.Join(g.dir, "hosts", "cgroup.max.descendants"), []byte("512"), 0); err != nil {
			return err
		}
	} else {
		g.paths = maps.Clone(g.manager.GetPaths()) // the library empties its own at the end, while the governor looks
		for _, dir := range g.paths {
			if err := os.MkdirAll(dir, 0o755); err != nil { // SkipDevices left one out
				return err
			}
			dirs = append(dirs, dir)
		}
		slices.Sort(dirs)
		dirs = slices.Compact(dirs)
	}
	for _, dir := range dirs {
		// What may be delegated: the limits stay the machine's.
		for _, f := range []string{"", "cgroup.procs", "tasks", "cgroup.threads", "cgroup.subtree_control"} {
			if err := os.Chown(filepath.Join(dir, f), owner, owner); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// files opens what the keeper needs to put itself and its hosts into the group.
func (g *cgroup) files() (dirs, keeperTasks, hostTasks []*os.File, mounts []string, err error) {
	if g.v2 {
		for _, name := range []string{"keeper", "hosts"} {
			f, err := os.Open(filepath.Join(g.dir, name))
			if err != nil {
				return dirs, nil, nil, nil, fmt.Errorf("cannot open a cgroup: %w", err)
			}
			dirs = append(dirs, f)
		}
		return dirs, nil, nil, nil, nil
	}
	seen := map[string]bool{}
	for _, controller := range slices.Backward(append(g.others(), limited...)) {
		dir := g.paths[controller]
		if dir == "" || seen[dir] {
			continue
		}
		seen[dir] = true
		isLimited := slices.Contains(limited, controller)
		name := "cgroup.procs"
		if isLimited {
			name = "tasks" // moves one thread; cgroup.procs would move all of them
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
		if err != nil {
			return nil, keeperTasks, hostTasks, nil, fmt.Errorf("cannot open a cgroup: %w", err)
		}
		if isLimited {
			hostTasks = append(hostTasks, f)
		} else {
			keeperTasks = append(keeperTasks, f)
		}
		mounts = append(mounts, g.mountOptions(dir))
	}
	slices.Sort(mounts)
	return nil, keeperTasks, hostTasks, mounts, nil
}

func (g *cgroup) others() (names []string) {
	for name := range g.paths {
		if name != "" && !slices.Contains(limited, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// mountOptions are those that mount the v1 hierarchy of the directory.
func (g *cgroup) mountOptions(dir string) string {
	var names []string
	for name, d := range g.paths {
		if d == dir {
			if strings.HasPrefix(name, "name=") {
				return "none," + name
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// processes lists everything that is in the group, for a clean-up after a crash.
func (g *cgroup) processes() []int {
	if g.manager == nil {
		return processesOf(g.base)
	}
	dirs := []string{g.dir}
	if !g.v2 {
		dirs = nil
		for _, dir := range g.paths {
			dirs = append(dirs, dir)
		}
	}
	var pids []int
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				more, _ := cgroups.GetPids(path)
				pids = append(pids, more...)
			}
			return nil
		})
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

func (g *cgroup) destroy() error {
	if g.manager == nil {
		return nil
	}
	err := g.manager.Destroy()
	if g.v2 {
		err = errors.Join(err, cgroups.RemovePath(g.dir))
	}
	if err != nil {
		return fmt.Errorf("cannot remove a cgroup: %w", err)
	}
	return nil
}

// cgroupTops are where the hierarchies of control groups are mounted.
func cgroupTops() []string {
	if cgroups.IsCgroup2UnifiedMode() {
		return []string{"/sys/fs/cgroup"}
	}
	tops, _ := filepath.Glob("/sys/fs/cgroup/*")
	return tops
}

// cgroupParent is the directory above the groups of sandboxes in the first
// hierarchy that has one; "": none has.
func (m *Manager) cgroupParent() string {
	for _, top := range cgroupTops() {
		dir := filepath.Join(top, m.o.CgroupParent)
		if _, err := os.Stat(dir); err == nil && !m.uncontrolled {
			return dir
		}
	}
	return ""
}

// removeCgroupParent removes the groups above those of sandboxes, as far as
// they are empty.
func removeCgroupParent(parent string) {
	for _, top := range cgroupTops() {
		_ = unix.Rmdir(filepath.Join(top, filepath.Join("/", parent)))
	}
}

// Usage is what a sandbox uses now.
type Usage struct {
	MemoryBytes int64 // pages of its processes and files, and charged kernel memory
	Pids        int64
	CPUNanos    int64 // since its start
}

func (g *cgroup) usage() (u Usage, err error) {
	if g.manager == nil {
		return usageOf(g.processes()), nil
	}
	var errs [3]error
	u.MemoryBytes, errs[0] = g.read("memory", "memory.usage_in_bytes", "memory.current")
	u.Pids, errs[1] = g.read("pids", "pids.current", "pids.current")
	u.CPUNanos, errs[2] = g.cpuNanos()
	return u, errors.Join(errs[:]...)
}

func (g *cgroup) cpuNanos() (int64, error) {
	if g.manager == nil {
		return usageOf(g.processes()).CPUNanos, nil
	}
	return g.read("cpuacct", "cpuacct.usage", "cpu.stat")
}

// read reads the number in a file of a v1 controller, or of v2.
func (g *cgroup) read(v1, v1file, v2file string) (int64, error) {
	path := filepath.Join(g.paths[v1], v1file)
	if g.v2 {
		path = filepath.Join(g.dir, "hosts", v2file)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("cannot read a cgroup: %w", err)
	}
	text := strings.TrimSpace(string(b))
	if strings.HasPrefix(text, "usage_usec ") { // cpu.stat of v2
		text, _, _ = strings.Cut(strings.TrimPrefix(text, "usage_usec "), "\n")
		text += "000"
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read a cgroup: %w", err)
	}
	return n, nil
}
