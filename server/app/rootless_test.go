//go:build sandbox

package app

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
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

func credential(u *user.User) *syscall.Credential {
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// reachable puts what the server needs where an ordinary user can read it.
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
		read := exec.Command("test", "-r", from)
		read.SysProcAttr = &syscall.SysProcAttr{Credential: credential(u)}
		if read.Run() == nil {
			if err := os.Symlink(from, filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
			continue
		}
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
	for _, d := range []string{"rootfs", "home"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, d), int(credential(u).Uid), int(credential(u).Gid)); err != nil {
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
	serve := func() *child {
		return launch(t, set, program, &syscall.SysProcAttr{Setpgid: true, Credential: credential(u)}, "HOME="+filepath.Dir(set.State))
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
	if id := a.run("id -u; cat /proc/self/uid_map"); !strings.Contains("\n"+id, "\n0\n") { // the line may stand before it once more, where it was typed before the prompt
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
	ann.move(c.url)
	again := ann.learner.open("switching")
	if steps := again.passed(); len(steps) != 1 || steps[0] != "up" {
		t.Errorf("the steps %v are passed", steps)
	}
	c.terminate(20 * time.Second)
	until(t, 10*time.Second, "nothing of the user's runs", func() bool { return len(processesOf(t, u)) == 0 })
}

// All labs run in what an ordinary user makes: the solutions of all, and of some
// also mistakes, faults and the lessons' commands; of all with NETGROUND_ROOTLESS=all,
// which takes minutes.
func TestOrdinaryUserProvesLabs(t *testing.T) {
	set := settings(t)
	u := ordinaryUser(t)
	program := reachable(t, &set, u)
	files, err := filepath.Glob(filepath.Join(set.Labs, "*", "lab.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no labs: %v", err)
	}
	var solved, proved []string
	for _, f := range files {
		dir := filepath.Dir(f)
		if os.Getenv("NETGROUND_ROOTLESS") == "all" || slices.Contains([]string{"dns-hosts", "namespaces", "port-forward"}, filepath.Base(dir)) {
			proved = append(proved, dir)
		} else {
			solved = append(solved, dir)
		}
	}
	prove := func(labs []string, least int, how ...string) {
		args := append([]string{"lab", "test", "--at-once=3", "--rootfs=" + set.Rootfs, "--keeper=" + set.Keeper}, how...)
		cmd := exec.CommandContext(t.Context(), program, append(args, labs...)...)
		cmd.Env = []string{"HOME=" + filepath.Dir(set.State), "PATH=" + os.Getenv("PATH")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(u)}
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		fine := 0
		for line := range strings.Lines(string(out)) {
			_, rest, found := strings.Cut(line, ": proved: ")
			var steps, checks, mistakes int
			if n, _ := fmt.Sscanf(rest, "%d steps, %d checks, %d mistakes", &steps, &checks, &mistakes); found && n == 3 && steps > 0 && mistakes >= least {
				fine++
			}
		}
		if err != nil || fine != len(labs) {
			t.Errorf("%d of %d labs are proved: %v", fine, len(labs), err)
		}
	}
	prove(proved, 1)
	if len(solved) > 0 {
		prove(solved, 0, "--solutions")
	}
	if left := processesOf(t, u); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// An ordinary user's server is killed while a program prints and a learner
// types: the next one takes over, by its own program and with every byte.
func TestOrdinaryUserKilled(t *testing.T) {
	set := homed(t)
	u := ordinaryUser(t)
	program := reachable(t, &set, u)
	how := &syscall.SysProcAttr{Setpgid: true, Credential: credential(u)}
	serve := func() *child { return launch(t, set, program, how, "HOME="+filepath.Dir(set.State)) }
	// The server itself, not whom it was started by, nor the namespace's first process.
	kill := func(c *child) {
		pids := runningIn(u, "run")
		if len(pids) != 1 {
			t.Errorf("there are %d servers", len(pids))
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-c.ended
	}
	// As pkill -9 -f "netground serve" does.
	killAll := func(c *child) {
		pids := running(u, "cmdline", "\x00serve\x00")
		if len(pids) != 2 {
			t.Errorf("%d processes are called like a server", len(pids))
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-c.ended
	}
	c := serve()
	ann := c.learner().open("switching")
	p := ann.count()
	for i, kill := range []func(*child){kill, (*child).kill, killAll, func(c *child) { _ = c.cmd.Process.Signal(syscall.SIGHUP) }} {
		before, server := strings.Count(c.log.String(), "session goes on"), c
		timer := time.AfterFunc(100*time.Millisecond, func() { kill(server) })
		p.visit(false)
		timer.Stop()
		if i < 3 {
			<-c.ended
			c, before = serve(), 0
		}
		until(t, 30*time.Second, "the session goes on", func() bool { return strings.Count(c.log.String(), "session goes on") > before })
		until(t, 30*time.Second, "the server serves", func() bool {
			a, err := ann.send("GET", ann.path, nil)
			return err == nil && a.Status == http.StatusOK
		})
	}
	second := exec.Command(program, "serve", "--listen=127.0.0.1:0", "--state="+set.State, "--runtime="+set.Runtime, "--labs="+set.Labs)
	second.SysProcAttr = how
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "a server with these folders is running") {
		t.Errorf("a second server says %s: %v", out, err)
	}
	p.visit(true)
	p.verify(ann.on("A"))
	c.terminate(20 * time.Second)
	until(t, 10*time.Second, "nothing of the user's runs", func() bool { return len(processesOf(t, u)) == 0 })
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}

	// Nobody comes back for a while; who then does, and stops, leaves nothing.
	c = serve()
	c.learner().open("switching").sit().run("(setsid sleep 1000 &); true")
	c.kill()
	until(t, 10*time.Second, "the server has ended", func() bool { pids := runningIn(u, "run"); return len(pids) == 0 })
	if pids := runningIn(u, "hold-kept"); len(pids) != 1 {
		t.Errorf("%d namespaces are kept", len(pids))
	}
	c = serve()
	c.terminate(20 * time.Second)
	until(t, 10*time.Second, "nothing of the user's runs", func() bool { return len(processesOf(t, u)) == 0 })

	// Its first process is killed: with it all that is in the namespace.
	c = serve()
	c.learner().open("switching").sit().run("(setsid sleep 1000 &); true")
	pids := runningIn(u, "hold-kept")
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-c.ended
	if log := c.log.String(); !strings.Contains(log, "the user namespace has ended") {
		t.Errorf("the log says %s", log)
	}
	until(t, 10*time.Second, "nothing of the user's runs", func() bool { return len(processesOf(t, u)) == 0 })
	c = serve() // whatever was left
	c.terminate(20 * time.Second)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// runningIn finds the user's processes that are this far on the way to a server.
func runningIn(u *user.User, stage string) []int {
	return running(u, "environ", "\x00NETGROUND_USER_NAMESPACE="+stage+"\x00")
}

// running finds the user's processes whose file in /proc holds a text.
func running(u *user.User, file, text string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/" + file)
	for _, path := range all {
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains("\x00"+string(b), text) {
			continue
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
		if err == nil && strings.Contains(string(status), "\nUid:\t"+u.Uid+"\t") && !strings.Contains(string(status), "\nState:\tZ") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}
