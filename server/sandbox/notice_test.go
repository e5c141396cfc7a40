//go:build sandbox

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// namespaceOf opens a new network namespace, in which nothing is; what is run in it
// comes before.
func namespaceOf(t *testing.T, lines ...string) *os.File {
	t.Helper()
	type made struct {
		f   *os.File
		err error
	}
	done := make(chan made)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- made{err: err}
			return
		}
		defer home.Close()
		m := made{err: unix.Unshare(unix.CLONE_NEWNET)}
		if m.err == nil {
			m.f, m.err = os.Open("/proc/thread-self/ns/net")
		}
		for _, line := range lines {
			if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil && m.err == nil {
				m.err = fmt.Errorf("%s: %s %w", line, out, err)
			}
		}
		// A thread that ends with its goroutine may be the process's first, which stays.
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err == nil {
			runtime.UnlockOSThread()
		} else if m.err == nil {
			m.err = err
		}
		done <- m
	}()
	m := <-done
	if m.err != nil {
		t.Fatal(m.err)
	}
	return m.f
}

// The census notices whatever a sandbox may leave, by whom it is kept.
func TestCensusNoticesWhatIsLeft(t *testing.T) {
	m := open(t, options(t))
	s := create(t, m, "warm", addressed()) // what is made once and stays
	s.Destroy()
	drain(t, m)
	c := census{TB: t}
	before := c.take()
	// notices has the census find so many more of what is named, and nothing once it is over.
	notices := func(what string, end func(), want counts, kept string) {
		t.Helper()
		now := c.take()
		for name, n := range want {
			if got := now[name] - before[name]; got != n {
				t.Errorf("%s: %d more %s instead of %d", what, got, name, n)
			}
		}
		if len(now.over(before)) == 0 || !slices.ContainsFunc(c.left, func(l string) bool { return strings.Contains(l, kept) }) && kept != "" {
			t.Errorf("%s: %v are left, %q", what, now.over(before), c.left)
		}
		end()
		c.same(before)
	}

	f := namespaceOf(t)
	notices("a descriptor", func() { f.Close() }, counts{"descriptors": 1, "namespaces": 1, "network namespaces": 1, "network devices": 1, "veths": 0}, fmt.Sprintf("a descriptor of process %d (", os.Getpid()))

	f = namespaceOf(t, "ip link add left type veth peer name right", "ip link add br9 type bridge")
	notices("devices of a namespace that is left", func() { f.Close() }, counts{"network namespaces": 1, "network devices": 4, "veths": 2}, "a descriptor of")

	f = namespaceOf(t)
	at := filepath.Join(t.TempDir(), "namespace")
	if err := os.WriteFile(at, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), at, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	f.Close()
	notices("a mount", func() {
		if err := unix.Unmount(at, 0); err != nil {
			t.Error(err)
		}
	}, counts{"descriptors": 0, "mounts": 1, "namespaces": 1, "network namespaces": 1}, "a mount at "+at)

	device := fmt.Sprintf("left%d", os.Getpid())
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %s %v", args, out, err)
		}
	}
	ip("link", "add", device, "type", "veth", "peer", "name", device+"b")
	notices("a cable of the machine's own", func() { ip("link", "del", device) }, counts{"network namespaces": 0, "network devices": 2, "veths": 2}, "")

	// A process that nobody here has started keeps what was a sandbox's.
	s = create(t, m, "kept", addressed())
	with := c.take()
	if n := with["network namespaces"] - before["network namespaces"]; n < 3 || with["veths"]-before["veths"] != 4 {
		t.Errorf("a sandbox of two hosts and a switch is counted as %v", with)
	}
	ns := ""
	for _, pid := range started() {
		if to, err := os.Readlink("/proc/" + pid + "/ns/net"); err == nil && slices.ContainsFunc(c.left, func(l string) bool { return strings.HasPrefix(l, to+" ") }) {
			ns = "/proc/" + pid + "/ns/net"
		}
	}
	held, err := os.Open(ns)
	if err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!")
	stranger.ExtraFiles = []*os.File{held}
	out, err := stranger.Output()
	held.Close()
	if err != nil {
		t.Fatal(err)
	}
	pid := 0
	if _, err := fmt.Sscan(string(out), &pid); err != nil {
		t.Fatal(err)
	}
	s.Destroy()
	drain(t, m)
	var now counts
	for deadline := time.Now().Add(20 * time.Second); ; { // all but what is kept
		now = c.take()
		if now["network namespaces"]-before["network namespaces"] == 1 || time.Now().After(deadline) {
			break
		}
	}
	notices("a stranger", func() { _ = unix.Kill(pid, unix.SIGKILL) }, counts{"network namespaces": 1, "processes": 0}, fmt.Sprintf("a descriptor of process %d (sleep)", pid))
}
