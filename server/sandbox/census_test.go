//go:build sandbox

package sandbox

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// counts is what must be the same again after sandboxes have ended.
type counts map[string]int

// census counts what sandboxes are made of: what this process and those that it has
// started have, and what they once had, whoever keeps it now.
type census struct {
	testing.TB
	more func(counts)    // what a test counts besides; nil: nothing
	ours map[uint64]bool // the cookies of all network namespaces that were ours
	left []string        // network namespaces beside the machine's own, when it was last taken: what keeps them
}

// take counts.
func (c *census) take() counts {
	c.Helper()
	n := counts{"goroutines": runtime.NumGoroutine()}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		c.Fatal(err)
	}
	n["mounts"] = strings.Count(string(mounts), "\n")
	own := fmt.Sprint(os.Getpid())
	pids := started()
	all := map[string]bool{}
	for _, pid := range pids {
		fds, _ := filepath.Glob(filepath.Join("/proc", pid, "fd", "*"))
		what := "descriptors of children"
		if pid == own {
			what = "descriptors"
		} else {
			n["processes"]++
		}
		n[what] += len(fds)
		links, _ := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "ns", "*"))
		for _, l := range append(links, fds...) {
			if to, err := os.Readlink(l); err == nil && isNamespace(to) {
				all[to] = true
			}
		}
	}
	for _, m := range namespaceMounts(string(mounts)) {
		all[m.name] = true
	}
	n["namespaces"] = len(all)
	c.networks(n, pids)
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(path, fmt.Sprintf("/netground-test-%d-", os.Getpid())) {
			n["cgroups"]++
		}
		return nil
	})
	if c.more != nil {
		c.more(n)
	}
	return n
}

// networks counts the network namespaces that are ours, or were at any time, and
// the machine's own, with all devices in them. Other programs of the machine have
// some, too, which come and go.
func (c *census) networks(n counts, pids []string) {
	c.Helper()
	if c.ours == nil {
		c.ours = map[uint64]bool{}
	}
	all, err := reachableNetworks(pids)
	if err != nil {
		c.Fatal(err)
	}
	for _, net := range all {
		if net.ours {
			c.ours[net.cookie] = true
		}
	}
	c.left = nil
	for _, net := range all {
		if !c.ours[net.cookie] {
			continue
		}
		n["network namespaces"]++
		for _, kind := range net.devices {
			n["network devices"]++
			if kind == "veth" {
				n["veths"]++
			}
		}
		if !net.machine {
			c.left = append(c.left, fmt.Sprintf("%s by %s", net.name, strings.Join(net.kept, ", ")))
		}
	}
}

// started lists this process and all that it has started: those below it, as the
// spawner is a subreaper, and those in the control groups of a spawner that was killed.
func started() (pids []string) {
	own := fmt.Sprint(os.Getpid())
	pids = []string{own}
	for i := 0; i < len(pids); i++ {
		children, _ := filepath.Glob(filepath.Join("/proc", pids[i], "task", "*", "children"))
		for _, c := range children {
			b, _ := os.ReadFile(c)
			pids = append(pids, strings.Fields(string(b))...)
		}
	}
	groups, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, path := range groups {
		pid := filepath.Base(filepath.Dir(path))
		b, _ := os.ReadFile(path)
		if strings.Contains(string(b), "/netground-test-"+own+"-") && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// over says what there is now that was not there.
func (n counts) over(before counts) (all []string) {
	for _, what := range slices.Sorted(maps.Keys(n)) {
		if n[what] > before[what] {
			all = append(all, fmt.Sprintf("%d %s instead of %d", n[what], what, before[what]))
		}
	}
	return all
}

// same waits until the counts are as they were, since the last parts of an end
// come behind it, and fails where they never are.
func (c *census) same(before counts) {
	c.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; runtime.GC() {
		left := c.take().over(before)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.Errorf("left behind: %s; network namespaces are kept: %s", strings.Join(left, ", "), strings.Join(c.left, "; "))
			return
		}
	}
}

// ofKernel counts the kernel's network namespaces, also those that nothing but a
// forgotten socket keeps: the allocations of struct net.
func (c *census) ofKernel() int {
	_ = os.WriteFile("/sys/kernel/slab/net_namespace/shrink", []byte("1"), 0) // so that free ones do not count
	b, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		c.Logf("struct net is not counted: %v", err)
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

// kernelForgets waits until the kernel has about as many as before.
func (c *census) kernelForgets(before int) {
	c.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for c.ofKernel() >= before+30 { // counted by whole slabs
		if time.Now().After(deadline) {
			c.Errorf("the kernel has %d network namespaces, %d before", c.ofKernel(), before)
			return
		}
	}
}
