package keeper

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// Kind says what a Message is.
type Kind uint8

// The kinds of messages. A request has a Seq that its reply repeats; events
// have none.
const (
	// KindReply answers a request; Error says why it failed.
	KindReply Kind = iota + 1
	// KindStart asks the spawner for a sandbox: Line is its directory, Data a Start.
	KindStart
	// KindSettle asks the spawner to wait until the devices of the network
	// namespaces that come with it are gone.
	KindSettle
	// KindAttach asks a keeper that another server has had for its state; answered
	// by a KindNode for each node, a KindHalt for each host that is off, a KindShell
	// for each shell, and then a reply, which comes when the sandbox is ready. What
	// KindRun has begun for the other server is ended.
	KindAttach
	// KindNode tells of a node: Host is its name, Line its kind; the files are
	// its network namespace and, for a host that is on, the root of its file system.
	KindNode
	// KindOpen asks for a terminal on Host of Cols × Rows; the reply's ID is the
	// shell's and its file the master of the pseudo terminal. The keeper holds the
	// master, and the files that come with the request, until KindClose.
	KindOpen
	// KindRun asks for a run of Line on Host; Code 1 asks for an input pipe too.
	// The reply's ID is the process's; its files are output, errors, and input.
	KindRun
	// KindKill asks to kill the process group of the shell or run ID.
	KindKill
	// KindReboot asks to reboot, or to start, Host.
	KindReboot
	// KindExit is an event: the shell or run ID ended with Code.
	KindExit
	// KindHalt is an event: Host has halted.
	KindHalt
	// KindOuter and KindRunner are the two messages of the spawner to the
	// processes that become a keeper.
	KindOuter
	KindRunner
	// KindBuild gives a keeper the Spec, as its file; asked for once, before
	// everything else.
	KindBuild
	// KindShell tells of the shell ID on Host: its files are the master and those
	// that came with its KindOpen. Line is "exited" if it has ended, with Code.
	KindShell
	// KindClose asks to let go of the shell ID, which hangs it up.
	KindClose
	// KindBare asks a keeper to answer once it has made its bare hosts.
	KindBare
)

// Message is what server, spawner and keeper say to each other, one a packet.
type Message struct {
	Kind       Kind
	Seq        uint32
	ID         uint32
	Cols, Rows uint16
	Code       int32
	Host       string
	Line       string
	Error      string
	Data       []byte
}

// MaxMessage is the size of the largest packet; what may be larger (a Spec)
// travels as a file.
const MaxMessage = 96 << 10

// Start is what a keeper needs beside the Spec; it travels with the files that
// it counts, in this order: CgroupDirs, KeeperTasks, HostTasks.
type Start struct {
	ID   string
	Base uint32 // first host id of the sandbox's range
	// Filter is the seccomp filter: an array of struct sock_filter.
	Filter []byte
	// Ucounts are user.max_* limits for the outer user namespace.
	Ucounts []Ucount
	// Processes is how many of them the learner's user namespace may have, where
	// no control group bounds them; 0: as many as that allows.
	Processes int64
	// DiskBytes and Inodes bound what all hosts write together.
	DiskBytes, Inodes int64
	// CgroupDirs is 2 on cgroup v2 (the keeper's directory, the hosts'), 0 on v1.
	CgroupDirs int
	// KeeperTasks and HostTasks count the cgroup v1 files that the keeper and
	// that its hosts' threads are written to.
	KeeperTasks, HostTasks int
	// Bare is how many hosts to make before anybody says what they shall be.
	Bare int
	// CgroupMounts are the v1 hierarchies to mount inside hosts ("cpu",
	// "name=systemd"); nil mounts cgroup2.
	CgroupMounts []string
	// SSH keys, shared by all hosts of the sandbox.
	Keys Keys
}

// Ucount is a limit of namespaces(7) and inotify(7): a file of /proc/sys/user.
type Ucount struct {
	Name  string
	Value int64
}

// Keys are one ssh key pair in the forms that its users read.
type Keys struct {
	Dropbear   []byte // the host key, in dropbear's format
	OpenSSH    []byte // the private key, in OpenSSH's
	Authorized []byte // the public key, as a line of authorized_keys
}

// Timing is how long a phase of a start took, counted from the process's start.
type Timing struct {
	Phase string
	At    time.Duration
}

var errTruncated = errors.New("cannot decode the message: it is cut short")

// coder visits the fields of a value and either writes or reads each, so that
// both directions share one description of the format.
type coder struct {
	b       []byte
	reading bool
	err     error
}

func number[T ~uint8 | ~uint16 | ~uint32 | ~int32 | ~int64 | ~int](c *coder, v *T) {
	if !c.reading {
		c.b = binary.AppendVarint(c.b, int64(*v))
		return
	}
	n, size := binary.Varint(c.b)
	if size <= 0 {
		c.err, c.b = errTruncated, nil
		return
	}
	*v, c.b = T(n), c.b[size:]
}

func (c *coder) bytes(v *[]byte) {
	n := len(*v)
	number(c, &n)
	switch {
	case !c.reading:
		c.b = append(c.b, *v...)
	case n < 0 || n > len(c.b):
		c.err, c.b = errTruncated, nil
	default:
		*v, c.b = c.b[:n:n], c.b[n:]
	}
}

func (c *coder) text(v *string) {
	b := []byte(*v)
	c.bytes(&b)
	if c.reading {
		*v = string(b)
	}
}

func (c *coder) flag(v *bool) {
	var n uint8
	if *v {
		n = 1
	}
	number(c, &n)
	*v = n == 1
}

func (c *coder) prefix(v *netip.Prefix) {
	s := v.String()
	c.text(&s)
	if c.reading && c.err == nil {
		*v, c.err = netip.ParsePrefix(s)
	}
}

func list[T any](c *coder, v *[]T, each func(*coder, *T)) {
	n := len(*v)
	number(c, &n)
	if c.reading {
		if n < 0 || n > len(c.b) { // each element takes a byte at least
			c.err, c.b = errTruncated, nil
			return
		}
		*v = make([]T, n)
	}
	for i := range *v {
		if each(c, &(*v)[i]); c.err != nil {
			return
		}
	}
}

func encode[T any](v *T, visit func(*coder, *T)) []byte {
	c := coder{b: make([]byte, 0, 256)}
	visit(&c, v)
	return c.b
}

func decode[T any](b []byte, visit func(*coder, *T)) (*T, error) {
	c, v := coder{b: b, reading: true}, new(T)
	visit(&c, v)
	if c.err == nil && len(c.b) > 0 {
		c.err = errors.New("cannot decode the message: it is longer than it says")
	}
	return v, c.err
}

func codeMessage(c *coder, m *Message) {
	number(c, &m.Kind)
	number(c, &m.Seq)
	number(c, &m.ID)
	number(c, &m.Cols)
	number(c, &m.Rows)
	number(c, &m.Code)
	c.text(&m.Host)
	c.text(&m.Line)
	c.text(&m.Error)
	c.bytes(&m.Data)
}

func codeStart(c *coder, s *Start) {
	c.text(&s.ID)
	number(c, &s.Base)
	c.bytes(&s.Filter)
	list(c, &s.Ucounts, func(c *coder, u *Ucount) { c.text(&u.Name); number(c, &u.Value) })
	number(c, &s.Processes)
	number(c, &s.DiskBytes)
	number(c, &s.Inodes)
	number(c, &s.CgroupDirs)
	number(c, &s.KeeperTasks)
	number(c, &s.HostTasks)
	number(c, &s.Bare)
	list(c, &s.CgroupMounts, (*coder).text)
	c.bytes(&s.Keys.Dropbear)
	c.bytes(&s.Keys.OpenSSH)
	c.bytes(&s.Keys.Authorized)
}

func codeTimings(c *coder, t *[]Timing) {
	list(c, t, func(c *coder, t *Timing) { c.text(&t.Phase); number(c, &t.At) })
}

func codeSpec(c *coder, s *Spec) {
	c.text(&s.Name)
	list(c, &s.Hosts, codeHost)
	list(c, &s.Switches, (*coder).text)
	list(c, &s.Links, func(c *coder, l *Link) {
		for _, e := range []*End{&l.A, &l.B} {
			c.text(&e.Node)
			c.text(&e.Device)
		}
	})
}

func codeHost(c *coder, h *Host) {
	c.text(&h.Name)
	list(c, &h.Interfaces, func(c *coder, i *Interface) {
		c.text(&i.Name)
		c.text(&i.MAC)
		c.flag(&i.Up)
		list(c, &i.Addresses, (*coder).prefix)
	})
	list(c, &h.Routes, func(c *coder, r *Route) { c.text(&r.To); c.text(&r.Via); c.text(&r.Dev) })
	list(c, &h.Sysctl, func(c *coder, kv *[2]string) { c.text(&kv[0]); c.text(&kv[1]) })
	list(c, &h.Files, func(c *coder, f *File) { c.text(&f.Path); c.text(&f.Content) })
	list(c, &h.Start, (*coder).text)
}

// EncodeStart and DecodeStart, EncodeSpec and DecodeSpec are the wire forms of
// what makes a sandbox.
func EncodeStart(s *Start) []byte { return encode(s, codeStart) }

// DecodeStart reads what EncodeStart wrote.
func DecodeStart(b []byte) (*Start, error) { return decode(b, codeStart) }

// EncodeSpec gives the wire form of a Spec.
func EncodeSpec(s *Spec) []byte { return encode(s, codeSpec) }

// DecodeSpec reads what EncodeSpec wrote.
func DecodeSpec(b []byte) (*Spec, error) { return decode(b, codeSpec) }

// DecodeTimings reads the phases that a keeper's reply to KindAttach carries.
func DecodeTimings(b []byte) ([]Timing, error) {
	t, err := decode(b, codeTimings)
	return *t, err
}
