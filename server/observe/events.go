package observe

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Multicast groups of rtnetlink(7) that tell of what State holds. The last two
// tell of forwarding (linux/rtnetlink.h, RTNLGRP_IPV4_NETCONF).
const groups = 1<<(unix.RTNLGRP_LINK-1) | 1<<(unix.RTNLGRP_NEIGH-1) |
	1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV6_IFADDR-1) |
	1<<(unix.RTNLGRP_IPV4_ROUTE-1) | 1<<(unix.RTNLGRP_IPV6_ROUTE-1) |
	1<<(unix.RTNLGRP_IPV4_NETCONF-1) | 1<<(unix.RTNLGRP_IPV6_NETCONF-1)

// subscription listens to the changes of one network namespace. What a message
// says is not looked at: the kernel is read again, so that a lost message
// (ENOBUFS) costs nothing but a reading.
type subscription struct {
	files []*os.File // of the network, of its firewall
	done  sync.WaitGroup
}

func subscribe(ns *os.File, changed func(part)) (*subscription, error) {
	s := &subscription{}
	err := inNetNS(ns, func() error {
		if err := s.listen(unix.NETLINK_ROUTE, groups); err != nil {
			return err
		}
		return s.listen(unix.NETLINK_NETFILTER, 1<<(unix.NFNLGRP_NFTABLES-1))
	})
	if err != nil {
		s.close()
		return nil, err
	}
	for i, of := range []func([]byte) part{parts, func([]byte) part { return partSettings }} {
		s.done.Go(func() { read(s.files[i], of, changed) })
	}
	return s, nil
}

// listen opens a socket in the namespace that the thread is in.
func (s *subscription) listen(protocol int, groups uint32) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return fmt.Errorf("cannot open a netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return fmt.Errorf("cannot listen to changes of a network: %w", err)
	}
	// A burst must not swell the server: beyond it the kernel drops, and says so.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<10)
	s.files = append(s.files, os.NewFile(uintptr(fd), "netlink"))
	return nil
}

func read(file *os.File, of func([]byte) part, changed func(part)) {
	conn, err := file.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 8<<10) // longer messages are cut, their type is not
	for {
		var n int
		var err error
		if e := conn.Read(func(fd uintptr) bool {
			n, _, err = unix.Recvfrom(int(fd), buf, 0)
			return err != unix.EAGAIN
		}); e != nil {
			return // closed
		}
		switch err {
		case nil:
			if p := of(buf[:n]); p != 0 {
				changed(p)
			}
		case unix.EINTR:
		case unix.ENOBUFS:
			changed(partAll)
		default:
			return
		}
	}
}

// parts says what the messages tell of.
func parts(b []byte) (p part) {
	for len(b) >= unix.SizeofNlMsghdr {
		length := int(binary.NativeEndian.Uint32(b))
		switch binary.NativeEndian.Uint16(b[4:]) {
		case unix.RTM_NEWLINK, unix.RTM_DELLINK, unix.RTM_NEWADDR, unix.RTM_DELADDR:
			p |= partLinks
		case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
			p |= partRoutes
		case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
			p |= partNeighbours
		case unix.RTM_NEWNETCONF, unix.RTM_DELNETCONF:
			p |= partSettings
		}
		length = (length + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1)
		if length < unix.SizeofNlMsghdr || length > len(b) {
			break
		}
		b = b[length:]
	}
	return p
}

func (s *subscription) close() {
	for _, f := range s.files {
		f.Close()
	}
	s.done.Wait()
}
