//go:build sandbox

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// starts measures so many starts, one after the other.
func starts(t *testing.T, m *Manager, name string, n int) (took []time.Duration) {
	t.Helper()
	for i := range n {
		began := time.Now()
		s, err := m.Create(t.Context(), fmt.Sprintf("%s%d", name, i), addressed())
		if err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
		s.Destroy()
	}
	slices.Sort(took)
	return took
}

// waitsForLock is the part of two seconds for which somebody waits who asks for
// the lock as the governor does.
func waitsForLock(m *Manager) float64 {
	const look = 2 * time.Second
	var waited time.Duration
	for ends := time.Now().Add(look); time.Now().Before(ends); {
		took := m.governor.lock()
		waited += took
		time.Sleep(max(time.Millisecond, min(sampleEvery, took)))
	}
	return float64(waited) / float64(look)
}

// many has so many learners run a command over and over, and says of each stop
// of theirs whose it was.
func many(t *testing.T, m *Manager, name string, n int, command string, slowed func(i int, pause time.Duration)) (all []*Sandbox) {
	t.Helper()
	for i := range n {
		s := create(t, m, fmt.Sprintf("%s%d", name, i), addressed())
		all = append(all, s)
		go func() {
			for e := range s.Events() {
				if e.Kind == "slowed" {
					slowed(i, e.Pause)
				}
			}
		}()
		go func() {
			_, _ = s.Run(t.Context(), "A", "while :; do "+command+"; done", nil) // until it is ended
		}()
	}
	return all
}

// end ends them.
func end(t *testing.T, m *Manager, all ...*Sandbox) {
	t.Helper()
	for _, s := range all {
		s.Destroy()
	}
	if err := m.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Eight learners make and delete bridges as fast as they can, which holds the
// kernel's lock that every start needs.
func TestGovernor(t *testing.T) {
	o := options(t)
	m := open(t, o)
	const offenders = 8
	// What starts take beside as many who start programs as fast as they can, and
	// hold no lock: the processor's part, on a slow machine the greater one.
	besideHasty := func(name string) []time.Duration {
		hasty := many(t, m, name, offenders, "ip -V >/dev/null; ip -V >/dev/null", func(i int, pause time.Duration) {
			t.Errorf("a sandbox that holds no lock was stopped for %v", pause)
		})
		defer end(t, m, hasty...)
		return starts(t, m, "beside-"+name, 7)
	}
	ordinary := besideHasty("hasty")

	innocent := create(t, m, "innocent", addressed())
	go func() {
		for e := range innocent.Events() {
			if e.Kind == "slowed" {
				t.Error("a sandbox that does nothing of the kind was slowed down")
			}
		}
	}()
	slowed := make(chan int, 1000)
	began := time.Now()
	churn := many(t, m, "churn", offenders, "ip link add br9 type bridge; ip link del br9", func(i int, pause time.Duration) {
		if pause < firstStop || pause > longestStop {
			t.Errorf("a pause of %v", pause)
		}
		slowed <- i
	})
	free := starts(t, m, "free", 5) // before anybody was stopped, about
	// In the innocent's sandbox somebody works, and waits for the lock as well.
	go func() {
		_, _ = innocent.Run(t.Context(), "A", "for i in $(seq 1 200); do ip addr add 10.7.0.$i/32 dev lo; ip link set lo up; sleep 0.05; done", nil)
	}()
	// Where they hold others up, each of them is stopped. Some versions of the
	// kernel give devices back without being in anybody's way, and on a machine that
	// is slow altogether they may get no further than to the processor: then the lock
	// itself is easy to get, starts take what they take beside any who work so hard,
	// and nobody must be stopped.
	var busy float64
	heldUp := func(p50 time.Duration) bool {
		busy = waitsForLock(m)
		return busy > 0.5 || p50 > 2*ordinary[3]
	}
	seen := map[int]bool{}
	stopped := func(within time.Duration) bool {
		for deadline := time.After(within); len(seen) < offenders; {
			select {
			case i := <-slowed:
				seen[i] = true
			case <-deadline:
				return false
			}
		}
		return true
	}
	held := heldUp(free[2])
	t.Logf("starts: beside %d that hold no lock p50 %v, worst %v; with as many that delete bridges p50 %v, worst %v, and %.0f %% of the time are spent waiting for the lock",
		offenders, ordinary[3], ordinary[6], free[2], free[4], 100*busy)
	whole := !held || stopped(90*time.Second)
	all := time.Since(began)
	governed := starts(t, m, "governed", 11)
	t.Logf("%d were stopped within %v; starts p50 %v, p90 %v, worst %v", len(seen), all, governed[5], governed[9], governed[10])
	// To whom the others leave little of the lock is none who holds others up; without
	// them, each is stopped that still does.
	if !whole {
		for i := range seen {
			end(t, m, churn[i])
		}
		beside := starts(t, m, "beside", 5)
		held = heldUp(beside[2])
		t.Logf("beside the other %d starts take %v, and %.0f %% of the time are spent waiting for the lock", offenders-len(seen), beside[2], 100*busy)
		if held && !stopped(time.Minute) {
			t.Errorf("of those who hold others up only %v were stopped", seen)
		}
	}
	// One that is stopped ends as every other does.
	end(t, m, append(churn, innocent)...)
	if governed[5] > 3*ordinary[3] && governed[5] > time.Second {
		again := besideHasty("hasty-again") // the machine itself may have become slower meanwhile
		if governed[5] > 3*again[3] {
			t.Errorf("with all that was done a start takes %v, instead of %v and %v beside such who hold no lock", governed[5], ordinary[3], again[3])
		}
	}
	if pids := inCgroup(o.CgroupParent); len(pids) != 0 {
		t.Errorf("processes %v are left", pids)
	}
}

func TestStoppedSandboxEnds(t *testing.T) {
	o := options(t)
	m := open(t, o)
	s := create(t, m, "stopped", addressed())
	go func() {
		for range s.Events() {
		}
	}()
	sh(t, s, "A", "(setsid sleep 1000 &)")
	s.pause(time.Hour)
	began := time.Now()
	s.Destroy()
	if err := m.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("its end took %v", took)
	}
	if pids := inCgroup(o.CgroupParent); len(pids) != 0 {
		t.Errorf("processes %v are left", pids)
	}
}

// A learner may stop processes of the own sandbox for good, where the machine
// lets groups be delegated; they end with it nevertheless.
func TestFrozenByTheLearner(t *testing.T) {
	o := options(t)
	m := open(t, o)
	s := create(t, m, "frozen", addressed())
	sh(t, s, "A", `for d in /sys/fs/cgroup/freezer /sys/fs/cgroup; do
		mkdir $d/ice || continue
		setsid sleep 1000 </dev/null >/dev/null 2>&1 &
		for f in tasks cgroup.procs; do test -e $d/ice/$f && echo $! >$d/ice/$f; done
		test -e $d/ice/freezer.state && echo FROZEN >$d/ice/freezer.state
		test -e $d/ice/cgroup.freeze && echo 1 >$d/ice/cgroup.freeze
	done; true`)
	groups, _ := filepath.Glob("/sys/fs/cgroup/freezer" + o.CgroupParent + "/*/ice/freezer.state")
	for _, g := range groups {
		if b, _ := os.ReadFile(g); !strings.HasPrefix(string(b), "FR") {
			t.Errorf("the learner's group is %q, so that this test proves nothing", b)
		}
	}
	if _, err := os.Stat("/sys/fs/cgroup/freezer"); err == nil && len(groups) == 0 {
		t.Error("the learner has made no group, so that this test proves nothing")
	}
	began := time.Now()
	s.Destroy()
	if err := m.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("its end took %v", took)
	}
	if pids := inCgroup(o.CgroupParent); len(pids) != 0 {
		t.Errorf("processes %v are left", pids)
	}
}
