package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// record is what is known of a sandbox before its first kernel object exists,
// so that the next server can remove what a crash left. It needs no sync: no
// sandbox outlives the machine's memory.
type record struct {
	ID     string `json:"id"`
	Base   uint32 `json:"base"`
	Parent string `json:"cgroupParent"`
	PID    int    `json:"pid,omitempty"`
	// Started is field 22 of /proc/PID/stat, which tells a process from a later
	// one with the same number.
	Started string `json:"started,omitempty"`
}

func (m *Manager) recordPath(id string) string {
	return filepath.Join(m.o.StateDir, "sandboxes", id+".json")
}

func (m *Manager) writeRecord(r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path := m.recordPath(r.ID)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("cannot note a sandbox: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("cannot note a sandbox: %w", err)
	}
	return nil
}

func startedAt(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The second field, the name, may hold anything; it ends at the last ')'.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

// removeLeftovers ends and removes what an earlier server left.
func (m *Manager) removeLeftovers() error {
	paths, err := filepath.Glob(filepath.Join(m.o.StateDir, "sandboxes", "*.json*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var r record
		if err := json.Unmarshal(b, &r); err != nil || !validID(r.ID) {
			// Cut short: nothing existed yet when it was being written.
			errs = append(errs, os.Remove(path))
			continue
		}
		m.o.Log.Info("removing a sandbox that an earlier server left", "sandbox", r.ID)
		if err := m.removeLeftover(r); err != nil {
			errs = append(errs, fmt.Errorf("cannot remove the left sandbox %s: %w", r.ID, err))
			m.ids.take(r.Base) // its ids stay out of use
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (m *Manager) removeLeftover(r record) error {
	keeper := -1
	if r.PID > 1 && r.Started != "" {
		if fd, err := unix.PidfdOpen(r.PID, 0); err == nil {
			defer unix.Close(fd)
			if startedAt(r.PID) == r.Started { // after the open: the pidfd is of this process
				_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
				keeper = fd
			}
		}
	}
	g, err := m.newCgroup(r.Parent, r.ID, r.Base)
	if err == nil {
		err = g.thawAll() // what is frozen does not end
	}
	if keeper >= 0 {
		waitPidfd(keeper)
	}
	if err != nil {
		return err
	}
	for range 100 { // a fork may slip between listing and killing
		pids := g.processes()
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			if fd, err := unix.PidfdOpen(pid, 0); err == nil {
				_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
				_ = g.thawAll()
				waitPidfd(fd)
				unix.Close(fd)
			}
		}
	}
	if err := g.destroy(); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(m.o.RuntimeDir, r.ID))
}

// waitPidfd waits until the process has ended, five seconds at most.
func waitPidfd(fd int) {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(p, 5000); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// idRange is how many ids a sandbox has.
const idRange = 65536

// ids hands out ranges of user and group ids of the machine.
type ids struct {
	mu   sync.Mutex
	base uint32
	used []bool
	next int
}

func newIDs(base, count uint32) *ids { return &ids{base: base, used: make([]bool, count/idRange)} }

// get returns the first id of a free range; ranges are reused as late as possible.
func (i *ids) get() (uint32, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for range i.used {
		n := i.next
		i.next = (i.next + 1) % len(i.used)
		if !i.used[n] {
			i.used[n] = true
			return i.base + uint32(n)*idRange, nil
		}
	}
	return 0, fmt.Errorf("cannot make another sandbox: all %d ranges of ids are in use", len(i.used))
}

func (i *ids) mark(base uint32, used bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := int64(base-i.base) / idRange; base >= i.base && n < int64(len(i.used)) {
		i.used[n] = used
	}
}

func (i *ids) take(base uint32) { i.mark(base, true) }
func (i *ids) put(base uint32)  { i.mark(base, false) }
