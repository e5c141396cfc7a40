package keeper

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// nlSocket is an rtnetlink socket (rtnetlink(7)) of one network namespace; it
// stays in that namespace whichever thread uses it. A library would do, but
// cannot create a veth with both ends numbered and in place by one message,
// and its weight shows in the keeper's start.
type nlSocket struct {
	mu  sync.Mutex
	fd  int
	seq uint32
}

// openNetlink opens a socket in the network namespace of the calling thread.
func openNetlink() (*nlSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("cannot open a netlink socket: %w", err)
	}
	// Without it the kernel sends each request back inside its acknowledgement.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	return &nlSocket{fd: fd}, nil
}

func (s *nlSocket) close() {
	if s != nil {
		unix.Close(s.fd)
	}
}

// What golang.org/x/sys lacks of linux/rtnetlink.h and linux/veth.h.
const (
	rtextSkipStats = 1 << 3
	vethInfoPeer   = 1
)

// nlMessage is a request being written.
type nlMessage struct{ b []byte }

func newMessage(kind, flags uint16, header []byte) *nlMessage {
	m := &nlMessage{b: make([]byte, unix.SizeofNlMsghdr, 256)}
	binary.NativeEndian.PutUint16(m.b[4:], kind)
	binary.NativeEndian.PutUint16(m.b[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	m.b = append(m.b, header...)
	return m
}

// ifinfo is struct ifinfomsg.
func ifinfo(index int, flags, change uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

func (m *nlMessage) attr(kind uint16, data []byte) {
	m.b = binary.NativeEndian.AppendUint16(m.b, uint16(4+len(data)))
	m.b = binary.NativeEndian.AppendUint16(m.b, kind)
	m.b = append(m.b, data...)
	for len(m.b)%4 != 0 {
		m.b = append(m.b, 0)
	}
}

func (m *nlMessage) u32(kind uint16, v uint32) {
	m.attr(kind, binary.NativeEndian.AppendUint32(nil, v))
}

func (m *nlMessage) text(kind uint16, s string) { m.attr(kind, append([]byte(s), 0)) }

// nest writes an attribute whose content inner writes.
func (m *nlMessage) nest(kind uint16, inner func()) {
	at := len(m.b)
	m.attr(kind, nil)
	inner()
	binary.NativeEndian.PutUint16(m.b[at:], uint16(len(m.b)-at))
}

// do sends the request and hands each answer before the acknowledgement to
// each, if that is not nil.
func (s *nlSocket) do(m *nlMessage, each func(kind uint16, body []byte)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	binary.NativeEndian.PutUint32(m.b, uint32(len(m.b)))
	binary.NativeEndian.PutUint32(m.b[8:], s.seq)
	if err := unix.Sendto(s.fd, m.b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	size := 1 << 10
	if each != nil {
		size = 32 << 10
	}
	buf := make([]byte, size)
	for {
		n, _, err := unix.Recvfrom(s.fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		for b := buf[:n]; len(b) >= unix.SizeofNlMsghdr; {
			size := int(binary.NativeEndian.Uint32(b))
			kind, seq := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint32(b[8:])
			if size < unix.SizeofNlMsghdr || size > len(b) {
				return errors.New("cannot read the kernel's netlink answer")
			}
			body := b[unix.SizeofNlMsghdr:size]
			b = b[min(len(b), (size+3)&^3):]
			switch {
			case seq != s.seq:
			case kind == unix.NLMSG_ERROR || kind == unix.NLMSG_DONE:
				if len(body) >= 4 {
					if errno := int32(binary.NativeEndian.Uint32(body)); errno != 0 {
						return syscall.Errno(-errno)
					}
				}
				return nil
			case each != nil:
				each(kind, body)
			}
		}
	}
}

// attrs calls each for every attribute in b.
func attrs(b []byte, each func(kind uint16, data []byte)) {
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return
		}
		each(binary.NativeEndian.Uint16(b[2:])&^uint16(unix.NLA_F_NESTED), b[4:size])
		b = b[min(len(b), (size+3)&^3):]
	}
}

// linkInfo is what the keeper needs to know of a device.
type linkInfo struct {
	index, peer int // peer: ifindex of a veth's other end, in its namespace
	name, kind  string
	foreign     bool // the other end is in another namespace
}

// links lists the devices of the namespace.
func (s *nlSocket) links() (out []linkInfo, err error) {
	m := newMessage(unix.RTM_GETLINK, unix.NLM_F_DUMP, ifinfo(0, 0, 0))
	m.u32(unix.IFLA_EXT_MASK, rtextSkipStats)
	err = s.do(m, func(kind uint16, body []byte) {
		if kind != unix.RTM_NEWLINK || len(body) < unix.SizeofIfInfomsg {
			return
		}
		l := linkInfo{index: int(int32(binary.NativeEndian.Uint32(body[4:])))}
		attrs(body[unix.SizeofIfInfomsg:], func(kind uint16, data []byte) {
			switch {
			case kind == unix.IFLA_IFNAME:
				l.name = cString(data)
			case kind == unix.IFLA_LINK && len(data) >= 4:
				l.peer = int(int32(binary.NativeEndian.Uint32(data)))
			case kind == unix.IFLA_LINK_NETNSID:
				l.foreign = true
			case kind == unix.IFLA_LINKINFO:
				attrs(data, func(kind uint16, data []byte) {
					if kind == unix.IFLA_INFO_KIND {
						l.kind = cString(data)
					}
				})
			}
		})
		out = append(out, l)
	})
	return out, err
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

func (s *nlSocket) setFlags(index int, flags, change uint32) error {
	return s.do(newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, flags, change)), nil)
}

func (s *nlSocket) deleteLink(index int) error {
	return s.do(newMessage(unix.RTM_DELLINK, 0, ifinfo(index, 0, 0)), nil)
}

// newBridge makes a bridge that is up and says nothing by itself.
func (s *nlSocket) newBridge(name string, index int) error {
	m := newMessage(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ifinfo(index, unix.IFF_UP, unix.IFF_UP))
	m.text(unix.IFLA_IFNAME, name)
	m.nest(unix.IFLA_LINKINFO, func() {
		m.text(unix.IFLA_INFO_KIND, "bridge")
		m.nest(unix.IFLA_INFO_DATA, func() {
			// Snooping would forget groups without a querier.
			m.attr(unix.IFLA_BR_MCAST_SNOOPING, []byte{0})
		})
	})
	return s.do(m, nil)
}

// vethEnd is one end of a veth pair to make.
type vethEnd struct {
	netns  int // file descriptor
	name   string
	index  int
	mac    [6]byte
	up     bool
	master int // ifindex of a bridge, or 0
}

func upFlag(up bool) uint32 {
	if up {
		return unix.IFF_UP
	}
	return 0
}

// newVeth makes a pair with a in the socket's namespace and b in its own. One
// queue each: the default of one a CPU costs memory and helps nobody here.
func (s *nlSocket) newVeth(a, b vethEnd) error {
	common := func(m *nlMessage, e vethEnd) {
		m.text(unix.IFLA_IFNAME, e.name)
		m.attr(unix.IFLA_ADDRESS, e.mac[:])
		m.u32(unix.IFLA_NUM_TX_QUEUES, 1)
		m.u32(unix.IFLA_NUM_RX_QUEUES, 1)
	}
	m := newMessage(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ifinfo(a.index, upFlag(a.up), unix.IFF_UP))
	common(m, a)
	if a.master != 0 {
		m.u32(unix.IFLA_MASTER, uint32(a.master))
	}
	m.nest(unix.IFLA_LINKINFO, func() {
		m.text(unix.IFLA_INFO_KIND, "veth")
		m.nest(unix.IFLA_INFO_DATA, func() {
			m.nest(vethInfoPeer, func() {
				m.b = append(m.b, ifinfo(b.index, 0, 0)...)
				common(m, b)
				m.u32(unix.IFLA_NET_NS_FD, uint32(b.netns))
			})
		})
	})
	return s.do(m, nil)
}

// plug does to the far end of a new pair what newVeth does to the near one: the
// kernel refuses to set a veth up before its peer is there (veth_open()).
func (s *nlSocket) plug(e vethEnd) error {
	m := newMessage(unix.RTM_NEWLINK, 0, ifinfo(e.index, upFlag(e.up), unix.IFF_UP))
	if e.master != 0 {
		m.u32(unix.IFLA_MASTER, uint32(e.master))
	}
	return s.do(m, nil)
}

// move sends a device to another namespace, where it gets its first name,
// address and size back. The kernel forgets its addresses, routes and queueing.
func (s *nlSocket) move(index int, to vethEnd) error {
	// Down first, and without ARP, promiscuity and the like that were set.
	down := newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, unix.IFF_BROADCAST|unix.IFF_MULTICAST, 0xffffffff))
	if err := s.do(down, nil); err != nil {
		return err
	}
	m := newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, 0, 0))
	m.u32(unix.IFLA_NET_NS_FD, uint32(to.netns))
	m.text(unix.IFLA_IFNAME, to.name)
	return s.do(m, nil)
}

// reset gives a moved device what newVeth had given it.
func (s *nlSocket) reset(index int, to vethEnd) error {
	m := newMessage(unix.RTM_NEWLINK, 0, ifinfo(index, upFlag(to.up), unix.IFF_UP))
	m.attr(unix.IFLA_ADDRESS, to.mac[:])
	m.u32(unix.IFLA_MTU, 1500)
	m.u32(unix.IFLA_TXQLEN, 1000)
	m.text(unix.IFLA_IFALIAS, "")
	return s.do(m, nil)
}

func family(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// addAddress does what `ip address add` does. IPv6 addresses are usable at
// once: without it a lab's network would be half up for a second or two.
func (s *nlSocket) addAddress(index int, p netip.Prefix) error {
	flags := uint8(0)
	if p.Addr().Is6() {
		flags = unix.IFA_F_NODAD
	}
	header := make([]byte, unix.SizeofIfAddrmsg)
	header[0], header[1], header[2] = family(p.Addr()), uint8(p.Bits()), flags
	binary.NativeEndian.PutUint32(header[4:], uint32(index))
	m := newMessage(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, header)
	m.attr(unix.IFA_LOCAL, p.Addr().AsSlice())
	m.attr(unix.IFA_ADDRESS, p.Addr().AsSlice())
	return s.do(m, nil)
}

// addRoute does what `ip route add` does.
func (s *nlSocket) addRoute(r route, index int) error {
	scope := uint8(unix.RT_SCOPE_UNIVERSE)
	if !r.via.IsValid() && r.to.Addr().Is4() {
		scope = unix.RT_SCOPE_LINK
	}
	header := []byte{family(r.to.Addr()), uint8(r.to.Bits()), 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, scope, unix.RTN_UNICAST, 0, 0, 0, 0}
	m := newMessage(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, header)
	if r.to.Bits() > 0 {
		m.attr(unix.RTA_DST, r.to.Addr().AsSlice())
	}
	if r.via.IsValid() {
		m.attr(unix.RTA_GATEWAY, r.via.AsSlice())
	}
	if index != 0 {
		m.u32(unix.RTA_OIF, uint32(index))
	}
	return s.do(m, nil)
}

// inNetNS runs f on a thread of its own inside the network namespace; the
// thread ends with it, as no thread of another namespace may come back into
// the runtime's pool.
func inNetNS(netns int, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("cannot enter a network namespace: %w", err)
			return
		}
		result <- f()
	}()
	return <-result
}
