package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Member is a place in a class, and the learner who has it.
type Member struct {
	ID       string
	Class    string
	Name     string
	External string // what the school knows the learner by, or empty
	Code     string // the learner's own
	Learner  string // empty: on the roster, has not come yet
	Created  time.Time
	Joined   time.Time
}

const memberColumns = `id, class, name, external, code, learner, created_at, joined_at`

func scanMember(row interface{ Scan(...any) error }) (Member, error) {
	var (
		m       Member
		learner sql.NullString
		created int64
		joined  sql.NullInt64
	)
	err := row.Scan(&m.ID, &m.Class, &m.Name, &m.External, &m.Code, &learner, &created, &joined)
	if errors.Is(err, sql.ErrNoRows) {
		return Member{}, ErrNotFound
	}
	m.Learner, m.Created, m.Joined = learner.String, fromMillis(created), fromNullMillis(joined)
	return m, err
}

func (s *Store) oneMember(ctx context.Context, where string, args ...any) (Member, error) {
	m, err := scanMember(s.read.QueryRowContext(ctx, `SELECT `+memberColumns+` FROM members WHERE `+where, args...))
	if err != nil {
		return Member{}, fmt.Errorf("cannot read the class's member: %w", err)
	}
	return m, nil
}

// Member returns the class's member with the id, or ErrNotFound.
func (s *Store) Member(ctx context.Context, class, id string) (Member, error) {
	return s.oneMember(ctx, `id = $1 AND class = $2`, id, class)
}

// MemberByCode returns the member with the personal code, or ErrNotFound.
func (s *Store) MemberByCode(ctx context.Context, code string) (Member, error) {
	return s.oneMember(ctx, `code = $1`, code)
}

// MemberOf returns the learner's place in the class, or ErrNotFound.
func (s *Store) MemberOf(ctx context.Context, class, learner string) (Member, error) {
	return s.oneMember(ctx, `class = $1 AND learner = $2`, class, learner)
}

// Members lists a class, by name.
func (s *Store) Members(ctx context.Context, class string) ([]Member, error) {
	return s.members(ctx, `class = $1 ORDER BY name, id`, class)
}

// Memberships lists a learner's places, newest first.
func (s *Store) Memberships(ctx context.Context, learner string) ([]Member, error) {
	return s.members(ctx, `learner = $1 ORDER BY joined_at DESC, id`, learner)
}

// JoinedMembers lists everybody who is in a class that has not ended.
func (s *Store) JoinedMembers(ctx context.Context) ([]Member, error) {
	return s.members(ctx, `learner IS NOT NULL AND class IN (SELECT id FROM classes WHERE state <> 'ended') ORDER BY id`)
}

func (s *Store) members(ctx context.Context, where string, args ...any) ([]Member, error) {
	var all []Member
	err := s.list(ctx, "list the class's members", `SELECT `+memberColumns+` FROM members WHERE `+where, args, func(rows *sql.Rows) error {
		m, err := scanMember(rows)
		all = append(all, m)
		return err
	})
	return all, err
}

// SaveMember adds a member, with the learner where there is one, or replaces
// the name and the code; ErrTaken if somebody has the code.
func (s *Store) SaveMember(ctx context.Context, m Member, l Learner) error {
	return s.change(ctx, "store the class's member", func(ctx context.Context, tx *sql.Tx) error {
		var other string
		err := tx.QueryRowContext(ctx, `SELECT id FROM members WHERE code = $1 AND id <> $2`, m.Code, m.ID).Scan(&other)
		if err == nil {
			return ErrTaken
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if m.Learner != "" {
			if err := saveLearner(ctx, tx, l); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO members (id, class, name, external, code, learner, created_at, joined_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, external = excluded.external, code = excluded.code,
				learner = excluded.learner, joined_at = excluded.joined_at`,
			m.ID, m.Class, m.Name, m.External, m.Code, sql.NullString{String: m.Learner, Valid: m.Learner != ""}, millis(m.Created), nullMillis(m.Joined))
		return err
	})
}

// ClaimMember gives a place on the roster to a learner; ErrTaken if somebody
// has it.
func (s *Store) ClaimMember(ctx context.Context, id string, l Learner, at time.Time) error {
	return s.change(ctx, "store who came", func(ctx context.Context, tx *sql.Tx) error {
		if err := saveLearner(ctx, tx, l); err != nil {
			return err
		}
		err := one(tx.ExecContext(ctx, `UPDATE members SET learner = $2, joined_at = $3 WHERE id = $1 AND learner IS NULL`, id, l.ID, millis(at)))
		if errors.Is(err, ErrNotFound) {
			return ErrTaken
		}
		return err
	})
}

// DeleteMember removes a member, and everything of the learner's where no other
// class has them.
func (s *Store) DeleteMember(ctx context.Context, class, id string) error {
	return s.erase(ctx, "delete the class's member", func(ctx context.Context, tx *sql.Tx) error {
		var learner sql.NullString
		err := tx.QueryRowContext(ctx, `SELECT learner FROM members WHERE id = $1 AND class = $2`, id, class).Scan(&learner)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM members WHERE id = $1`, id); err != nil {
			return err
		}
		if err := unaddress(ctx, tx, class, id); err != nil {
			return err
		}
		return forget(ctx, tx, learner.String)
	})
}

// DeleteClass removes a class, and everything of learners whom no other class has.
func (s *Store) DeleteClass(ctx context.Context, id string) error {
	return s.erase(ctx, "delete the class", func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT learner FROM members WHERE class = $1 AND learner IS NOT NULL`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		var learners []string
		for rows.Next() {
			var l string
			if err := rows.Scan(&l); err != nil {
				return err
			}
			learners = append(learners, l)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if err := rows.Close(); err != nil { // one connection: the next statement needs it
			return err
		}
		if err := one(tx.ExecContext(ctx, `DELETE FROM classes WHERE id = $1`, id)); err != nil {
			return err
		}
		for _, l := range learners {
			if err := forget(ctx, tx, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// unaddress takes a member out of the class's messages; those for nobody else go.
func unaddress(ctx context.Context, tx *sql.Tx, class, member string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM messages WHERE class = $1 AND member = $2`, class, member); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, members FROM messages WHERE class = $1 AND members LIKE $2`, class, `%"`+member+`"%`)
	if err != nil {
		return err
	}
	defer rows.Close()
	reached := map[string]string{}
	for rows.Next() {
		var id, text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		var members []string
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			return err
		}
		left, err := json.Marshal(Unnamed(members, member))
		if err != nil {
			return err
		}
		reached[id] = string(left)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil { // one connection: the next statement needs it
		return err
	}
	for id, members := range reached {
		if _, err := tx.ExecContext(ctx, `UPDATE messages SET members = $2 WHERE id = $1`, id, members); err != nil {
			return err
		}
	}
	return nil
}

// Unnamed is whom a message has reached, without the name of one of them: how many
// they were stays.
func Unnamed(members []string, member string) []string {
	all := slices.Clone(members)
	for i := range all {
		if all[i] == member {
			all[i] = ""
		}
	}
	return all
}

// forget deletes a learner whom no class has any more; results, answers and
// sessions' rows go with the row.
func forget(ctx context.Context, tx *sql.Tx, learner string) error {
	if learner == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM learners WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM members WHERE learner = $1)`, learner)
	return err
}
