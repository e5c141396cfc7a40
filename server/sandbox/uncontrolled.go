package sandbox

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// A server without root may have no control groups to make. Its sandboxes are
// bounded by what needs none then: the processes of a user namespace by
// RLIMIT_NPROC, what hosts write by the size of their file system, and memory
// by the warden, who finds a sandbox's processes by their owner.

// tryCgroups says whether sandboxes have control groups. Only a server that is
// not the machine's root goes on without, or without one of CPU.
func (m *Manager) tryCgroups() error {
	probe := "probe-" + strings.ToLower(rand.Text()[:8])
	g, err := m.newCgroup(m.o.CgroupParent, probe, m.o.IDBase)
	if m.o.Rootless && errors.Is(err, fs.ErrNotExist) && cgroups.IsCgroup2UnifiedMode() {
		// The controller of CPU is delegated by newer versions of systemd only.
		m.o.Limits.CPUPercent = 0
		if g, err = m.newCgroup(m.o.CgroupParent, probe, m.o.IDBase); err == nil {
			m.o.Log.Warn("the control group that was delegated to this user lacks the controller cpu: no sandbox has a limit of CPU. Have it delegated, with Delegate=cpu memory pids of user@.service, or run the server as root")
		}
	}
	if err == nil {
		return g.destroy()
	}
	if !m.o.Rootless || !errors.Is(err, fs.ErrPermission) && !errors.Is(err, unix.EROFS) {
		return err
	}
	m.uncontrolled = true
	remedy := "For a class, run the server as root"
	if cgroups.IsCgroup2UnifiedMode() {
		remedy = "Have systemd delegate one: systemd-run --user --scope -p Delegate=yes netground serve. For a class, run the server as root"
	}
	m.o.Log.Warn("cannot make control groups as an ordinary user: no sandbox has a limit of memory and CPU, and none that holds others up can be stopped for a while; processes and disk are limited. "+remedy, "error", err)
	return nil
}

// processesOf lists the processes that belong to one of a sandbox's ids.
func processesOf(base uint32) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Stat(filepath.Join("/proc", e.Name()), &st) == nil && st.Uid >= base && st.Uid-base < idRange {
			pids = append(pids, pid)
		}
	}
	return pids
}

// usageOf adds up what the processes use, see proc_pid_stat(5) and
// proc_pid_statm(5); pages that several share count for each.
func usageOf(pids []int) (u Usage) {
	const ticks = 100 // a second: USER_HZ, the same on all architectures that Go runs on
	page := int64(os.Getpagesize())
	for _, pid := range pids {
		dir := filepath.Join("/proc", strconv.Itoa(pid))
		b, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		// Behind the name, which may hold anything, the first field is the third.
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(f) < 22 {
			continue
		}
		number := func(field int) int64 {
			n, _ := strconv.ParseInt(f[field-3], 10, 64)
			return n
		}
		u.Pids++
		u.CPUNanos += (number(14) + number(15)) * (1e9 / ticks)
		u.MemoryBytes += number(24) * page
	}
	return u
}
