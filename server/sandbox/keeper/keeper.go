package keeper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The files that a keeper is born with, beside 0, 1 and 2.
const (
	fdListen = 3
	fdBoot   = 4
)

// keeper owns the hosts of a sandbox. It is PID 1 of a pid namespace above
// theirs, so that nothing in them can see or signal it.
type keeper struct {
	start    *Start
	spec     *Spec
	began    time.Time
	tasks    []int // cgroup v1 files, opened by the server
	hostsDir int   // cgroup v2 directory of the hosts, or -1
	init     int   // the PID 1 program, opened before any learner's code ran
	null     int
	bare     []*life // hosts that are made and not known yet, by their trees
	hosts    map[string]*host
	switches map[string]*netNode
	cables   []*cable

	mu        sync.Mutex
	processes map[int]*process
	byID      map[uint32]*process
	shells    map[uint32]*shell
	lastID    uint32

	connMu sync.Mutex
	conn   *Conn

	building sync.Once
	begun    atomic.Bool   // to build
	ready    chan struct{} // closed when made, or when failed is set
	failed   error
	timings  []Timing
}

// Main runs the subcommand of the keeper program.
func Main(args []string) int {
	// The leading thread stays as it is: /proc/self is its view.
	runtime.LockOSThread()
	// Whoever started the server may have left files open. Nothing passes on to
	// what this process starts but what it names.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		os.Stderr.WriteString("keeper: cannot keep open files to itself: " + err.Error() + "\n")
		return 1
	}
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	var err error
	switch command {
	case "spawn":
		err = spawn(args[1:])
	case "outer":
		err = outer()
	case "run":
		err = run()
	default:
		err = errors.New("this program is started by netground only")
	}
	if err != nil {
		os.Stderr.WriteString("keeper " + command + ": " + err.Error() + "\n")
		return 1
	}
	return 0
}

func run() error {
	k := &keeper{
		began: time.Now(), hostsDir: -1, hosts: map[string]*host{}, switches: map[string]*netNode{},
		processes: map[int]*process{}, byID: map[uint32]*process{}, shells: map[uint32]*shell{}, ready: make(chan struct{}),
	}
	debug.SetGCPercent(20)
	// Between a fork and its exec a child shares this memory inside a learner's
	// pid namespace. The program's file being unreadable makes the kernel guard
	// it already (would_dump() in exec.c); this is for where it is readable.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot guard the process: %w", err)
	}
	boot, err := NewConn(fdBoot)
	if err != nil {
		return err
	}
	m, fds, err := boot.Receive()
	if err != nil {
		return fmt.Errorf("cannot read what to make: %w", err)
	}
	boot.Close()
	if err := k.take(m, fds); err != nil {
		return err
	}
	if err := makeTree(k.start, fds[0]); err != nil {
		return err
	}
	unix.Close(fds[0])
	if err := k.openFixed(); err != nil {
		return err
	}
	k.mark("tree")
	go k.reap()
	for i := range k.start.Bare {
		l, err := k.newBare(itoa(i))
		if err != nil {
			return err
		}
		k.bare = append(k.bare, l)
	}
	return k.serve(fdListen)
}

// build makes the network of the Spec, which the file holds.
func (k *keeper) build(fds []int) {
	k.building.Do(func() {
		defer close(k.ready)
		k.began, k.timings = time.Now(), nil // it may have stood ready for long
		if k.failed = k.takeSpec(fds); k.failed == nil {
			k.failed = k.make()
		}
		if k.failed != nil {
			k.complain(k.failed)
		}
		go debug.FreeOSMemory()
	})
}

func (k *keeper) takeSpec(fds []int) error {
	if len(fds) != 1 {
		return errors.New("cannot build without a specification")
	}
	fd, err := unix.FcntlInt(uintptr(fds[0]), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot read the specification: %w", err)
	}
	f := os.NewFile(uintptr(fd), "spec")
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 2*maxSpec))
	if err != nil {
		return fmt.Errorf("cannot read the specification: %w", err)
	}
	if k.spec, err = DecodeSpec(b); err != nil {
		return err
	}
	return k.spec.Validate()
}

func (k *keeper) mark(phase string) {
	k.timings = append(k.timings, Timing{phase, time.Since(k.began)})
}

// complain tells the server's log, by the file that standard error is.
func (k *keeper) complain(err error) { os.Stderr.WriteString(err.Error() + "\n") }

// take reads the boot message: the lower layer and the cgroup files.
func (k *keeper) take(m Message, fds []int) error {
	var err error
	if k.start, err = DecodeStart(m.Data); err != nil {
		return err
	}
	if want := 1 + k.start.CgroupDirs/2 + k.start.HostTasks; len(fds) != want {
		return fmt.Errorf("cannot start with %d files instead of %d", len(fds), want)
	}
	rest := fds[1:]
	if k.start.CgroupDirs > 0 {
		k.hostsDir, rest = rest[0], rest[1:]
	}
	k.tasks = rest
	return nil
}

// make builds the sandbox's network.
func (k *keeper) make() error {
	for i := range k.spec.Hosts {
		h := &host{spec: k.spec.Hosts[i], tree: itoa(i)}
		if i < len(k.bare) {
			h.life = k.bare[i]
			k.mu.Lock() // against exited
			h.life.host = h
			k.mu.Unlock()
		} else if err := makeOverlay(h.tree); err != nil {
			return err
		} else {
			h.life = k.newLife(h, h.tree)
		}
		k.hosts[h.spec.Name] = h
	}
	k.cables = layCables(k.spec)
	k.mark("files")
	for i, name := range k.spec.Switches {
		var n *netNode
		var err error
		if i == 0 {
			n, err = makeSwitch() // the keeper's own namespace, which nobody else uses
		} else {
			n, err = newSwitch()
		}
		if err != nil {
			return err
		}
		k.switches[name] = n
	}
	k.mark("switches")
	var first error
	for _, h := range k.hosts {
		if err := <-h.life.netReady; err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return first
	}
	k.mark("namespaces")
	named := k.each(func(h *host) error { return k.name(h.life, true) })
	for _, c := range k.cables {
		if err := k.connect(c); err != nil {
			return err
		}
	}
	for _, h := range k.hosts {
		if err := k.configure(h.life); err != nil {
			return err
		}
	}
	k.mark("links")
	if err := named(); err != nil {
		return err
	}
	k.mark("hosts")
	booted := k.each(func(h *host) error { return h.life.do(func() { k.bootScripts(h.life) }) })
	if err := booted(); err != nil {
		return err
	}
	k.mark("boot")
	go k.endBare()
	return nil
}

// each does something with all hosts, beside each other, and returns what waits
// for it.
func (k *keeper) each(f func(*host) error) (wait func() error) {
	errs := make(chan error, len(k.hosts))
	for _, h := range k.hosts {
		go func() { errs <- f(h) }()
	}
	return func() (err error) {
		for range cap(errs) {
			err = errors.Join(err, <-errs)
		}
		return err
	}
}

func (k *keeper) openFixed() (err error) {
	if err = unix.Sethostname([]byte("keeper")); err != nil {
		return fmt.Errorf("cannot set the host name: %w", err)
	}
	if k.init, err = unix.Open(dirLower+"/usr/bin/catatonit", unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("cannot find the hosts' PID 1 (package catatonit) in the root file system: %w", err)
	}
	if k.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("cannot open /dev/null: %w", err)
	}
	return nil
}

// reboot ends the host's processes, if it is up, and boots it again.
func (k *keeper) reboot(h *host) error {
	h.boot.Lock()
	defer h.boot.Unlock()
	old := h.current()
	k.mu.Lock()
	old.asked = true
	if p := k.processes[old.init]; p != nil && p.life == old {
		_ = unix.Kill(old.init, unix.SIGKILL) // and with it all of its namespace: pid_namespaces(7)
	}
	k.mu.Unlock()
	select {
	case <-old.ended:
	case <-time.After(10 * time.Second):
		return fmt.Errorf("cannot reboot %s: its processes do not end", h.spec.Name)
	}
	l := k.newLife(h, h.tree)
	fail := func(err error) error {
		l.finish()
		l.net.close()
		return fmt.Errorf("cannot reboot %s: %w", h.spec.Name, err)
	}
	if err := <-l.netReady; err != nil {
		return fail(err)
	}
	h.mu.Lock()
	h.life = l // from here on its network is the new one
	h.mu.Unlock()
	err := k.replug(h, old.net, l.net)
	old.net.close()
	if err != nil {
		k.complain(err)
	}
	if err := k.configure(l); err != nil {
		k.complain(err)
	}
	if err := k.name(l, false); err != nil {
		return fmt.Errorf("cannot reboot %s: %w", h.spec.Name, err)
	}
	if err := l.do(func() { k.bootScripts(l) }); err != nil {
		return fmt.Errorf("cannot reboot %s: %w", h.spec.Name, err)
	}
	k.sendNode(k.connection(), h.spec.Name)
	return nil
}

func (k *keeper) newID() uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lastID++
	return k.lastID
}

func (k *keeper) connection() *Conn {
	k.connMu.Lock()
	defer k.connMu.Unlock()
	return k.conn
}

func (k *keeper) event(m Message) {
	if c := k.connection(); c != nil {
		_ = c.Send(m) // a server that is gone asks for the state when it is back
	}
}

// serve accepts the server; the latest connection is the one that counts.
func (k *keeper) serve(fd int) error {
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "listen")
	for {
		c, err := accept(f)
		if err != nil {
			return fmt.Errorf("cannot accept the server: %w", err)
		}
		conn, err := NewConn(c)
		if err != nil {
			continue
		}
		k.connMu.Lock()
		if k.conn != nil {
			k.conn.Close()
		}
		k.conn = conn
		k.connMu.Unlock()
		go k.converse(conn)
	}
}

func accept(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	if e := raw.Read(func(l uintptr) bool {
		fd, _, err = unix.Accept4(int(l), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		return err != unix.EAGAIN
	}); e != nil {
		return -1, e
	}
	return fd, err
}

func (k *keeper) converse(c *Conn) {
	for {
		m, fds, err := c.Receive()
		if err != nil {
			closeAll(fds)
			return
		}
		if m.Kind == KindBuild {
			k.begun.Store(true)
			k.build(fds)
		}
		go k.answer(c, m, fds)
	}
}

func (k *keeper) answer(c *Conn, m Message, with []int) {
	defer closeAll(with)
	reply := Message{Kind: KindReply, Seq: m.Seq}
	if m.Kind == KindAttach && !k.begun.Load() {
		reply.Error = "the sandbox was never built"
		_ = c.Send(reply)
		return
	}
	if m.Kind == KindBare {
		if err := k.awaitBare(); err != nil {
			reply.Error = err.Error()
		}
		_ = c.Send(reply)
		return
	}
	<-k.ready
	fds, err := k.handle(c, m, with, &reply)
	if err != nil {
		reply.Error = err.Error()
	}
	_ = c.Send(reply, fds...)
	closeAll(fds)
}

func (k *keeper) handle(c *Conn, m Message, with []int, reply *Message) (fds []int, err error) {
	if k.failed != nil {
		return nil, k.failed
	}
	switch m.Kind {
	case KindAttach:
		k.attach(c)
		reply.Code = Version
		return nil, nil
	case KindBuild:
		for _, name := range k.spec.Switches {
			k.sendNode(c, name)
		}
		for i := range k.spec.Hosts {
			k.sendNode(c, k.spec.Hosts[i].Name)
		}
		reply.Code, reply.Data = Version, encode(&k.timings, codeTimings)
		return nil, nil
	case KindKill:
		return nil, k.kill(m.ID)
	case KindClose:
		k.forget(m.ID)
		return nil, nil
	}
	h := k.hosts[m.Host]
	if h == nil {
		return nil, fmt.Errorf("there is no host %q", m.Host)
	}
	switch m.Kind {
	case KindOpen:
		var master int
		if reply.ID, master, err = k.openTerminal(h.current(), m.Cols, m.Rows, with); err == nil {
			fds = []int{master}
		}
	case KindRun:
		reply.ID, fds, err = k.run(h.current(), m.Line, m.Code == 1)
	case KindReboot:
		err = k.reboot(h)
	default:
		err = fmt.Errorf("cannot do request %d", m.Kind)
	}
	if errors.Is(err, syscall.EAGAIN) {
		err = fmt.Errorf("the sandbox has too many processes: %w", err)
	}
	return fds, err
}

// sendNode sends the files of a node as it is now.
func (k *keeper) sendNode(c *Conn, name string) {
	if c == nil {
		return
	}
	if n := k.switches[name]; n != nil {
		_ = c.Send(Message{Kind: KindNode, Host: name, Line: "switch"}, n.netns)
		return
	}
	l := k.hosts[name].current()
	select {
	case <-l.ended:
		_ = c.Send(Message{Kind: KindHalt, Host: name})
	default:
		_ = c.Send(Message{Kind: KindNode, Host: name, Line: "host"}, l.net.netns, l.root)
	}
}
