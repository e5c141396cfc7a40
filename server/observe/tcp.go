package observe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dialFor is how long a connection may take: a SYN is sent again after a second.
const dialFor = 2500 * time.Millisecond

// errElsewhere says that a connection was made with somebody else.
var errElsewhere = errors.New("the connection did not arrive where it should")

// dial connects from a namespace, and says what the connection's first segment
// had where it arrived. Only addresses are dialled: the server never resolves a
// name for a learner.
func (w *Watch) dial(ctx context.Context, from Place, to netip.AddrPort, at *Place) (c net.Conn, first segment, err error) {
	var sent, got *os.File
	if at != nil {
		if sent, err = w.tcpSocket(ctx, from.Node, from.NS, to.Addr().Is6()); err != nil {
			return nil, first, err
		}
		defer sent.Close()
		if got, err = w.tcpSocket(ctx, at.Node, at.NS, to.Addr().Is6()); err != nil {
			return nil, first, err
		}
		defer got.Close()
	}
	err = w.in(ctx, from.Node, from.NS, func() error {
		// One address: the dialer makes its socket on this goroutine's thread.
		d := net.Dialer{Timeout: dialFor, FallbackDelay: -1, KeepAlive: -1, Control: w.signed}
		var err error
		c, err = d.DialContext(ctx, "tcp", to.String())
		return err
	})
	if err != nil || at == nil {
		return c, first, err
	}
	first, ok, err := arrived(sent, got, c)
	if err == nil && !ok {
		err = errElsewhere
	}
	if err != nil {
		hangUp(c)
		return nil, first, err
	}
	return c, first, nil
}

// hangUpFor is how long the other end may take to hang up, too.
const hangUpFor = 100 * time.Millisecond

// hangUp ends a connection such that nothing of it is sent any more afterwards:
// a late end from the other side would teach again what is forgotten after a probe.
func hangUp(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
		_ = t.SetDeadline(time.Now().Add(hangUpFor))
		_, _ = io.Copy(io.Discard, io.LimitReader(t, mostBody))
		_ = t.SetLinger(0) // it says so at once where the other end has not hung up
	}
	c.Close()
}

// tcpSocket opens a raw socket, which gets a copy of each segment that is
// delivered in the namespace (raw(7)), after the firewall and before its
// sockets. Nothing is sent by it.
func (w *Watch) tcpSocket(ctx context.Context, node, ns string, six bool) (*os.File, error) {
	var f *os.File
	err := w.in(ctx, node, ns, func() error {
		family := unix.AF_INET
		if six {
			family = unix.AF_INET6
		}
		fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
		if err != nil {
			return fmt.Errorf("cannot open a raw socket: %w", err)
		}
		f = os.NewFile(uintptr(fd), "tcp")
		return nil
	})
	return f, err
}

// mostSegments bounds what is read of a namespace where much else arrives.
const mostSegments = 4096

// arrived says whether the connection was opened with the namespace of got.
// What sent got is the answer to the first segment, and acknowledges its
// sequence number, which no address translation changes and nobody else knows.
func arrived(sent, got *os.File, c net.Conn) (first segment, found bool, err error) {
	local, ok := c.LocalAddr().(*net.TCPAddr)
	if !ok {
		return first, false, nil
	}
	firsts := map[uint32]bool{}
	if err := segments(sent, func(s segment) {
		if s.syn && s.ack && int(s.to) == local.Port {
			firsts[s.acked-1] = true
		}
	}); err != nil {
		return first, false, err
	}
	err = segments(got, func(s segment) {
		if s.syn && !s.ack && firsts[s.seq] {
			first, found = s, true
		}
	})
	return first, found, err
}

// segment is what matters of a TCP header (RFC 9293, 3.1).
type segment struct {
	ip         header
	from, to   uint16
	seq, acked uint32
	syn, ack   bool
}

// segments reads what has come to a raw socket so far.
func segments(f *os.File, each func(segment)) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	buf := make([]byte, 256)
	return raw.Control(func(fd uintptr) {
		for range mostSegments {
			ip, b, err := take(fd, buf, unix.MSG_DONTWAIT)
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil {
				return
			}
			if len(b) < 20 {
				continue
			}
			each(segment{
				ip: ip, from: binary.BigEndian.Uint16(b), to: binary.BigEndian.Uint16(b[2:]),
				seq: binary.BigEndian.Uint32(b[4:]), acked: binary.BigEndian.Uint32(b[8:]),
				syn: b[13]&2 != 0, ack: b[13]&16 != 0,
			})
		}
	})
}

// outcome tells what a dial's error means.
func outcome(err error) (Outcome, bool) {
	switch {
	case err == nil:
		return Answered, true
	case errors.Is(err, errElsewhere):
		return Elsewhere, true
	case errors.Is(err, unix.ECONNREFUSED):
		return Refused, true
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EACCES):
		return NoRoute, true
	case errors.Is(err, unix.EHOSTUNREACH):
		return Unreachable, true
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, unix.ETIMEDOUT), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, unix.EPERM), errors.Is(err, unix.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Silence, true
	}
	return "", false
}

// DialTCP connects from a namespace to a port, and hangs up. Where at is given,
// the connection must also be seen to arrive in that namespace.
func (w *Watch) DialTCP(ctx context.Context, from Place, to netip.AddrPort, at *Place) (Probe, error) {
	defer w.coverTracks(from, to.Addr(), at)()
	c, first, err := w.dial(ctx, from, to, at)
	if err == nil {
		hangUp(c)
	}
	if o, ok := outcome(err); ok {
		p := Probe{Outcome: o}
		if o == Answered && at != nil {
			p.arrive(first)
		}
		return p, nil
	}
	return Probe{}, err
}

// arrive notes with which addresses a connection came.
func (p *Probe) arrive(first segment) {
	p.Arrived = true
	p.Source, p.Destination = netip.AddrPortFrom(first.ip.from, first.from), netip.AddrPortFrom(first.ip.to, first.to)
}

// kept is a connection that only hangUp closes.
type kept struct{ net.Conn }

func (kept) Close() error { return nil }

// mostBody is how much of an answer by http is read.
const mostBody = 64 << 10

// Get fetches a URL whose host is an address, from a namespace; see DialTCP for at.
func (w *Watch) Get(ctx context.Context, from Place, address string, at *Place) (Probe, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return Probe{}, fmt.Errorf("cannot fetch %q: it is no http URL", address)
	}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return Probe{}, fmt.Errorf("cannot fetch %q: its host is not an address", address)
	}
	defer w.coverTracks(from, host, at)()
	ctx, cancel := context.WithTimeout(ctx, 2*dialFor)
	defer cancel()
	port := uint64(80)
	if u.Port() != "" {
		if port, err = strconv.ParseUint(u.Port(), 10, 16); err != nil {
			return Probe{}, fmt.Errorf("cannot fetch %q: its port is no number", address)
		}
	}
	c, first, err := w.dial(ctx, from, netip.AddrPortFrom(host, uint16(port)), at)
	if o, ok := outcome(err); ok && o != Answered {
		return Probe{Outcome: o}, nil
	}
	if err != nil {
		return Probe{}, err
	}
	defer hangUp(c)
	transport := &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return kept{c}, nil },
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Probe{}, fmt.Errorf("cannot fetch %q: %w", address, err)
	}
	req.Header.Set("User-Agent", "netground-check")
	resp, err := client.Do(req)
	if err != nil {
		if o, ok := outcome(err); ok {
			return Probe{Outcome: o}, nil
		}
		return Probe{Outcome: Silence}, nil // whatever it said, it was not http
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, mostBody))
	p := Probe{Outcome: Answered, Status: resp.StatusCode, Body: body}
	if at != nil {
		p.arrive(first)
	}
	return p, nil
}

// Listener is a socket that waits for connections or datagrams.
type Listener struct {
	Address netip.Addr
	Port    int
}

// Listeners lists who listens in a namespace, by the kernel's tables (proc_pid_net(5)).
func (w *Watch) Listeners(ctx context.Context, at Place, proto string) (list []Listener, err error) {
	state := "0A" // TCP_LISTEN
	if proto == "udp" {
		state = "07" // unconnected
	}
	err = w.in(ctx, at.Node, at.NS, func() error {
		for _, suffix := range []string{"", "6"} {
			b, err := os.ReadFile("/proc/thread-self/net/" + proto + suffix)
			if err != nil {
				return fmt.Errorf("cannot read who listens: %w", err)
			}
			for line := range strings.Lines(string(b)) {
				f := strings.Fields(line)
				if len(f) < 4 || f[3] != state {
					continue
				}
				if l, ok := parseListener(f[1]); ok {
					list = append(list, l)
				}
			}
		}
		return nil
	})
	return list, err
}
