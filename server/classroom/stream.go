package classroom

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netground/netground/server/session"
)

// How often a stream tells of the same thing at most: what changes meanwhile is
// told together.
const (
	rowsEvery  = 100 * time.Millisecond
	rowsSoon   = 30 * time.Millisecond // where more than a key has changed
	boardEvery = time.Second
	thumbEvery = time.Second
)

// Event is one event of a stream.
type Event struct {
	ID   string // where a stream goes on after it
	Name string
	Data any
}

// Stream is a teacher's page that follows a class. Next is for one goroutine.
type Stream struct {
	s        *Service
	r        *room
	m        Me
	language string
	thumbs   Thumbs

	queue []Event
	sent  uint64 // all rows as of this change were sent
	fresh bool   // nothing was sent yet
	// Of what comes less often, as of which change, and when.
	board, class    uint64
	rowsAt, boardAt time.Time
	thumbSent       map[string]uint64 // by session
	thumbAt         map[string]time.Time
	messages        int     // sent, of all that there were
	causes          []Cause // as the page has them
}

// Thumbs says which networks a stream sends; the zero value: none.
type Thumbs struct {
	Lab string // of which lab, or AllThumbs
	// Of whom: the members whose networks are on the screen. Empty: of all.
	Of []string
}

// AllThumbs stands for the networks of all labs.
const AllThumbs = "1"

// MostThumbs bounds of how many members a stream may name.
const MostThumbs = 100

func (t Thumbs) has(member, lab string) bool {
	return (t.Lab == AllThumbs || t.Lab == lab) && (len(t.Of) == 0 || slices.Contains(t.Of, member))
}

// Follow follows a class, from where the id of an earlier stream's event says,
// or from the beginning.
func (s *Service) Follow(ctx context.Context, m Me, class, language, after string, thumbs Thumbs) (*Stream, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return nil, err
	}
	st := &Stream{s: s, r: r, m: m, language: language, thumbs: thumbs, fresh: true, thumbSent: map[string]uint64{}, thumbAt: map[string]time.Time{}}
	epoch, place, _ := strings.Cut(after, "-")
	number, told, _ := strings.Cut(place, "-")
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := strconv.ParseUint(number, 10, 64)
	messages, err2 := strconv.Atoi(told)
	if err == nil && err2 == nil && epoch == r.epoch && n <= r.seq && messages >= 0 && messages <= r.dropped+len(r.messages) {
		st.sent, st.fresh, st.class, st.messages = n, false, n, messages
	}
	return st, nil
}

// id is where a stream goes on after what was queued: behind a change, and behind
// a number of messages, which do not wait for rows to be due.
func (st *Stream) id() string { return fmt.Sprintf("%s-%d-%d", st.r.epoch, st.sent, st.messages) }

// Next waits for the next event. It returns io.EOF when the class was deleted.
func (st *Stream) Next(ctx context.Context) (Event, error) {
	for {
		if len(st.queue) > 0 {
			e := st.queue[0]
			st.queue = st.queue[1:]
			return e, nil
		}
		changed, wait, err := st.collect(ctx)
		if err != nil {
			return Event{}, err
		}
		if len(st.queue) > 0 {
			continue
		}
		var later <-chan time.Time
		if wait > 0 {
			later = time.After(wait)
		}
		select {
		case <-changed:
		case <-later:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		case <-st.s.ctx.Done():
			return Event{}, io.EOF
		}
	}
}

// collect queues what is new and due. It returns what tells of the next change,
// and how long until something that is new is due.
func (st *Stream) collect(ctx context.Context) (<-chan struct{}, time.Duration, error) {
	r := st.r
	r.mu.Lock()
	classNew, classSeq := st.fresh || r.classSeq > st.class, r.classSeq
	r.mu.Unlock()
	var class Class
	if classNew { // needs the store, and so no lock
		var err error
		if class, err = st.s.Class(ctx, st.m, r.id, st.language); err != nil {
			if ctx.Err() != nil {
				return nil, 0, ctx.Err()
			}
			return nil, 0, io.EOF
		}
	}
	st.class = max(st.class, classSeq)
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var wait time.Duration
	due := func(last time.Time, every time.Duration) bool {
		left := every - now.Sub(last)
		if left <= 0 {
			return true
		}
		if wait == 0 || left < wait {
			wait = left
		}
		return false
	}
	add := func(name string, data any) {
		st.queue = append(st.queue, Event{ID: st.id(), Name: name, Data: data})
	}
	if st.fresh {
		st.fresh = false
		st.sent, st.board, st.rowsAt, st.boardAt, st.messages = r.seq, r.boardSeq, now, now, r.dropped+len(r.messages)
		g := r.grid(class, st.language)
		st.causes = g.Board.Causes
		add("grid", g)
		classNew = false
	}
	if classNew {
		add("class", class)
	}
	if r.seq > st.sent && due(st.rowsAt, st.pace()) {
		rows := []Row{}
		for _, w := range r.sorted() {
			if w.seq > st.sent {
				rows = append(rows, r.row(w, st.language))
			}
		}
		for id, seq := range r.gone {
			if seq > st.sent {
				rows = append(rows, Row{Member: id, Gone: true, Cells: map[string][]Cell{}, Watchers: []Watcher{}, Presence: Off})
			}
		}
		st.sent = r.seq
		if len(rows) > 0 {
			add("rows", struct {
				Rows []Row `json:"rows"`
			}{rows})
			st.rowsAt = now
		}
	}
	for st.messages = max(st.messages, r.dropped); st.messages < r.dropped+len(r.messages); {
		m := r.messages[st.messages-r.dropped]
		st.messages++
		add("message", messageOf(m))
	}
	if r.boardSeq > st.board && due(st.boardAt, boardEvery) {
		b := r.board(st.language)
		// The causes are most of it, and change seldom.
		if st.causes != nil && slices.EqualFunc(b.Causes, st.causes, Cause.equal) {
			b.Causes = nil
		} else {
			st.causes = b.Causes
		}
		add("board", b)
		st.board, st.boardAt = r.boardSeq, now
	}
	if st.thumbs.Lab != "" {
		for _, w := range r.sorted() {
			b, ok := r.here(w)
			if !st.thumbs.has(w.m.ID, b.Lab) {
				continue
			}
			if t := w.thumbs[b.ID]; ok && t.seq > st.thumbSent[b.ID] && due(st.thumbAt[b.ID], thumbEvery) {
				add("thumb", struct {
					Member string `json:"member"`
					Thumb  Thumb  `json:"thumb"`
				}{w.m.ID, thumbOf(t.state)})
				st.thumbSent[b.ID], st.thumbAt[b.ID] = t.seq, now
			}
		}
	}
	return r.changed, wait, nil
}

// pace is how soon after the last rows the next ones may come. It is called with
// the room's lock.
func (st *Stream) pace() time.Duration {
	if st.r.toldSeq > st.sent {
		return rowsSoon
	}
	return rowsEvery
}

// MyStream is a learner's page that follows the own places in classes.
type MyStream struct {
	s       *Service
	learner string
	lang    string
	sent    map[string]uint64 // by member
	class   map[string]string // by member
	queue   []Event
}

// FollowMine follows the learner's classes.
func (s *Service) FollowMine(c session.Caller) *MyStream {
	return &MyStream{s: s, learner: c.Learner, lang: c.Language, sent: map[string]uint64{}, class: map[string]string{}}
}

// Next waits for the next event.
func (st *MyStream) Next(ctx context.Context) (Event, error) {
	for {
		if len(st.queue) > 0 {
			e := st.queue[0]
			st.queue = st.queue[1:]
			return e, nil
		}
		var changed <-chan struct{}
		seats := st.s.seats(st.learner)
		for member, class := range st.class {
			if !slices.ContainsFunc(seats, func(t seat) bool { return t.member == member }) {
				delete(st.class, member)
				delete(st.sent, member)
				st.queue = append(st.queue, Event{Name: "left", Data: struct {
					Class string `json:"class"`
				}{class}})
			}
		}
		for _, t := range seats {
			r := t.room
			r.mu.Lock()
			w := r.rows[t.member]
			if w != nil {
				if seq, ok := st.sent[t.member]; !ok || w.tellSeq > seq {
					st.sent[t.member], st.class[t.member] = w.tellSeq, r.id
					st.queue = append(st.queue, Event{Name: "class", Data: r.membership(w, st.s.beginsOn(r.class), st.lang)})
				}
			}
			if changed == nil { // the newest class is the one that somebody waits for
				changed = r.changed
			}
			r.mu.Unlock()
		}
		if len(st.queue) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-time.After(boardEvery): // other classes, and ones that are new
		case <-ctx.Done():
			return Event{}, ctx.Err()
		case <-st.s.ctx.Done():
			return Event{}, io.EOF
		}
	}
}
