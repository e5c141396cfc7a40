package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// What a learner or a class has left is gone from SQLite's files soon after it was
// deleted, not only from its tables: pages that became free, the slack of pages
// whose rows have moved, and the write-ahead log may have it still. Deleted content
// is overwritten at once (secure_delete, https://www.sqlite.org/pragma.html), which
// leaves what moving rows has copied; so the file is also written anew, once for
// deletions that come together, and the log is emptied. Until that has happened the
// database says so itself, since the server may be killed between.
//
// PostgreSQL keeps deleted rows in its files until they are vacuumed and
// overwritten, and in its own log: that is for whoever runs it.

const (
	eraseAfter  = time.Second
	eraseAgain  = time.Minute
	eraseWithin = 30 * time.Second // others wait for the writer meanwhile
)

// Where user_version says that something is to be erased yet; migrations do not
// use it.
const (
	clean   = 0
	unclean = 1
)

// erase is change for what takes content away that must not be found again.
func (s *Store) erase(ctx context.Context, what string, do func(context.Context, *sql.Tx) error) error {
	if s.path == "" { // another kind of database
		return s.change(ctx, what, do)
	}
	return s.send(ctx, what, &write{erases: true, do: func(ctx context.Context, tx *sql.Tx) error {
		if err := do(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, unclean))
		return err
	}})
}

// OnTrouble is told what could not be erased yet, and what is tried again. It must
// be set before anything is deleted.
func (s *Store) OnTrouble(tell func(error)) { s.trouble.Store(&tell) }

// isUnclean says whether a server that was killed has left something to be erased.
func isUnclean(ctx context.Context, db *sql.DB) (bool, error) {
	var v int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&v); err != nil {
		return false, err
	}
	return v == unclean, nil
}

// eraseNow writes the database anew and empties the log. It is called by the writer.
func (s *Store) eraseNow() {
	ctx, cancel := context.WithTimeout(context.Background(), eraseWithin)
	defer cancel()
	s.eraseAt = time.Time{}
	err := func() error {
		if err := s.inPlace(ctx); err != nil {
			return err
		}
		if _, err := s.write.ExecContext(ctx, `VACUUM`); err != nil {
			return err
		}
		// Who still reads sees the past in the log, and is waited for.
		var busy, pages, moved int
		if err := s.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved); err != nil {
			return err
		}
		if busy != 0 {
			return errors.New("somebody is still reading")
		}
		_, err := s.write.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, clean))
		return err
	}()
	if err == nil {
		return
	}
	s.eraseAt = time.Now().Add(eraseAgain)
	if tell := s.trouble.Load(); tell != nil {
		(*tell)(fmt.Errorf("cannot erase from the database's file what was deleted: %w", err))
	}
}
