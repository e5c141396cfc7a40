package classroom

import (
	"bufio"
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
	left   map[[2]string]*left      // by session and terminal, until it is known what goes on

	files sync.Mutex // held while networks are written, and while files are removed
}

// openRecordings opens the folder, and looks at what the last run left.
func (s *Service) openRecordings(ctx context.Context) error {
	s.rec.casts, s.rec.states = map[string][]*recorder{}, map[string]*pendingState{}
	if s.o.Recordings == "" {
		return nil
	}
	if err := os.MkdirAll(s.o.Recordings, 0o700); err != nil {
		return fmt.Errorf("cannot make the folder of recordings: %w", err)
	}
	dir, err := os.OpenRoot(s.o.Recordings)
	if err != nil {
		return fmt.Errorf("cannot open the folder of recordings: %w", err)
	}
	s.rec.dir = dir
	return s.findLeft(ctx)
}

// recorder records one terminal.
type recorder struct {
	s     *Service
	r     *room
	row   store.Recording
	t     *terminal.Terminal
	marks chan string   // buffered
	gone  chan struct{} // closed when it is deleted
	left  *left         // what it goes on with; nil: it begins

	place    *os.File
	terminal string
	offset   int64 // of the terminal's next byte
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
		x := &recorder{s: s, r: at.room, t: t, marks: make(chan string, 64), gone: make(chan struct{}), row: store.Recording{
			ID: auth.NewID(), Class: at.room.id, Member: at.member, Session: b.ID, Lab: b.Lab, Host: info.Host, Started: s.o.Now(),
		}}
		if x.terminal = info.ID; x.terminal != "" {
			if x.left = s.takeLeft(b.ID, info.ID, at.room.id, at.member); x.left != nil {
				x.row, x.offset = x.left.row, x.left.offset
			}
		}
		s.rec.mu.Lock()
		s.rec.casts[b.ID] = append(s.rec.casts[b.ID], x)
		s.rec.mu.Unlock()
		// What was there before is heard of no more until it changes.
		if st := at.room.network(at.member, b.ID); st != nil {
			s.keepState(b.ID, st)
		}
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
	err := x.record()
	if x.deleted() || !x.r.has(x.row.Member) { // with all that is theirs
		err = x.remove()
	}
	if err != nil {
		x.s.log.Warn("cannot record a terminal", "class", x.r.id, "session", x.row.Session, "error", err)
	}
}

// open opens the cast, new or where it goes on.
func (x *recorder) open() (f *os.File, c *cast, cols, rows uint16, err error) {
	dir := x.s.rec.dir
	if err := dir.Mkdir(x.row.Class, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, nil, 0, 0, err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if x.left != nil {
		flags = os.O_WRONLY | os.O_APPEND
	}
	if f, err = dir.OpenFile(castFile(x.row.Class, x.row.ID), flags, 0o600); err != nil {
		return nil, nil, 0, 0, err
	}
	if x.left != nil {
		c = &cast{w: bufio.NewWriter(f), most: mostCast, bytes: x.left.written.bytes, last: x.row.Started.Add(x.left.length)}
		cols, rows = x.left.cols, x.left.rows
	} else {
		cols, rows = x.t.Size()
		c, err = newCast(f, mostCast, x.row.Started, cols, rows, x.row.Lab+" "+x.row.Host)
	}
	if err == nil {
		x.place, err = x.s.placeOf(x.row)
	}
	if err != nil {
		return nil, nil, 0, 0, errors.Join(err, f.Close())
	}
	return f, c, cols, rows, nil
}

// record writes the terminal until it ends, the class allows it no more, or the
// service closes: then the next one goes on with it.
func (x *recorder) record() (err error) {
	f, c, cols, rows, err := x.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), x.place.Close()) }()
	if err := x.save(c); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(x.s.ctx)
	from := int64(-1)
	if x.left != nil {
		from = x.offset
	}
	v := x.t.Attach(terminal.ViewerOptions{ID: "recorder", Offset: from})
	chunks := make(chan chunk)
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
		case p := <-chunks:
			if p.Resync { // what comes is not what follows on the screen
				p.Data = append([]byte("\x1bc"), p.Data...)
			}
			x.offset = p.next
			err = c.output(x.s.o.Now(), p.Data)
		case label := <-x.marks:
			now := x.s.o.Now()
			if len(x.row.Marks) < mostMarks {
				x.row.Marks = append(x.row.Marks, store.Mark{At: float64(now.Sub(x.row.Started).Milliseconds()) / 1000, Label: label})
			}
			err = errors.Join(c.mark(now, label), x.save(c))
		case <-x.gone:
			return nil
		case <-flush.C:
			err = x.flush(c)
			if !x.r.records(x.row.Member, x.row.Lab) || c.truncated {
				return errors.Join(err, x.end(c))
			}
		case e := <-done:
			if errors.Is(e, io.EOF) {
				if code, ok := x.t.Exited(); ok {
					err = c.exit(x.s.o.Now(), code)
				}
			} else if x.s.ctx.Err() != nil && !c.truncated {
				return errors.Join(x.flush(c), x.save(c))
			}
			return errors.Join(err, x.end(c))
		}
	}
}

// flush writes what there is, and then that it is there.
func (x *recorder) flush(c *cast) error {
	if err := c.w.Flush(); err != nil {
		return err
	}
	return progress{x.terminal, x.offset - int64(len(c.rest)), c.bytes}.write(x.place)
}

// chunk is a piece of the terminal, and where the next one begins.
type chunk struct {
	terminal.Chunk
	next int64
}

// follow hands on what a viewer sees, until the terminal ends or ctx does.
func follow(ctx context.Context, v *terminal.Viewer, chunks chan<- chunk) error {
	buf := make([]byte, 16<<10)
	for {
		c, err := v.Next(ctx, buf)
		if err != nil {
			return err
		}
		next := c.Offset + int64(len(c.Data))
		v.Ack(next)
		c.Data = slices.Clone(c.Data)
		select {
		case chunks <- chunk{c, next}: // an empty one says that the size has changed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (x *recorder) deleted() bool {
	select {
	case <-x.gone:
		return true
	default:
		return false
	}
}

// save stores how far the recording is.
func (x *recorder) save(c *cast) error {
	x.row.Bytes, x.row.Truncated = c.bytes, c.truncated
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.s.ctx), 10*time.Second)
	defer cancel()
	return x.s.store.SaveRecording(ctx, x.row)
}

// remove removes what was written since it was deleted.
func (x *recorder) remove() error {
	err := errors.Join(x.s.removeFile(castFile(x.row.Class, x.row.ID)), x.s.removeFile(placeFile(x.row.Class, x.row.ID)))
	x.s.mu.Lock()
	gone := x.s.rooms[x.r.id] != x.r
	x.s.mu.Unlock()
	if gone { // the class, whose folder it may have made again
		err = errors.Join(err, x.s.removeFile(x.row.Class))
	}
	return err
}

// forget ends the recorders of what was deleted.
func (s *Service) forget(deleted func(store.Recording) bool) {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	for session, all := range s.rec.casts {
		kept := slices.DeleteFunc(slices.Clone(all), func(x *recorder) bool {
			if deleted(x.row) {
				close(x.gone)
				return true
			}
			return false
		})
		if len(kept) > 0 {
			s.rec.casts[session] = kept
			continue
		}
		delete(s.rec.casts, session)
		delete(s.rec.states, session)
	}
}

func (x *recorder) end(c *cast) error {
	err := c.w.Flush()
	if x.deleted() || !x.r.has(x.row.Member) {
		return err
	}
	x.row.Ended = x.s.o.Now()
	// In this order: it goes on nowhere, and then it has ended.
	return errors.Join(err, x.s.removeFile(placeFile(x.row.Class, x.row.ID)), x.save(c))
}

func (r *room) has(member string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows[member] != nil
}
