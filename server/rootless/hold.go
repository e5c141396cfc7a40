package rootless

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// protocol is the version of what goes over a connection: one byte of it with
// the program's file, standard input, output and error, then orders; outcomes
// come back. The byte, and an outcome's Error, are the same in all versions.
const protocol = 1

// order is to run a program, the first one, or to send it a signal.
type order struct {
	Args, Env []string
	Dir       string
	Signal    int
}

// outcome is how the program ended, or why it was not started.
type outcome struct {
	Started bool // and it runs; another outcome comes at its end
	Code    int
	Error   string
}

// idBase and idCount are settings of an ordinary user's server: the ids as they
// are inside the namespace.
const idBase, idCount = "NETGROUND_ID_BASE", "NETGROUND_ID_COUNT"

// caller is a connection of who wants a program to run.
type caller struct {
	conn  *net.UnixConn
	order order
	files []int // program, standard input, output and error
}

// tell says how it goes, to one that may have gone.
func (c *caller) tell(o outcome) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_ = json.NewEncoder(c.conn).Encode(o)
}

// answer says how it went.
func (c *caller) answer(o outcome) {
	c.drop()
	c.tell(o)
	c.conn.Close()
}

func (c *caller) drop() {
	for _, fd := range c.files {
		unix.Close(fd)
	}
	c.files = nil
}

// said is what has come from a caller: an order, or its end.
type said struct {
	from *caller
	order
	err error
}

// first is the first process of the namespaces.
type first struct {
	kept    bool
	orders  chan said
	pid     int     // of the program that runs; 0: none
	current *caller // whose program it is; nil: gone, and the program is killed
	next    *caller // waits for that program's end
}

// hold is the namespaces' first process. A program whose caller goes is killed.
// Whatever programs leave runs on where the namespaces are kept, and keeps them;
// a program that ends well takes all with it.
func hold(isKept bool) error {
	conn, err := unixConn(fdFirst)
	if err != nil {
		return err
	}
	// What this starts gets no file but those that are named.
	err = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		err = prepare()
	}
	if err != nil {
		(&caller{conn: conn}).answer(outcome{Error: err.Error()})
		return err
	}
	h := &first{kept: isKept, orders: make(chan said)}
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	go h.listen(conn)
	if isKept {
		f := os.NewFile(fdListen, "listen")
		l, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return err // the caller finds the connection at its end
		}
		go h.accept(l.(*net.UnixListener))
	}
	for begun := false; ; {
		select {
		case s := <-h.orders:
			h.handle(s)
			begun = true
		case <-children:
		}
		alone, well := h.reap()
		if begun && h.pid == 0 && (alone || well || !h.kept) {
			return nil // and with this process, all others end
		}
	}
}

func (h *first) accept(l *net.UnixListener) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return // nobody comes any more
		}
		go h.listen(conn)
	}
}

// listen hands on what a caller says.
func (h *first) listen(conn *net.UnixConn) {
	c := &caller{conn: conn}
	fail := func(err error) { h.orders <- said{from: c, err: err} }
	var err error
	if c.files, err = receive(conn); err != nil {
		c.answer(outcome{Error: err.Error()})
		fail(err)
		return
	}
	in := json.NewDecoder(conn)
	for {
		s := said{from: c}
		if err := in.Decode(&s.order); err != nil {
			fail(err)
			return
		}
		h.orders <- s
	}
}

// receive reads the first byte, and the files that come with it.
func receive(conn *net.UnixConn) ([]int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var peer *unix.Ucred
	if e := raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); e != nil || err != nil {
		return nil, errors.Join(e, err)
	}
	if int(peer.Uid) != os.Geteuid() {
		return nil, errors.New("cannot run a program for somebody else")
	}
	b, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4*4))
	n, oobn, _, _, err := conn.ReadMsgUnix(b, oob)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return nil, err
	}
	var files []int
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return files, err
		}
		files = append(files, fds...)
	}
	for _, fd := range files {
		unix.CloseOnExec(fd)
	}
	if n != 1 || b[0] != protocol || len(files) != 4 {
		return files, fmt.Errorf("cannot go on with the sandboxes that an earlier version of this program left, as their user namespace speaks version %d. End them: start that version once more, and stop it with Ctrl-C", protocol)
	}
	return files, nil
}

// handle does what a caller wants.
func (h *first) handle(s said) {
	switch c := s.from; {
	case s.err != nil:
		c.drop()
		c.conn.Close()
		if c == h.next {
			h.next = nil
		}
		if c == h.current {
			h.current = nil
			_ = unix.Kill(h.pid, unix.SIGKILL)
		}
	case s.Signal != 0:
		if c == h.current && h.pid != 0 {
			_ = unix.Kill(h.pid, syscall.Signal(s.Signal))
		}
	case h.pid == 0:
		c.order = s.order
		h.start(c)
	case h.current == nil && h.next == nil: // the one before it is killed
		c.order = s.order
		h.next = c
	default:
		c.answer(outcome{Error: "cannot start: a server with these folders is running"})
	}
}

// start runs the program of a caller.
func (h *first) start(c *caller) {
	env := slices.DeleteFunc(c.order.Env, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return name == stage || name == groupVariable
	})
	env = append(env, stage+"=run", groupVariable+"="+os.Getenv(groupVariable))
	for _, name := range []string{idBase, idCount} {
		if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			env = append(env, name+"="+os.Getenv(name))
		}
	}
	files := []uintptr{uintptr(c.files[1]), uintptr(c.files[2]), uintptr(c.files[3])}
	pid, err := syscall.ForkExec(fmt.Sprintf("/proc/self/fd/%d", c.files[0]), c.order.Args, &syscall.ProcAttr{
		Dir: c.order.Dir, Env: env, Files: files, Sys: &syscall.SysProcAttr{Setpgid: true}, // a Ctrl-C comes once, from the caller
	})
	if err != nil {
		c.answer(outcome{Code: 1, Error: fmt.Sprintf("cannot start %s inside the user namespace: %v", c.order.Args[0], err)})
		return
	}
	c.drop() // the output ends with the program
	h.pid, h.current = pid, c
	c.tell(outcome{Started: true})
}

// reap takes note of what has ended: whether nothing runs but this process, and
// whether the program has just ended well.
func (h *first) reap() (alone, well bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return true, well // ECHILD
		case pid == 0:
			return false, well
		case pid != h.pid:
			continue
		}
		code := status.ExitStatus()
		if status.Signaled() {
			code = 128 + int(status.Signal())
		}
		well = code == 0
		if h.current != nil {
			h.current.answer(outcome{Code: code})
		}
		h.pid, h.current = 0, nil
		if h.next != nil {
			c := h.next
			h.next = nil
			h.start(c)
		}
	}
}
