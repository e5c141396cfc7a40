package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Class is learners and teachers who share labs.
type Class struct {
	ID         string
	Name       string
	Code       string // with which learners join
	State      string // "open", "paused" or "ended"
	Language   string // empty: the browser's
	Labs       []string
	StartsOn   string // a date, or empty
	EndsOn     string
	Recording  bool
	RosterOnly bool
	RetainDays int // after the end; 0: for ever
	Created    time.Time
	Ended      time.Time
}

// ClassStaff is somebody who teaches a class, or helps there.
type ClassStaff struct {
	Staff
	RoleHere string // "teacher" or "assistant"
}

const classColumns = `c.id, c.name, c.code, c.state, c.language, c.labs, c.starts_on, c.ends_on, c.recording, c.roster_only, c.retain_days, c.created_at, c.ended_at`

func scanClass(row interface{ Scan(...any) error }, more ...any) (Class, error) {
	var (
		c                     Class
		labs                  string
		recording, rosterOnly int64
		created               int64
		ended                 sql.NullInt64
	)
	err := row.Scan(append([]any{&c.ID, &c.Name, &c.Code, &c.State, &c.Language, &labs, &c.StartsOn, &c.EndsOn, &recording, &rosterOnly,
		&c.RetainDays, &created, &ended}, more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return Class{}, ErrNotFound
	}
	if err != nil {
		return Class{}, err
	}
	c.Recording, c.RosterOnly = recording != 0, rosterOnly != 0
	c.Created, c.Ended = fromMillis(created), fromNullMillis(ended)
	return c, json.Unmarshal([]byte(labs), &c.Labs)
}

func (s *Store) oneClass(ctx context.Context, where string, args ...any) (Class, error) {
	c, err := scanClass(s.read.QueryRowContext(ctx, `SELECT `+classColumns+` FROM classes c WHERE `+where, args...))
	if err != nil {
		return Class{}, fmt.Errorf("cannot read the class: %w", err)
	}
	return c, nil
}

// Class returns the class with the id, or ErrNotFound.
func (s *Store) Class(ctx context.Context, id string) (Class, error) {
	return s.oneClass(ctx, `c.id = $1`, id)
}

// ClassByCode returns the class with the join code, or ErrNotFound.
func (s *Store) ClassByCode(ctx context.Context, code string) (Class, error) {
	return s.oneClass(ctx, `c.code = $1`, code)
}

// ClassByName returns the newest class of that name that has not ended, or ErrNotFound.
func (s *Store) ClassByName(ctx context.Context, name string) (Class, error) {
	return s.oneClass(ctx, `c.name = $1 AND c.state <> 'ended' ORDER BY c.created_at DESC LIMIT 1`, name)
}

// ClassEntry is a class in a list.
type ClassEntry struct {
	Class
	RoleHere string // of whom the list is for; empty for an owner who is not in it
	Members  int    // who have joined
}

// Classes lists the classes that somebody teaches or helps in, or all, newest first.
func (s *Store) Classes(ctx context.Context, staff string, all bool) ([]ClassEntry, error) {
	var list []ClassEntry
	err := s.list(ctx, "list the classes", `SELECT `+classColumns+`, COALESCE(t.role, ''),
			(SELECT count(*) FROM members m WHERE m.class = c.id AND m.learner IS NOT NULL)
		FROM classes c LEFT JOIN class_staff t ON t.class = c.id AND t.staff = $1
		WHERE t.staff IS NOT NULL OR $2 = 1 ORDER BY c.created_at DESC, c.id`, []any{staff, flag(all)}, func(rows *sql.Rows) error {
		var e ClassEntry
		var err error
		e.Class, err = scanClass(rows, &e.RoleHere, &e.Members)
		list = append(list, e)
		return err
	})
	return list, err
}

// SaveClass adds a class, or replaces its settings; ErrTaken if another class
// has the code.
func (s *Store) SaveClass(ctx context.Context, c Class) error {
	labs, err := json.Marshal(c.Labs)
	if err != nil {
		return fmt.Errorf("cannot store the class: %w", err)
	}
	return s.change(ctx, "store the class", func(ctx context.Context, tx *sql.Tx) error {
		var other string
		err := tx.QueryRowContext(ctx, `SELECT id FROM classes WHERE code = $1 AND id <> $2`, c.Code, c.ID).Scan(&other)
		if err == nil {
			return ErrTaken
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO classes
			(id, name, code, state, language, labs, starts_on, ends_on, recording, roster_only, retain_days, created_at, ended_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, code = excluded.code, state = excluded.state,
				language = excluded.language, labs = excluded.labs, starts_on = excluded.starts_on, ends_on = excluded.ends_on,
				recording = excluded.recording, roster_only = excluded.roster_only, retain_days = excluded.retain_days,
				ended_at = excluded.ended_at`,
			c.ID, c.Name, c.Code, c.State, c.Language, string(labs), c.StartsOn, c.EndsOn, flag(c.Recording), flag(c.RosterOnly),
			c.RetainDays, millis(c.Created), nullMillis(c.Ended))
		return err
	})
}

// ClassStaff lists who teaches a class and helps there, by name.
func (s *Store) ClassStaff(ctx context.Context, class string) ([]ClassStaff, error) {
	var all []ClassStaff
	err := s.list(ctx, "list the class's teachers", `SELECT s.id, s.login, s.name, s.role, t.role FROM class_staff t JOIN staff s ON s.id = t.staff
		WHERE t.class = $1 ORDER BY s.name, s.id`, []any{class}, func(rows *sql.Rows) error {
		var p ClassStaff
		err := rows.Scan(&p.ID, &p.Login, &p.Name, &p.Role, &p.RoleHere)
		all = append(all, p)
		return err
	})
	return all, err
}

// RoleIn returns what somebody is in a class, or "".
func (s *Store) RoleIn(ctx context.Context, class, staff string) (string, error) {
	var role string
	err := s.read.QueryRowContext(ctx, `SELECT role FROM class_staff WHERE class = $1 AND staff = $2`, class, staff).Scan(&role)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the class's teachers: %w", err)
	}
	return role, nil
}

// SetClassStaff makes somebody a teacher or an assistant of the class; with an
// empty role, nobody there.
func (s *Store) SetClassStaff(ctx context.Context, class, staff, role string) error {
	return s.change(ctx, "store the class's teachers", func(ctx context.Context, tx *sql.Tx) error {
		if role == "" {
			return one(tx.ExecContext(ctx, `DELETE FROM class_staff WHERE class = $1 AND staff = $2`, class, staff))
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO class_staff (class, staff, role) VALUES ($1, $2, $3)
			ON CONFLICT (class, staff) DO UPDATE SET role = excluded.role`, class, staff, role)
		return err
	})
}
