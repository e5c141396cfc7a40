package rootless

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// groupVariable names the control group that the user may manage, to the
// program inside.
const groupVariable = "NETGROUND_USER_CGROUP"

const (
	cgroupRoot = "/sys/fs/cgroup"
	// serverGroup is where the server is, below the group that was delegated, as
	// no process may be in a group that distributes resources (cgroups(7), "no
	// internal processes").
	serverGroup = "netground-server"
)

// Group is the control group (version 2) that the user of this namespace was
// given, beneath which sandboxes may have theirs; empty: none.
func Group() string { return os.Getenv(groupVariable) }

// ownGroup prepares the control group in which this process is for sandboxes,
// if it was delegated to the user: if the user may write to it and nobody else
// is in it. Otherwise it returns nothing, and changes nothing.
func ownGroup() (string, error) {
	var fs unix.Statfs_t
	if unix.Statfs(cgroupRoot, &fs) != nil || fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return "", nil
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", nil // without /proc there are no namespaces either, which is told soon
	}
	group := delegatedPart(string(b))
	dir := filepath.Join(cgroupRoot, group)
	for _, f := range []string{"", "cgroup.procs", "cgroup.subtree_control"} {
		if group == "" || unix.Access(filepath.Join(dir, f), unix.W_OK) != nil {
			return "", nil
		}
	}
	controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return "", nil
	}
	enable := limits(string(controllers))
	if enable == "" {
		return "", nil
	}
	procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil || slices.ContainsFunc(strings.Fields(string(procs)), func(pid string) bool { return pid != strconv.Itoa(os.Getpid()) }) {
		return "", nil // somebody else's processes are not ours to move
	}
	leaf := filepath.Join(dir, serverGroup)
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("cannot use the control group that was delegated: %w", err)
	}
	if len(procs) > 0 {
		err = os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte("0"), 0)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(enable), 0)
	}
	if err != nil {
		return "", fmt.Errorf("cannot use the control group that was delegated: %w", err)
	}
	return group, nil
}

// delegatedPart reads the group from a /proc/PID/cgroup: that of the process,
// or the one above it where the process is in a server's own.
func delegatedPart(text string) string {
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok && strings.HasPrefix(path, "/") && !strings.Contains(path, "/..") {
			if filepath.Base(path) == serverGroup {
				path = filepath.Dir(path)
			}
			if path != "/" {
				return path
			}
		}
	}
	return ""
}

// limits are the controllers to enable, of those that there are: without
// memory and pids a sandbox would have no limit that counts.
func limits(controllers string) string {
	have := strings.Fields(controllers)
	if !slices.Contains(have, "memory") || !slices.Contains(have, "pids") {
		return ""
	}
	enable := "+memory +pids"
	if slices.Contains(have, "cpu") {
		enable += " +cpu"
	}
	return enable
}
