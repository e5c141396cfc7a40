package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/netground/netground/server/drive"
	"golang.org/x/sys/unix"
)

// Machine is where it was measured.
type Machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	MemoryGB   float64 `json:"memoryGB"`
	FreeGB     float64 `json:"freeGB"` // before the run
	Kernel     string  `json:"kernel"`
	LoadBefore float64 `json:"loadBefore"` // of the last minute
	LoadAfter  float64 `json:"loadAfter"`
}

func thisMachine() (Machine, error) {
	m := Machine{CPU: "unknown CPU", Cores: runtime.NumCPU(), LoadBefore: load()}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		m.Kernel = string(bytes.TrimRight(u.Release[:], "\x00"))
	}
	info, err := memInfo()
	m.MemoryGB, m.FreeGB = float64(info["MemTotal"])/1e9, float64(info["MemAvailable"])/1e9
	return m, err
}

func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	v, _ := strconv.ParseFloat(first, 64) // 0 where the kernel says nothing
	return v
}

// memInfo reads /proc/meminfo, in bytes.
func memInfo() (map[string]int64, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil, fmt.Errorf("cannot read the machine's memory: %w", err)
	}
	info := map[string]int64{}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		n, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot read the machine's memory: %w", err)
		}
		if len(fields) == 3 {
			n <<= 10
		}
		info[strings.TrimSuffix(fields[0], ":")] = n
	}
	return info, nil
}

// cpuTime is what a process has used of all processors, in user mode and in the
// kernel: its clock (clock_getcpuclockid(3)) counts in nanoseconds, /proc in ticks.
func cpuTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("cannot read the CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// residentMemory is what a process has in memory, in bytes.
func residentMemory(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("cannot read the server's memory: %w", err)
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		return 0, fmt.Errorf("cannot read the server's memory: %w", err)
	}
	return resident * int64(os.Getpagesize()), nil
}

// inUse is what the server's heap and stacks hold, without garbage: what is
// resident has the peaks of the past in it. It is reckoned from the size at which
// the next collection begins, which the last one has set: what it found alive, and
// as much again with the stacks (go.dev/doc/gc-guide, "Target heap memory"). The
// server is asked until it has collected twice, which what it answers brings
// about; the least counts, as what begins meanwhile is alive, too.
func (s *server) inUse(ctx context.Context) (int64, error) {
	const collections = 2 // new ones
	var last float64
	var least int64
	seen := 0
	err := drive.Poll(ctx, time.Millisecond, func() (bool, error) {
		m, err := s.metrics(ctx)
		if err != nil {
			return false, err
		}
		n := m["go_gc_duration_seconds_count"]
		if n == last {
			return false, nil
		}
		// The one that was there has seen what is garbage by now.
		if now := int64(m["go_memstats_next_gc_bytes"]+m["go_memstats_stack_inuse_bytes"]) / 2; seen > 0 && (least == 0 || now < least) {
			least = now
		}
		last = n
		seen++
		return seen > collections, nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot read the server's memory: %w", err)
	}
	return least, nil
}

// memory is a picture of where the machine's memory is, in bytes.
type memory struct {
	all    int64 // what is no more available
	kernel int64 // slabs, per-CPU, stacks, page tables
	user   int64 // anonymous pages and tmpfs
	server int64 // the server's own, a part of user
	cgroup int64 // what the control groups charge
}

func (s *server) memory() (memory, error) {
	info, err := memInfo()
	if err != nil {
		return memory{}, err
	}
	m := memory{
		all:    -info["MemAvailable"],
		kernel: info["SUnreclaim"] + info["Percpu"] + info["KernelStack"] + info["PageTables"] + info["SecPageTables"],
		user:   info["AnonPages"] + info["Shmem"],
		cgroup: cgroupMemory(s.Machine.Cgroup),
	}
	m.server, err = residentMemory(s.PID)
	return m, err
}

func (m memory) less(o memory) memory {
	return memory{m.all - o.all, m.kernel - o.kernel, m.user - o.user, m.server - o.server, m.cgroup - o.cgroup}
}

// cgroupMemory is what a group and those below it are charged, or 0.
func cgroupMemory(group string) int64 {
	for _, path := range []string{
		filepath.Join("/sys/fs/cgroup", group, "memory.current"),
		filepath.Join("/sys/fs/cgroup/memory", group, "memory.usage_in_bytes"),
	} {
		if b, err := os.ReadFile(path); err == nil {
			n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
			return n
		}
	}
	return 0
}

// cgroupDirs are the folders of a control group: one, or one in each v1 hierarchy.
func cgroupDirs(group string) []string {
	dirs, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup/*", group))
	if own := filepath.Join("/sys/fs/cgroup", group); exists(own) {
		dirs = append(dirs, own)
	}
	return dirs
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// removeCgroup removes a group and what is below it. Only empty ones can go.
func removeCgroup(group string) {
	for _, dir := range cgroupDirs(group) {
		var all []string
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				all = append(all, path)
			}
			return nil
		})
		for i := len(all) - 1; i >= 0; i-- {
			_ = unix.Rmdir(all[i]) // what is in use stays, and the next command there says so
		}
	}
}
