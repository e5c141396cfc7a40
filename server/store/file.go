package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
)

// Whoever tidies up may remove the database while the server runs, or put
// another in its place, a backup say. SQLite would go on to write into the file
// that has no name any more, and all of that would be lost with the server. So
// the writer looks before each commit; where the file is not the one that it
// has open, it saves what that holds, and goes on with the file of that name:
// with all of it where there is none, and with what it lacks otherwise.

// rescueSuffix is of the file that holds everything while this goes on; it is
// put back by the next try, or the next start.
const rescueSuffix = ".rescued"

const settleWithin = 2 * time.Second

type fileID struct{ dev, ino uint64 }

// identify says which file has the name; the zero value: none.
func identify(path string) (fileID, error) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	if errors.Is(err, unix.ENOENT) {
		return fileID{}, nil
	}
	if err != nil {
		return fileID{}, fmt.Errorf("cannot look at the database's file: %w", err)
	}
	return fileID{st.Dev, st.Ino}, nil
}

// inPlace sees to it that the open database is the file of its name. It is
// called by the writer.
func (s *Store) inPlace(ctx context.Context) error {
	if s.path == "" {
		return nil // another kind of database
	}
	now, err := identify(s.path)
	if err != nil || now == s.file {
		return err
	}
	if err := s.move(ctx, now != fileID{}); err != nil {
		return fmt.Errorf("the database's file is gone or another, and what it held cannot be put back yet: %w", err)
	}
	return nil
}

// move goes on with the file that has the database's name now, if there is one.
func (s *Store) move(ctx context.Context, another bool) error {
	if another {
		if err := looksRight(s.path); err != nil {
			return err
		}
	}
	// The folder may be gone with it.
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	rescue := s.path + rescueSuffix
	if _, err := os.Stat(rescue); errors.Is(err, os.ErrNotExist) {
		if err := s.snapshot(ctx, rescue); err != nil {
			return err
		}
	}
	// The write-ahead log and its index have names of their own, which the next
	// database takes: nobody may have those of the old one open by then.
	s.read.SetMaxIdleConns(0)
	defer s.read.SetMaxIdleConns(readers)
	for deadline := time.Now().Add(settleWithin); s.read.Stats().OpenConnections > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("somebody is still reading")
		}
	}
	if err := s.write.Close(); err != nil {
		return err
	}
	if !another {
		for _, suffix := range []string{"-wal", "-shm"} {
			if err := os.Remove(s.path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		if err := os.Rename(rescue, s.path); err != nil {
			return err
		}
	}
	var err error
	if s.write, err = connect(s.path, "rw", 1); err != nil {
		return err
	}
	if err := migrate(ctx, s.write, goose.DialectSQLite3); err != nil {
		return err
	}
	if err := putBack(ctx, s.write, s.path); err != nil {
		return err
	}
	s.file, err = identify(s.path)
	return err
}

// snapshot writes all that the open database holds into a file.
func (s *Store) snapshot(ctx context.Context, to string) error {
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := s.write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return err
	}
	if _, err := s.write.ExecContext(ctx, `VACUUM INTO $1`, part); err != nil {
		return err
	}
	if err := os.Chmod(part, 0o600); err != nil { // it holds the key of the cookies
		return err
	}
	return os.Rename(part, to)
}

// looksRight says why a file is certainly no database.
func looksRight(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, 16)
	if n, err := io.ReadFull(f, b); n > 0 && string(b[:n]) != "SQLite format 3\x00" || err != nil && !errors.Is(err, io.EOF) {
		return errors.New("what has its name now is no database; remove it")
	}
	return nil // an empty one becomes a database
}

// putBack adds what a rescued database holds and this one lacks, if there is one.
func putBack(ctx context.Context, db *sql.DB, path string) error {
	rescue := path + rescueSuffix
	if _, err := os.Stat(rescue); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `ATTACH DATABASE $1 AS rescued`, rescue); err != nil {
		return err
	}
	err = merge(ctx, conn)
	if _, e := conn.ExecContext(ctx, `DETACH DATABASE rescued`); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Remove(rescue)
}

func merge(ctx context.Context, conn *sql.Conn) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	// Rows may come before those that they refer to.
	if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = 1`); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT name FROM rescued.sqlite_master
		WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'`)
	if err != nil {
		return err
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return errors.Join(err, rows.Close())
		}
		tables = append(tables, `"`+strings.ReplaceAll(name, `"`, `""`)+`"`)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO main.`+t+` SELECT * FROM rescued.`+t); err != nil {
			return err
		}
	}
	return tx.Commit()
}
