package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	postgresReaders = 8
	connectTimeout  = 5 * time.Second
)

// OpenURL opens a PostgreSQL database, postgres://…, and migrates it. One server
// at a time uses a database: it takes what lives there for what it left itself.
func OpenURL(ctx context.Context, url string) (*Store, error) {
	write, err := connectPostgres(url, false, 1)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, write, goose.DialectPostgres); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot migrate the PostgreSQL database: %w", err), write.Close())
	}
	read, err := connectPostgres(url, true, postgresReaders)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	s := newStore(read, write)
	go s.run()
	return s, nil
}

func connectPostgres(url string, readOnly bool, connections int) (*sql.DB, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("cannot read the database's address, postgres://USER:PASSWORD@HOST/NAME: %w", err) // without the password
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	c.RuntimeParams["application_name"] = "netground"
	// Each commit survives a power cut, whatever the server's default is.
	c.RuntimeParams["synchronous_commit"] = "on"
	if readOnly {
		c.RuntimeParams["default_transaction_read_only"] = "on"
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}
