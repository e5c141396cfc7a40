package observe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// mostMessage is the size of the largest DNS message (RFC 1035, 4.2.2).
const mostMessage = 64<<10 - 1

// Exchange sends a DNS query from a namespace, and returns the first reply that
// accept takes. A reply that was cut short is asked for again by TCP (RFC 1035,
// 4.2.1). It ends with ctx, which must have an end.
func (w *Watch) Exchange(ctx context.Context, from Place, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, Outcome, error) {
	defer w.coverTracks(from, server.Addr(), nil)()
	b, err := w.datagram(ctx, from, server, query, accept)
	if err == nil && b[2]&2 != 0 { // TC
		b, err = w.stream(ctx, from, server, query, accept)
	}
	o, ok := outcome(err)
	switch {
	case ok:
		return b, o, nil
	case errors.Is(err, errNoSuchPlace):
		return nil, "", err
	case errors.Is(err, unix.EADDRNOTAVAIL): // no address of that version to send from
		return nil, NoRoute, nil
	case ctx.Err() != nil, errors.Is(err, errNotReply):
		return nil, Silence, nil
	}
	return nil, "", fmt.Errorf("cannot ask %s: %w", server, err)
}

var errNotReply = errors.New("what came was no reply to the query")

func (w *Watch) datagram(ctx context.Context, from Place, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, error) {
	var c net.Conn
	err := w.in(ctx, from.Node, from.NS, func() error {
		var err error // the dialer makes its socket on this goroutine's thread
		c, err = (&net.Dialer{Control: w.signed}).DialContext(ctx, "udp", server.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer interrupt(ctx, c)()
	if _, err := c.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, mostMessage)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return nil, err
		}
		if accept(buf[:n]) {
			return buf[:n], nil
		}
	}
}

func (w *Watch) stream(ctx context.Context, from Place, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, error) {
	c, _, err := w.dial(ctx, from, server, nil)
	if err != nil {
		return nil, err
	}
	defer hangUp(c)
	defer interrupt(ctx, c)()
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return nil, err
	}
	if !accept(b) {
		return nil, errNotReply
	}
	return b, nil
}

// interrupt has reads and writes of a connection end with ctx; what it returns
// takes that back.
func interrupt(ctx context.Context, c net.Conn) func() bool {
	return context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
}
