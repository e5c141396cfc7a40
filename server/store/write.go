package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// write is one caller's change, waiting for the writer.
type write struct {
	ctx    context.Context
	do     func(ctx context.Context, tx *sql.Tx) error
	done   chan error // buffered: the writer never waits for a caller
	erases bool       // see erase
}

// change runs do in a transaction and returns when it is on the disk. There is
// one writer; whatever waits for it shares one commit, so that a class that
// starts at the same moment waits for one flush of the disk and not for thirty.
// If ctx ends first, the change may or may not have happened.
func (s *Store) change(ctx context.Context, what string, do func(context.Context, *sql.Tx) error) error {
	return s.send(ctx, what, &write{do: do})
}

// send has the writer do it.
func (s *Store) send(ctx context.Context, what string, w *write) error {
	w.ctx, w.done = ctx, make(chan error, 1)
	select {
	case <-s.closed:
		return fmt.Errorf("cannot %s: %w", what, ErrClosed)
	default:
	}
	select {
	case s.writes <- w:
	case <-s.closed:
		return fmt.Errorf("cannot %s: %w", what, ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("cannot %s: %w", what, ctx.Err())
	}
	var err error
	select {
	case err = <-w.done:
	case <-s.done: // it came in beside Close; the writer may still have taken it
		select {
		case err = <-w.done:
		default:
			err = ErrClosed
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("cannot %s: %w", what, err)
	}
	return nil
}

func (s *Store) run() {
	defer close(s.done)
	for {
		var due <-chan time.Time
		if !s.eraseAt.IsZero() {
			due = time.After(time.Until(s.eraseAt))
		}
		select {
		case w := <-s.writes:
			s.commit(s.gather([]*write{w}))
		case <-due:
			s.eraseNow()
		case <-s.closed:
			if rest := s.gather(nil); len(rest) > 0 {
				s.commit(rest)
				continue
			}
			if !s.eraseAt.IsZero() {
				s.eraseNow()
			}
			return
		}
	}
}

// gather adds to batch what waits already.
func (s *Store) gather(batch []*write) []*write {
	for len(batch) < batchSize {
		select {
		case w := <-s.writes:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// commit runs the batch in one transaction, each change in a savepoint, so
// that one that fails takes no other with it.
func (s *Store) commit(batch []*write) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	results := make([]error, len(batch))
	err := func() error {
		if err := s.inPlace(ctx); err != nil {
			return err
		}
		tx, err := s.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for i, w := range batch {
			if results[i] = w.ctx.Err(); results[i] != nil {
				continue
			}
			var fatal error
			if results[i], fatal = inSavepoint(ctx, tx, w.do); fatal != nil {
				return errors.Join(fatal, tx.Rollback())
			}
		}
		return tx.Commit()
	}()
	for i, w := range batch {
		if results[i] == nil {
			results[i] = err
		}
		if w.erases && results[i] == nil && s.eraseAt.IsZero() {
			s.eraseAt = time.Now().Add(eraseAfter)
		}
		w.done <- results[i]
	}
}

// inSavepoint returns what do returned, and an error that ends the transaction.
func inSavepoint(ctx context.Context, tx *sql.Tx, do func(context.Context, *sql.Tx) error) (result, fatal error) {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT change"); err != nil {
		return nil, err
	}
	result = do(ctx, tx)
	if result != nil {
		if _, err := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT change"); err != nil {
			return result, err
		}
	}
	_, fatal = tx.ExecContext(ctx, "RELEASE SAVEPOINT change")
	return result, fatal
}
