// Package doctor says what a machine has and lacks for running sandboxes, each
// lack with its remedy. The last examination is the real thing: a sandbox that
// is made, used and removed.
package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Grades of a Finding.
const (
	Good    = "ok"
	Warning = "warning" // works, though not all of it or not well
	Bad     = "missing" // does not work without
)

// Finding is the outcome of one examination.
type Finding struct {
	Name   string `json:"name"`
	Grade  string `json:"grade"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"` // of what is not Good
}

// Options say where things are, and how a sandbox is tried.
type Options struct {
	Rootfs, Keeper string
	// Rootless says that this is an ordinary user, as root of a user namespace;
	// Group is the control group that the user was given, if any.
	Rootless bool
	Group    string
	// Try makes a sandbox, runs a command in it and removes it.
	Try func(ctx context.Context) error
}

// Examine looks at everything, in the order in which it should be mended.
func Examine(ctx context.Context, o Options) []Finding {
	all := []Finding{
		root(o.Rootless), kernel(o.Rootless), userNamespaces(), appArmor(), cgroups(o.Rootless, o.Group), fileSystem("overlay"), modules(), memory(), inotify(),
		hosts(o.Rootfs, o.Rootless),
		file("keeper program", o.Keeper, "Run sudo deploy/setup"),
	}
	for _, t := range []struct{ name, what, remedy string }{
		{"go", "for building the program", "Install Go 1.26 or newer: https://go.dev/doc/install"},
		{"npm", "for building the page", "Install Node.js 20 or newer: https://nodejs.org/en/download"},
		{"mmdebstrap", "for building the root file system", "apt-get install mmdebstrap"},
		{"chromium", "for the browser tests", "apt-get install chromium"},
	} {
		all = append(all, tool(t.name, t.what, t.remedy))
	}
	if o.Try == nil {
		return all
	}
	f := Finding{Name: "a sandbox on trial", Grade: Good, Found: "made, used and removed"}
	if slices.ContainsFunc(all, func(f Finding) bool { return f.Grade == Bad }) {
		f = Finding{Name: f.Name, Grade: Bad, Found: "not tried", Remedy: "Get what is missing above first"}
	} else if err := o.Try(ctx); err != nil {
		f = Finding{Name: f.Name, Grade: Bad, Found: err.Error(), Remedy: "This machine denies what a sandbox needs; a container's own restrictions often do"}
	}
	if f.Grade == Good { // which says more of the modules than any list of them
		for i := range all {
			if all[i].Name == networkModules {
				all[i] = Finding{Name: networkModules, Grade: Good, Found: "proved by the trial below"}
			}
		}
	}
	return append(all, f)
}

func root(rootless bool) Finding {
	f := Finding{Name: "rights", Grade: Good, Found: "root"}
	if rootless {
		return Finding{Name: f.Name, Grade: Warning, Found: "an ordinary user, as root of a user namespace: limits of the whole kernel cannot be set",
			Remedy: "For a class, run it with sudo"}
	}
	if os.Geteuid() != 0 {
		f = Finding{Name: f.Name, Grade: Bad, Found: "user " + strconv.Itoa(os.Geteuid()), Remedy: "Run it with sudo"}
	}
	return f
}

// kernel: an idmapped lower layer of an overlay needs Linux 5.19 (overlayfs
// in user namespaces 5.11, idmapped mounts 5.12), one in memory, which an
// ordinary user has, 6.3.
func kernel(rootless bool) Finding {
	remedy, least := "Use Linux 5.19 or newer; Debian 12 has 6.1", 5019
	if rootless {
		remedy, least = "Use Linux 6.3 or newer, as Debian 13 has, or run it with sudo", 6003
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Finding{Name: "kernel", Grade: Bad, Found: err.Error(), Remedy: remedy}
	}
	release := string(bytes.TrimRight(u.Release[:], "\x00"))
	f := Finding{Name: "kernel", Grade: Good, Found: "Linux " + release}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil || 1000*major+minor < least {
		f.Grade, f.Remedy = Bad, remedy
	}
	return f
}

func userNamespaces() Finding {
	f := Finding{Name: "user namespaces", Grade: Good}
	n, err := number("/proc/sys/user/max_user_namespaces")
	if err != nil {
		return Finding{Name: f.Name, Grade: Bad, Found: "none", Remedy: "Use a kernel with CONFIG_USER_NS"}
	}
	f.Found = fmt.Sprintf("%d", n)
	if n < 4096 {
		f.Grade, f.Remedy = Warning, "sysctl -w user.max_user_namespaces=63000; each sandbox takes two"
	}
	if n < 4 {
		f.Grade = Bad
	}
	return f
}

// appArmor: Ubuntu 23.10 and newer restrict what an unprivileged program gets
// in a user namespace that it makes.
func appArmor() Finding {
	f := Finding{Name: "AppArmor", Grade: Good, Found: "does not restrict user namespaces"}
	if n, err := number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"); err == nil && n != 0 {
		f = Finding{Name: f.Name, Grade: Warning, Found: "restricts user namespaces of unprivileged programs",
			Remedy: "If the trial below fails: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"}
	}
	return f
}

func cgroups(rootless bool, group string) Finding {
	f := Finding{Name: "control groups", Grade: Good}
	var have []string
	b, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", group, "cgroup.controllers"))
	version2 := err == nil
	if version2 {
		f.Found, have = "version 2", strings.Fields(string(b))
	} else {
		f.Found = "version 1"
		entries, _ := os.ReadDir("/sys/fs/cgroup")
		for _, e := range entries {
			have = append(have, strings.Split(e.Name(), ",")...)
		}
	}
	if rootless && group == "" {
		f.Grade, f.Found = Warning, f.Found+"; not for ordinary users: sandboxes have no limit of memory and CPU, only of processes and disk"
		f.Remedy = "For a class, run it with sudo"
		if version2 {
			f.Found = "version 2; none was delegated to this user: sandboxes have no limit of memory and CPU, only of processes and disk"
			f.Remedy = "Start it with systemd-run --user --scope -p Delegate=yes; for a class, run it with sudo"
		}
		return f
	}
	if rootless {
		f.Found += ", delegated to this user: " + group
	}
	var missing []string
	for _, c := range []string{"memory", "pids", "cpu"} {
		if !slices.Contains(have, c) {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 {
		f.Grade, f.Found = Bad, f.Found+", without "+strings.Join(missing, ", ")
		f.Remedy = "Mount /sys/fs/cgroup with these controllers; in a container, delegate them to it"
	}
	if rootless && len(missing) > 0 { // of CPU; without the others none is used
		f.Grade, f.Remedy = Warning, "Have them delegated, too, by Delegate= of systemd's user@.service; for a class, run it with sudo"
	}
	return f
}

func fileSystem(name string) Finding {
	f := Finding{Name: name + " file system", Grade: Good, Found: "there"}
	b, _ := os.ReadFile("/proc/filesystems")
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[len(fields)-1] == name {
			return f
		}
	}
	if exec.Command("modprobe", name).Run() == nil {
		return f
	}
	return Finding{Name: f.Name, Grade: Bad, Found: "not there", Remedy: "modprobe " + name}
}

const networkModules = "network modules"

// modules are parts of the network that labs use. One that is built in has no
// folder in /sys/module if it has no parameters, so that the trial decides.
func modules() Finding {
	f := Finding{Name: networkModules, Grade: Good, Found: "bridge, veth, nf_tables, iptables, vxlan"}
	var missing []string
	for _, m := range []string{"bridge", "veth", "nf_tables", "nft_compat", "iptable_filter", "iptable_nat", "nf_conntrack_netlink", "xt_MASQUERADE", "vxlan"} {
		if _, err := os.Stat("/sys/module/" + m); err == nil {
			continue
		}
		if exec.Command("modprobe", "--quiet", m).Run() != nil && !builtIn(m) {
			missing = append(missing, m)
		}
	}
	if len(missing) > 0 {
		f = Finding{Name: f.Name, Grade: Warning, Found: "cannot be sure of " + strings.Join(missing, ", "),
			Remedy: "If labs miss them: modprobe " + strings.Join(missing, " ")}
	}
	return f
}

func builtIn(module string) bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	b, err := os.ReadFile("/lib/modules/" + string(bytes.TrimRight(u.Release[:], "\x00")) + "/modules.builtin")
	return err == nil && strings.Contains(string(b), "/"+module+".ko")
}

func memory() Finding {
	f := Finding{Name: "memory", Grade: Good}
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return Finding{Name: f.Name, Grade: Warning, Found: err.Error(), Remedy: "Mount /proc"}
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); err == nil {
			f.Found = fmt.Sprintf("%.1f GiB free, %d processors", float64(kib)/(1<<20), runtime.NumCPU())
			if kib < 1<<20 {
				f.Grade, f.Remedy = Warning, "A class needs 64 MiB a learner and 1 GiB for the machine"
			}
		}
	}
	return f
}

func inotify() Finding {
	n, err := number("/proc/sys/fs/inotify/max_user_watches")
	f := Finding{Name: "inotify watches", Grade: Good, Found: fmt.Sprint(n)}
	if err != nil || n < 8192 {
		f.Grade, f.Remedy = Warning, "sysctl -w fs.inotify.max_user_watches=65536"
	}
	return f
}

// hosts looks at the hosts' root file system, of which an ordinary user takes the
// archive beside it, see rootless.Rootfs.
func hosts(folder string, rootless bool) Finding {
	const name, remedy = "root file system of hosts", "Run sudo deploy/setup, or deploy/rootfs alone"
	if !rootless {
		return file(name, filepath.Join(folder, "usr/bin/ip"), remedy)
	}
	if at, err := filepath.EvalSymlinks(folder); err == nil {
		folder = at
	}
	archive := folder + ".tar"
	f, err := os.Open(archive)
	if errors.Is(err, os.ErrPermission) {
		return Finding{Name: name, Grade: Bad, Found: err.Error(), Remedy: "Let ordinary users read it, and open the folders above it"}
	}
	if err == nil {
		f.Close()
	}
	return file(name, archive, remedy)
}

func file(name, path, remedy string) Finding {
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("no %s", path)
		}
		return Finding{Name: name, Grade: Bad, Found: err.Error(), Remedy: remedy}
	}
	return Finding{Name: name, Grade: Good, Found: path}
}

func tool(name, what, remedy string) Finding {
	path, err := exec.LookPath(name)
	if err != nil {
		return Finding{Name: name, Grade: Warning, Found: "not found; it is " + what, Remedy: remedy}
	}
	return Finding{Name: name, Grade: Good, Found: path}
}

func number(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}
