package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Hand is a member who wants help.
type Hand struct {
	Member, Lab, Step string
	Text              string
	At                time.Time
	ClaimedBy         string // a name
	Claimed           time.Time
}

// Message is what a teacher told a member, all at a step, or the class.
type Message struct {
	ID, Class, From, Text string
	Member, Lab, Step     string   // whom it is for; all empty: the class
	Members               []string // whom it reached
	At                    time.Time
}

// Injection is a fault that was put into the networks of a class.
type Injection struct {
	ID, Class, From, Lab, Fault string
	At                          time.Time
	Members                     []Injected
}

// Injected is a fault in one member's network.
type Injected struct {
	Member, Session string
	Trouble         string // why it could not be put there
	Repaired        time.Time
}

// Broadcast is a teacher's terminal that the class sees.
type Broadcast struct {
	Class, From                string
	Learner, Session, Terminal string
	Lab, Host                  string
	At                         time.Time
}

// Acting is everything that a class's members and teachers have asked and told.
type Acting struct {
	Hands      []Hand
	Dismissals map[string]time.Time // by member
	Messages   []Message            // the newest, oldest first
	Injections []Injection          // oldest first
	Broadcast  *Broadcast
}

// SaveHand stores a raised hand, or who claims it.
func (s *Store) SaveHand(ctx context.Context, h Hand) error {
	return s.change(ctx, "store the raised hand", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO hands (member, lab, step, said, raised_at, claimed_by, claimed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (member) DO UPDATE SET lab = excluded.lab, step = excluded.step, said = excluded.said,
				raised_at = excluded.raised_at, claimed_by = excluded.claimed_by, claimed_at = excluded.claimed_at`,
			h.Member, h.Lab, h.Step, h.Text, millis(h.At), h.ClaimedBy, nullMillis(h.Claimed))
		return err
	})
}

// LowerHand forgets a raised hand.
func (s *Store) LowerHand(ctx context.Context, member string) error {
	return s.change(ctx, "lower the hand", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM hands WHERE member = $1`, member)
		return err
	})
}

// Dismiss stores that a member needs no help for what happened before.
func (s *Store) Dismiss(ctx context.Context, member string, at time.Time) error {
	return s.change(ctx, "store that no help is needed", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO dismissals (member, dismissed_at) VALUES ($1, $2)
			ON CONFLICT (member) DO UPDATE SET dismissed_at = excluded.dismissed_at`, member, millis(at))
		return err
	})
}

// AddMessage stores a message.
func (s *Store) AddMessage(ctx context.Context, m Message) error {
	members, err := json.Marshal(m.Members)
	if err != nil {
		return fmt.Errorf("cannot store the message: %w", err)
	}
	return s.change(ctx, "store the message", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO messages (id, class, sender, said, member, lab, step, members, sent_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, m.ID, m.Class, m.From, m.Text, m.Member, m.Lab, m.Step, string(members), millis(m.At))
		return err
	})
}

// SaveInjection stores a fault that was put into networks, and who has it there.
func (s *Store) SaveInjection(ctx context.Context, i Injection) error {
	return s.change(ctx, "store the fault", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO injections (id, class, sender, lab, fault, injected_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`, i.ID, i.Class, i.From, i.Lab, i.Fault, millis(i.At)); err != nil {
			return err
		}
		for _, m := range i.Members {
			if _, err := tx.ExecContext(ctx, `INSERT INTO injected (injection, member, session, trouble, repaired_at)
				VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (injection, member) DO UPDATE SET trouble = excluded.trouble, repaired_at = excluded.repaired_at`,
				i.ID, m.Member, m.Session, m.Trouble, nullMillis(m.Repaired)); err != nil {
				return err
			}
		}
		return nil
	})
}

// SaveBroadcast stores which terminal the class sees; nil: none.
func (s *Store) SaveBroadcast(ctx context.Context, class string, b *Broadcast) error {
	return s.change(ctx, "store what the class sees", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM broadcasts WHERE class = $1`, class); err != nil || b == nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO broadcasts (class, sender, learner, session, terminal, lab, host, begun_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, class, b.From, b.Learner, b.Session, b.Terminal, b.Lab, b.Host, millis(b.At))
		return err
	})
}

// mostMessages is how many of a class's messages are read again.
const mostMessages = 200

// Acting returns what the members and teachers of a class have asked and told.
func (s *Store) Acting(ctx context.Context, class string) (Acting, error) {
	const what = "read what the class has asked"
	a := Acting{Dismissals: map[string]time.Time{}}
	args := []any{class}
	of := ` WHERE member IN (SELECT id FROM members WHERE class = $1)`
	err := s.list(ctx, what, `SELECT member, lab, step, said, raised_at, claimed_by, claimed_at FROM hands`+of, args, func(rows *sql.Rows) error {
		var (
			h       Hand
			at      int64
			claimed sql.NullInt64
		)
		err := rows.Scan(&h.Member, &h.Lab, &h.Step, &h.Text, &at, &h.ClaimedBy, &claimed)
		h.At, h.Claimed = fromMillis(at), fromNullMillis(claimed)
		a.Hands = append(a.Hands, h)
		return err
	})
	if err != nil {
		return Acting{}, err
	}
	err = s.list(ctx, what, `SELECT member, dismissed_at FROM dismissals`+of, args, func(rows *sql.Rows) error {
		var (
			member string
			at     int64
		)
		err := rows.Scan(&member, &at)
		a.Dismissals[member] = fromMillis(at)
		return err
	})
	if err != nil {
		return Acting{}, err
	}
	err = s.list(ctx, what, `SELECT id, class, sender, said, member, lab, step, members, sent_at FROM
		(SELECT * FROM messages WHERE class = $1 ORDER BY sent_at DESC, id LIMIT $2) AS newest ORDER BY sent_at, id`, []any{class, mostMessages}, func(rows *sql.Rows) error {
		var (
			m       Message
			members string
			at      int64
		)
		if err := rows.Scan(&m.ID, &m.Class, &m.From, &m.Text, &m.Member, &m.Lab, &m.Step, &members, &at); err != nil {
			return err
		}
		m.At = fromMillis(at)
		a.Messages = append(a.Messages, m)
		return json.Unmarshal([]byte(members), &a.Messages[len(a.Messages)-1].Members)
	})
	if err != nil {
		return Acting{}, err
	}
	place := map[string]int{}
	err = s.list(ctx, what, `SELECT id, class, sender, lab, fault, injected_at FROM injections WHERE class = $1 ORDER BY injected_at, id`, args, func(rows *sql.Rows) error {
		var (
			i  Injection
			at int64
		)
		err := rows.Scan(&i.ID, &i.Class, &i.From, &i.Lab, &i.Fault, &at)
		i.At = fromMillis(at)
		place[i.ID] = len(a.Injections)
		a.Injections = append(a.Injections, i)
		return err
	})
	if err != nil {
		return Acting{}, err
	}
	err = s.list(ctx, what, `SELECT injection, member, session, trouble, repaired_at FROM injected
		WHERE injection IN (SELECT id FROM injections WHERE class = $1) ORDER BY member`, args, func(rows *sql.Rows) error {
		var (
			id       string
			m        Injected
			repaired sql.NullInt64
		)
		err := rows.Scan(&id, &m.Member, &m.Session, &m.Trouble, &repaired)
		m.Repaired = fromNullMillis(repaired)
		if n, ok := place[id]; ok {
			a.Injections[n].Members = append(a.Injections[n].Members, m)
		}
		return err
	})
	if err != nil {
		return Acting{}, err
	}
	err = s.list(ctx, what, `SELECT class, sender, learner, session, terminal, lab, host, begun_at FROM broadcasts WHERE class = $1`, args, func(rows *sql.Rows) error {
		var (
			b  Broadcast
			at int64
		)
		err := rows.Scan(&b.Class, &b.From, &b.Learner, &b.Session, &b.Terminal, &b.Lab, &b.Host, &at)
		b.At = fromMillis(at)
		a.Broadcast = &b
		return err
	})
	return a, err
}
