package session

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
)

const (
	subscriberQueue = 256
	maxSubscribers  = 16 // of one session: tabs, and teachers
)

// ErrOverflow ends a subscription whose reader was too slow. It may subscribe
// again, and gets a fresh set.
var ErrOverflow = errors.New("the subscriber is too slow")

// view is how texts are wanted.
type view struct {
	language string
	render   func(markdown string) string
}

func (v view) text(t lab.Text) string { return t.In(v.language) }

func (v view) html(t lab.Text) string { return v.render(t.In(v.language)) }

// inLanguage is an event's data that becomes what its subscriber can read. It
// is immutable: subscribers share it.
type inLanguage interface{ in(v view) any }

type event struct {
	id   uint64
	name string
	data any // or inLanguage
}

// hub gives a session's events to its subscribers. It is guarded by the
// session's lock, so that a subscriber's first set and what comes after fit.
type hub struct {
	seq   uint64
	subs  map[*Subscription]struct{}
	ended error
	slow  func()
}

// publish gives an event to all subscribers; it never waits for one.
func (h *hub) publish(name string, data any) {
	h.seq++
	for s := range h.subs {
		if !s.push(event{h.seq, name, data}) {
			delete(h.subs, s)
			h.slow()
		}
	}
}

// publishState gives the newest state; an older one that a subscriber has not
// read yet is dropped.
func (h *hub) publishState(st *observe.State) {
	h.seq++
	for s := range h.subs {
		s.pushState(h.seq, st)
	}
}

// end closes all subscriptions after what they have not read yet.
func (h *hub) end() {
	h.ended = io.EOF
	for s := range h.subs {
		s.fail(io.EOF)
	}
	h.subs = nil
}

// Subscription is one reader of a session's events.
type Subscription struct {
	view  view
	guest bool
	leave func(*Subscription)

	mu      sync.Mutex
	queue   []event
	state   *observe.State // the newest, not read yet
	stateID uint64
	err     error
	more    chan struct{} // buffered 1
}

// push queues an event and says whether there was room.
func (s *Subscription) push(e event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return true
	}
	if len(s.queue) >= subscriberQueue {
		s.queue, s.state, s.err = nil, nil, ErrOverflow
		s.wake()
		return false
	}
	s.queue = append(s.queue, e)
	s.wake()
	return true
}

func (s *Subscription) pushState(id uint64, st *observe.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.state, s.stateID = st, id
	s.wake()
}

func (s *Subscription) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.wake()
}

func (s *Subscription) wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Next waits for the next event. It returns io.EOF after the session has ended
// and everything was read, and ErrOverflow if the reader was too slow. Only one
// goroutine may call it.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	for {
		if e, ok, err := s.pop(); err != nil {
			return Event{}, err
		} else if ok {
			if d, ok := e.data.(inLanguage); ok {
				e.data = d.in(s.view)
			}
			return Event{ID: e.id, Name: e.name, Data: e.data}, nil
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

func (s *Subscription) pop() (event, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A state that is older than what waits comes first: a page draws a reset
	// network only after it was told of the reset.
	if s.state != nil && (len(s.queue) == 0 || s.stateID < s.queue[0].id) {
		e := event{s.stateID, StateEvent, s.state}
		s.state = nil
		return e, true, nil
	}
	if len(s.queue) > 0 {
		e := s.queue[0]
		s.queue = s.queue[1:]
		return e, true, nil
	}
	return event{}, false, s.err
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.leave(s)
	s.fail(io.EOF)
}
