//go:build sandbox

package app

import (
	"crypto/rand"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netground/netground/server/config"
)

// The subordinate ids of the test's user, which no other test uses.
const subordinateFirst, subordinateCount = 3_800_000_000, 100 << 16

// ordinaryUser makes a user with subordinate ids for the test.
func ordinaryUser(t *testing.T) *user.User {
	t.Helper()
	name := "netground-" + strings.ToLower(rand.Text()[:6])
	ids := strconv.Itoa(subordinateFirst) + "-" + strconv.Itoa(subordinateFirst+subordinateCount-1)
	for _, line := range [][]string{
		{"useradd", "--system", "--no-create-home", "--shell", "/bin/sh", name},
		{"usermod", "--add-subuids", ids, "--add-subgids", ids, name},
	} {
		if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s %v", line, out, err)
		}
		if line[0] == "useradd" {
			t.Cleanup(func() {
				if out, err := exec.Command("userdel", name).CombinedOutput(); err != nil {
					t.Errorf("userdel: %s %v", out, err)
				}
			})
		}
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// reachable copies what the server needs to where an ordinary user can read it.
func reachable(t *testing.T, set *config.Server, u *user.User) (program string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "netground-rootless")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	rootfs, err := filepath.EvalSymlinks(set.Rootfs)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{filepath.Join(built, "netground"): "netground", set.Keeper: "keeper", rootfs + ".tar": "rootfs.tar"} {
		in, err := os.Open(from)
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.OpenFile(filepath.Join(dir, to), os.O_CREATE|os.O_WRONLY, 0o755)
		if err == nil {
			_, err = io.Copy(out, in)
			in.Close()
			out.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "labs"), os.DirFS(set.Labs)); err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	for _, d := range []string{"rootfs", "home"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, d), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	set.Rootfs, set.Keeper, set.Labs = filepath.Join(dir, "rootfs"), filepath.Join(dir, "keeper"), filepath.Join(dir, "labs")
	set.State, set.Runtime = filepath.Join(dir, "home/state"), filepath.Join(dir, "home/run")
	// As they are inside the namespace.
	set.IDBase, set.IDCount = 1<<16, subordinateCount-1<<16
	return filepath.Join(dir, "netground")
}

// processesOf lists what runs with an id of the user's or of the user's
// subordinate ones. A process that has ended and not been waited for has none.
func processesOf(t *testing.T, u *user.User) (all []string) {
	t.Helper()
	own, _ := strconv.ParseInt(u.Uid, 10, 64)
	statuses, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range statuses {
		b, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(b), "\nState:\tZ") {
			continue
		}
		_, rest, _ := strings.Cut(string(b), "\nUid:\t")
		first, _, _ := strings.Cut(rest, "\t")
		id, _ := strconv.ParseInt(first, 10, 64)
		if id == own || id >= subordinateFirst && id < subordinateFirst+subordinateCount {
			name, _, _ := strings.Cut(string(b), "\n")
			all = append(all, filepath.Base(filepath.Dir(path))+" "+name)
		}
	}
	return all
}

// An ordinary user serves labs: a learner solves a step, a flood of processes
// ends at its limit, and nothing outlives the server.
func TestOrdinaryUser(t *testing.T) {
	if _, err := exec.LookPath("newuidmap"); err != nil {
		t.Fatal("newuidmap is missing: apt-get install uidmap")
	}
	set := settings(t)
	u := ordinaryUser(t)
	program := reachable(t, &set, u)
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	serve := func() *child {
		return launch(t, set, program, &syscall.SysProcAttr{
			Setpgid: true, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
		}, "HOME="+filepath.Dir(set.State))
	}
	c := serve()
	if log := c.log.String(); !strings.Contains(log, "cannot make control groups as an ordinary user: no sandbox has a limit of memory and CPU") {
		t.Errorf("the log does not say what is not limited: %s", log)
	}
	ann := c.learner().open("switching")
	events := ann.events("en")
	a, b := ann.sit(), ann.on("B")
	ann.solveUp(events, a, b)
	a.run("ip netns add red; ip netns exec red ip link set lo up; iptables -t nat -A POSTROUTING -j MASQUERADE; nft list ruleset; tcpdump --version")
	if id := a.run("id -u; cat /proc/self/uid_map"); !strings.HasPrefix(id, "0\n") {
		t.Errorf("a learner is %s", id)
	}
	neighbour := c.learner().open("switching").sit()
	a.keys("for i in $(seq 1 2000); do sleep 1000 & done\r")
	a.wait("Resource temporarily unavailable")
	if n := int64(len(processesOf(t, u))); n < set.Pids/2 || n > set.Pids+100 {
		t.Errorf("a flood of processes ended at %d, the limit being %d", n, set.Pids)
	}
	all := neighbour.echoes(500 * time.Millisecond)
	t.Logf("a neighbour's keys meanwhile: p50 %v, p99 %v", p50(all), p99(all))
	if p99(all) > patience {
		t.Errorf("the neighbour's keys took %v", p99(all))
	}
	c.terminate(20 * time.Second)
	until(t, 10*time.Second, "nothing of the user's runs", func() bool { return len(processesOf(t, u)) == 0 })
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}

	c = serve()
	ann.url = c.url
	ann.header.Set("Origin", c.url)
	again := ann.learner.open("switching")
	if steps := again.passed(); len(steps) != 1 || steps[0] != "up" {
		t.Errorf("the steps %v are passed", steps)
	}
	again.sit().run("(setsid sleep 1000 &); true")
	c.kill()
	until(t, 10*time.Second, "nothing outlives a killed server", func() bool { return len(processesOf(t, u)) == 0 })
	c = serve() // whatever the killed one left
	c.terminate(20 * time.Second)
	if left := processesOf(t, u); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
