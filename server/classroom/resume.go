package classroom

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"github.com/netground/netground/server/store"
)

// A terminal outlives the server, and so does its recording: beside the cast
// stands how much of the terminal is in it. The next server goes on from there, so
// that the recording neither lacks nor repeats what was printed meanwhile; where the
// terminal is gone, the recording ends with what it has.

// progress is how much of a terminal is in a cast.
type progress struct {
	terminal string
	offset   int64 // of the next byte of the terminal
	bytes    int64 // of the cast
}

func placeFile(class, id string) string { return path.Join(class, id+".place") }

// placeOf opens the file of a recording's progress.
func (s *Service) placeOf(row store.Recording) (*os.File, error) {
	return s.rec.dir.OpenFile(placeFile(row.Class, row.ID), os.O_RDWR|os.O_CREATE, 0o600)
}

// write replaces what the file says; its length stays, so that no half of it is
// ever there.
func (p progress) write(f *os.File) error {
	_, err := f.WriteAt(fmt.Appendf(nil, "%020d %020d %s\n", p.offset, p.bytes, p.terminal), 0)
	return err
}

func readProgress(r io.Reader) (p progress, err error) {
	_, err = fmt.Fscanf(r, "%d %d %s\n", &p.offset, &p.bytes, &p.terminal)
	if err == nil && (p.offset < 0 || p.bytes < 0) {
		err = errors.New("it is negative")
	}
	return p, err
}

// written is what a cast has.
type written struct {
	bytes      int64 // of whole lines
	length     time.Duration
	cols, rows uint16
}

// scan reads a cast as far as its lines are whole; most bounds the bytes.
func scan(r io.Reader, most int64) (written, error) {
	var w written
	in := bufio.NewReader(io.LimitReader(r, most))
	for first := true; ; first = false {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return w, nil // what is left was cut
		}
		if err != nil {
			return w, err
		}
		if first {
			var h struct {
				Version int `json:"version"`
				Term    struct{ Cols, Rows uint16 }
			}
			if json.Unmarshal(line, &h) != nil || h.Version != 3 {
				return w, nil
			}
			w.cols, w.rows = h.Term.Cols, h.Term.Rows
		} else {
			var event []json.RawMessage
			var seconds float64
			var code, data string
			if json.Unmarshal(line, &event) != nil || len(event) != 3 || json.Unmarshal(event[0], &seconds) != nil || seconds < 0 ||
				json.Unmarshal(event[1], &code) != nil || json.Unmarshal(event[2], &data) != nil {
				return w, nil
			}
			w.length += time.Duration(seconds*1000+0.5) * time.Millisecond
			if code == "r" {
				_, _ = fmt.Sscanf(data, "%dx%d", &w.cols, &w.rows) // as they were, otherwise
			}
		}
		w.bytes += int64(len(line))
	}
}

// left is a recording that the last server left.
type left struct {
	row store.Recording
	progress
	written
}

// findLeft reads the recordings that the last server left, and cuts off what was
// not written whole.
func (s *Service) findLeft(ctx context.Context) error {
	rows, err := s.store.OpenRecordings(ctx)
	if err != nil {
		return err
	}
	s.rec.left = map[[2]string]*left{}
	for _, row := range rows {
		x, err := s.readLeft(row)
		if err != nil {
			s.log.Warn("cannot read a recording that the last server left", "class", row.Class, "recording", row.ID, "error", err)
		}
		key := [2]string{row.Session, x.terminal}
		if x.terminal == "" || s.rec.left[key] != nil {
			key[1] = " " + row.ID // goes on in no terminal
		}
		s.rec.left[key] = x
	}
	return nil
}

func (s *Service) readLeft(row store.Recording) (x *left, err error) {
	x = &left{row: row}
	f, err := s.rec.dir.OpenFile(castFile(row.Class, row.ID), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return x, nil
	}
	if err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	most := int64(mostCast)
	if place, err := s.rec.dir.Open(placeFile(row.Class, row.ID)); err == nil {
		if p, err := readProgress(place); err == nil && p.bytes <= mostCast {
			x.progress, most = p, p.bytes
		}
		_ = place.Close() // it was only read
	}
	if x.written, err = scan(f, most); err != nil {
		return x, err
	}
	if x.progress.bytes != x.written.bytes { // another file than it speaks of
		x.progress = progress{}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return x, err
		}
		if x.written, err = scan(f, mostCast); err != nil {
			return x, err
		}
	}
	return x, f.Truncate(x.written.bytes)
}

// takeLeft returns the recording of a terminal that goes on, if the last server
// has left one.
func (s *Service) takeLeft(session, terminal, class, member string) *left {
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	key := [2]string{session, terminal}
	x := s.rec.left[key]
	if x == nil || x.row.Class != class || x.row.Member != member || x.row.Truncated {
		return nil
	}
	delete(s.rec.left, key)
	return x
}

// endLeft ends the recordings whose terminals are gone. A recording is as long as
// what it has.
func (s *Service) endLeft(ctx context.Context) {
	s.rec.mu.Lock()
	all := s.rec.left
	s.rec.left = nil
	s.rec.mu.Unlock()
	for _, x := range all {
		x.row.Ended, x.row.Bytes = x.row.Started.Add(x.length), x.written.bytes
		err := errors.Join(s.store.SaveRecording(ctx, x.row), s.removeFile(placeFile(x.row.Class, x.row.ID)))
		if err != nil {
			s.log.Warn("cannot end a recording that the last server left", "class", x.row.Class, "recording", x.row.ID, "error", err)
		}
	}
}
