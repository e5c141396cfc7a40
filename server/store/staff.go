package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Staff is somebody who teaches.
type Staff struct {
	ID       string
	Login    string
	Name     string
	Role     string // "owner", "teacher" or "assistant"
	Password string // its hash; empty: none
	Subject  string // at the OpenID provider; empty: none
	Created  time.Time
}

// ErrTaken is returned for a name or a code that somebody else has.
var ErrTaken = errors.New("taken")

const staffColumns = `id, login, name, role, password, subject, created_at`

func scanStaff(row interface{ Scan(...any) error }) (Staff, error) {
	var (
		p       Staff
		created int64
	)
	err := row.Scan(&p.ID, &p.Login, &p.Name, &p.Role, &p.Password, &p.Subject, &created)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	p.Created = fromMillis(created)
	return p, err
}

func (s *Store) oneStaff(ctx context.Context, where string, args ...any) (Staff, error) {
	p, err := scanStaff(s.read.QueryRowContext(ctx, `SELECT `+staffColumns+` FROM staff WHERE `+where, args...))
	if err != nil {
		return Staff{}, fmt.Errorf("cannot read who teaches: %w", err)
	}
	return p, nil
}

// Staff returns the one with the id, or ErrNotFound.
func (s *Store) Staff(ctx context.Context, id string) (Staff, error) {
	return s.oneStaff(ctx, `id = $1`, id)
}

// StaffByLogin returns the one with the login, or ErrNotFound.
func (s *Store) StaffByLogin(ctx context.Context, login string) (Staff, error) {
	return s.oneStaff(ctx, `login = $1`, login)
}

// StaffBySubject returns the one whom the OpenID provider knows so, or ErrNotFound.
func (s *Store) StaffBySubject(ctx context.Context, subject string) (Staff, error) {
	return s.oneStaff(ctx, `subject = $1 AND subject <> ''`, subject)
}

// AllStaff lists who teaches, by name.
func (s *Store) AllStaff(ctx context.Context) ([]Staff, error) {
	var all []Staff
	err := s.list(ctx, "list who teaches", `SELECT `+staffColumns+` FROM staff ORDER BY name, id`, nil, func(rows *sql.Rows) error {
		p, err := scanStaff(rows)
		all = append(all, p)
		return err
	})
	return all, err
}

// SaveStaff adds somebody who teaches, or replaces what is known; ErrTaken if
// somebody else has the login.
func (s *Store) SaveStaff(ctx context.Context, p Staff) error {
	return s.change(ctx, "store who teaches", func(ctx context.Context, tx *sql.Tx) error {
		var other string
		err := tx.QueryRowContext(ctx, `SELECT id FROM staff WHERE login = $1 AND id <> $2`, p.Login, p.ID).Scan(&other)
		if err == nil {
			return ErrTaken
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO staff (id, login, name, role, password, subject, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (id) DO UPDATE SET login = excluded.login, name = excluded.name, role = excluded.role,
				password = excluded.password, subject = excluded.subject`,
			p.ID, p.Login, p.Name, p.Role, p.Password, p.Subject, millis(p.Created))
		return err
	})
}

// DeleteStaff removes somebody who teaches; ErrNotFound if there is none.
func (s *Store) DeleteStaff(ctx context.Context, id string) error {
	return s.change(ctx, "remove who teaches", func(ctx context.Context, tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `DELETE FROM staff WHERE id = $1`, id))
	})
}

// SaveLink makes the link with the hash the only one that sets the password.
func (s *Store) SaveLink(ctx context.Context, staff, hash string, expires time.Time) error {
	return s.change(ctx, "store the link", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM staff_links WHERE staff = $1`, staff); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO staff_links (hash, staff, expires_at) VALUES ($1, $2, $3)`, hash, staff, millis(expires))
		return err
	})
}

// Link returns whose link has the hash, if it is still good at that time.
func (s *Store) Link(ctx context.Context, hash string, now time.Time) (Staff, error) {
	return s.oneStaff(ctx, `id = (SELECT staff FROM staff_links WHERE hash = $1 AND expires_at > $2)`, hash, millis(now))
}

// UseLink uses a link up: whoever is p now is stored, all earlier sessions of
// theirs end. ErrNotFound if the link is used or old, ErrTaken as SaveStaff.
func (s *Store) UseLink(ctx context.Context, hash string, p Staff, now time.Time) error {
	return s.change(ctx, "use the link", func(ctx context.Context, tx *sql.Tx) error {
		if err := one(tx.ExecContext(ctx, `DELETE FROM staff_links WHERE hash = $1 AND staff = $2 AND expires_at > $3`, hash, p.ID, millis(now))); err != nil {
			return err
		}
		var other string
		err := tx.QueryRowContext(ctx, `SELECT id FROM staff WHERE login = $1 AND id <> $2`, p.Login, p.ID).Scan(&other)
		if err == nil {
			return ErrTaken
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM staff_sessions WHERE staff = $1`, p.ID); err != nil {
			return err
		}
		return one(tx.ExecContext(ctx, `UPDATE staff SET login = $2, name = $3, password = $4 WHERE id = $1`, p.ID, p.Login, p.Name, p.Password))
	})
}

// SignedIn stores a session of somebody who teaches; old ones are swept away.
func (s *Store) SignedIn(ctx context.Context, id, staff string, now, expires time.Time) error {
	return s.change(ctx, "store the sign-in", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM staff_sessions WHERE expires_at <= $1`, millis(now)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO staff_sessions (id, staff, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
			id, staff, millis(now), millis(expires))
		return err
	})
}

// SignedInAs returns who has the session, or ErrNotFound.
func (s *Store) SignedInAs(ctx context.Context, id string, now time.Time) (Staff, error) {
	return s.oneStaff(ctx, `id = (SELECT staff FROM staff_sessions WHERE id = $1 AND expires_at > $2)`, id, millis(now))
}

// SignOut ends a session; with staff instead of id, all of theirs but that one.
func (s *Store) SignOut(ctx context.Context, id, staff string) error {
	return s.change(ctx, "sign out", func(ctx context.Context, tx *sql.Tx) error {
		var err error
		if staff == "" {
			_, err = tx.ExecContext(ctx, `DELETE FROM staff_sessions WHERE id = $1`, id)
		} else {
			_, err = tx.ExecContext(ctx, `DELETE FROM staff_sessions WHERE staff = $1 AND id <> $2`, staff, id)
		}
		return err
	})
}
