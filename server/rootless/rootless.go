// Package rootless lets an ordinary user run what needs root: the program runs
// again as root of a user namespace of its own, over the subordinate ids that
// the machine's administrator gave the user (subuid(5)), and does there what it
// does as the machine's root. What that root may not do, it reports.
//
// The namespace has its own process ids too: whatever happens to the server,
// the kernel ends all that it started with it (pid_namespaces(7)).
package rootless

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// stage is the variable that tells the program how far it has got: "map" is
// before its ids are mapped, "run" behind.
const stage = "NETGROUND_USER_NAMESPACE"

// idRange is how many ids a sandbox takes.
const idRange = 65536

// Enter runs the program again inside and returns its exit status, where an
// ordinary user has started it. For root, and inside, it does nothing.
func Enter() (entered bool, code int, err error) {
	switch os.Getenv(stage) {
	case "map":
		return true, 1, becomeRoot()
	case "run":
		return false, 0, prepare()
	}
	if os.Geteuid() == 0 {
		return false, 0, nil
	}
	code, err = supervise()
	return true, code, err
}

// Inside says whether this process is root of a user namespace and not of the
// machine, by whomever it was made.
func Inside() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && !wholeMachine(string(b))
}

// wholeMachine says whether a uid_map is that of the machine's own namespace:
// all ids but the last, each as itself (user_namespaces(7)).
func wholeMachine(uidMap string) bool {
	f := strings.Fields(uidMap)
	return len(f) == 3 && f[0] == "0" && f[1] == "0" && f[2] == "4294967295"
}

// supervise starts the program in its namespaces, passes signals on to it, and
// waits for its end.
func supervise() (code int, err error) {
	me, err := user.Current()
	if err != nil {
		return 1, fmt.Errorf("cannot tell who runs this: %w", err)
	}
	uids, err := subordinate("/etc/subuid", me)
	if err != nil {
		return 1, err
	}
	gids, err := subordinate("/etc/subgid", me)
	if err != nil {
		return 1, err
	}
	count := min(uids.count, gids.count) + 1 // the user is id 0
	if count < 4*idRange {
		return 1, fmt.Errorf("%s has %d subordinate ids, and each sandbox takes %d, of which two stand prepared. Have more given: "+
			"sudo usermod --add-subuids 1000000000-1013107199 --add-subgids 1000000000-1013107199 %s", me.Username, count-1, idRange, me.Username)
	}
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return 1, fmt.Errorf("%s is missing, without which an ordinary user has no ids for sandboxes. Install it: sudo apt-get install uidmap", tool)
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return 1, err
	}
	defer write.Close()
	defer read.Close()
	// The death signal is of the thread that started the process: prctl(2).
	runtime.LockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{read}
	cmd.Env = append(os.Environ(), stage+"=map")
	for name, value := range defaults(me, count) {
		if os.Getenv(name) == "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
		Setpgid:    true, // a Ctrl-C comes once, from here
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, unix.SIGTERM, unix.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("cannot make a user namespace; this machine may forbid it to ordinary users (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns): %w", err)
	}
	read.Close()
	for tool, args := range map[string][]string{
		"newuidmap": uids.arguments(cmd.Process.Pid, os.Geteuid()), "newgidmap": gids.arguments(cmd.Process.Pid, os.Getegid()),
	} {
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return 1, fmt.Errorf("cannot map the subordinate ids: %s: %w", strings.TrimSpace(string(out)), err)
		}
	}
	if _, err := write.Write([]byte{1}); err != nil {
		return 1, fmt.Errorf("cannot start inside the user namespace: %w", err)
	}
	write.Close()
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				_ = cmd.Process.Signal(s)
			case <-ended:
				return
			}
		}
	}()
	err = cmd.Wait()
	close(ended)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return 128 + int(s.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}

// defaults are settings that an ordinary user's server has where nothing else
// is said: folders of the user's, and the ids inside the namespace.
func defaults(me *user.User, ids uint64) map[string]string {
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		state = filepath.Join(me.HomeDir, ".local", "state")
	}
	run := os.Getenv("XDG_RUNTIME_DIR")
	if run == "" {
		run = filepath.Join(state, "netground")
	}
	return map[string]string{
		"NETGROUND_STATE": filepath.Join(state, "netground"), "NETGROUND_RUNTIME": filepath.Join(run, "netground-run"),
		"NETGROUND_ID_BASE": strconv.Itoa(idRange), "NETGROUND_ID_COUNT": strconv.FormatUint((ids/idRange-1)*idRange, 10),
	}
}

// becomeRoot waits until the ids are mapped, and runs the program once more: an
// exec by who has no id yet has lost the capabilities of the new namespace,
// and one by its root has them all (capabilities(7)).
func becomeRoot() error {
	gate := os.NewFile(3, "gate")
	if _, err := io.ReadFull(gate, make([]byte, 1)); err != nil {
		return errors.New("cannot become root of the user namespace: its ids were not mapped")
	}
	gate.Close()
	if err := os.Setenv(stage, "run"); err != nil {
		return err
	}
	return fmt.Errorf("cannot become root of the user namespace: %w", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// prepare gives the namespace mounts of its own, and a /proc of its processes.
func prepare() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot have mounts of its own: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("cannot mount /proc; a container hides parts of it from ordinary users: %w", err)
	}
	return nil
}
