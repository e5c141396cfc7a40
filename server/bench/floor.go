package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// floor measures what the kernel takes for three hosts on a switch with a
// shell: the same namespaces, links and root made in the simplest way, by one
// thread, without isolation: no user namespaces, no control groups, no keeper.
func (r *run) floor(ctx context.Context, _ *server) error {
	var total samples
	var parts phases
	for i := range r.some(30, 5) + 1 {
		dir := filepath.Join(r.dir, "floor")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("cannot make a folder: %w", err)
		}
		f := &floor{rootfs: r.o.Machine.Rootfs, dir: dir}
		done := make(chan error)
		go func() {
			// Never unlocked: the thread ends with the goroutine, and all that it
			// has made with the thread.
			runtime.LockOSThread()
			err := f.build(3)
			f.close()
			done <- err
		}()
		if err := <-done; err != nil {
			return err
		}
		if i > 0 {
			total.add(f.took)
			for _, p := range f.phases {
				parts.add(p.name, p.took)
			}
		}
		select { // the kernel removes devices behind, which would slow the next one
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f := r.spread("floor.3", "floor: the same network and prompt without isolation, 3 hosts", "ms", total)
	f.Note = "in Go, without user namespaces (about 0.5 ms) and control groups"
	parts.record(&r.recorder, "floor.3")
	return nil
}

type floor struct {
	rootfs, dir string
	began, last time.Time
	took        time.Duration
	phases      []phase
	undo        []func()
}

func (f *floor) lap(name string) {
	now := time.Now()
	f.phases = append(f.phases, phase{name, ms(now.Sub(f.last))})
	f.last = now
}

func (f *floor) close() {
	for i := len(f.undo) - 1; i >= 0; i-- {
		f.undo[i]()
	}
}

// build makes the network. It changes the namespaces of its thread.
func (f *floor) build(hosts int) error {
	f.began = time.Now()
	f.last = f.began
	var spaces []*os.File // the hosts', the last being that of the thread
	open := func() error {
		ns, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return fmt.Errorf("cannot open a network namespace: %w", err)
		}
		f.undo = append(f.undo, func() { ns.Close() })
		spaces = append(spaces, ns)
		return nil
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cannot make a network namespace: %w", err)
	}
	sw, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("cannot talk to the kernel: %w", err)
	}
	f.undo = append(f.undo, sw.Close)
	links := make([]*netlink.Handle, hosts)
	for i := range links {
		flags := unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
		if err := unix.Unshare(flags); err != nil {
			return fmt.Errorf("cannot make a host's namespaces: %w", err)
		}
		if err := open(); err != nil {
			return err
		}
		if links[i], err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
			return fmt.Errorf("cannot talk to the kernel: %w", err)
		}
		f.undo = append(f.undo, links[i].Close)
	}
	f.lap("namespaces")
	if err := f.root(); err != nil {
		return err
	}
	f.lap("root")
	if err := wire(sw, links, spaces); err != nil {
		return err
	}
	f.lap("links")
	if err := f.shell(); err != nil {
		return err
	}
	f.lap("shell")
	f.took = time.Since(f.began)
	return nil
}

// root makes a root of its own for the last host: one is enough for the shell.
func (f *floor) root() error {
	var errs []error
	mount := func(what, where, kind string, flags uintptr, data string) {
		if err := unix.Mount(what, where, kind, flags, data); err != nil {
			errs = append(errs, fmt.Errorf("cannot mount %s: %w", where, err))
		}
	}
	mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	mount("tmpfs", f.dir, "tmpfs", 0, "size=16m")
	upper, work, root := filepath.Join(f.dir, "upper"), filepath.Join(f.dir, "work"), filepath.Join(f.dir, "root")
	for _, d := range []string{upper, work, root} {
		errs = append(errs, os.Mkdir(d, 0o755))
	}
	mount("overlay", root, "overlay", 0, "lowerdir="+f.rootfs+",upperdir="+upper+",workdir="+work)
	mount("/dev", filepath.Join(root, "dev"), "", unix.MS_BIND|unix.MS_REC, "")
	return errors.Join(errs...)
}

// wire joins the hosts by a bridge.
func wire(sw *netlink.Handle, hosts []*netlink.Handle, spaces []*os.File) error {
	attrs := func(name string) netlink.LinkAttrs {
		a := netlink.NewLinkAttrs()
		a.Name, a.Flags = name, net.FlagUp
		return a
	}
	bridge := &netlink.Bridge{LinkAttrs: attrs("br0")}
	if err := sw.LinkAdd(bridge); err != nil {
		return fmt.Errorf("cannot make a bridge: %w", err)
	}
	for i, h := range hosts {
		a := attrs(fmt.Sprintf("port%d", i))
		a.MasterIndex = bridge.Index
		err := sw.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(spaces[i].Fd()))})
		if err != nil {
			return fmt.Errorf("cannot make a cable: %w", err)
		}
		dev, err := h.LinkByName("eth0")
		if err == nil {
			var addr *netlink.Addr
			if addr, err = netlink.ParseAddr(fmt.Sprintf("10.77.0.%d/24", i+1)); err == nil {
				err = h.AddrAdd(dev, addr)
			}
		}
		if err == nil {
			err = h.LinkSetUp(dev)
		}
		if err != nil {
			return fmt.Errorf("cannot configure a host: %w", err)
		}
	}
	return nil
}

// shell starts bash and waits for its prompt.
func (f *floor) shell() error {
	master, slave, err := pty.Open()
	if err != nil {
		return fmt.Errorf("cannot open a PTY: %w", err)
	}
	defer master.Close()
	defer slave.Close()
	cmd := exec.Command("/bin/bash")
	cmd.Dir = "/root"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=xterm-256color", "LANG=C.UTF-8"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Chroot: filepath.Join(f.dir, "root")}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start bash: %w", err)
	}
	f.undo = append(f.undo, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	if _, err := master.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("cannot read the prompt: %w", err)
	}
	return nil
}
