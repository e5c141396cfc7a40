package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netground/netground/server/sandbox/keeper"
)

// record is what is known of a sandbox before its first kernel object exists,
// so that the next server takes over or removes what is left of it. It needs no
// sync: no sandbox outlives the machine's memory.
type record struct {
	ID     string `json:"id"`
	Base   uint32 `json:"base"`
	Parent string `json:"cgroupParent"`
	// Protocol is what the keeper speaks; a record without it is older than 2.
	Protocol int `json:"protocol,omitempty"`
	PID      int `json:"pid,omitempty"`
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
	err = os.WriteFile(path+".new", b, 0o600)
	if errors.Is(err, os.ErrNotExist) { // somebody has tidied up
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = os.WriteFile(path+".new", b, 0o600)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot note a sandbox: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("cannot note a sandbox: %w", err)
	}
	return nil
}

// removeRecord is the last step of a sandbox's end.
func (m *Manager) removeRecord(id string) error {
	if err := os.Remove(m.recordPath(id)); !errors.Is(err, os.ErrNotExist) {
		return err
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

// killAll ends everything that is in the group: what a keeper left that was
// killed before it was in its place.
func (g *cgroup) killAll() error {
	if err := g.thawAll(); err != nil { // what is frozen does not end
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
	return nil
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

// settle waits until the devices of the ended sandbox are gone, by watching one
// of its namespaces that is open here, so that the next end does not pile up
// on this one's.
func (s *Sandbox) settle() error {
	s.mu.Lock()
	var watch *os.File
	for _, n := range s.nodes {
		if watch == nil || n.Kind == "switch" {
			watch = n.NetNS
		}
	}
	for _, nodes := range []map[string]Node{s.nodes, s.retired} {
		for _, n := range nodes {
			for _, f := range []*os.File{n.NetNS, n.Root} {
				if f != nil && f != watch {
					f.Close()
				}
			}
		}
	}
	s.mu.Unlock()
	if watch == nil {
		return nil
	}
	defer watch.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, fds, err := s.manager.spawner.call(ctx, keeper.Message{Kind: keeper.KindSettle}, int(watch.Fd()))
	closeFDs(fds)
	return err
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
