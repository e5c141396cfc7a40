package sandbox

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// machineTerminals is for the whole machine: each takes some 50 KB of the kernel's memory.
	machineTerminals = 8192
	// machineConnections bounds what each network namespace may track.
	machineConnections = 65536
	// machineBudget and machineWeight are how many packets the kernel handles in
	// one go before it looks for other work. Those of a broadcast storm are
	// charged to nobody: with the kernel's 300 and 64 a neighbour's key takes
	// some 250 ms and a start 2 s beside one, with these 90 and 600 ms.
	machineBudget = 16
	machineWeight = 8
	// machineNeighbours is for the neighbour tables of all network namespaces
	// together (arp(7), gc_thresh3), half a KB each and charged to nobody. With the
	// kernel's 1024 a class, or one learner who asks a whole network, makes it
	// forget what others' hosts know. Below a quarter of it none is forgotten.
	machineNeighbours = 32768
)

// tuneMachine sets the limits of the whole kernel that sandboxes lean on. A
// server without the right to says so, and goes on.
func tuneMachine(log *slog.Logger) {
	set := func(path string, to int64, wrong func(now int64) bool) {
		now := readNumber(path)
		if now == 0 || !wrong(now) {
			return
		}
		err := os.WriteFile(path, strconv.AppendInt(nil, to, 10), 0)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			log.Warn("cannot set a limit of the kernel; set it with sysctl", "file", path, "to", to, "error", err)
		default:
			log.Info("set a limit of the kernel", "file", path, "from", now, "to", to)
		}
	}
	set("/proc/sys/kernel/pty/max", machineTerminals, func(now int64) bool { return now < machineTerminals })
	// Connections are charged to nobody, and each namespace may have this many.
	set("/proc/sys/net/netfilter/nf_conntrack_max", machineConnections, func(now int64) bool { return now > machineConnections })
	for _, family := range []string{"ipv4", "ipv6"} {
		for name, to := range map[string]int64{"gc_thresh3": machineNeighbours, "gc_thresh2": machineNeighbours / 2, "gc_thresh1": machineNeighbours / 4} {
			set("/proc/sys/net/"+family+"/neigh/default/"+name, to, func(now int64) bool { return now < to })
		}
	}
	set("/proc/sys/net/core/netdev_budget", machineBudget, func(now int64) bool { return now > machineBudget })
	set("/proc/sys/net/core/dev_weight", machineWeight, func(now int64) bool { return now > machineWeight })
	if err := quickCgroups(); err != nil {
		log.Info("cannot have the kernel favor changes of cgroups; starts take some 10 ms more on cgroup v1", "error", err)
	}
}

// quickCgroups asks for cgroup v2's mount option favordynmods (Linux 6.0),
// which holds for v1 as well: without it the first of several processes that
// change their cgroup waits for all processors to pass a quiet state, some 10 ms.
func quickCgroups() error {
	fd, err := unix.Fsopen("cgroup2", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.FsconfigSetFlag(fd, "favordynmods"); err != nil {
		return err
	}
	return unix.FsconfigCreate(fd) // opens the hierarchy that is there, and sets its option; nothing is mounted
}
