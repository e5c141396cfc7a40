package classroom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
	"github.com/netground/netground/server/terminal"
)

const (
	mostCast   = 8 << 20 // bytes of one recording
	flushEvery = 2 * time.Second
	mostMarks  = 100
)

// recorders are what is being recorded.
type recorders struct {
	dir *os.Root // nil: nothing is

	mu     sync.Mutex
	casts  map[string][]*recorder   // by session
	states map[string]*pendingState // by session
}

// openRecordings opens the folder, and ends what the last run left.
func (s *Service) openRecordings(ctx context.Context) error {
	s.rec.casts, s.rec.states = map[string][]*recorder{}, map[string]*pendingState{}
	if s.o.Recordings == "" {
		return nil
	}
	if err := s.store.EndRecordings(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(s.o.Recordings, 0o700); err != nil {
		return fmt.Errorf("cannot make the folder of recordings: %w", err)
	}
	dir, err := os.OpenRoot(s.o.Recordings)
	if err != nil {
		return fmt.Errorf("cannot open the folder of recordings: %w", err)
	}
	s.rec.dir = dir
	return nil
}

// recorder records one terminal.
type recorder struct {
	s     *Service
	r     *room
	row   store.Recording
	t     *terminal.Terminal
	marks chan string // buffered
}

func castFile(class, id string) string { return path.Join(class, id+".cast") }

func stateFile(class, session string) string { return path.Join(class, session+".states") }

// records says whether a session's terminals are recorded. It takes the lock.
func (r *room) records(member, labName string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.class.Recording && r.class.State != Ended && r.rows[member] != nil && slices.Contains(r.class.Labs, labName)
}

// Terminal implements session.Listener: where the class allows it, the terminal
// is recorded.
func (s *Service) Terminal(b session.Brief, info session.Terminal, t *terminal.Terminal) {
	if s.rec.dir == nil || s.ctx.Err() != nil {
		return
	}
	for _, at := range s.seats(b.Learner) {
		if !at.room.records(at.member, b.Lab) {
			continue
		}
		x := &recorder{s: s, r: at.room, t: t, marks: make(chan string, 64), row: store.Recording{
			ID: auth.NewID(), Class: at.room.id, Member: at.member, Session: b.ID, Lab: b.Lab, Host: info.Host, Started: s.o.Now(),
		}}
		s.rec.mu.Lock()
		s.rec.casts[b.ID] = append(s.rec.casts[b.ID], x)
		s.rec.mu.Unlock()
		s.background.Go(x.run)
		return // one class's recording is enough
	}
}

// mark notes that a check or a step of a session has come to hold.
func (s *Service) mark(session, label string) {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	for _, x := range s.rec.casts[session] {
		select {
		case x.marks <- label:
		default: // more at once than anybody could pass
		}
	}
}

func (x *recorder) run() {
	defer func() {
		rec := &x.s.rec
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.casts[x.row.Session] = slices.DeleteFunc(rec.casts[x.row.Session], func(other *recorder) bool { return other == x })
		if len(rec.casts[x.row.Session]) == 0 {
			delete(rec.casts, x.row.Session)
		}
	}()
	if err := x.record(); err != nil {
		x.s.log.Warn("cannot record a terminal", "class", x.r.id, "session", x.row.Session, "error", err)
	}
}

// record writes the terminal until it ends, the class allows it no more, or the
// service closes.
func (x *recorder) record() (err error) {
	dir := x.s.rec.dir
	if err := dir.Mkdir(x.row.Class, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	f, err := dir.OpenFile(castFile(x.row.Class, x.row.ID), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	cols, rows := x.t.Size()
	c, err := newCast(f, mostCast, x.row.Started, cols, rows, x.row.Lab+" "+x.row.Host)
	if err != nil {
		return err
	}
	if err := x.save(c); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(x.s.ctx)
	v := x.t.Attach(terminal.ViewerOptions{ID: "recorder", Offset: -1})
	chunks := make(chan []byte)
	done := make(chan error, 1)
	go func() { done <- follow(ctx, v, chunks) }()
	defer func() {
		cancel()
		v.Close()
	}()
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	for {
		now := x.s.o.Now()
		if w, h := x.t.Size(); w != cols || h != rows {
			cols, rows = w, h
			err = c.resize(now, w, h)
		}
		if err != nil {
			return errors.Join(err, x.end(c))
		}
		select {
		case b := <-chunks:
			err = c.output(x.s.o.Now(), b)
		case label := <-x.marks:
			now := x.s.o.Now()
			if len(x.row.Marks) < mostMarks {
				x.row.Marks = append(x.row.Marks, store.Mark{At: float64(now.Sub(x.row.Started).Milliseconds()) / 1000, Label: label})
			}
			err = errors.Join(c.mark(now, label), x.save(c))
		case <-flush.C:
			err = c.w.Flush()
			if !x.r.records(x.row.Member, x.row.Lab) || c.truncated {
				return errors.Join(err, x.end(c))
			}
		case e := <-done:
			if errors.Is(e, io.EOF) {
				if code, ok := x.t.Exited(); ok {
					err = c.exit(x.s.o.Now(), code)
				}
			}
			return errors.Join(err, x.end(c))
		}
	}
}

// follow hands on what a viewer sees, until the terminal ends or ctx does.
func follow(ctx context.Context, v *terminal.Viewer, chunks chan<- []byte) error {
	buf := make([]byte, 16<<10)
	for {
		c, err := v.Next(ctx, buf)
		if err != nil {
			return err
		}
		v.Ack(c.Offset + int64(len(c.Data)))
		select {
		case chunks <- slices.Clone(c.Data): // an empty one says that the size has changed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// save stores how far the recording is.
func (x *recorder) save(c *cast) error {
	x.row.Bytes, x.row.Truncated = c.bytes, c.truncated
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.s.ctx), 10*time.Second)
	defer cancel()
	return x.s.store.SaveRecording(ctx, x.row)
}

func (x *recorder) end(c *cast) error {
	err := c.w.Flush()
	if !x.r.has(x.row.Member) { // deleted meanwhile, with all that is theirs
		return errors.Join(err, x.s.removeFile(castFile(x.row.Class, x.row.ID)))
	}
	x.row.Ended = x.s.o.Now()
	return errors.Join(err, x.save(c))
}

func (r *room) has(member string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows[member] != nil
}
