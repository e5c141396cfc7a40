package ws

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/netground/netground/server/terminal"
)

const (
	pingEvery    = 20 * time.Second
	pongWithin   = 50 * time.Second
	writeWithin  = 10 * time.Second
	outputBuffer = 64 << 10
)

// Options of a connection.
type Options struct {
	ID, Host string // of the terminal, for the hello
	Window   int    // of the terminal
	// Writer says whether this viewer may have the keyboard at all.
	Writer bool
	// Guest, where set, may ask for the keyboard as long as May says so, though it
	// has none at first.
	Guest bool
	// May says whether the viewer may type just now; nil: always.
	May func() bool
	// Ended is closed when the session has; the connection then closes with CloseEnded.
	Ended <-chan struct{}
	// Closing is closed when the server is; the connection then closes with 1012
	// (service restart), and the page comes back.
	Closing <-chan struct{}
	// Touch is called when the viewer types.
	Touch func()
}

// buffers are shared by connections: each needs one only while it writes.
// The type is private to the package and holds nothing of a learner's beyond a write.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *[]byte  { return b.pool.Get().(*[]byte) }
func (b *buffers) put(p *[]byte) { b.pool.Put(p) }

// Server upgrades requests; one serves all terminals.
type Server struct {
	upgrader websocket.Upgrader
	buffers  buffers
}

// NewServer returns a Server that takes connections from pages of its own origin.
func NewServer() *Server {
	s := &Server{upgrader: websocket.Upgrader{
		HandshakeTimeout: 5 * time.Second,
		ReadBufferSize:   1024, WriteBufferSize: 1024, WriteBufferPool: &sync.Pool{},
		Subprotocols: []string{Subprotocol},
		CheckOrigin:  SameOrigin,
		Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
			http.Error(w, reason.Error(), status)
		},
	}}
	s.buffers.pool.New = func() any { b := make([]byte, outputBuffer+9); return &b }
	return s
}

// SameOrigin says whether the request's Origin is the host that it came to. A
// missing one is refused: every browser sends it with an upgrade.
func SameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return r.Host != "" && (strings.EqualFold(origin, "http://"+r.Host) || strings.EqualFold(origin, "https://"+r.Host))
}

// Refuse upgrades only to say why not, by a close code that the page can read.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, code int, sentence string) {
	c, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, sentence), time.Now().Add(writeWithin))
	_ = c.Close()
}

// Serve joins the connection and the terminal until one of them ends. The
// query's offset, viewer and input say where the page was.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, t *terminal.Terminal, o Options) {
	q := r.URL.Query()
	offset, err := strconv.ParseInt(q.Get("offset"), 10, 64)
	if err != nil {
		offset = -1
	}
	viewer := q.Get("viewer")
	if viewer == "" || len(viewer) > 64 {
		http.Error(w, "the query must name a viewer of 1 to 64 characters", http.StatusBadRequest)
		return
	}
	c, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer c.Close()
	if o.Guest {
		viewer = "guest " + viewer // nobody takes over what a learner's page has typed
	}
	v := t.Attach(terminal.ViewerOptions{ID: viewer, Offset: offset, Writer: o.Writer, Guest: o.Guest})
	defer v.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	conn := &connection{c: c, v: v, t: t, o: o, replies: make(chan []byte, 16), acks: make(chan struct{}, 1), buffers: &s.buffers}
	go func() {
		conn.read()
		cancel()
	}()
	conn.write(ctx)
}

type connection struct {
	c       *websocket.Conn
	v       *terminal.Viewer
	t       *terminal.Terminal
	o       Options
	buffers *buffers
	// replies are the reader's short answers; the writer sends them. When it is full the
	// page does not read, and what was not told is told again by the next one.
	replies chan []byte
	// acks tells the writer that input was taken, once until it has told the page.
	acks   chan struct{}
	acking atomic.Bool
}

// ackAfter is how long an acknowledgement of input waits for more to acknowledge:
// the page needs it only where the connection is lost.
const ackAfter = 25 * time.Millisecond

// read is the only reader. It never waits for the PTY: a page whose
// acknowledgements were stuck behind its own typing would stop for ever.
func (n *connection) read() {
	n.c.SetReadLimit(maxFrame)
	_ = n.c.SetReadDeadline(time.Now().Add(pongWithin))
	n.c.SetPongHandler(func(string) error { return n.c.SetReadDeadline(time.Now().Add(pongWithin)) })
	watching := false
	for {
		kind, b, err := n.c.ReadMessage()
		if err != nil {
			return
		}
		_ = n.c.SetReadDeadline(time.Now().Add(pongWithin))
		f, err := decode(b)
		if kind != websocket.BinaryMessage || err != nil {
			n.reply(append([]byte{frameError}, errFrame.Error()...))
			continue
		}
		switch f.kind {
		case frameInput:
			next, err := n.input(f)
			if n.o.Touch != nil && err == nil {
				n.o.Touch()
			}
			if errors.Is(err, terminal.ErrWatching) && !watching || errors.Is(err, terminal.ErrInputFull) {
				watching = errors.Is(err, terminal.ErrWatching)
				n.reply(append([]byte{frameError}, err.Error()...))
			}
			if err != nil { // the page learns at once what it must send again
				n.reply(header(make([]byte, 9), frameInputAck, next))
			} else if n.acking.CompareAndSwap(false, true) {
				n.acks <- struct{}{}
			}
		case frameAck:
			n.v.Ack(f.offset)
		case frameResize:
			if err := n.v.Resize(f.cols, f.rows); errors.Is(err, terminal.ErrSize) {
				n.reply(append([]byte{frameError}, err.Error()...))
			}
		case frameKeyboard:
			if n.o.Writer || n.o.Guest && n.may() {
				n.v.TakeKeyboard()
			} else { // what the page keeps for an answer must not wait
				n.reply([]byte{frameWriter, 0})
			}
		}
	}
}

func (n *connection) may() bool { return n.o.May == nil || n.o.May() }

func (n *connection) input(f frame) (int64, error) {
	if !n.may() {
		return n.v.InputOffset(), terminal.ErrWatching
	}
	return n.v.Input(f.offset, f.data)
}

func (n *connection) reply(b []byte) {
	select {
	case n.replies <- b:
	default:
	}
}

type output struct {
	chunk terminal.Chunk
	err   error
}

// write is the only writer.
func (n *connection) write(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	cols, rows := n.t.Size()
	code, exited := n.t.Exited()
	writer := n.v.Writer()
	hello, _ := json.Marshal(Hello{Terminal: n.o.ID, Host: n.o.Host, Cols: cols, Rows: rows, InputOffset: n.v.InputOffset(),
		Window: n.o.Window, Writer: writer, Exited: exited, ExitCode: code})
	if !n.send(append([]byte{frameHello}, hello...)) {
		cancel()
		return
	}
	// The waiting for output runs beside, and hands over the buffer that it filled; one
	// buffer goes back and forth, so that nothing is copied and nothing piles up.
	outputs, free := make(chan output), make(chan struct{}, 1)
	buf := n.buffers.get()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			c, err := n.v.Next(ctx, (*buf)[9:])
			select {
			case outputs <- output{c, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			select {
			case <-free:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() {
		cancel()
		<-stopped
		n.buffers.put(buf)
	}()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	ack := time.NewTimer(ackAfter)
	ack.Stop()
	defer ack.Stop()
	for {
		ok := true
		select {
		case out := <-outputs:
			if out.err != nil {
				n.finish(out.err)
				return
			}
			if out.chunk.Resync {
				ok = n.send(header(make([]byte, 9), frameResync, out.chunk.Offset))
			}
			if len(out.chunk.Data) > 0 && ok {
				header(*buf, frameOutput, out.chunk.Offset)
				ok = n.send((*buf)[:9+len(out.chunk.Data)])
			}
			free <- struct{}{}
			if c, r := n.t.Size(); ok && (c != cols || r != rows) {
				cols, rows = c, r
				b := []byte{frameSize, 0, 0, 0, 0}
				binary.BigEndian.PutUint16(b[1:], c)
				binary.BigEndian.PutUint16(b[3:], r)
				ok = n.send(b)
			}
			if w := n.v.Writer(); ok && w != writer {
				writer = w
				b := []byte{frameWriter, 0}
				if w {
					// First how much was taken of what the page gave up when it lost the keyboard.
					b[1], ok = 1, n.send(header(make([]byte, 9), frameInputAck, n.v.InputOffset()))
				}
				ok = ok && n.send(b)
			}
		case b := <-n.replies:
			ok = n.send(b)
		case <-n.acks:
			ack.Reset(ackAfter)
		case <-ack.C:
			n.acking.Store(false) // before the offset is read: what comes after it is told by the next
			ok = n.send(header(make([]byte, 9), frameInputAck, n.v.InputOffset()))
		case <-ping.C:
			_ = n.c.SetWriteDeadline(time.Now().Add(writeWithin))
			ok = n.c.WriteMessage(websocket.PingMessage, nil) == nil
		case <-n.o.Ended:
			n.close(CloseEnded, "the session has ended")
			return
		case <-n.o.Closing:
			n.close(websocket.CloseServiceRestart, "the server is being restarted")
			return
		case <-ctx.Done():
			return
		}
		if !ok {
			return
		}
	}
}

func (n *connection) send(b []byte) bool {
	// Set anew for each write: a deadline that stays behind would end a later, innocent one.
	_ = n.c.SetWriteDeadline(time.Now().Add(writeWithin))
	return n.c.WriteMessage(websocket.BinaryMessage, b) == nil
}

// finish tells how the stream ended.
func (n *connection) finish(err error) {
	if !errors.Is(err, io.EOF) {
		n.close(CloseEnded, "the terminal is closed")
		return
	}
	// What ended the shell was taken, though its acknowledgement may still wait
	// among the replies: the page must not keep it for the next one.
	n.send(header(make([]byte, 9), frameInputAck, n.v.InputOffset()))
	code, _ := n.t.Exited()
	b := []byte{frameExit, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[1:], uint32(int32(code)))
	if n.send(b) {
		n.close(websocket.CloseNormalClosure, "the shell has ended")
	}
}

func (n *connection) close(code int, sentence string) {
	_ = n.c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, sentence), time.Now().Add(writeWithin))
}
