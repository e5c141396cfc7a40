// Package rootless lets an ordinary user run what needs root: the program runs
// again as root of a user namespace of its own, over the subordinate ids that
// the machine's administrator gave the user (subuid(5)), and does there what it
// does as the machine's root. What that root may not do, it reports.
//
// The namespace has its own process ids, too, and a first process that does
// nothing but start what the user starts and wait for its end. Where it shall
// outlive that, what is left in the namespace lives on for the next program
// with the same folder; all of it ends with its first process
// (pid_namespaces(7)).
package rootless

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// stage is the variable that tells the program how far it has got: "map" is
// before its ids are mapped, "hold" the namespace's first process, "run" what
// that starts. The first two have kept behind them where others may come.
const (
	stage = "NETGROUND_USER_NAMESPACE"
	kept  = "-kept"
)

// idRange is how many ids a sandbox takes.
const idRange = 65536

// OnTheWay does what this process is for, where Enter has started it on the way
// to the program inside, and says whether it was so. It comes before anything
// else.
func OnTheWay() (was bool, err error) {
	now, isKept := strings.CutSuffix(os.Getenv(stage), kept)
	switch now {
	case "map":
		return true, becomeRoot(isKept)
	case "hold":
		return true, hold(isKept)
	}
	return false, nil
}

// Enter runs the program again inside and returns its exit status, where an
// ordinary user has started it. For root, and inside, it does nothing. What the
// program leaves behind when it is killed lives on for the next one with the
// same folder to keep, which may be none.
func Enter(keep string) (entered bool, code int, err error) {
	if os.Geteuid() == 0 {
		return false, 0, nil
	}
	code, err = supervise(keep)
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

// Settle gives an ordinary user's program folders of the user's, where nothing
// else is said. It comes before the command line is read.
func Settle() error {
	if os.Geteuid() == 0 {
		return nil
	}
	state, run := os.Getenv("XDG_STATE_HOME"), os.Getenv("XDG_RUNTIME_DIR")
	if state == "" {
		me, err := user.Current()
		if err != nil {
			return fmt.Errorf("cannot tell who runs this: %w", err)
		}
		state = filepath.Join(me.HomeDir, ".local", "state")
	}
	if run == "" {
		run = filepath.Join(state, "netground")
	}
	for name, value := range map[string]string{"NETGROUND_STATE": filepath.Join(state, "netground"), "NETGROUND_RUNTIME": filepath.Join(run, "netground-run")} {
		if os.Getenv(name) == "" {
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// becomeRoot waits until the ids are mapped, and runs the program once more: an
// exec by who has no id yet has lost the capabilities of the new namespace,
// and one by its root has them all (capabilities(7)).
func becomeRoot(isKept bool) error {
	gate := os.NewFile(fdGate, "gate")
	if _, err := io.ReadFull(gate, make([]byte, 1)); err != nil {
		return errors.New("cannot become root of the user namespace: its ids were not mapped")
	}
	gate.Close()
	next := "hold"
	if isKept {
		next += kept
	}
	if err := os.Setenv(stage, next); err != nil {
		return err
	}
	return fmt.Errorf("cannot become root of the user namespace: %w", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// prepare gives the namespace mounts of its own, and a /proc of its processes.
// What is mounted outside later comes in, as this may live for long; nothing
// goes out.
func prepare() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("cannot have mounts of its own: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("cannot mount /proc; a container hides parts of it from ordinary users: %w", err)
	}
	return nil
}
