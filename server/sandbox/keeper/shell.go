package keeper

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// shell is what the keeper holds of a terminal, so that it outlives the server:
// the master, without which the kernel would hang it up, and the files that the
// server has given for it. The keeper reads none of them.
type shell struct {
	host   string
	files  []int // the master first
	exited bool
	code   int
}

// hold keeps copies of the files of a new shell.
func (k *keeper) hold(id uint32, host string, files []int) error {
	s := &shell{host: host}
	for _, fd := range files {
		kept, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			closeAll(s.files)
			return fmt.Errorf("cannot keep the files of a terminal: %w", err)
		}
		s.files = append(s.files, kept)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shells[id] = s
	return nil
}

// forget lets go of a shell. With the last copy of its master the kernel sends
// it SIGHUP.
func (k *keeper) forget(id uint32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.shells[id]; s != nil {
		closeAll(s.files)
		delete(k.shells, id)
	}
}

// ended notes how a shell ended, for a server that is not there yet.
func (k *keeper) ended(p *process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.shells[p.id]; s != nil {
		s.exited, s.code = true, p.code
	}
}

// attach tells a new server everything.
func (k *keeper) attach(c *Conn) {
	for _, name := range k.spec.Switches {
		k.sendNode(c, name)
	}
	for i := range k.spec.Hosts {
		k.sendHost(c, k.hosts[k.spec.Hosts[i].Name])
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.processes {
		if p.kind == "run" { // whoever waited for it is gone
			_ = unix.Kill(-p.pid, unix.SIGKILL)
		}
	}
	for id, s := range k.shells {
		m := Message{Kind: KindShell, ID: id, Host: s.host}
		if s.exited {
			m.Line, m.Code = "exited", int32(s.code)
		}
		_ = c.Send(m, s.files...)
	}
}

// sendHost is sendNode for a server that has never seen the host: it gets the
// network namespace of one that is off, too.
func (k *keeper) sendHost(c *Conn, h *host) {
	h.boot.Lock() // one that reboots is shown once it is up
	defer h.boot.Unlock()
	l := h.current()
	select {
	case <-l.ended:
		_ = c.Send(Message{Kind: KindNode, Host: h.spec.Name, Line: "host"}, l.net.netns)
	default:
	}
	k.sendNode(c, h.spec.Name)
}
