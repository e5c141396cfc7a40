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
	c := census{TB: t}
	before, kernel := c.take(), c.ofKernel()
	for i := range 30 {
		cycle(3 + i)
	}
	c.same(before)
	c.kernelForgets(kernel)
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
	c := census{TB: t}
	for round := range 6 {
		before := c.take()
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
		c.take() // what the killed one has made is ours
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
			c.same(before)
		}
	}
}

// Whoever clears the state away while no server runs takes the records of the
// sandboxes that live on.
func TestSandboxesWithoutRecordsAreRemoved(t *testing.T) {
	o := options(t)
	m, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Create(t.Context(), "left", addressed())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetNote([]byte(`"still wanted"`)); err != nil {
		t.Fatal(err)
	}
	base := s.cgroup.base
	for _, other := range []func(*Options){
		func(o *Options) { o.StateDir, o.CgroupParent = t.TempDir(), o.CgroupParent+"-other" },
		func(o *Options) { o.StateDir, o.RuntimeDir = t.TempDir(), t.TempDir() },
	} {
		o := o
		other(&o)
		if second, err := Open(t.Context(), o); err == nil {
			t.Errorf("a second server with the first one's sockets or control group started")
			_ = second.Close(t.Context())
		} else if !strings.Contains(err.Error(), "another server does") {
			t.Error(err)
		}
		removeCgroupParent(o.CgroupParent)
	}
	if err := m.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(inCgroup(o.CgroupParent)) == 0 {
		t.Fatal("nothing lives on")
	}
	if err := os.RemoveAll(o.StateDir); err != nil {
		t.Fatal(err)
	}
	m = open(t, o)
	if n := len(m.Adopted()); n != 0 {
		t.Errorf("%d sandboxes were taken over without a record", n)
	}
	for range 3 {
		id, err := m.ids.get()
		if err != nil {
			t.Fatal(err)
		}
		defer m.ids.put(id)
		if id == base && len(inCgroup(o.CgroupParent)) > 0 {
			t.Error("the ids of a sandbox that is still being removed were given away")
		}
	}
	drain(t, m)
	if pids := inCgroup(o.CgroupParent); len(pids) != 0 {
		t.Errorf("processes %v are left", pids)
	}
	if left, _ := os.ReadDir(o.RuntimeDir); len(left) != 0 {
		t.Errorf("%s is left", left[0].Name())
	}
	// A server goes on where the folder is removed while it runs.
	if err := os.RemoveAll(o.StateDir); err != nil {
		t.Fatal(err)
	}
	create(t, m, "next", addressed()).Destroy()
	drain(t, m)
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
