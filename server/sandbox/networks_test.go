//go:build sandbox

package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// network is a network namespace that something keeps.
type network struct {
	name    string   // such as net:[4026531840]; a number may be given anew
	cookie  uint64   // which no other ever has, see SO_NETNS_COOKIE in net/core/net_namespace.c
	machine bool     // the one that this process is in
	ours    bool     // this process, one below it, or a mount that this one sees keeps it
	kept    []string // by whom
	devices []string // the kind of each, such as veth; "" where it has none
	paths   []string // which led to it
}

// reachableNetworks finds the network namespaces of all processes of the machine,
// those that a descriptor of one keeps, and those that are mounted anywhere.
func reachableNetworks(ours []string) (all []*network, err error) {
	known := map[string]*network{}
	add := func(name, path, kept string, own bool) {
		if !strings.HasPrefix(name, "net:[") {
			return
		}
		n := known[name]
		if n == nil {
			n = &network{name: name}
			known[name] = n
		}
		n.ours = n.ours || own
		n.paths = append(n.paths, path)
		if !slices.Contains(n.kept, kept) {
			n.kept = append(n.kept, kept)
		}
	}
	mounts, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return nil, err
	}
	looked := map[string]bool{}
	pids, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range pids {
		pid := filepath.Base(dir)
		own := slices.Contains(ours, pid)
		comm, _ := os.ReadFile(dir + "/comm")
		who := fmt.Sprintf("process %s (%s)", pid, bytes.TrimSpace(comm))
		tasks, _ := filepath.Glob(dir + "/task/*/ns/net")
		fds, _ := filepath.Glob(dir + "/fd/*")
		for _, path := range tasks {
			name, _ := os.Readlink(path) // it may have ended
			add(name, path, who, own)
		}
		for _, path := range fds {
			name, _ := os.Readlink(path)
			add(name, path, "a descriptor of "+who, own)
		}
		space, err := os.Readlink(dir + "/ns/mnt")
		if err != nil || looked[space] {
			continue
		}
		looked[space] = true
		table, _ := os.ReadFile(dir + "/mountinfo")
		for _, m := range namespaceMounts(string(table)) {
			add(m.name, filepath.Join(dir, "root", m.at), "a mount at "+m.at+" that "+who+" sees", own || space == mounts)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		err = visit(known)
		if err == nil {
			runtime.UnlockOSThread()
		} // else the thread may be anywhere, and ends with this goroutine
	}()
	<-done
	for _, n := range known {
		if n.cookie != 0 { // else it has ended meanwhile
			all = append(all, n)
		}
	}
	return all, err
}

// visit looks into network namespaces; the thread is its own again afterwards.
func visit(all map[string]*network) error {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	own, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	for _, n := range all {
		n.machine = n.name == own
		for len(n.paths) > 0 && n.cookie == 0 {
			f, err := os.Open(n.paths[0])
			n.paths = n.paths[1:]
			if err != nil { // that task has ended
				continue
			}
			err = n.look(f)
			f.Close()
			if err != nil {
				return fmt.Errorf("cannot look into %s: %w", n.name, err)
			}
		}
	}
	return unix.Setns(int(home.Fd()), unix.CLONE_NEWNET)
}

func (n *network) look(f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || n.name != fmt.Sprintf("net:[%d]", st.Ino) {
		return err // the path leads elsewhere now
	}
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if n.cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE); err != nil {
		return err
	}
	n.devices, err = deviceKinds()
	return err
}

// deviceKinds lists the devices of the thread's network namespace by their kinds.
func deviceKinds() (kinds []string, err error) {
	b, err := syscall.NetlinkRIB(syscall.RTM_GETLINK, syscall.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		if messages[i].Header.Type != syscall.RTM_NEWLINK {
			continue
		}
		attributes, err := syscall.ParseNetlinkRouteAttr(&messages[i])
		if err != nil {
			return nil, err
		}
		kind := ""
		for _, a := range attributes {
			// IFLA_LINKINFO holds IFLA_INFO_KIND, its first attribute: 4 bytes of header, a text.
			if a.Attr.Type == syscall.IFLA_LINKINFO && len(a.Value) > 4 && a.Value[2] == unix.IFLA_INFO_KIND {
				text, _, _ := bytes.Cut(a.Value[4:], []byte{0})
				kind = string(text)
			}
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}

// namespaceMount is a namespace that is mounted on a file.
type namespaceMount struct{ name, at string }

// namespaceMounts reads a mountinfo: number, parent, device, the root of the
// mount, which is the namespace, and where it is (proc_pid_mountinfo(5)).
func namespaceMounts(table string) (all []namespaceMount) {
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 5 && isNamespace(f[3]) && strings.Contains(line, " - nsfs ") {
			all = append(all, namespaceMount{f[3], f[4]})
		}
	}
	return all
}

// isNamespace says whether a link's target is one, such as net:[4026531840].
func isNamespace(to string) bool {
	kind, rest, found := strings.Cut(to, ":[")
	return found && strings.HasSuffix(rest, "]") && kind != "socket" && kind != "pipe" && kind != "anon_inode"
}
