package bench

import (
	"context"
	"errors"
	"fmt"
	"github.com/netground/netground/server/drive"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/netground/netground/server/httpapi/ws"
)

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
	*drive.Learner
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
	return s.open(ctx, s.Learner(), lab)
}

// open is start for a learner whom the server may know.
func (s *server) open(ctx context.Context, l *drive.Learner, lab string) (*started, error) {
	st := &started{Learner: l}
	var made struct {
		ID        string
		Terminals []struct{ ID string }
	}
	began := time.Now()
	h, err := st.Do(ctx, http.MethodPost, "/api/sessions", map[string]string{"lab": lab}, &made)
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
	address := fmt.Sprintf("ws%s/api/sessions/%s/terminals/%s/ws?offset=%d&viewer=%s", strings.TrimPrefix(st.Server.URL, "http"), st.id, st.terminal, offset, viewer)
	return ws.Dial(ctx, address, st.Header)
}

// end ends the session. It returns when the server has taken it down.
func (st *started) end(ctx context.Context) error {
	if st.conn != nil {
		st.conn.Close()
	}
	_, err := st.Do(ctx, http.MethodDelete, "/api/sessions/"+st.id, nil, nil)
	return err
}

// gone waits until nothing of the sandbox is left: its folder goes after its
// devices and its control group. It must have been located.
func (st *started) gone(ctx context.Context) error {
	return drive.Poll(ctx, 500*time.Microsecond, func() (bool, error) { return !exists(st.folder), nil })
}

// ready waits until so many sandboxes of the pool stand ready.
func (s *server) ready(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, fmt.Errorf("the pool does not hold %d sandboxes after 30 s", n))
	defer cancel()
	err := drive.Poll(ctx, 20*time.Millisecond, func() (bool, error) {
		m, err := s.metrics(ctx)
		return m["netground_sandboxes_ready"] == float64(n), err
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// metrics asks the server for its measurements, and returns those without labels.
func (s *server) metrics(ctx context.Context) (map[string]float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	r.Header = s.Learner().Header // of which each may ask
	a, err := s.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		return nil, errors.Join(err, fmt.Errorf("GET /metrics: %s", a.Status))
	}
	m := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil && !strings.HasPrefix(name, "#") {
			m[name] = v
		}
	}
	return m, nil
}
