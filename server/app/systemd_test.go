//go:build sandbox

package app

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// systemd skips where it is not the first process (sd_booted(3)), or control
// groups are those that it does not delegate.
func systemd(t *testing.T) {
	t.Helper()
	var st unix.Statfs_t
	if _, err := os.Stat("/run/systemd/system"); err != nil || unix.Statfs("/sys/fs/cgroup", &st) != nil || st.Type != unix.CGROUP2_SUPER_MAGIC {
		t.Skip("this machine has no systemd with control groups of version 2; the emulated machine has")
	}
}

// unit is a server that systemd runs.
type unit struct {
	*world
	name string
	ctl  func(args ...string) string
}

// main is the process that systemd takes for the server; 0: none.
func (u *unit) main() int {
	pid, _ := strconv.Atoi(u.ctl("show", "--value", "-p", "MainPID", u.name))
	return pid
}

// serves waits until a process other than the one before serves.
func (u *unit) serves(before int) (pid int) {
	u.Helper()
	l := u.learner()
	until(u, time.Minute, "another process serves", func() bool {
		if pid = u.main(); pid == 0 || pid == before {
			return false
		}
		a, err := l.send("GET", "/readyz", nil)
		return err == nil && a.Status == http.StatusOK
	})
	return pid
}

// inPlace restarts the server in its place: the process stays, and systemd knows
// it; pages and shells go on.
func (u *unit) inPlace(pid int, o *opened, restart func()) {
	u.Helper()
	page := o.attach(o.Terminals[0].ID, "w", true)
	restart()
	page.closed(30 * time.Second)
	if now := u.serves(0); now != pid {
		u.Errorf("after a restart in place the process is %d instead of %d", now, pid)
	}
	o.goesOn()
}

// TestSystemdUnit installs the unit that README names, and has systemd serve.
func TestSystemdUnit(t *testing.T) {
	systemd(t)
	set := homed(t)
	text, err := os.ReadFile("../../deploy/netground.service")
	if os.IsNotExist(err) { // in the emulated machine
		text, err = os.ReadFile(filepath.Join(built, "netground.service"))
	}
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	labs, err := filepath.Abs(set.Labs)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder+"/deploy/.cache", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"deploy/.cache/bin": built, "deploy/.cache/rootfs": set.Rootfs, "labs": labs} {
		if err := os.Symlink(to, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	env := append([]string{
		"NETGROUND_LISTEN=" + set.Listen, "NETGROUND_TRUSTED_PROXY=127.0.0.1", "NETGROUND_STATE=" + set.State, "NETGROUND_RUNTIME=" + set.Runtime,
		"NETGROUND_CGROUP=" + set.Cgroup, fmt.Sprintf("NETGROUND_ID_BASE=%d", set.IDBase), fmt.Sprintf("NETGROUND_ID_COUNT=%d", set.IDCount), "NETGROUND_POOL=0",
	}, tight...)
	name := filepath.Base(set.Cgroup) + ".service"
	file := "/run/systemd/system/" + name
	dropIn := file + ".d/own.conf" // what is of the test's own, beside the unit as it is
	if err := os.MkdirAll(filepath.Dir(dropIn), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		file: strings.ReplaceAll(string(text), "/opt/netground", folder), dropIn: "[Service]\nEnvironment=" + strings.Join(env, " ") + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	u := &unit{&world{T: t, set: set, url: "http://" + set.Listen}, name, func(args ...string) string { return command(t, "systemctl", args...) }}
	u.ctl("daemon-reload")
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := exec.Command("journalctl", "--no-pager", "-o", "cat", "-u", name).CombinedOutput()
			t.Logf("the journal of the unit:\n%s", out)
		}
		u.ctl("stop", name)
		os.Remove(file)
		os.RemoveAll(filepath.Dir(dropIn))
		u.ctl("daemon-reload")
	})

	u.ctl("start", name)
	first := u.serves(0)
	ann := u.learner().open("switching")
	y := ann.sit()
	ann.solveUp(ann.events("en"), y, ann.on("B"))
	y.run("X=remembered; (setsid sleep 1000 &)")
	group := "/sys/fs/cgroup" + set.Cgroup
	limited(t, group, 1+prepared, "at first")

	// Everything of the unit is killed, the server and what it has started.
	u.ctl("kill", "-s", "KILL", name)
	second := u.serves(first)
	ann.goesOn()

	// systemd looks after its own control groups, and leaves those of sandboxes alone.
	command(t, "systemd-run", "--quiet", "--wait", "-p", "CPUQuota=50%", "-p", "MemoryMax=64M", "-p", "TasksMax=9", "true")
	u.ctl("daemon-reload")
	u.ctl("daemon-reexec")
	limited(t, group, 1+prepared, "after a kill, and after systemd has begun anew")
	ann.goesOn()

	u.inPlace(second, ann, func() { u.ctl("reload", name) })
	if state, restarts := u.ctl("is-active", name), u.ctl("show", "--value", "-p", "NRestarts", name); state != "active" || restarts != "1" {
		t.Errorf("the unit is %s, and was started anew %s times", state, restarts)
	}

	// For good: sessions end, what was passed stays.
	u.ctl("restart", name)
	u.serves(second)
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", second)); err == nil {
		t.Error("the server of before still runs")
	}
	limited(t, group, prepared, "after a restart")
	if a := ann.do("GET", ann.path, nil); a.Status != http.StatusGone {
		t.Errorf("after a restart the session is %d %s", a.Status, a.Body)
	}
	again := ann.learner.open("switching")
	if steps := again.passed(); len(steps) != 1 || steps[0] != "up" {
		t.Errorf("the steps %v are passed", steps)
	}
	again.sit().run("(setsid sleep 1000 &)")

	u.ctl("stop", name)
	if state, result := u.ctl("show", "--value", "-p", "ActiveState", name), u.ctl("show", "--value", "-p", "Result", name); state != "inactive" || result != "success" {
		t.Errorf("the unit is %s, its result %s", state, result)
	}
	deserted(t, "/sys/fs/cgroup/system.slice/"+name)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	mounts, _ := os.ReadFile("/proc/1/mountinfo")
	if strings.Contains(string(mounts), filepath.Dir(set.State)) {
		t.Errorf("mounts are left: %s", mounts)
	}
	said := command(t, "journalctl", "--no-pager", "-o", "cat", "-t", "systemd", "-u", name)
	for _, complaint := range []string{"left-over", "remains running", "Failed to", "restart counter is at 2"} {
		if strings.Contains(said, complaint) {
			t.Errorf("systemd says %q", complaint)
		}
	}
}
