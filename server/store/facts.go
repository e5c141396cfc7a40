package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Failing is a check that failed in a try.
type Failing struct {
	Place  int               `json:"place"` // of the check in its step
	Kind   string            `json:"kind"`
	Reason string            `json:"reason"`
	Why    map[string]string `json:"why"` // by language
	// Expected is what the check wants, by language; none in what an older server stored.
	Expected map[string]string `json:"expected,omitempty"`
}

// Failure is a try of a step that failed.
type Failure struct {
	ID string
	Step
	At      time.Time
	Asked   bool // by the learner; else a change of the network was the try
	Failing []Failing
}

// StepTime is how long a learner has been at a step.
type StepTime struct {
	Step
	Begun time.Time
	Spent time.Duration // active
	Input time.Time     // the last one at this step
}

// SaveFailure stores a try that failed. It may be stored again.
func (s *Store) SaveFailure(ctx context.Context, f Failure) error {
	failing, err := json.Marshal(f.Failing)
	if err != nil {
		return fmt.Errorf("cannot store a try that failed: %w", err)
	}
	return s.change(ctx, "store a try that failed", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO failures (id, learner, lab, step, session, asked, failing, failed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
			f.ID, f.Learner, f.Lab, f.Step.Step, f.Session, flag(f.Asked), string(failing), millis(f.At))
		return err
	})
}

// SaveTimes stores how long learners have been at steps. Times of learners who
// were deleted meanwhile are dropped.
func (s *Store) SaveTimes(ctx context.Context, times []StepTime) error {
	if len(times) == 0 {
		return nil
	}
	return s.change(ctx, "store the times at steps", func(ctx context.Context, tx *sql.Tx) error {
		for _, t := range times {
			if _, err := tx.ExecContext(ctx, `INSERT INTO step_times (learner, lab, step, begun_at, spent_ms, input_at)
				SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT) WHERE EXISTS (SELECT 1 FROM learners WHERE id = $1)
				ON CONFLICT (learner, lab, step) DO UPDATE SET
					spent_ms = CASE WHEN excluded.spent_ms > step_times.spent_ms THEN excluded.spent_ms ELSE step_times.spent_ms END,
					input_at = CASE WHEN excluded.input_at > step_times.input_at THEN excluded.input_at ELSE step_times.input_at END`,
				t.Learner, t.Lab, t.Step.Step, millis(t.Begun), t.Spent.Milliseconds(), millis(t.Input)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ClassFacts is everything that is known of a class's learners' work.
type ClassFacts struct {
	Results   []StepResult
	Hints     []Hint
	Solutions []Step
	Failures  []Failure // oldest first
	Times     []StepTime
}

// ClassFacts returns what the members of a class have done; with a learner,
// what that one has.
func (s *Store) ClassFacts(ctx context.Context, class, learner string) (ClassFacts, error) {
	var (
		f     ClassFacts
		k     Step
		args  = []any{class, learner}
		whose = ` x JOIN members m ON m.learner = x.learner WHERE m.class = $1 AND ($2 = '' OR m.learner = $2)`
	)
	const what = "read what the class has done"
	err := s.list(ctx, what, `SELECT x.learner, x.lab, x.step, x.session, x.passed_at, x.caught_up, x.attempts, x.checked_at FROM step_results`+whose, args, func(rows *sql.Rows) error {
		r := StepResult{}
		var passed, checked sql.NullInt64
		var caughtUp int64
		err := rows.Scan(&k.Learner, &k.Lab, &k.Step, &k.Session, &passed, &caughtUp, &r.Attempts, &checked)
		r.Step, r.Passed, r.Checked, r.CaughtUp = k, fromNullMillis(passed), fromNullMillis(checked), caughtUp != 0
		f.Results = append(f.Results, r)
		return err
	})
	if err != nil {
		return ClassFacts{}, err
	}
	err = s.list(ctx, what, `SELECT x.learner, x.lab, x.step, x.session, x.hint, x.used_at FROM hints_used`+whose, args, func(rows *sql.Rows) error {
		var at int64
		h := Hint{}
		err := rows.Scan(&k.Learner, &k.Lab, &k.Step, &k.Session, &h.Hint, &at)
		h.Step, h.At = k, fromMillis(at)
		f.Hints = append(f.Hints, h)
		return err
	})
	if err != nil {
		return ClassFacts{}, err
	}
	err = s.list(ctx, what, `SELECT x.learner, x.lab, x.step, x.session FROM solutions_revealed`+whose, args, func(rows *sql.Rows) error {
		err := rows.Scan(&k.Learner, &k.Lab, &k.Step, &k.Session)
		f.Solutions = append(f.Solutions, k)
		return err
	})
	if err != nil {
		return ClassFacts{}, err
	}
	err = s.list(ctx, what, `SELECT x.learner, x.lab, x.step, x.session, x.id, x.asked, x.failing, x.failed_at FROM failures`+whose+` ORDER BY x.failed_at, x.id`, args, func(rows *sql.Rows) error {
		var (
			at, asked int64
			failing   string
			try       Failure
		)
		if err := rows.Scan(&k.Learner, &k.Lab, &k.Step, &k.Session, &try.ID, &asked, &failing, &at); err != nil {
			return err
		}
		try.Step, try.At, try.Asked = k, fromMillis(at), asked != 0
		f.Failures = append(f.Failures, try)
		return json.Unmarshal([]byte(failing), &f.Failures[len(f.Failures)-1].Failing)
	})
	if err != nil {
		return ClassFacts{}, err
	}
	err = s.list(ctx, what, `SELECT x.learner, x.lab, x.step, x.begun_at, x.spent_ms, x.input_at FROM step_times`+whose, args, func(rows *sql.Rows) error {
		var begun, spent, input int64
		err := rows.Scan(&k.Learner, &k.Lab, &k.Step, &begun, &spent, &input)
		k.Session = ""
		f.Times = append(f.Times, StepTime{Step: k, Begun: fromMillis(begun), Spent: time.Duration(spent) * time.Millisecond, Input: fromMillis(input)})
		return err
	})
	if err != nil {
		return ClassFacts{}, err
	}
	return f, nil
}
