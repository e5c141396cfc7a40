package classroom

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

const (
	mostStates = 16 << 20 // bytes of the networks that one session's file has
	stateEvery = time.Second
)

// Recording is a terminal that was recorded.
type Recording struct {
	ID        string       `json:"id"`
	Member    string       `json:"member"`
	Name      string       `json:"name"`
	Lab       string       `json:"lab"`
	Host      string       `json:"host"`
	StartedAt time.Time    `json:"startedAt"`
	Seconds   float64      `json:"seconds"`
	Bytes     int64        `json:"bytes"`
	Truncated bool         `json:"truncated" jsonschema:"it was too long, and ends before the terminal did"`
	Live      bool         `json:"live"`
	Marks     []store.Mark `json:"marks" jsonschema:"checks that came to hold for the first time (step: check), and steps that were passed (step)"`
}

// StateAt is the network at one moment of a recording.
type StateAt struct {
	At    float64         `json:"at" jsonschema:"seconds since the start"`
	State json.RawMessage `json:"state" jsonschema:"as the diagram's events have it"`
}

func noRecording() error {
	return refuse(session.NotFound, "There is no such recording.", "그런 녹화가 없습니다.")
}

// Recordings lists a class's recordings, newest first.
func (s *Service) Recordings(ctx context.Context, class string) ([]Recording, error) {
	r, err := s.room(ctx, class)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Recordings(ctx, class, "")
	if err != nil {
		return nil, failed(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Recording, 0, len(all))
	for _, x := range all {
		v := Recording{
			ID: x.ID, Member: x.Member, Lab: x.Lab, Host: x.Host, StartedAt: x.Started, Bytes: x.Bytes, Truncated: x.Truncated,
			Live: x.Ended.IsZero(), Marks: x.Marks,
		}
		if w := r.rows[x.Member]; w != nil {
			v.Name = w.m.Name
		}
		end := x.Ended
		if v.Live {
			end = r.now()
		}
		v.Seconds = end.Sub(x.Started).Seconds()
		list = append(list, v)
	}
	return list, nil
}

// OpenRecording opens the file of a recording, which may still grow.
func (s *Service) OpenRecording(ctx context.Context, class, id string) (*os.File, Recording, error) {
	x, err := s.store.Recording(ctx, class, id)
	if err := found(err, noRecording()); err != nil {
		return nil, Recording{}, err
	}
	if s.rec.dir == nil {
		return nil, Recording{}, noRecording()
	}
	f, err := s.rec.dir.Open(castFile(class, x.ID))
	if errors.Is(err, os.ErrNotExist) {
		return nil, Recording{}, noRecording()
	}
	if err != nil {
		return nil, Recording{}, failed(err)
	}
	return f, Recording{ID: x.ID, Lab: x.Lab, Host: x.Host, StartedAt: x.Started}, nil
}

// DeleteRecording deletes a recording.
func (s *Service) DeleteRecording(ctx context.Context, class, id string) error {
	x, err := s.store.Recording(ctx, class, id)
	if err := found(err, noRecording()); err != nil {
		return err
	}
	s.forget(func(r store.Recording) bool { return r.ID == x.ID })
	if err := found(s.store.DeleteRecording(ctx, class, id), noRecording()); err != nil {
		return err
	}
	return s.removeFiles(ctx, []store.Recording{x})
}

func (s *Service) removeFile(name string) error {
	if s.rec.dir == nil {
		return nil
	}
	if err := s.rec.dir.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return failed(fmt.Errorf("cannot delete a recording: %w", err))
	}
	return nil
}

// removeFiles removes the files of recordings whose rows are gone; that of a
// session's networks with its last recording.
func (s *Service) removeFiles(ctx context.Context, all []store.Recording) error {
	if len(all) == 0 {
		return nil
	}
	s.rec.files.Lock()
	defer s.rec.files.Unlock()
	kept, err := s.store.Recordings(ctx, all[0].Class, "")
	if err != nil {
		return failed(err)
	}
	var errs []error
	for _, x := range all {
		errs = append(errs, s.removeFile(castFile(x.Class, x.ID)), s.removeFile(placeFile(x.Class, x.ID)))
		if !slices.ContainsFunc(kept, func(r store.Recording) bool { return r.Session == x.Session }) {
			errs = append(errs, s.removeFile(stateFile(x.Class, x.Session)))
		}
	}
	return errors.Join(errs...)
}

// removeAll removes all files of a class.
func (s *Service) removeAll(class string) error {
	if s.rec.dir == nil {
		return nil
	}
	s.rec.files.Lock()
	defer s.rec.files.Unlock()
	if err := s.rec.dir.RemoveAll(class); err != nil {
		return failed(fmt.Errorf("cannot delete the recordings: %w", err))
	}
	return nil
}

// pendingState is what of a session's network is not written yet: the one with
// which the recording begins, and the newest.
type pendingState struct {
	class string
	kept  []keptState
	begun bool
	bytes int64
}

type keptState struct {
	state *observe.State
	at    time.Time
}

// keepState has a network recorded beside the session's terminals.
func (s *Service) keepState(sessionID string, st *observe.State) {
	if s.rec.dir == nil {
		return
	}
	s.rec.mu.Lock()
	defer s.rec.mu.Unlock()
	casts := s.rec.casts[sessionID]
	if len(casts) == 0 {
		delete(s.rec.states, sessionID)
		return
	}
	x := s.rec.states[sessionID]
	if x == nil {
		x = &pendingState{class: casts[0].row.Class}
		s.rec.states[sessionID] = x
	}
	kept := keptState{st, s.o.Now()}
	if n := len(x.kept); n > 1 || n == 1 && x.begun {
		x.kept[n-1] = kept
		return
	}
	x.kept = append(x.kept, kept)
}

// writeStates writes networks as they change, until the service closes.
func (s *Service) writeStates() {
	tick := time.NewTicker(stateEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return
		}
		s.rec.mu.Lock()
		due := map[string]pendingState{}
		for id, x := range s.rec.states {
			if len(x.kept) > 0 && x.bytes < mostStates {
				due[id] = *x
				x.begun = true
			}
			x.kept = nil
		}
		s.rec.mu.Unlock()
		for id, x := range due {
			var n int64
			for _, kept := range x.kept {
				written, err := s.writeState(id, x.class, kept)
				if err != nil {
					s.log.Warn("cannot record a network", "session", id, "error", err)
				}
				n += written
			}
			s.rec.mu.Lock()
			if live := s.rec.states[id]; live != nil {
				live.bytes += n
			}
			s.rec.mu.Unlock()
		}
	}
}

// stateLine is a line of the file of a session's networks.
type stateLine struct {
	At    int64           `json:"at"` // milliseconds since 1970
	State json.RawMessage `json:"state"`
}

func (s *Service) writeState(id, class string, x keptState) (n int64, err error) {
	s.rec.files.Lock()
	defer s.rec.files.Unlock()
	s.rec.mu.Lock()
	recorded := len(s.rec.casts[id]) > 0
	s.rec.mu.Unlock()
	if !recorded { // deleted meanwhile
		return 0, nil
	}
	state, err := json.Marshal(x.state)
	if err != nil {
		return 0, err
	}
	line, err := json.Marshal(stateLine{x.at.UnixMilli(), state})
	if err != nil {
		return 0, err
	}
	f, err := s.rec.dir.OpenFile(stateFile(class, id), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(append(line, '\n'))
	return int64(len(line)) + 1, err
}

// States returns the networks of a recording's session while it went on: the
// first is the one that there was at its start.
func (s *Service) States(ctx context.Context, class, id string) ([]StateAt, error) {
	x, err := s.store.Recording(ctx, class, id)
	if err := found(err, noRecording()); err != nil {
		return nil, err
	}
	list := []StateAt{}
	if s.rec.dir == nil {
		return list, nil
	}
	f, err := s.rec.dir.Open(stateFile(class, x.Session))
	if errors.Is(err, os.ErrNotExist) {
		return list, nil
	}
	if err != nil {
		return nil, failed(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var l stateLine
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue // the server was killed in the middle of it
		}
		at := float64(l.At-x.Started.UnixMilli()) / 1000
		if !x.Ended.IsZero() && l.At > x.Ended.UnixMilli() {
			break
		}
		if at <= 0 {
			at, list = 0, list[:0]
		}
		list = append(list, StateAt{at, l.State})
	}
	if err := lines.Err(); err != nil {
		return nil, failed(err)
	}
	return list, nil
}
