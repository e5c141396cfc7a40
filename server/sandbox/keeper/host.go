package keeper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// host is a machine over all its boots.
type host struct {
	spec Host
	tree string     // its directory in dirHosts
	boot sync.Mutex // held while it boots

	mu   sync.Mutex
	life *life // the latest boot; never nil once made
}

func (h *host) current() *life {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.life
}

// life is one boot of a host, from its namespaces to the end of its PID 1. Its
// thread lives in the host's namespaces and runs what calls brings. It begins
// bare: without a name, links, or files of its own.
type life struct {
	host     *host // nil while it is bare
	net      *netNode
	root     int // O_PATH
	pts      int // O_PATH of the devpts, beyond what a learner mounts over it
	sshd     int // listening socket
	init     int // pid of PID 1, as the keeper sees it
	calls    chan func()
	ended    chan struct{} // closed when PID 1 is gone
	netReady chan error
	ready    chan error
	once     sync.Once
	// asked says that the keeper ends it, so that its end is no event.
	asked bool
}

// netNode is a network namespace with a socket in it.
type netNode struct {
	netns int
	nl    *nlSocket
}

func (n *netNode) close() {
	if n != nil {
		n.nl.close()
		unix.Close(n.netns)
	}
}

// currentNetNode opens the namespace of the calling thread.
func currentNetNode() (*netNode, error) {
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open a network namespace: %w", err)
	}
	nl, err := openNetlink()
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &netNode{fd, nl}, nil
}

// newLife starts a thread that makes the namespaces of the host, or of one that
// is not known yet; links may be made once netReady has answered, and it may be
// named once ready has.
func (k *keeper) newLife(h *host, tree string) *life {
	l := &life{host: h, root: -1, pts: -1, sshd: -1, calls: make(chan func()), ended: make(chan struct{}), netReady: make(chan error, 1), ready: make(chan error, 1)}
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this function
		if err := k.enter(l); err != nil {
			l.netReady <- err
			return
		}
		l.netReady <- nil
		if err := k.populate(l, tree); err != nil {
			l.ready <- err
			return
		}
		if err := k.listenSSH(l); err != nil {
			k.complain(err) // a host without ssh is still a host
		}
		l.ready <- nil
		for {
			select {
			case f := <-l.calls:
				f()
			case <-l.ended:
				return
			}
		}
	}()
	return l
}

// enter puts the calling thread into new namespaces.
func (k *keeper) enter(l *life) error {
	// The thread alone joins the limits; its children are born under them.
	for _, fd := range k.tasks {
		if _, err := unix.Write(fd, []byte("0")); err != nil {
			return fmt.Errorf("cannot join a cgroup: %w", err)
		}
	}
	flags := unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID
	if len(k.tasks) > 0 {
		flags |= unix.CLONE_NEWCGROUP // on v2 a thread cannot be where its cgroup namespace should be
	}
	if err := unix.Unshare(flags); err != nil {
		return fmt.Errorf("cannot make the namespaces of a host: %w", err)
	}
	var err error
	if l.net, err = currentNetNode(); err != nil {
		return err
	}
	// IPv4 settings come from the machine's own namespace (net.core.devconf_inherit_net),
	// whatever they are there: a lab must not depend on them.
	for _, kv := range [][2]string{{"ip_forward", "0"}, {"conf/all/rp_filter", "0"}, {"conf/default/rp_filter", "0"}} {
		if err := writeProc("/proc/sys/net/ipv4/"+kv[0], kv[1]); err != nil {
			return err
		}
	}
	return l.net.nl.setFlags(1, unix.IFF_UP, unix.IFF_UP)
}

func writeProc(path, value string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(value))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("cannot write %q to %s: %w", value, path, err)
	}
	return nil
}

// populate gives the thread's host a file system and a PID 1.
func (k *keeper) populate(l *life, tree string) error {
	err := pivot(dirHosts+"/"+tree, func(old int) error {
		if err := k.mountHost(old); err != nil {
			return err
		}
		return k.startInit(l) // while the keeper's proc is in sight: see makeTree
	})
	if err != nil {
		return err
	}
	// As systemd has it; container engines expect it.
	if err := mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return err
	}
	if l.root, err = unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	l.pts, err = unix.Open("/dev/pts", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return err
}

// name makes a life that is ready the host's: it gets its name, and before its
// first boot its files.
func (k *keeper) name(l *life, first bool) (err error) {
	if err = <-l.ready; err != nil {
		return err
	}
	h := &l.host.spec
	down := l.do(func() {
		if err = unix.Sethostname([]byte(h.Name)); err != nil {
			err = fmt.Errorf("cannot set the host name: %w", err)
			return
		}
		if !first {
			return
		}
		own := []File{{"/etc/hostname", h.Name + "\n"}, {"/etc/hosts", hostsFile(k.spec, h)}}
		for _, f := range append(own, h.Files...) {
			if err = writeFile(f); err != nil {
				return
			}
		}
	})
	return errors.Join(down, err)
}

func writeFile(f File) error {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return fmt.Errorf("cannot make the directory of %s: %w", f.Path, err)
	}
	if err := os.WriteFile(f.Path, []byte(f.Content), 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", f.Path, err)
	}
	return nil
}

var errDown = errors.New("the host is down")

// do runs f on the host's thread, while the host is up.
func (l *life) do(f func()) error {
	done := make(chan struct{})
	select {
	case <-l.ended:
		return errDown
	case l.calls <- func() { defer close(done); f() }:
		<-done
		return nil
	}
}

// finish is called when PID 1 is gone.
func (l *life) finish() {
	l.once.Do(func() {
		close(l.ended)
		for _, fd := range []int{l.root, l.pts} {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
		if l.sshd >= 0 {
			// Wakes the goroutine that accepts, which closes it.
			_ = unix.Shutdown(l.sshd, unix.SHUT_RDWR)
		}
	})
}

// configure applies the topology's settings of a host, whose devices are there.
func (k *keeper) configure(l *life) error {
	h, nl := &l.host.spec, l.net.nl
	var errs []error
	try := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot %s on %s: %w", what, h.Name, err))
		}
	}
	index := map[string]int{"lo": 1}
	for _, c := range k.cables {
		for _, e := range c.ends() {
			if e.node == h.Name {
				index[e.dev] = e.index
			}
		}
	}
	for _, itf := range h.Interfaces {
		for _, a := range itf.Addresses {
			if itf.Name == "lo" && a.Addr().IsLoopback() && a.Bits() == 8 {
				continue // the kernel has set it
			}
			try("set the address "+a.String(), nl.addAddress(index[itf.Name], a))
		}
	}
	for _, r := range h.Routes {
		read, err := parseRoute(r)
		if err == nil {
			i, known := index[r.Dev], r.Dev == ""
			if i == 0 && !known {
				err = unix.ENODEV
			} else {
				err = nl.addRoute(read, i)
			}
		}
		try("add the route to "+r.To, err)
	}
	return errors.Join(errs...)
}

// bootScripts does on the host's thread what a machine's start scripts do.
func (k *keeper) bootScripts(l *life) {
	for _, kv := range l.host.spec.Sysctl {
		if path, err := sysctlPath(kv[0]); err == nil {
			if err := writeProc(path, kv[1]); err != nil {
				k.complain(err)
			}
		}
	}
	scripts := ""
	if hasSettings("/etc/sysctl.conf") || anyFile("/etc/sysctl.d", ".conf", hasSettings) {
		scripts += "sysctl --quiet --ignore --system >/dev/null 2>&1\n"
	}
	if configuresMore("/etc/network/interfaces") || anyFile("/etc/network/interfaces.d", "", configuresMore) {
		scripts += "timeout -k 1 8 ifup -a --ignore-errors >/run/network/boot.log 2>&1\n"
	}
	if scripts != "" {
		p := &process{life: l, done: make(chan struct{})}
		if _, err := k.fork(l, "/bin/sh", []string{"sh", "-c", scripts}, k.quietAttr(), p); err == nil {
			select {
			case <-p.done:
			case <-time.After(10 * time.Second):
			}
		}
	}
	for _, line := range l.host.spec.Start {
		if _, err := k.fork(l, "/bin/bash", []string{"bash", "-c", line}, k.quietAttr(), &process{life: l}); err != nil {
			k.complain(fmt.Errorf("cannot run a start line of %s: %w", l.host.spec.Name, err))
		}
	}
}

// quietAttr is for processes that nobody watches.
func (k *keeper) quietAttr() *syscall.ProcAttr {
	null := uintptr(k.null)
	return &syscall.ProcAttr{Dir: "/root", Env: environment(""), Files: []uintptr{null, null, null}, Sys: &syscall.SysProcAttr{Setsid: true}}
}

// readSmall reads a learner's file on the host's thread: a regular one, bounded.
func readSmall(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return ""
	}
	b, _ := io.ReadAll(io.LimitReader(f, 64<<10))
	return string(b)
}

// hasSettings says whether a sysctl.conf(5) file sets anything.
func hasSettings(path string) bool {
	for line := range strings.SplitSeq(readSmall(path), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && line[0] != ';' {
			return true
		}
	}
	return false
}

// configuresMore says whether an interfaces(5) file brings up more than lo.
func configuresMore(path string) bool {
	for line := range strings.SplitSeq(readSmall(path), "\n") {
		words := strings.Fields(line)
		if len(words) > 1 && (words[0] == "auto" || strings.HasPrefix(words[0], "allow-")) {
			for _, w := range words[1:] {
				if w != "lo" {
					return true
				}
			}
		}
	}
	return false
}

func anyFile(dir, suffix string, is func(string) bool) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries[:min(len(entries), 100)] {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), suffix) && is(dir+"/"+e.Name()) {
			return true
		}
	}
	return false
}
