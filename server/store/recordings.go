package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Recording is a terminal that was recorded.
type Recording struct {
	ID, Class, Member  string
	Session, Lab, Host string
	Started, Ended     time.Time // Ended is zero while it goes on
	Bytes              int64
	Truncated          bool
	Marks              []Mark
}

// Mark is a moment of a recording.
type Mark struct {
	At    float64 `json:"at"` // seconds since the start
	Label string  `json:"label"`
}

const recordingColumns = `id, class, member, session, lab, host, started_at, ended_at, bytes, truncated, marks`

func scanRecording(row interface{ Scan(...any) error }) (Recording, error) {
	var (
		r                  Recording
		started, truncated int64
		ended              sql.NullInt64
		marks              string
	)
	err := row.Scan(&r.ID, &r.Class, &r.Member, &r.Session, &r.Lab, &r.Host, &started, &ended, &r.Bytes, &truncated, &marks)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNotFound
	}
	if err != nil {
		return r, err
	}
	r.Started, r.Ended, r.Truncated = fromMillis(started), fromNullMillis(ended), truncated != 0
	return r, json.Unmarshal([]byte(marks), &r.Marks)
}

// SaveRecording stores a recording, or how far it is.
func (s *Store) SaveRecording(ctx context.Context, r Recording) error {
	if r.Marks == nil {
		r.Marks = []Mark{}
	}
	marks, err := json.Marshal(r.Marks)
	if err != nil {
		return fmt.Errorf("cannot store the recording: %w", err)
	}
	return s.change(ctx, "store the recording", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO recordings (`+recordingColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, bytes = excluded.bytes, truncated = excluded.truncated, marks = excluded.marks`,
			r.ID, r.Class, r.Member, r.Session, r.Lab, r.Host, millis(r.Started), nullMillis(r.Ended), r.Bytes, flag(r.Truncated), string(marks))
		return err
	})
}

// Recordings lists a class's recordings, newest first; with a member, theirs.
func (s *Store) Recordings(ctx context.Context, class, member string) ([]Recording, error) {
	var all []Recording
	err := s.list(ctx, "list the recordings", `SELECT `+recordingColumns+` FROM recordings WHERE class = $1 AND ($2 = '' OR member = $2)
		ORDER BY started_at DESC, id`, []any{class, member}, func(rows *sql.Rows) error {
		r, err := scanRecording(rows)
		all = append(all, r)
		return err
	})
	return all, err
}

// Recording returns one of a class, or ErrNotFound.
func (s *Store) Recording(ctx context.Context, class, id string) (Recording, error) {
	r, err := scanRecording(s.read.QueryRowContext(ctx, `SELECT `+recordingColumns+` FROM recordings WHERE id = $1 AND class = $2`, id, class))
	if err != nil {
		return Recording{}, fmt.Errorf("cannot read the recording: %w", err)
	}
	return r, nil
}

// DeleteRecording forgets a recording; ErrNotFound if there is none.
func (s *Store) DeleteRecording(ctx context.Context, class, id string) error {
	return s.change(ctx, "delete the recording", func(ctx context.Context, tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `DELETE FROM recordings WHERE id = $1 AND class = $2`, id, class))
	})
}

// OpenRecordings lists the recordings of all classes that go on: at a server's
// start, those that the last one left.
func (s *Store) OpenRecordings(ctx context.Context) ([]Recording, error) {
	var all []Recording
	err := s.list(ctx, "list the recordings that go on", `SELECT `+recordingColumns+` FROM recordings WHERE ended_at IS NULL ORDER BY started_at, id`, nil, func(rows *sql.Rows) error {
		r, err := scanRecording(rows)
		all = append(all, r)
		return err
	})
	return all, err
}
