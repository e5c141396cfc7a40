//go:build sandbox

package sandbox

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// counts is what must be the same again after sandboxes have ended.
type counts map[string]int

// census counts what a sandbox is made of, on the whole machine where that is
// the only way: other programs of the machine come and go, so that same looks
// for a while. Namespaces are those of tasks below this process, mounts its own.
func census(t testing.TB) counts {
	t.Helper()
	c := counts{"goroutines": runtime.NumGoroutine()}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		c["descriptors"] = len(fds)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	c["mounts"] = strings.Count(string(mounts), "\n")
	seen := map[string]bool{}
	for _, pid := range descendants() {
		c["processes"]++
		if fds, err := os.ReadDir(filepath.Join("/proc", pid, "fd")); err == nil {
			c["descriptors of children"] += len(fds)
		}
		links, _ := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "ns", "*"))
		for _, l := range links {
			if ns, err := os.Readlink(l); err == nil {
				seen[ns] = true
			}
		}
	}
	c["namespaces"] = len(seen)
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(path, fmt.Sprintf("/netground-test-%d-", os.Getpid())) {
			c["cgroups"]++
		}
		return nil
	})
	return c
}

// descendants lists the processes below this one that stay: the spawner is a
// subreaper, hence all of a sandbox's are.
func descendants() (out []string) {
	next := []string{fmt.Sprint(os.Getpid())}
	for len(next) > 0 {
		children, _ := filepath.Glob(filepath.Join("/proc", next[0], "task", "*", "children"))
		next = next[1:]
		for _, c := range children {
			b, _ := os.ReadFile(c)
			pids := strings.Fields(string(b))
			out, next = append(out, pids...), append(next, pids...)
		}
	}
	return out
}

// same waits until the counts are as they were, since the last parts of an end
// come behind it, and fails where they never are.
func (c counts) same(t testing.TB, now counts) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		var worse []string
		for k, n := range now {
			if n > c[k] {
				worse = append(worse, fmt.Sprintf("%d %s instead of %d", n, k, c[k]))
			}
		}
		if len(worse) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("left behind: %s", strings.Join(worse, ", "))
			return
		}
		runtime.GC()
		now = census(t)
	}
}

func TestCyclesLeaveNothing(t *testing.T) {
	m := open(t, options(t))
	cycle := func(i int) {
		s := create(t, m, fmt.Sprintf("cycle%d", i), addressed())
		shell, err := s.OpenTerminal(t.Context(), "A", 80, 24)
		if err != nil {
			t.Fatal(err)
		}
		until(t, shell.Master, ":~# ")
		switch i % 3 {
		case 0: // what a learner leaves
			sh(t, s, "A", `ip netns add red; ip link add br9 type bridge; (setsid sleep 1000 &) ; unshare -Urnm sleep 1000 & true`)
		case 1:
			if err := s.Reboot(t.Context(), "A"); err != nil {
				t.Fatal(err)
			}
		}
		shell.Master.Close()
		s.Destroy()
		if err := m.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		cycle(i)
	}
	drain(t, m)
	before := census(t)
	kernel := netNamespaces(t)
	for i := range 30 {
		cycle(3 + i)
	}
	before.same(t, census(t))
	deadline := time.Now().Add(10 * time.Second)
	for netNamespaces(t) >= kernel+30 { // counted by whole slabs
		if time.Now().After(deadline) {
			t.Errorf("the kernel has %d network namespaces, %d before", netNamespaces(t), kernel)
			break
		}
	}
}

// netNamespaces counts the kernel's network namespaces, also those that nothing
// but a forgotten file or mount keeps: the allocations of struct net.
func netNamespaces(t testing.TB) int {
	t.Helper()
	_ = os.WriteFile("/sys/kernel/slab/net_namespace/shrink", []byte("1"), 0) // so that free ones do not count
	b, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		t.Logf("struct net is not counted: %v", err)
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "net_namespace" {
			n := 0
			_, _ = fmt.Sscan(f[1], &n)
			return n
		}
	}
	return 0
}

// crashEnv makes the test binary the server that is killed.
const crashEnv = "NETGROUND_TEST_CRASH"

func TestCrashInTheMiddleOfACreate(t *testing.T) {
	if dir := os.Getenv(crashEnv); dir != "" {
		o := options(t)
		o.StateDir, o.RuntimeDir, o.CgroupParent = dir+"/state", dir+"/run", os.Getenv(crashEnv+"_CGROUP")
		o.Prepared = 2
		m := open(t, o)
		fmt.Println("open")
		for i := 0; ; i++ { // for ever: it is killed
			go m.Create(t.Context(), fmt.Sprintf("x%d", i), addressed())
			if _, err := m.Create(t.Context(), fmt.Sprintf("y%d", i), addressed()); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := options(t)
	dir := t.TempDir()
	o.StateDir, o.RuntimeDir = dir+"/state", dir+"/run"
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 6 {
		before := census(t)
		cmd := exec.Command(self, "-test.run=^TestCrashInTheMiddleOfACreate$")
		cmd.Env = append(os.Environ(), crashEnv+"="+dir, crashEnv+"_CGROUP="+o.CgroupParent)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		// At another moment of a start each time.
		records := func() int {
			names, _ := filepath.Glob(o.StateDir + "/sandboxes/*.json")
			return len(names)
		}
		for records() < 3 {
			runtime.Gosched()
		}
		spin := time.Now().Add(time.Duration(round) * 1300 * time.Microsecond)
		for time.Now().Before(spin) {
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if records() == 0 {
			t.Fatal("nothing was left to remove")
		}
		m, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(m.Adopted()); n != 0 {
			t.Errorf("%d sandboxes live on of which nobody has left a note", n)
		}
		drain(t, m)
		if n := records(); n != 0 {
			t.Errorf("%d records are left", n)
		}
		if left, _ := os.ReadDir(o.RuntimeDir); len(left) != 0 {
			t.Errorf("%d directories are left in %s, such as %s", len(left), o.RuntimeDir, left[0].Name())
		}
		if pids := inCgroup(o.CgroupParent); len(pids) != 0 {
			t.Errorf("processes %v are left", pids)
		}
		// The names are free again.
		s, err := m.Create(t.Context(), "x0", addressed())
		if err != nil {
			t.Fatal(err)
		}
		sh(t, s, "A", "ping -c1 -W2 B")
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if round > 0 { // the parents of cgroups are made once
			before.same(t, census(t))
		}
	}
}

// inCgroup lists all processes below a cgroup, in all hierarchies.
func inCgroup(parent string) (pids []string) {
	for _, pattern := range []string{"/sys/fs/cgroup/*", "/sys/fs/cgroup"} {
		tops, _ := filepath.Glob(pattern)
		for _, top := range tops {
			_ = filepath.WalkDir(top+parent, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Name() == "cgroup.procs" {
					b, _ := os.ReadFile(path)
					pids = append(pids, strings.Fields(string(b))...)
				}
				return nil
			})
		}
	}
	return pids
}
