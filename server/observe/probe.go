package observe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// Outcome is what became of a probe.
type Outcome string

// The outcomes of probes.
const (
	Answered    Outcome = "answered"
	Elsewhere   Outcome = "answered-elsewhere" // answered, though it did not arrive where it should
	NoRoute     Outcome = "no-route"           // the sender knows no way
	Unreachable Outcome = "unreachable"        // a machine on the way says so, or nobody has the address
	Refused     Outcome = "refused"            // the machine answers, the port does not
	Silence     Outcome = "no-answer"
	WrongBody   Outcome = "wrong-body" // answered by http, with another text
)

// Probe says how a packet fared.
type Probe struct {
	Outcome Outcome
	// Arrived says that the packet came to the namespace where it should arrive.
	Arrived bool
	// Source and Destination are what an Arrived packet had there; without ports for a
	// ping, and of IPv6 the Source's address alone.
	Source, Destination netip.AddrPort
	// By is who reported an Unreachable, if somebody did.
	By netip.Addr
	// Status and Body are those of an answer by http; the body's first 64 KiB.
	Status int
	Body   []byte
}

// errNoSuchPlace says that the namespace of a probe is not there.
var errNoSuchPlace = errors.New("there is no such network namespace")

// file duplicates the namespace's file of a place.
func (w *Watch) file(node, ns string) (*os.File, error) {
	w.reading.Lock()
	defer w.reading.Unlock()
	s := w.space(Place{Node: node, NS: ns})
	if s == nil {
		return nil, errNoSuchPlace
	}
	return duplicate(s.file)
}

// in runs f on a thread in the namespace; the number of such threads is bounded.
func (w *Watch) in(ctx context.Context, node, ns string, f func() error) error {
	file, err := w.file(node, ns)
	if err != nil {
		return err
	}
	defer file.Close()
	select {
	case w.service.probes <- struct{}{}:
		defer func() { <-w.service.probes }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return inNetNS(file, f)
}

// Echo requests are sent until one is answered: the first may be lost while
// the kernel asks for the neighbour's address.
const (
	pingEvery = 200 * time.Millisecond
	pingFor   = 1200 * time.Millisecond
)

// icmpSocket opens a raw ICMP socket in a namespace. Its packets are sent and
// taken by the kernel: no program of the learner's has a part in it.
func (w *Watch) icmpSocket(ctx context.Context, node, ns string, six bool) (*os.File, error) {
	var f *os.File
	err := w.in(ctx, node, ns, func() error {
		family, proto := unix.AF_INET, unix.IPPROTO_ICMP
		if six {
			family, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
		}
		fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
		if err != nil {
			return fmt.Errorf("cannot open a raw socket: %w", err)
		}
		f = os.NewFile(uintptr(fd), "icmp")
		return nil
	})
	return f, err
}

// Ping sends echo requests from a namespace, and waits for the answer. Where
// at is given, a request must also be seen to arrive in that namespace (raw(7):
// a raw socket gets what is delivered there, after the firewall), so that
// nobody answers in another's name.
func (w *Watch) Ping(ctx context.Context, from Place, to netip.Addr, at *Place) (Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, pingFor)
	defer cancel()
	defer w.coverTracks(from, to, at)()
	six := to.Is6()
	sock, err := w.icmpSocket(ctx, from.Node, from.NS, six)
	if err != nil {
		return Probe{}, err
	}
	defer sock.Close()
	secret := make([]byte, 24)
	_, _ = rand.Read(secret)
	w.sign(sign{secret: secret})

	arrived := make(chan header, 1)
	if at != nil {
		there, err := w.icmpSocket(ctx, at.Node, at.NS, six)
		if err != nil {
			return Probe{}, err
		}
		stop := make(chan struct{})
		defer func() {
			there.Close()
			<-stop
		}()
		go func() {
			defer close(stop)
			for {
				m, ip, err := receive(there, six)
				if err != nil {
					return
				}
				if m != nil && isEcho(m, false) && bytes.Equal(m.Body.(*icmp.Echo).Data, secret) {
					arrived <- ip
					return
				}
			}
		}()
	}

	type end struct {
		outcome Outcome
		by      netip.Addr
	}
	answers := make(chan end, 1)
	stop := make(chan struct{})
	defer func() {
		sock.Close()
		<-stop
	}()
	go func() {
		defer close(stop)
		for {
			m, ip, err := receive(sock, six)
			if err != nil {
				return
			}
			src := ip.from
			var e end
			switch {
			case m == nil:
			case isEcho(m, true) && src == to && bytes.Equal(m.Body.(*icmp.Echo).Data, secret):
				e.outcome = Answered
			case m.Type == ipv4.ICMPTypeDestinationUnreachable || m.Type == ipv6.ICMPTypeDestinationUnreachable:
				// The kernel quotes more than the secret (RFC 1812, 4.3.2.3; RFC 4443, 2.4).
				// What others send there fails for reasons of its own.
				if d, ok := m.Body.(*icmp.DstUnreach); ok && bytes.Contains(d.Data, secret) {
					e = end{Unreachable, src}
				}
			}
			if e.outcome != "" {
				answers <- e
				return
			}
		}
	}()

	raw, err := sock.SyscallConn()
	if err != nil {
		return Probe{}, err
	}
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	result := Probe{Outcome: Silence}
	id := int(secret[0])<<8 | int(secret[1])
send:
	for seq := 1; ; seq++ {
		if err := sendEcho(raw, to, six, id, seq, secret); err != nil {
			switch {
			case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EADDRNOTAVAIL):
				result.Outcome = NoRoute
				break send
			case errors.Is(err, unix.EHOSTUNREACH):
				result.Outcome = Unreachable
				break send
			case errors.Is(err, unix.EPERM): // its own firewall drops it
				result.Outcome = Silence
				break send
			case errors.Is(err, unix.EACCES): // a prohibit route
				result.Outcome = NoRoute
				break send
			}
		}
		select {
		case e := <-answers:
			result.Outcome, result.By = e.outcome, e.by
			break send
		case <-tick.C:
		case <-ctx.Done():
			break send
		}
	}
	if at == nil {
		return result, nil
	}
	wait := time.Duration(0)
	if result.Outcome == Answered {
		wait = 100 * time.Millisecond // the capture runs beside
	}
	select {
	case ip := <-arrived:
		result.Arrived = true
		result.Source, result.Destination = netip.AddrPortFrom(ip.from, 0), netip.AddrPortFrom(ip.to, 0)
	case <-time.After(wait):
		if result.Outcome == Answered {
			result.Outcome = Elsewhere
		}
	}
	return result, nil
}

func isEcho(m *icmp.Message, reply bool) bool {
	if _, ok := m.Body.(*icmp.Echo); !ok {
		return false
	}
	if reply {
		return m.Type == ipv4.ICMPTypeEchoReply || m.Type == ipv6.ICMPTypeEchoReply
	}
	return m.Type == ipv4.ICMPTypeEcho || m.Type == ipv6.ICMPTypeEchoRequest
}

func sendEcho(raw syscall.RawConn, to netip.Addr, six bool, id, seq int, data []byte) error {
	var kind icmp.Type = ipv4.ICMPTypeEcho
	if six {
		kind = ipv6.ICMPTypeEchoRequest // the kernel sums it up
	}
	b, err := (&icmp.Message{Type: kind, Body: &icmp.Echo{ID: id, Seq: seq, Data: data}}).Marshal(nil)
	if err != nil {
		return err
	}
	var address unix.Sockaddr
	if six {
		address = &unix.SockaddrInet6{Addr: to.As16()}
	} else {
		address = &unix.SockaddrInet4{Addr: to.As4()}
	}
	if e := raw.Control(func(fd uintptr) { err = unix.Sendto(int(fd), b, 0, address) }); e != nil {
		return e
	}
	return err
}

// header is what matters of an IP header.
type header struct{ from, to netip.Addr }

// take takes a packet from a raw socket, with its header off. Raw IPv4 sockets
// give that along; of IPv6 only the sender is told.
func take(fd uintptr, buf []byte, flags int) (h header, body []byte, err error) {
	n, sa, err := unix.Recvfrom(int(fd), buf, flags)
	if err != nil {
		return h, nil, err
	}
	body = buf[:n]
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		h.from = netip.AddrFrom4(sa.Addr)
		if len(body) < 20 || len(body) < int(body[0]&15)*4 {
			return h, nil, nil
		}
		h.to, _ = netip.AddrFromSlice(body[16:20])
		body = body[int(body[0]&15)*4:]
	case *unix.SockaddrInet6:
		h.from = netip.AddrFrom16(sa.Addr)
	}
	return h, body, nil
}

// receive waits for the next ICMP message; nil for one that cannot be read.
func receive(f *os.File, six bool) (m *icmp.Message, ip header, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, ip, err
	}
	buf := make([]byte, 1500)
	var body []byte
	var e error
	if err := raw.Read(func(fd uintptr) bool {
		ip, body, e = take(fd, buf, 0)
		return e != unix.EAGAIN && e != unix.EINTR
	}); err != nil {
		return nil, ip, err
	}
	if e != nil {
		return nil, ip, e
	}
	proto := unix.IPPROTO_ICMP
	if six {
		proto = unix.IPPROTO_ICMPV6
	}
	if m, err = icmp.ParseMessage(proto, body); err != nil {
		return nil, ip, nil
	}
	return m, ip, nil
}

// Sysctl returns a net.* setting of a namespace as the kernel has it. ok is
// false where there is no such setting.
func (w *Watch) Sysctl(ctx context.Context, at Place, key string) (value string, ok bool, err error) {
	path := strings.ReplaceAll(strings.ReplaceAll(key, "/", "\x00"), ".", "/")
	path = strings.ReplaceAll(path, "\x00", ".")
	if !strings.HasPrefix(path, "net/") || strings.Contains(path, "..") {
		return "", false, fmt.Errorf("cannot read the setting %q: only net.* belongs to a host", key)
	}
	err = w.in(ctx, at.Node, at.NS, func() error {
		b, err := os.ReadFile("/proc/sys/" + path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read the setting %q: %w", key, err)
		}
		value, ok = strings.Join(strings.Fields(string(b)), " "), true
		return nil
	})
	return value, ok, err
}
