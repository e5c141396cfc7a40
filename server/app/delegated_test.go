//go:build sandbox

package app

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// delegatedGroup makes a control group as systemd does for a user's session:
// the user's to divide, its own limits the machine's.
func delegatedGroup(t *testing.T, owner *syscall.Credential) (path string) {
	t.Helper()
	const root = "/sys/fs/cgroup"
	path = "/netground-user-" + strings.ToLower(rand.Text()[:8])
	if err := os.WriteFile(root+"/cgroup.subtree_control", []byte("+memory +pids +cpu"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(root+path, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		until(t, 10*time.Second, "the cgroup of the test is empty", func() bool {
			_ = os.Remove(root + path + "/netground-server") // may be removed already
			return os.Remove(root+path) == nil
		})
	})
	for _, f := range []string{"", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"} {
		if err := os.Chown(filepath.Join(root+path, f), int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// An ordinary user to whom a control group was delegated has sandboxes with all
// limits, also after the server was killed.
func TestDelegatedGroup(t *testing.T) {
	var st unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &st); err != nil || st.Type != unix.CGROUP2_SUPER_MAGIC {
		t.Skip("control groups of version 1 are not delegated to users; the emulated machine has version 2")
	}
	set := homed(t)
	u := ordinaryUser(t)
	rootfs := set.Rootfs
	program := reachable(t, &set, u)
	group := delegatedGroup(t, credential(u))
	in := func(group string) *syscall.SysProcAttr {
		dir, err := os.Open("/sys/fs/cgroup" + group)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { dir.Close() })
		return &syscall.SysProcAttr{Setpgid: true, Credential: credential(u), UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	}
	serve := func(in *syscall.SysProcAttr) *child {
		return launch(t, set, program, in, "HOME="+filepath.Dir(set.State), "NETGROUND_MEMORY_MIB=96", "NETGROUND_DISK_MIB=32", "NETGROUND_PIDS=100", "NETGROUND_CPU=90")
	}
	limited := func(when string) {
		t.Helper()
		hosts, _ := filepath.Glob("/sys/fs/cgroup" + group + set.Cgroup + "/*/hosts")
		if len(hosts) != 1+prepared {
			t.Errorf("%s there are %d groups of hosts", when, len(hosts))
		}
		for _, dir := range hosts {
			for file, want := range map[string]string{"memory.max": "100663296", "pids.max": "100", "cpu.max": "90000 100000"} {
				if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || strings.TrimSpace(string(b)) != want {
					t.Errorf("%s %s is %s instead of %s: %v", when, file, b, want, err)
				}
			}
		}
	}
	c := serve(in(group))
	if log := c.log.String(); strings.Contains(log, "no sandbox has a limit") {
		t.Errorf("the log says %s", log)
	}
	ann := c.learner().open("switching")
	y := ann.sit()
	limited("at first")
	y.run("X=remembered")
	y.keys(`perl -e '$x = "x" x (300 << 20); print "got it"'` + "\r")
	y.wait("Killed")
	y.keys(`perl -e 'for (1 .. 300) { $p = fork; if (!defined $p) { print "no more: $!\n"; exit } if (!$p) { sleep 3; exit } }'` + "\r")
	y.wait("no more: Resource temporarily unavailable")

	// The next server comes from elsewhere, as after a new login; in the group
	// itself there may be nobody any more.
	c.kill()
	c = serve(in("/"))
	again := ann.attach(ann.Terminals[0].ID, "v", true)
	// Not run, which would take what stands on the screen from before for its own.
	again.keys("echo I have $X\r")
	again.wait("I have remembered")
	until(t, 30*time.Second, "sandboxes stand prepared", func() bool {
		hosts, _ := filepath.Glob("/sys/fs/cgroup" + group + set.Cgroup + "/*/hosts")
		return len(hosts) == 1+prepared
	})
	limited("after a kill")
	c.terminate(40 * time.Second)
	until(t, 10*time.Second, "nothing of the user's runs", func() bool { return len(processesOf(t, u)) == 0 })
	if left, _ := filepath.Glob("/sys/fs/cgroup" + group + "/*/cgroup.procs"); len(left) != 1 || !strings.HasSuffix(left[0], "/netground-server/cgroup.procs") {
		t.Errorf("the groups %v are left", left)
	}

	// doctor says what is there, and what is not for a group with others in it.
	doctor := func(in *syscall.SysProcAttr) string {
		cmd := exec.Command(program, "doctor", "--rootfs="+rootfs, "--keeper="+set.Keeper)
		cmd.SysProcAttr, cmd.Env = in, append(os.Environ(), "HOME="+filepath.Dir(set.State))
		out, _ := cmd.CombinedOutput() // it may miss what is for building
		return string(out)
	}
	if out := doctor(in(group + "/netground-server")); !strings.Contains(out, "delegated to this user: "+group) || !strings.Contains(out, "made, used and removed") {
		t.Errorf("doctor says %s", out)
	}
	if out := doctor(in("/")); !strings.Contains(out, "none was delegated to this user") {
		t.Errorf("doctor says %s", out)
	}
}
