package observe

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ear hears the frames that pass in a namespace while probes are under way
// there: a packet socket (packet(7)), read when somebody wants to know.
type ear struct {
	fd int
	// used are the neighbours with whom somebody exchanged packets, seen who sent
	// anything into a device: but for the probes.
	used, seen map[end]bool
	// deaf says that frames were lost: then anybody may have sent anything.
	deaf bool
}

// end is who is at the other end of a device.
type end struct {
	dev int
	mac [6]byte
}

// heard is how much of a frame is kept: Ethernet, IPv6 and ICMPv6 with another
// packet of these in it, and what tells a probe.
const heard = 160

// listen opens an ear; without one everything counts as used.
func (w *Watch) listen(s *space) *ear {
	e := &ear{fd: -1, used: map[end]bool{}, seen: map[end]bool{}}
	err := inNetNS(s.file, func() (err error) {
		if e.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
			return err
		}
		all := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: heard}} // as much of each
		if err = unix.SetsockoptSockFprog(e.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &all[0]}); err != nil {
			return err
		}
		return unix.Bind(e.fd, &unix.SockaddrLinklayer{Protocol: binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))})
	})
	if err != nil {
		w.service.log.Warn("cannot hear who else sends while a probe is under way", "place", s.place.String(), "error", err)
		e.deaf = true
	}
	return e
}

// deafen closes a namespace's ear. It is not waited for: the kernel lets all
// processors finish with a packet socket before it is gone.
func (w *Watch) deafen(s *space) {
	if s.ear == nil {
		return
	}
	if fd := s.ear.fd; fd >= 0 {
		w.closing.Go(func() { unix.Close(fd) })
	}
	s.ear = nil
}

// hear takes in what has passed so far.
func (w *Watch) hear(s *space) {
	if s.ear == nil || s.ear.fd < 0 {
		return
	}
	buf := make([]byte, heard)
	for range mostSegments {
		n, from, err := unix.Recvfrom(s.ear.fd, buf, unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			stats, err := unix.GetsockoptTpacketStats(s.ear.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
			s.ear.deaf = s.ear.deaf || err != nil || stats.Drops > 0
			return
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && n >= ethernet {
			s.ear.take(ll, buf[:n], w.isProbes(buf[:n]))
		}
	}
	s.ear.deaf = true
}

const ethernet = 14 // bytes of its header

// take notes who has sent a frame to whom.
func (e *ear) take(ll *unix.SockaddrLinklayer, frame []byte, probes bool) {
	if probes {
		return
	}
	at := func(mac []byte) end { return end{ll.Ifindex, [6]byte(mac)} }
	to, from := at(frame[:6]), at(frame[6:12])
	talk := talks(frame) // to ask for an address is no use of it
	switch {
	case ll.Pkttype == unix.PACKET_OUTGOING && talk:
		e.used[to] = true
	case ll.Pkttype == unix.PACKET_OUTGOING:
	case ll.Pkttype == unix.PACKET_HOST && talk:
		e.used[from] = true
		fallthrough
	default:
		e.seen[from] = true
	}
}

// uses says whether somebody else than probes has used an entry, or taught it.
func (e *ear) uses(n entry) bool {
	switch {
	case e == nil || e.deaf:
		return true
	case len(n.HardwareAddr) != 6:
		return false
	case n.Family == unix.AF_BRIDGE:
		return e.seen[end{n.LinkIndex, [6]byte(n.HardwareAddr)}]
	}
	return e.used[end{n.LinkIndex, [6]byte(n.HardwareAddr)}]
}

// sign tells a probe's packets from others': what an echo request carries, or
// the port that a connection or a query was sent from.
type sign struct {
	proto  byte
	port   uint16
	secret []byte
}

// mostSigns is how many probes are recognized: those under way, and late
// packets of the last ones.
const mostSigns = 256

func (w *Watch) sign(s sign) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.signs = append(w.signs, s); len(w.signs) > mostSigns {
		w.signs = w.signs[1:]
	}
}

// signed makes a socket's port known before it sends: it is a [net.Dialer]'s Control.
func (w *Watch) signed(network, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		proto, any := byte(unix.IPPROTO_TCP), unix.Sockaddr(&unix.SockaddrInet4{})
		if strings.HasPrefix(network, "udp") {
			proto = unix.IPPROTO_UDP
		}
		if strings.HasSuffix(network, "6") {
			any = &unix.SockaddrInet6{}
		}
		if err = unix.Bind(int(fd), any); err != nil {
			return
		}
		var own unix.Sockaddr
		if own, err = unix.Getsockname(int(fd)); err != nil {
			return
		}
		switch own := own.(type) {
		case *unix.SockaddrInet4:
			w.sign(sign{proto: proto, port: uint16(own.Port)})
		case *unix.SockaddrInet6:
			w.sign(sign{proto: proto, port: uint16(own.Port)})
		}
	}); e != nil {
		return e
	}
	return err
}

// isProbes says whether a frame is a probe's, an answer to one, or asks for an
// address that probes are about. It is called with the reading lock.
func (w *Watch) isProbes(frame []byte) bool {
	if a, b, ok := asked(frame); ok {
		return w.probed[a] > 0 && (w.probed[b] > 0 || b.IsUnspecified() || b.IsLinkLocalUnicast())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	proto, from, to := ports(frame[ethernet:], true)
	return slices.ContainsFunc(w.signs, func(s sign) bool {
		if s.secret != nil {
			return bytes.Contains(frame, s.secret)
		}
		return s.proto == proto && (s.port == from || s.port == to)
	})
}

// asked returns the address that a frame asks for or tells of, and who sent it:
// ARP (RFC 826), or neighbour discovery (RFC 4861, 4.3 and 4.4).
func asked(frame []byte) (target, sender netip.Addr, ok bool) {
	b := frame[ethernet:]
	switch kind := binary.BigEndian.Uint16(frame[12:]); {
	case kind == unix.ETH_P_ARP && len(b) >= 28 && b[4] == 6 && b[5] == 4:
		return netip.AddrFrom4([4]byte(b[24:])), netip.AddrFrom4([4]byte(b[14:])), true
	case kind == unix.ETH_P_IPV6 && len(b) >= 64 && b[6] == unix.IPPROTO_ICMPV6 && (b[40] == 135 || b[40] == 136):
		return netip.AddrFrom16([16]byte(b[48:])), netip.AddrFrom16([16]byte(b[8:])), true
	}
	return target, sender, false
}

// talks says whether a frame is a packet from one to another, and not one by
// which hosts and routers find each other (ICMPv6 130 to 143).
func talks(frame []byte) bool {
	b := frame[ethernet:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case unix.ETH_P_IP:
		return true
	case unix.ETH_P_IPV6:
		if len(b) > 48 && b[6] == unix.IPPROTO_HOPOPTS { // as multicast listeners send them
			return false
		}
		return len(b) > 40 && (b[6] != unix.IPPROTO_ICMPV6 || b[40] < 130 || b[40] > 143)
	}
	return false
}

// ports returns the ports of a packet, or of the packet that an error quotes.
func ports(b []byte, errors bool) (proto byte, from, to uint16) {
	var body []byte
	switch {
	case len(b) >= 20 && b[0]>>4 == 4 && len(b) >= int(b[0]&15)*4:
		proto, body = b[9], b[int(b[0]&15)*4:]
	case len(b) >= 40 && b[0]>>4 == 6:
		proto, body = b[6], b[40:]
	}
	switch {
	case len(body) < 8:
	case proto == unix.IPPROTO_TCP, proto == unix.IPPROTO_UDP:
		return proto, binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:])
	case errors && (proto == unix.IPPROTO_ICMP && (body[0] == 3 || body[0] == 11) || proto == unix.IPPROTO_ICMPV6 && body[0] < 128):
		return ports(body[8:], false)
	}
	return 0, 0, 0
}
