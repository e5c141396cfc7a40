package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Step names one step of one lab of one learner, and the session in which
// something happened to it.
type Step struct {
	Learner, Lab, Step string
	Session            string
}

// StepResult is how far a learner is with a step.
type StepResult struct {
	Step
	Passed   time.Time // zero: not yet
	CaughtUp bool      // by "catch up", not by the learner
	Attempts int
	Checked  time.Time
}

// Hint is one hint that a learner was shown.
type Hint struct {
	Step
	Hint string // which one
	At   time.Time
}

// Answer is a value that a learner typed or chose.
type Answer struct {
	Step
	Name, Value string
	At          time.Time
}

// LabRecord is everything that is known of a learner in a lab.
type LabRecord struct {
	Results   []StepResult
	Hints     []Hint // in the order in which they were shown
	Solutions []Step // revealed ones
	Answers   []Answer
	// Predictions are what the learner expected before trying.
	Predictions []Answer
}

// SaveResult stores how far a learner is with a step. What was stored never
// goes back: a passed step stays passed, at the time when it first was, and
// attempts only grow; so a result may be stored again, and late.
func (s *Store) SaveResult(ctx context.Context, r StepResult) error {
	return s.change(ctx, "store the step's result", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO step_results
			(learner, lab, step, session, passed_at, caught_up, attempts, checked_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (learner, lab, step) DO UPDATE SET
				session    = excluded.session,
				caught_up  = CASE WHEN step_results.passed_at IS NULL THEN excluded.caught_up ELSE step_results.caught_up END,
				passed_at  = COALESCE(step_results.passed_at, excluded.passed_at),
				attempts   = CASE WHEN excluded.attempts > step_results.attempts THEN excluded.attempts ELSE step_results.attempts END,
				checked_at = COALESCE(excluded.checked_at, step_results.checked_at)`,
			r.Learner, r.Lab, r.Step.Step, r.Session, nullMillis(r.Passed), flag(r.CaughtUp), r.Attempts, nullMillis(r.Checked))
		return err
	})
}

// SaveHint stores that a hint was shown.
func (s *Store) SaveHint(ctx context.Context, h Hint) error {
	return s.change(ctx, "store the hint", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO hints_used (learner, lab, step, hint, place, session, used_at)
			VALUES ($1, $2, $3, $4,
				(SELECT count(*) FROM hints_used WHERE learner = $1 AND lab = $2 AND step = $3), $5, $6)
			ON CONFLICT (learner, lab, step, hint) DO NOTHING`,
			h.Learner, h.Lab, h.Step.Step, h.Hint, h.Session, millis(h.At))
		return err
	})
}

// SaveSolution stores that a solution was revealed.
func (s *Store) SaveSolution(ctx context.Context, p Step, at time.Time) error {
	return s.change(ctx, "store the revealed solution", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO solutions_revealed (learner, lab, step, session, revealed_at)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (learner, lab, step) DO NOTHING`,
			p.Learner, p.Lab, p.Step, p.Session, millis(at))
		return err
	})
}

// SaveAnswer stores an answer in place of an earlier one.
func (s *Store) SaveAnswer(ctx context.Context, a Answer) error {
	return s.change(ctx, "store the answer", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO answers (learner, lab, step, name, value, session, answered_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (learner, lab, step, name) DO UPDATE SET
				value = excluded.value, session = excluded.session, answered_at = excluded.answered_at`,
			a.Learner, a.Lab, a.Step.Step, a.Name, storable(a.Value), a.Session, millis(a.At))
		return err
	})
}

// SavePrediction stores what a learner expects; the first prediction stays.
func (s *Store) SavePrediction(ctx context.Context, a Answer) error {
	return s.change(ctx, "store the prediction", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO predictions (learner, lab, step, name, value, session, predicted_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (learner, lab, step, name) DO NOTHING`,
			a.Learner, a.Lab, a.Step.Step, a.Name, storable(a.Value), a.Session, millis(a.At))
		return err
	})
}

// LabRecord returns everything that is known of a learner in a lab.
func (s *Store) LabRecord(ctx context.Context, learner, lab string) (LabRecord, error) {
	var (
		rec LabRecord
		at  = func(step, session string) Step {
			return Step{Learner: learner, Lab: lab, Step: step, Session: session}
		}
		step, session string
	)
	err := s.each(ctx, `SELECT step, session, passed_at, caught_up, attempts, checked_at FROM step_results
		WHERE learner = $1 AND lab = $2 ORDER BY step`, []any{learner, lab}, func(rows *sql.Rows) error {
		var (
			passed, checked    sql.NullInt64
			caughtUp, attempts int64
		)
		if err := rows.Scan(&step, &session, &passed, &caughtUp, &attempts, &checked); err != nil {
			return err
		}
		rec.Results = append(rec.Results, StepResult{
			Step: at(step, session), Passed: fromNullMillis(passed), CaughtUp: caughtUp != 0,
			Attempts: int(attempts), Checked: fromNullMillis(checked),
		})
		return nil
	})
	if err != nil {
		return LabRecord{}, err
	}
	err = s.each(ctx, `SELECT step, session, hint, used_at FROM hints_used
		WHERE learner = $1 AND lab = $2 ORDER BY step, place`, []any{learner, lab}, func(rows *sql.Rows) error {
		var (
			hint string
			used int64
		)
		if err := rows.Scan(&step, &session, &hint, &used); err != nil {
			return err
		}
		rec.Hints = append(rec.Hints, Hint{Step: at(step, session), Hint: hint, At: fromMillis(used)})
		return nil
	})
	if err != nil {
		return LabRecord{}, err
	}
	err = s.each(ctx, `SELECT step, session FROM solutions_revealed
		WHERE learner = $1 AND lab = $2 ORDER BY step`, []any{learner, lab}, func(rows *sql.Rows) error {
		if err := rows.Scan(&step, &session); err != nil {
			return err
		}
		rec.Solutions = append(rec.Solutions, at(step, session))
		return nil
	})
	if err != nil {
		return LabRecord{}, err
	}
	for _, t := range []struct {
		query string
		into  *[]Answer
	}{
		{`SELECT step, session, name, value, answered_at FROM answers`, &rec.Answers},
		{`SELECT step, session, name, value, predicted_at FROM predictions`, &rec.Predictions},
	} {
		err = s.each(ctx, t.query+` WHERE learner = $1 AND lab = $2 ORDER BY step, name`, []any{learner, lab}, func(rows *sql.Rows) error {
			var (
				name, value string
				given       int64
			)
			if err := rows.Scan(&step, &session, &name, &value, &given); err != nil {
				return err
			}
			*t.into = append(*t.into, Answer{Step: at(step, session), Name: name, Value: value, At: fromMillis(given)})
			return nil
		})
		if err != nil {
			return LabRecord{}, err
		}
	}
	return rec, nil
}

// PassedSteps returns the steps that a learner has passed, by lab.
func (s *Store) PassedSteps(ctx context.Context, learner string) (map[string][]string, error) {
	passed := map[string][]string{}
	err := s.each(ctx, `SELECT lab, step FROM step_results
		WHERE learner = $1 AND passed_at IS NOT NULL ORDER BY lab, step`, []any{learner}, func(rows *sql.Rows) error {
		var lab, step string
		if err := rows.Scan(&lab, &step); err != nil {
			return err
		}
		passed[lab] = append(passed[lab], step)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return passed, nil
}

// storable is a text without the NUL that PostgreSQL refuses; as an answer,
// neither is right.
func storable(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

// each calls do for each row of a query about a learner's progress.
func (s *Store) each(ctx context.Context, query string, args []any, do func(*sql.Rows) error) error {
	return s.list(ctx, "read the learner's progress", query, args, do)
}

// list calls do for each row of a query.
func (s *Store) list(ctx context.Context, what, query string, args []any, do func(*sql.Rows) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot %s: %w", what, err)
		}
	}()
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
