package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/session"
)

// writeWithin is how long one write of a stream may take: a page that has gone
// without a word does not hold it for longer.
const writeWithin = 10 * time.Second

// window is what terminals let a page be behind; the hello tells it.
const window = 128 << 10

// timing is a phase as browsers' tools show it.
func timing(p session.Phase) string {
	return fmt.Sprintf("%s;dur=%.3f", p.Name, float64(p.Duration)/float64(time.Millisecond))
}

// sse is one event, ready to be written.
type sse struct {
	id, name string
	data     any
}

// events sends a session's events until it ends, the page goes, the server
// closes, or the page was too slow: it then connects again and gets a full set.
func (a *API) events(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	var first []sse
	if a.o.Classes != nil {
		for _, m := range slices.Backward(a.o.Classes.Mine(c.caller)) { // the page shows the one that came last
			first = append(first, sse{name: classroom.ClassEvent, data: m})
		}
	}
	return a.sessionEvents(c, c.caller, id, nil, first...)
}

// sessionEvents sends what first has, and a session's events until the channel is
// closed, if there is one.
func (a *API) sessionEvents(c *call, as session.Caller, id string, ended <-chan struct{}, first ...sse) error {
	done, ok := a.stream()
	if !ok {
		return closing()
	}
	defer done()
	sub, err := a.o.Sessions.Subscribe(c.Request().Context(), as, id)
	if err != nil {
		return err
	}
	defer sub.Close()
	return a.send(c, whileAllowed(ended, func(ctx context.Context) (sse, error) {
		if len(first) > 0 {
			e := first[0]
			first = first[1:]
			return e, nil
		}
		e, err := sub.Next(ctx)
		return sse{strconv.FormatUint(e.ID, 10), e.Name, e.Data}, err
	}))
}

// send sends events until next returns io.EOF, the page goes or the server closes.
func (a *API) send(c *call, next func(context.Context) (sse, error)) error {
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	defer context.AfterFunc(a.ctx, cancel)()

	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", c.caller.Language)
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	c.Response().WriteHeader(http.StatusOK)
	out := http.NewResponseController(c.Response())
	// A server's deadline for reading requests must not end the stream.
	if err := out.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	if err := out.Flush(); err != nil { // the page learns that it is connected before anything happens
		return nil
	}
	var buf bytes.Buffer
	for {
		buf.Reset()
		idle, stop := context.WithTimeout(ctx, a.o.Heartbeat)
		e, err := next(idle)
		stop()
		switch {
		case err == nil:
			if err := writeEvent(&buf, e); err != nil {
				return err
			}
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			buf.WriteString(":\n\n")
		case ctx.Err() != nil, errors.Is(err, io.EOF), errors.Is(err, session.ErrOverflow):
			return nil
		default:
			return err
		}
		if err := out.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return nil
		}
		if _, err := c.Response().Write(buf.Bytes()); err != nil {
			return nil // the page has gone
		}
		if err := out.Flush(); err != nil {
			return nil
		}
	}
}

// writeEvent writes an event as server-sent events have it; JSON has no line breaks.
func writeEvent(w *bytes.Buffer, e sse) error {
	data, err := json.Marshal(e.data)
	if err != nil {
		return fmt.Errorf("cannot write the event %s: %w", e.name, err)
	}
	if e.id != "" {
		w.WriteString("id: " + e.id + "\n")
	}
	w.WriteString("event: " + e.name + "\ndata: ")
	w.Write(data)
	w.WriteString("\n\n")
	return nil
}

// attach joins a websocket and a terminal of the learner's own.
func (a *API) attach(c *call) error {
	return a.socket(c, func() (*session.Attachment, ws.Options, error) {
		if c.caller.Learner == "" {
			p := noSession()
			p.status = http.StatusUnauthorized
			return nil, ws.Options{}, p
		}
		id, terminal, err := c.part("terminal")
		if err != nil {
			return nil, ws.Options{}, err
		}
		at, err := a.o.Sessions.AttachTerminal(c.caller, id, terminal)
		return at, ws.Options{Writer: true}, err
	})
}

// socket joins a websocket and the terminal that find finds. What cannot be is
// told by a close code: a page cannot read the status of a refused upgrade.
func (a *API) socket(c *call, find func() (*session.Attachment, ws.Options, error)) error {
	r, w := c.Request(), c.Response()
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		return problemOf(http.StatusUpgradeRequired, "upgrade", text("This address is a websocket.", "이 주소는 웹소켓입니다."))
	}
	w.Status = http.StatusSwitchingProtocols // for the log: who takes over the connection does not say
	done, ok := a.stream()
	if !ok {
		a.refuse(c, closing())
		return nil
	}
	defer done()
	at, o, err := find()
	if err != nil {
		a.refuse(c, err)
		return nil
	}
	o.ID, o.Host, o.Window, o.Closing = at.Info.ID, at.Info.Host, window, a.ctx.Done()
	if o.Ended == nil {
		o.Ended = at.Done
	}
	if o.Touch == nil {
		o.Touch = at.Touch
	}
	if o.May == nil {
		o.May = at.May
	}
	a.sockets.Serve(w, r, at.Terminal, o)
	return nil
}

// Close codes of refusals that pass: the page tries again.
const (
	closeRestart  = 1012
	closeTryLater = 1013
)

func (a *API) refuse(c *call, err error) {
	p := asProblem(err)
	code := closeTryLater
	switch p.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		code = ws.CloseNotYours
	case http.StatusNotFound:
		code = ws.CloseNoSuch
	case http.StatusGone:
		code = ws.CloseEnded
	case http.StatusServiceUnavailable:
		code = closeRestart
	}
	if p.status == http.StatusInternalServerError {
		a.log.Error("cannot attach to a terminal", "request", requestID(c), "error", err)
	}
	a.sockets.Refuse(c.Response(), c.Request(), code, short(p.detail.In(c.caller.Language)))
}

// short cuts a sentence to what a close frame holds.
func short(s string) string {
	const most = 120
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
