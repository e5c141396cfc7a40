package ws

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Client is the page's side of a connection, for programs: a benchmark and
// tests drive a server with it. Next is for one goroutine; the rest may be
// called from any.
type Client struct {
	Hello Hello

	c    *websocket.Conn
	stop func() bool
	buf  []byte

	mu   sync.Mutex // one writer at a time
	sent int64      // input bytes, all connections of the viewer together
}

// Output is a piece of what the terminal shows.
type Output struct {
	Offset int64 // of its first byte
	Data   []byte
}

// Refusal is what the server says to a frame that it does not take. The
// connection goes on: Next may be called again.
type Refusal string

func (r Refusal) Error() string { return "the server says: " + string(r) }

// CloseCode is with which code the server has closed the connection, or 0.
func CloseCode(err error) int {
	var c *websocket.CloseError
	if errors.As(err, &c) {
		return c.Code
	}
	return 0
}

// Refused is the HTTP status of a connection that the server did not take.
type Refused int

func (r Refused) Error() string { return fmt.Sprintf("%d %s", int(r), http.StatusText(int(r))) }

// Dial connects to a terminal's address, ws://…, and waits for the hello. The
// connection ends with ctx.
func Dial(ctx context.Context, address string, header http.Header) (*Client, error) {
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(address, "ws://"), "/")
	header.Set("Origin", "http://"+host)
	d := websocket.Dialer{Subprotocols: []string{Subprotocol}, HandshakeTimeout: 10 * time.Second, ReadBufferSize: 4096, WriteBufferSize: 1024}
	conn, answer, err := d.DialContext(ctx, address, header)
	if err != nil {
		if answer != nil {
			err = fmt.Errorf("%w (%w)", err, Refused(answer.StatusCode))
		}
		return nil, fmt.Errorf("cannot connect to the terminal: %w", err)
	}
	c := &Client{c: conn}
	c.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	kind, b, err := c.frame()
	if err == nil && kind != frameHello {
		err = errFrame
	}
	if err == nil {
		err = json.Unmarshal(b, &c.Hello)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("cannot connect to the terminal: %w", err)
	}
	c.sent = c.Hello.InputOffset
	return c, nil
}

// NetConn is the connection beneath, for who wants to break it.
func (c *Client) NetConn() net.Conn { return c.c.NetConn() }

// Close ends the connection.
func (c *Client) Close() {
	c.stop()
	_ = c.c.Close() // nobody waits for its end
}

// frame reads one frame into the client's buffer.
func (c *Client) frame() (kind byte, rest []byte, err error) {
	_, r, err := c.c.NextReader()
	if err != nil {
		return 0, nil, err
	}
	if c.buf == nil {
		c.buf = make([]byte, 512)
	}
	n := 0
	for {
		m, err := r.Read(c.buf[n:])
		n += m
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, nil, err
		}
		if n == len(c.buf) {
			c.buf = append(c.buf, make([]byte, n)...)
		}
	}
	if n == 0 {
		return 0, nil, errFrame
	}
	return c.buf[0], c.buf[1:n], nil
}

// Next waits for output; its data is good until the next call. It returns
// io.EOF when the shell has ended.
func (c *Client) Next() (Output, error) {
	for {
		kind, b, err := c.frame()
		if err != nil {
			return Output{}, err
		}
		switch kind {
		case frameOutput:
			if len(b) < 8 {
				return Output{}, errFrame
			}
			return Output{Offset: int64(binary.BigEndian.Uint64(b)), Data: b[8:]}, nil
		case frameExit:
			return Output{}, io.EOF
		case frameError:
			return Output{}, Refusal(b)
		}
	}
}

// Type sends what is typed.
func (c *Client) Type(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := append(header(make([]byte, 9, 9+len(p)), frameInput, c.sent), p...)
	c.sent += int64(len(p))
	return c.c.WriteMessage(websocket.BinaryMessage, b)
}

// Ack says that all output before the offset was shown.
func (c *Client) Ack(offset int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.c.WriteMessage(websocket.BinaryMessage, header(make([]byte, 9), frameAck, offset))
}

// Send sends a frame as it is.
func (c *Client) Send(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.c.WriteMessage(websocket.BinaryMessage, frame)
}
