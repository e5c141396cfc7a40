//go:build sandbox

package app

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netground/netground/server/config"
)

// lingering has systemd keep a manager of the user's, as it does while the user
// is logged in, and returns what its programs find in their environment.
func lingering(t *testing.T, u *user.User) []string {
	t.Helper()
	run := "/run/user/" + u.Uid
	command(t, "loginctl", "enable-linger", u.Username)
	t.Cleanup(func() {
		command(t, "loginctl", "disable-linger", u.Username)
		until(t, 30*time.Second, "the user's manager has ended", func() bool {
			_, err := os.Stat(run)
			return os.IsNotExist(err) && len(processesOf(t, u)) == 0
		})
	})
	until(t, time.Minute, "the user's manager runs", func() bool {
		_, err := os.Stat(run + "/systemd/private")
		return err == nil
	})
	return []string{"HOME=/", "XDG_RUNTIME_DIR=" + run, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + run + "/bus"}
}

// command runs what must succeed, and returns what it prints.
func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// tight are limits by which those of a test are told from others.
var tight = []string{"NETGROUND_MEMORY_MIB=96", "NETGROUND_DISK_MIB=32", "NETGROUND_PIDS=100", "NETGROUND_CPU=90"}

// limited waits until there are so many groups of sandboxes beneath a control
// group, and says whether each has the tight limits.
func limited(t *testing.T, group string, n int, when string) {
	t.Helper()
	var hosts []string
	until(t, 30*time.Second, fmt.Sprintf("%s there are %d groups of hosts", when, n), func() bool {
		hosts, _ = filepath.Glob(group + "/*/hosts")
		return len(hosts) == n
	})
	for _, dir := range hosts {
		for file, want := range map[string]string{"memory.max": "100663296", "pids.max": "100", "cpu.max": "90000 100000"} {
			if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || strings.TrimSpace(string(b)) != want {
				t.Errorf("%s %s is %s instead of %s: %v", when, file, b, want, err)
			}
		}
	}
}

// flood has a learner meet the limits of memory and of processes.
func (y *tty) flood() {
	y.keys(`perl -e '$x = "x" x (300 << 20); print "got it"'` + "\r")
	y.wait("Killed")
	y.keys(`perl -e 'for (1 .. 300) { $p = fork; if (!defined $p) { print "no more: $!\n"; exit } if (!$p) { sleep 3; exit } }'` + "\r")
	y.wait("no more: Resource temporarily unavailable")
}

// goesOn says whether the shell of before is there, with what it knew.
func (o *opened) goesOn() {
	o.t.Helper()
	y := o.attach(o.Terminals[0].ID, "v", true)
	// Not run, which would take what stands on the screen from before for its own.
	y.keys("echo I have $X\r")
	y.wait("I have remembered")
}

// delegated finds the control group of a user's scope or unit that has a server,
// or had one whose sandboxes live on.
func delegated(t *testing.T, u *user.User) (path string) {
	t.Helper()
	manager := fmt.Sprintf("/sys/fs/cgroup/user.slice/user-%s.slice/user@%[1]s.service/app.slice/*/netground-server", u.Uid)
	until(t, 10*time.Second, "one of the user's groups has a server", func() bool {
		all, _ := filepath.Glob(manager)
		if len(all) > 0 {
			path = filepath.Dir(all[0])
		}
		return len(all) == 1
	})
	return path
}

// deserted waits until nothing runs in a control group, and none of a sandbox is
// in it. systemd removes it with the last process, unless it has forgotten the
// unit a moment before, as it does with one that was made for once.
func deserted(t *testing.T, group string) {
	t.Helper()
	until(t, 20*time.Second, "nothing runs in "+group, func() bool {
		b, err := os.ReadFile(group + "/cgroup.events")
		return os.IsNotExist(err) || strings.Contains(string(b), "populated 0\n")
	})
	if left, _ := filepath.Glob(group + "/*/*/hosts"); len(left) != 0 {
		t.Errorf("the groups %v are left", left)
	}
}

// An ordinary user whom systemd serves has sandboxes with all limits, also after
// the server was killed.
func TestSystemdUser(t *testing.T) {
	systemd(t)
	h := &hoster{User: ordinaryUser(t)}
	h.set = settings(t)
	h.rootfs = h.set.Rootfs
	h.program = reachable(t, &h.set, h.User)
	h.env = append(lingering(t, h.User), "HOME="+filepath.Dir(h.set.State))
	t.Run("scope", h.scope)
	t.Run("unit", h.unit)
}

// hoster is an ordinary user who hosts.
type hoster struct {
	*user.User
	set     config.Server
	rootfs  string // of which set has a part of the user's own
	program string
	env     []string
}

// run has the user run something, and returns what it prints.
func (h *hoster) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr, cmd.Env = &syscall.SysProcAttr{Credential: credential(h.User)}, append(os.Environ(), h.env...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// scope serves as README says it first, with the control group that is delegated.
func (h *hoster) scope(t *testing.T) {
	set := h.set
	set.Listen = homed(t).Listen
	scope := filepath.Join(filepath.Dir(h.program), "scope")
	if err := os.WriteFile(scope, []byte("#!/bin/sh\nexec systemd-run --user --scope -p Delegate=yes "+h.program+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	serve := func() *child {
		return launch(t, set, scope, &syscall.SysProcAttr{Setpgid: true, Credential: credential(h.User)}, append(h.env, tight...)...)
	}
	c := serve()
	if log := c.log.String(); strings.Contains(log, "no sandbox has a limit") {
		t.Errorf("the log says %s", log)
	}
	group := delegated(t, h.User)
	ann := c.learner().open("switching")
	y := ann.sit()
	limited(t, group+set.Cgroup, 1+prepared, "at first")
	y.run("X=remembered")
	y.flood()

	// The next server comes in another scope, as after a new login; in that of the
	// first there may be nobody any more but its sandboxes.
	c.kill()
	c = serve()
	ann.goesOn()
	limited(t, group+set.Cgroup, 1+prepared, "after a kill")
	c.terminate(40 * time.Second)
	deserted(t, group)

	if testing.Short() {
		t.Log("left out: a whole lab, and what doctor says")
		return
	}
	if out, err := h.run(scope, "lab", "test", "--solutions", "--rootfs="+set.Rootfs, "--keeper="+set.Keeper, filepath.Join(set.Labs, "switching")); err != nil || !strings.Contains(out, "switching: proved: ") {
		t.Errorf("a lab is not passed: %v: %s", err, out)
	}
	// doctor says what is there, and what is not without a group.
	out, _ := h.run(scope, "doctor", "--rootfs="+h.rootfs, "--keeper="+set.Keeper) // it may miss what is for building
	if !strings.Contains(out, "delegated to this user: /user.slice/") || !strings.Contains(out, "made, used and removed") {
		t.Errorf("doctor says %s", out)
	}
	if out, _ := h.run(h.program, "doctor", "--rootfs="+h.rootfs, "--keeper="+set.Keeper); !strings.Contains(out, "none was delegated to this user") {
		t.Errorf("doctor says %s", out)
	}
}

// unit has the user's systemd run the server, and start it anew where it was
// killed.
func (h *hoster) unit(t *testing.T) {
	set := h.set
	set.Listen = homed(t).Listen
	u := &unit{&world{T: t, set: set, url: "http://" + set.Listen}, "netground.service", func(args ...string) string {
		t.Helper()
		out, err := h.run("systemctl", append([]string{"--user"}, args...)...)
		if err != nil {
			t.Fatalf("systemctl --user %v: %v: %s", args, err, out)
		}
		return out
	}}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := exec.Command("journalctl", "--no-pager", "-o", "cat", "_UID="+h.Uid).CombinedOutput()
			t.Logf("the journal of the user:\n%s", out)
		}
	})
	args := []string{"--user", "--unit", u.name, "-p", "Delegate=yes", "-p", "DelegateSubgroup=netground-server", "-p", "KillMode=process", "-p", "Restart=always"}
	for _, e := range append(tight, h.env...) {
		args = append(args, "--setenv="+e)
	}
	if out, err := h.run("systemd-run", append(append(args, h.program), arguments(set)...)...); err != nil {
		t.Fatalf("systemd-run: %v: %s", err, out)
	}
	first := u.serves(0)
	group := delegated(t, h.User)
	ann := u.learner().open("switching")
	y := ann.sit()
	y.run("X=remembered; (setsid sleep 1000 &)")
	y.flood() // which ends a program of the learner's, and not the unit
	u.ctl("kill", "-s", "KILL", "--kill-whom=main", u.name)
	second := u.serves(first)
	ann.goesOn()
	limited(t, group+set.Cgroup, 1+prepared, "after a kill")
	u.inPlace(second, ann, func() { u.ctl("kill", "-s", "HUP", "--kill-whom=main", u.name) })
	u.ctl("stop", u.name)
	deserted(t, group)
	if left := leftovers(set); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
