package rootless

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The files that the first process of a namespace is born with.
const (
	fdGate   = 3 // tells that the ids are mapped
	fdFirst  = 4 // the connection of whoever started it
	fdListen = 5 // where others come later; it is there where the namespace is kept
)

// errGone says that a namespace has ended in the moment in which it was asked.
var errGone = errors.New("the user namespace has ended")

// supervise has the program run in its namespaces, in those of an earlier one
// where they live on, passes signals on to it, and waits for its end.
func supervise(keep string) (code int, err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, unix.SIGTERM, unix.SIGHUP)
	defer signal.Stop(signals)
	for range 10 {
		conn, err := enter(keep)
		if err != nil {
			return 1, err
		}
		code, err = follow(conn, signals)
		if !errors.Is(err, errGone) {
			return code, err
		}
	}
	return 1, err
}

// enter connects to the first process of the namespaces that are kept for the
// folder, or of new ones.
func enter(keep string) (*net.UnixConn, error) {
	if keep == "" {
		return begin(nil)
	}
	if err := os.MkdirAll(keep, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make a folder: %w", err)
	}
	dir, err := os.Open(keep)
	if err != nil {
		return nil, fmt.Errorf("cannot open a folder: %w", err)
	}
	defer dir.Close()
	// Two that start at once make one. The lock goes with the file.
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("cannot lock the folder %s: %w", keep, err)
	}
	// By the open folder, as the path of a unix socket must be short.
	at := &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketName)}
	conn, err := net.DialUnix("unix", nil, at)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, unix.ECONNREFUSED): // of one that was killed
		if err := os.Remove(filepath.Join(keep, socketName)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("cannot ask for what an earlier server left: %w", err)
	}
	l, err := net.ListenUnix("unix", at)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	file, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	defer file.Close()
	if conn, err = begin(file); err != nil {
		return nil, errors.Join(err, os.Remove(filepath.Join(keep, socketName)))
	}
	return conn, nil
}

// socketName is where the first process of a kept namespace is found.
const socketName = "namespace.sock"

// begin makes the namespaces, maps the user's ids, and returns a connection to
// their first process.
func begin(listen *os.File) (*net.UnixConn, error) {
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("cannot tell who runs this: %w", err)
	}
	uids, err := subordinate("/etc/subuid", me)
	if err != nil {
		return nil, err
	}
	gids, err := subordinate("/etc/subgid", me)
	if err != nil {
		return nil, err
	}
	count := min(uids.count, gids.count) + 1 // the user is id 0
	if count < 4*idRange {
		return nil, fmt.Errorf("%s has %d subordinate ids, and each sandbox takes %d, of which two stand prepared. Have more given: "+
			"sudo usermod --add-subuids 1000000000-1013107199 --add-subgids 1000000000-1013107199 %s", me.Username, count-1, idRange, me.Username)
	}
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%s is missing, without which an ordinary user has no ids for sandboxes. Install it: sudo apt-get install uidmap", tool)
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	defer read.Close()
	ours, theirs, err := connection()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	fail := func(err error) (*net.UnixConn, error) {
		ours.Close()
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fail(err)
	}
	defer null.Close()
	group, err := ownGroup()
	if err != nil {
		return fail(err)
	}
	// A list of processes shows it as what it is: whoever kills all that is called
	// like the server kills the server, and not what it would come back to.
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"keeper", "namespace"}}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = null, null, null
	cmd.ExtraFiles = []*os.File{read, theirs}
	at := "map"
	if listen != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, listen)
		at += kept
	}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), stage+"="+at, groupVariable+"="+group,
		idBase+"="+strconv.Itoa(idRange), idCount+"="+strconv.FormatUint((count/idRange-1)*idRange, 10))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID, Setsid: true}
	if err := cmd.Start(); err != nil {
		return fail(fmt.Errorf("cannot make a user namespace; this machine may forbid it to ordinary users (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns): %w", err))
	}
	go func() { _ = cmd.Wait() }() // it says itself what ended in it, by the connection
	for tool, args := range map[string][]string{
		"newuidmap": uids.arguments(cmd.Process.Pid, os.Geteuid()), "newgidmap": gids.arguments(cmd.Process.Pid, os.Getegid()),
	} {
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			_ = cmd.Process.Kill()
			return fail(fmt.Errorf("cannot map the subordinate ids: %s: %w", strings.TrimSpace(string(out)), err))
		}
	}
	if _, err := write.Write([]byte{1}); err != nil {
		return fail(fmt.Errorf("cannot start inside the user namespace: %w", err))
	}
	return ours, nil
}

// connection gives a pair of connected sockets.
func connection() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "first")
	ours, err := unixConn(fds[0])
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// unixConn takes over a connected socket.
func unixConn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("cannot use a socket: %w", err)
	}
	return c.(*net.UnixConn), nil
}

// follow has the namespace's first process run the program, as this one was
// called, and returns its exit status.
func follow(conn *net.UnixConn, signals <-chan os.Signal) (code int, err error) {
	defer conn.Close()
	dir, err := os.Getwd()
	if err != nil {
		return 1, fmt.Errorf("cannot tell the current folder: %w", err)
	}
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		return 1, fmt.Errorf("cannot open the program: %w", err)
	}
	defer program.Close()
	out := json.NewEncoder(conn)
	_, _, err = conn.WriteMsgUnix([]byte{protocol}, unix.UnixRights(int(program.Fd()), 0, 1, 2), nil)
	if err == nil {
		err = out.Encode(order{Args: os.Args, Env: os.Environ(), Dir: dir})
	}
	if err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) { // one that has ended may have said why
		return 1, fmt.Errorf("cannot ask the user namespace's first process: %w", err)
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case s := <-signals:
				_ = out.Encode(order{Signal: int(s.(syscall.Signal))}) // to one that may just have ended
			case <-ended:
				return
			}
		}
	}()
	in := json.NewDecoder(conn)
	for started := false; ; started = true {
		var a outcome
		err := in.Decode(&a)
		switch {
		case err == nil && a.Error != "":
			return 1, errors.New(a.Error)
		case err == nil && !a.Started:
			return a.Code, nil
		case err == nil:
		case !errors.Is(err, io.EOF) && !errors.Is(err, unix.ECONNRESET):
			return 1, fmt.Errorf("cannot understand the user namespace's first process: %w", err)
		case started:
			return 128 + int(unix.SIGKILL), errors.New("the user namespace has ended, and all sandboxes with it: somebody has killed its first process")
		default:
			return 1, errGone
		}
	}
}
