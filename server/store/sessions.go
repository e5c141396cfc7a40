package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The states of a session's row.
const (
	Creating = "creating"
	Ready    = "ready"
	Ended    = "ended"
)

// Learner is somebody with a cookie.
type Learner struct {
	ID       string
	Language string
	Created  time.Time
}

// Session is one learner in one lab; without a learner it is a sandbox that
// stands ready for one.
type Session struct {
	ID      string
	Learner string // empty: ready for the next one
	Lab     string
	Sandbox string // the id of its sandbox
	State   string // Creating, Ready or Ended
	Created time.Time
	Active  time.Time
	Expires time.Time
	Ended   time.Time // zero: it lives
	Reason  string    // why it ended
	// Topology is the text of a network that the learner wrote; empty where the
	// lab has it.
	Topology string
}

// Learner returns the learner with the id, or ErrNotFound.
func (s *Store) Learner(ctx context.Context, id string) (Learner, error) {
	l := Learner{ID: id}
	var created int64
	err := s.read.QueryRowContext(ctx,
		`SELECT language, created_at FROM learners WHERE id = $1`, id).Scan(&l.Language, &created)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Learner{}, fmt.Errorf("cannot read learner %s: %w", id, err)
	}
	l.Created = fromMillis(created)
	return l, nil
}

// SaveLearner adds the learner, or updates the language of one that is known.
func (s *Store) SaveLearner(ctx context.Context, l Learner) error {
	return s.change(ctx, "store the learner", func(ctx context.Context, tx *sql.Tx) error {
		return saveLearner(ctx, tx, l)
	})
}

func saveLearner(ctx context.Context, tx *sql.Tx, l Learner) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO learners (id, language, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET language = excluded.language
		WHERE excluded.language <> '' AND learners.language <> excluded.language`,
		l.ID, l.Language, millis(l.Created))
	return err
}

// AddSession stores a session's row, and its learner's where it has one.
func (s *Store) AddSession(ctx context.Context, n Session, l Learner) error {
	return s.change(ctx, "store the session", func(ctx context.Context, tx *sql.Tx) error {
		if n.Learner != "" {
			if err := saveLearner(ctx, tx, l); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sessions
			(id, learner, lab, sandbox, state, created_at, active_at, expires_at, topology)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			n.ID, sql.NullString{String: n.Learner, Valid: n.Learner != ""}, n.Lab, n.Sandbox, n.State,
			millis(n.Created), millis(n.Active), millis(n.Expires), n.Topology)
		return err
	})
}

// GiveSession gives the row of a ready sandbox to a learner.
func (s *Store) GiveSession(ctx context.Context, n Session, l Learner) error {
	return s.change(ctx, "store the session", func(ctx context.Context, tx *sql.Tx) error {
		if err := saveLearner(ctx, tx, l); err != nil {
			return err
		}
		return one(tx.ExecContext(ctx, `UPDATE sessions
			SET learner = $2, state = $3, created_at = $4, active_at = $5, expires_at = $6
			WHERE id = $1 AND (learner IS NULL OR learner = $2)`,
			n.ID, n.Learner, n.State, millis(n.Created), millis(n.Active), millis(n.Expires)))
	})
}

// SetSession stores the state and the sandbox of a session that lives.
func (s *Store) SetSession(ctx context.Context, id, state, sandbox string) error {
	return s.change(ctx, "store the session", func(ctx context.Context, tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `UPDATE sessions SET state = $2, sandbox = $3
			WHERE id = $1 AND state <> 'ended'`, id, state, sandbox))
	})
}

// SetTopology stores the network that a learner wrote in the place of another.
func (s *Store) SetTopology(ctx context.Context, id, topology string) error {
	return s.change(ctx, "store the session's topology", func(ctx context.Context, tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `UPDATE sessions SET topology = $2
			WHERE id = $1 AND state <> 'ended'`, id, topology))
	})
}

// TouchSessions stores when sessions were last active and when they expire.
func (s *Store) TouchSessions(ctx context.Context, sessions []Session) error {
	if len(sessions) == 0 {
		return nil
	}
	return s.change(ctx, "store the sessions' times", func(ctx context.Context, tx *sql.Tx) error {
		for _, n := range sessions {
			if _, err := tx.ExecContext(ctx, `UPDATE sessions SET active_at = $2, expires_at = $3
				WHERE id = $1 AND state <> 'ended'`, n.ID, millis(n.Active), millis(n.Expires)); err != nil {
				return err
			}
		}
		return nil
	})
}

// EndSession marks the session as ended. A row that no learner ever had is
// deleted: nobody will ask for it.
func (s *Store) EndSession(ctx context.Context, id, reason string, at time.Time) error {
	return s.change(ctx, "store the session's end", func(ctx context.Context, tx *sql.Tx) error {
		return endSessions(ctx, tx, `id = $3`, reason, at, id)
	})
}

// EndLive marks all sessions that live as ended, but for those that are named,
// and says how many a learner had.
func (s *Store) EndLive(ctx context.Context, reason string, at time.Time, but ...string) (int, error) {
	var n int
	err := s.change(ctx, "store the sessions' end", func(ctx context.Context, tx *sql.Tx) error {
		n = 0
		live, err := liveSessions(ctx, tx)
		if err != nil {
			return err
		}
		for id, learner := range live {
			if slices.Contains(but, id) {
				continue
			}
			if learner {
				n++
			}
			if err := endSessions(ctx, tx, `id = $3`, reason, at, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err // n may still be written to
	}
	return n, nil
}

// liveSessions returns the ids of sessions that live, and whether a learner has them.
func liveSessions(ctx context.Context, tx *sql.Tx) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, learner IS NOT NULL FROM sessions WHERE state <> 'ended'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	live := map[string]bool{}
	for rows.Next() {
		var id string
		var learner bool
		if err := rows.Scan(&id, &learner); err != nil {
			return nil, err
		}
		live[id] = learner
	}
	return live, rows.Err()
}

func endSessions(ctx context.Context, tx *sql.Tx, where, reason string, at time.Time, arg string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE sessions SET state = 'ended', ended_at = $1, ended_reason = $2
		WHERE state <> 'ended' AND `+where, millis(at), reason, arg); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE state = 'ended' AND learner IS NULL`)
	return err
}

// Session returns the session with the id, or ErrNotFound.
func (s *Store) Session(ctx context.Context, id string) (Session, error) {
	var (
		n                        Session
		learner                  sql.NullString
		created, active, expires int64
		ended                    sql.NullInt64
	)
	err := s.read.QueryRowContext(ctx, `SELECT id, learner, lab, sandbox, state, created_at, active_at,
		expires_at, ended_at, ended_reason, topology FROM sessions WHERE id = $1`, id).
		Scan(&n.ID, &learner, &n.Lab, &n.Sandbox, &n.State, &created, &active, &expires, &ended, &n.Reason, &n.Topology)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Session{}, fmt.Errorf("cannot read session %s: %w", id, err)
	}
	n.Learner = learner.String
	n.Created, n.Active, n.Expires = fromMillis(created), fromMillis(active), fromMillis(expires)
	n.Ended = fromNullMillis(ended)
	return n, nil
}

// one turns the result of a statement that must change one row into an error.
func one(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotFound
	}
	return nil
}
