package keeper

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// process is a child of the keeper.
type process struct {
	id     uint32 // of a shell or run, else 0
	pid    int
	life   *life
	isInit bool
	kind   string // "run" for a run
	code   int
	done   chan struct{} // closed at its end, if not nil
}

// environment of everything that runs on a host.
func environment(term string) []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash", "LANG=C.UTF-8",
	}
	if term != "" {
		env = append(env, "TERM="+term)
	}
	return env
}

// startInit forks the PID 1 of the host whose namespaces the calling thread is in.
func (k *keeper) startInit(l *life) error {
	k.mu.Lock() // so that reap finds it in the table
	defer k.mu.Unlock()
	pid, err := forkInit(k.init, k.null, k.hostsDir)
	if err != nil {
		return fmt.Errorf("cannot start PID 1 of a host: %w", err)
	}
	l.init = pid
	k.processes[pid] = &process{pid: pid, life: l, isInit: true}
	return nil
}

// fork starts a program from the host's thread, hence in its namespaces. The
// child never has more files than attr says: all others close on exec.
func (k *keeper) fork(l *life, path string, argv []string, attr *syscall.ProcAttr, p *process) (int, error) {
	if k.hostsDir >= 0 {
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, k.hostsDir
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return 0, err
	}
	p.pid = pid
	k.processes[pid] = p
	if p.id != 0 {
		k.byID[p.id] = p
	}
	return pid, nil
}

// reap waits for all children, for ever. Each is looked up before the kernel
// may give its number to another.
func (k *keeper) reap() {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.ECHILD {
			time.Sleep(50 * time.Millisecond) // between a host's end and its next boot
			continue
		}
		if err != nil {
			continue
		}
		k.mu.Lock()
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		p := k.processes[pid]
		if err == nil && p != nil {
			delete(k.processes, pid)
			delete(k.byID, p.id)
		}
		k.mu.Unlock()
		if err == nil && p != nil {
			k.exited(p, status)
		}
	}
}

func (k *keeper) exited(p *process, status syscall.WaitStatus) {
	p.code = status.ExitStatus()
	if status.Signaled() {
		p.code = 128 + int(status.Signal())
	}
	if p.done != nil {
		close(p.done)
	}
	if p.id != 0 {
		k.ended(p)
		k.event(Message{Kind: KindExit, ID: p.id, Line: p.kind, Code: int32(p.code), Host: p.life.host.spec.Name})
	}
	if !p.isInit {
		return
	}
	p.life.finish()
	k.mu.Lock()
	expected := p.life.asked || p.life.host == nil
	k.mu.Unlock()
	if expected {
		return
	}
	// reboot(2): in a pid namespace it ends PID 1 by SIGHUP to restart, and by
	// SIGINT to halt.
	if status.Signaled() && status.Signal() == syscall.SIGHUP {
		go func() {
			if err := k.reboot(p.life.host); err != nil {
				k.complain(err)
				k.event(Message{Kind: KindHalt, Host: p.life.host.spec.Name})
			}
		}()
		return
	}
	k.halted(p.life)
}

// halted pulls the plug: links of a machine that is off have no carrier.
func (k *keeper) halted(l *life) {
	for _, c := range k.cables {
		for _, e := range c.ends() {
			if e.node == l.host.spec.Name {
				_ = l.net.nl.setFlags(e.index, 0, unix.IFF_UP)
			}
		}
	}
	k.event(Message{Kind: KindHalt, Host: l.host.spec.Name})
}

// openTerminal starts a shell on a new pseudo terminal of the host and returns
// the terminal's master.
func (k *keeper) openTerminal(l *life, cols, rows uint16, with []int) (id uint32, master int, err error) {
	id = k.newID()
	down := l.do(func() {
		var slave int
		if master, slave, err = openPTY(l.pts, cols, rows); err != nil {
			return
		}
		s := uintptr(slave)
		attr := &syscall.ProcAttr{Env: environment("xterm-256color"), Files: []uintptr{s, s, s}, Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}}
		if _, err := os.Stat("/root"); err == nil {
			attr.Dir = "/root"
		}
		if err = k.hold(id, l.host.spec.Name, append([]int{master}, with...)); err == nil {
			_, err = k.fork(l, "/bin/bash", []string{"bash"}, attr, &process{id: id, life: l})
		}
		unix.Close(slave)
		if err != nil {
			k.forget(id)
			unix.Close(master)
			err = fmt.Errorf("cannot start a shell: %w", err)
		}
	})
	if down != nil {
		err = down
	}
	return id, master, err
}

// openPTY makes a pseudo terminal in the devpts, without following a path that
// a learner could have changed.
func openPTY(devpts int, cols, rows uint16) (master, slave int, err error) {
	master, err = unix.Openat(devpts, "ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("cannot open a pseudo terminal: %w", err)
	}
	fail := func(err error) (int, int, error) {
		unix.Close(master)
		return -1, -1, fmt.Errorf("cannot set up a pseudo terminal: %w", err)
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return fail(err)
	}
	if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &unix.Winsize{Col: cols, Row: rows}); err != nil {
		return fail(err)
	}
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return fail(errno)
	}
	slave = int(n)
	// Erasing takes whole characters of UTF-8 then, also in line discipline.
	t, err := unix.IoctlGetTermios(slave, unix.TCGETS)
	if err == nil {
		t.Iflag |= unix.IUTF8
		err = unix.IoctlSetTermios(slave, unix.TCSETS, t)
	}
	if err != nil {
		unix.Close(slave)
		return fail(err)
	}
	return master, slave, nil
}

// run starts a shell line without a terminal; it returns the ends of its pipes:
// output, errors and, if wanted, input.
func (k *keeper) run(l *life, line string, input bool) (id uint32, ends []int, err error) {
	id = k.newID()
	var theirs []int
	pipe := func(theirsReads bool) error {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			return fmt.Errorf("cannot make a pipe: %w", err)
		}
		if theirsReads {
			p[0], p[1] = p[1], p[0]
		}
		ends, theirs = append(ends, p[0]), append(theirs, p[1])
		return nil
	}
	defer func() {
		closeAll(theirs)
		if err != nil {
			closeAll(ends)
			ends = nil
		}
	}()
	for i := range 3 {
		if i < 2 || input {
			if err := pipe(i == 2); err != nil {
				return 0, nil, err
			}
		}
	}
	down := l.do(func() {
		attr := k.quietAttr()
		attr.Files[1], attr.Files[2] = uintptr(theirs[0]), uintptr(theirs[1])
		if input {
			attr.Files[0] = uintptr(theirs[2])
		}
		_, err = k.fork(l, "/bin/bash", []string{"bash", "-c", line}, attr, &process{id: id, life: l, kind: "run"})
	})
	if down != nil {
		err = down
	}
	return id, ends, err
}

// kill ends the process group of a shell or run.
func (k *keeper) kill(id uint32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.byID[id]
	if p == nil {
		return nil
	}
	return unix.Kill(-p.pid, unix.SIGKILL)
}
