package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/netground/netground/server/httpapi/ws"
)

// learner is a browser of somebody, with an address and a cookie of its own.
type learner struct {
	s      *server
	header http.Header
}

func (s *server) learner() *learner {
	n := s.learners.Add(1)
	h := http.Header{}
	h.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	h.Set("Origin", s.url)
	return &learner{s, h}
}

// do sends a request, and reads the answer into into if that is not nil.
func (l *learner) do(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	var b io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		b = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, l.s.url+path, b)
	if err != nil {
		return nil, err
	}
	r.Header = l.header.Clone()
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	a, err := l.s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer to %s %s: %w", method, path, err)
	}
	if a.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, a.Status, bytes.TrimSpace(text))
	}
	for _, c := range a.Cookies() {
		l.header.Set("Cookie", c.Name+"="+c.Value)
	}
	if into != nil {
		err = json.Unmarshal(text, into)
	}
	return a.Header, err
}

// phase is one part of a start, in milliseconds.
type phase struct {
	name string
	took float64
}

// phasesOf reads Server-Timing.
func phasesOf(h http.Header) []phase {
	var all []phase
	for _, v := range h.Values("Server-Timing") {
		name, rest, _ := strings.Cut(v, ";dur=")
		if took, err := strconv.ParseFloat(rest, 64); err == nil {
			all = append(all, phase{name, took})
		}
	}
	return all
}

// started is a session whose first shell has said something.
type started struct {
	*learner
	id       string
	terminal string
	seen     int64  // output so far
	folder   string // of its sandbox, see locate
	process  int    // in its first host
	conn     *ws.Client

	total, answer, attach, prompt time.Duration // POST to the first byte, and its parts
	phases                        []phase
	pooled                        bool
}

// start opens the lab as a new learner, and waits for the first prompt byte.
func (s *server) start(ctx context.Context, lab string) (*started, error) {
	st := &started{learner: s.learner()}
	var made struct {
		ID        string
		Terminals []struct{ ID string }
	}
	began := time.Now()
	h, err := st.do(ctx, http.MethodPost, "/api/sessions", map[string]string{"lab": lab}, &made)
	if err != nil {
		return nil, err
	}
	st.answer = time.Since(began)
	if len(made.Terminals) == 0 {
		return nil, errors.New("the session has no terminal")
	}
	st.id, st.terminal = made.ID, made.Terminals[0].ID
	if st.conn, err = st.attachTo(ctx, -1); err != nil {
		return nil, err
	}
	st.attach = time.Since(began) - st.answer
	out, err := st.conn.Next()
	if err != nil {
		return nil, fmt.Errorf("the terminal says nothing: %w", err)
	}
	st.total = time.Since(began)
	st.prompt = st.total - st.attach - st.answer
	st.seen = out.Offset + int64(len(out.Data))
	st.phases = phasesOf(h)
	for _, p := range st.phases {
		st.pooled = st.pooled || p.name == "pool"
	}
	return st, nil
}

// attachTo connects to the session's first terminal.
func (st *started) attachTo(ctx context.Context, offset int64) (*ws.Client, error) {
	return st.attachAs(ctx, offset, "bench")
}

func (st *started) attachAs(ctx context.Context, offset int64, viewer string) (*ws.Client, error) {
	address := fmt.Sprintf("ws%s/api/sessions/%s/terminals/%s/ws?offset=%d&viewer=%s", strings.TrimPrefix(st.s.url, "http"), st.id, st.terminal, offset, viewer)
	return ws.Dial(ctx, address, st.header)
}

// end ends the session. It returns when the server has taken it down.
func (st *started) end(ctx context.Context) error {
	if st.conn != nil {
		st.conn.Close()
	}
	_, err := st.do(ctx, http.MethodDelete, "/api/sessions/"+st.id, nil, nil)
	return err
}

// gone waits until nothing of the sandbox is left: its folder goes after its
// devices and its control group. It must have been located.
func (st *started) gone(ctx context.Context) error {
	return poll(ctx, 500*time.Microsecond, func() (bool, error) { return !exists(st.folder), nil })
}

// poll asks until the answer is yes.
func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ready waits until so many sandboxes of the pool stand ready.
func (s *server) ready(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, fmt.Errorf("the pool does not hold %d sandboxes after 30 s", n))
	defer cancel()
	err := poll(ctx, 20*time.Millisecond, func() (bool, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
		if err != nil {
			return false, err
		}
		r.Header = s.learner().header // of which each may ask
		a, err := s.http.Do(r)
		if err != nil {
			return false, err
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode != http.StatusOK {
			return false, errors.Join(err, fmt.Errorf("GET /metrics: %s", a.Status))
		}
		return bytes.Contains(text, fmt.Appendf(nil, "\nnetground_sandboxes_ready %d\n", n)), nil
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// event is one that the server has sent.
type event struct {
	name string
	data []byte
	at   time.Time
}

// events reads the session's events until ctx ends; the channel is closed then.
func (st *started) events(ctx context.Context) (<-chan event, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, st.s.url+"/api/sessions/"+st.id+"/events", nil)
	if err != nil {
		return nil, err
	}
	r.Header = st.header.Clone()
	a, err := st.s.http.Do(r)
	if err != nil {
		return nil, err
	}
	if a.StatusCode != http.StatusOK {
		a.Body.Close()
		return nil, fmt.Errorf("cannot read the session's events: %s", a.Status)
	}
	all := make(chan event, 256)
	go func() {
		defer close(all)
		defer a.Body.Close()
		lines := bufio.NewReaderSize(a.Body, 64<<10)
		var e event
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			line = bytes.TrimRight(line, "\n")
			if name, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
				e.name = string(name)
			} else if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				e.data, e.at = data, time.Now()
			} else if len(line) == 0 && e.name != "" {
				select {
				case all <- e:
				case <-ctx.Done():
					return
				}
				e = event{}
			}
		}
	}()
	return all, nil
}
