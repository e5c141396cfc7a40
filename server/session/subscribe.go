package session

import (
	"context"

	"github.com/netground/netground/server/observe"
)

// Subscribe starts with a full set: a session event, then a state event. A
// session that is still being made has no state yet; it follows.
func (m *Manager) Subscribe(ctx context.Context, c Caller, id string) (*Subscription, error) {
	l, err := m.lookUp(ctx, c, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == Ended {
		return nil, sessionEnded()
	}
	if len(l.hub.subs) >= maxSubscribers {
		return nil, manySubscribers(maxSubscribers)
	}
	var st *observe.State
	if l.mach != nil {
		st = l.mach.obs.State()
	}
	s := l.hub.subscribe(m.view(c), l.snapshot(), st, l.unsubscribe)
	s.guest = c.Guest
	l.tell()
	if l.unstored {
		l.hub.seq++
		s.push(event{l.hub.seq, NoticeEvent, m.storageNotice(true)})
	}
	if l.outdated {
		l.hub.seq++
		s.push(event{l.hub.seq, LabEvent, LabChange{NeedsReset: true}})
	}
	if p := l.interrupted; p != nil {
		l.hub.seq++
		s.push(event{l.hub.seq, ProgressEvent, *p})
	}
	return s, nil
}

func (l *live) unsubscribe(s *Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.hub.subs, s)
	l.tell()
}

// subscribe adds a subscriber whose first events are the session and, where
// there is one, the state.
func (h *hub) subscribe(v view, session snapshot, st *observe.State, leave func(*Subscription)) *Subscription {
	s := &Subscription{view: v, leave: leave, more: make(chan struct{}, 1)}
	h.seq++
	s.push(event{h.seq, SessionEvent, session})
	if st != nil {
		h.seq++
		s.push(event{h.seq, StateEvent, st})
	}
	h.subs[s] = struct{}{}
	return s
}
