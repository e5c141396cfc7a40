package drive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Learner is a browser of somebody, with an address and, once the server has
// given it one, a cookie of its own.
type Learner struct {
	Server *Server
	Header http.Header
}

// Learner is one whom the server has not seen yet.
func (s *Server) Learner() *Learner {
	n := s.learners.Add(1)
	h := http.Header{}
	h.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	h.Set("Origin", s.URL)
	return &Learner{s, h}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// mostAnswer bounds an answer, in bytes.
const mostAnswer = 16 << 20

// Send sends a request with the header's changes: name, value; "" deletes. The
// body is nil, a text as it is, or a value as JSON. It keeps no cookie.
func (l *Learner) Send(ctx context.Context, method, path string, body any, change ...string) (Answer, error) {
	var b io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		b = bytes.NewReader([]byte(body))
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return Answer{}, err
		}
		b = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, l.Server.URL+path, b)
	if err != nil {
		return Answer{}, err
	}
	r.Header = l.Header.Clone()
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(change); i += 2 {
		r.Header.Del(change[i])
		if change[i+1] != "" {
			r.Header.Set(change[i], change[i+1])
		}
	}
	a, err := l.Server.HTTP.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, mostAnswer))
	if err != nil {
		return Answer{}, fmt.Errorf("cannot read the answer to %s %s: %w", method, path, err)
	}
	return Answer{a.StatusCode, a.Header, text}, nil
}

// Do sends a request that must succeed, keeps the cookie, and reads the answer
// into into if that is not nil.
func (l *Learner) Do(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	a, err := l.Send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if a.Status >= 300 {
		return nil, fmt.Errorf("%s %s: %d %s: %s", method, path, a.Status, http.StatusText(a.Status), bytes.TrimSpace(a.Body))
	}
	l.Keep(a)
	if into != nil {
		err = json.Unmarshal(a.Body, into)
	}
	return a.Header, err
}

// Keep takes over the cookies of an answer.
func (l *Learner) Keep(a Answer) {
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		l.Header.Set("Cookie", c.Name+"="+c.Value)
	}
}

// Event is one that the server has sent.
type Event struct {
	Name string
	Data []byte
	At   time.Time
}

// Events reads the session's events until ctx ends; the channel is closed then.
func (l *Learner) Events(ctx context.Context, session string) (<-chan Event, error) {
	return l.Follow(ctx, "/api/sessions/"+session+"/events")
}

// Follow is Events for any address of a stream.
func (l *Learner) Follow(ctx context.Context, path string) (<-chan Event, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.Server.URL+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header = l.Header.Clone()
	a, err := l.Server.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	if a.StatusCode != http.StatusOK {
		a.Body.Close()
		return nil, fmt.Errorf("cannot read the events of %s: %s", path, a.Status)
	}
	all := make(chan Event, 256)
	go func() {
		defer close(all)
		defer a.Body.Close()
		lines := bufio.NewReaderSize(a.Body, 64<<10)
		var e Event
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			line = bytes.TrimRight(line, "\n")
			if name, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
				e.Name = string(name)
			} else if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				e.Data, e.At = data, time.Now()
			} else if len(line) == 0 && e.Name != "" {
				select {
				case all <- e:
				case <-ctx.Done():
					return
				}
				e = Event{}
			}
		}
	}()
	return all, nil
}

// Poll asks until the answer is yes.
func Poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
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
