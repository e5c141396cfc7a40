// Package store keeps what must outlive the server: learners, their sessions
// and progress, who teaches, classes, and the server's secrets. It is SQLite, or
// PostgreSQL by URL: the SQL keeps to what both understand, and nothing of it
// leaves this package.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNotFound is returned for a row that does not exist.
var ErrNotFound = errors.New("not found")

// ErrClosed is returned for writes after Close.
var ErrClosed = errors.New("the store is closed")

const (
	readers      = 4
	busyTimeout  = 5 * time.Second
	batchSize    = 64
	batchTimeout = 15 * time.Second
)

// Store is an open database. Its methods may be called concurrently.
type Store struct {
	path  string // of SQLite
	file  fileID // which the name had when it was opened; the writer's
	read  *sql.DB
	write *sql.DB // the writer's

	eraseAt time.Time // when what was deleted is to be erased, if anything is; the writer's
	trouble atomic.Pointer[func(error)]

	writes chan *write
	closed chan struct{} // closed by Close: no new writes
	done   chan struct{} // closed by the writer when it has finished
	once   sync.Once
}

// Open opens the database file, which it makes where there is none, and
// migrates it. The file is readable by its owner alone: it holds the key of
// the cookies.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the folder of the database: %w", err)
	}
	// SQLite gives the WAL and the shared-memory file the mode of the database.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", err)
	}
	write, err := connect(path, "rw", 1)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, write, goose.DialectSQLite3); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot migrate the database %s: %w", path, err), write.Close())
	}
	if err := putBack(ctx, write, path); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot put back what %s%s holds: %w", path, rescueSuffix, err), write.Close())
	}
	file, err := identify(path)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read, err := connect(path, "ro", readers)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	s := newStore(read, write)
	s.path, s.file = path, file
	left, err := isUnclean(ctx, write)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read the database %s: %w", path, err), read.Close(), write.Close())
	}
	if left {
		s.eraseAt = time.Now()
	}
	go s.run()
	return s, nil
}

// newStore returns a store whose writer does not run yet.
func newStore(read, write *sql.DB) *Store {
	return &Store{read: read, write: write, writes: newWrites(), closed: make(chan struct{}), done: make(chan struct{})}
}

func newWrites() chan *write { return make(chan *write, batchSize) }

// connect opens a pool of connections. WAL lets readers go on while the writer
// writes; synchronous FULL makes each commit survive a power cut.
func connect(path, mode string, connections int) (*sql.DB, error) {
	q := url.Values{
		"mode":    {mode},
		"_txlock": {"immediate"},
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
			"foreign_keys(1)",
			"synchronous(FULL)",
		},
	}
	if mode == "rw" {
		q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", "secure_delete(1)")
	} else {
		q["_pragma"] = append(q["_pragma"], "query_only(1)")
	}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("cannot open the database %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, files)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// Close writes what was asked for before, and closes the database.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closed)
		<-s.done
		err = errors.Join(s.read.Close(), s.write.Close())
		if err != nil {
			err = fmt.Errorf("cannot close the database: %w", err)
		}
	})
	return err
}

// Ping says whether the database can be read.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return fmt.Errorf("cannot read the database: %w", err)
	}
	return nil
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func nullMillis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func fromNullMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return fromMillis(ms.Int64)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
