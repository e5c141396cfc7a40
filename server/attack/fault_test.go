package attack

import (
	"context"
	"database/sql"
	"net"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// carriedOut carries out a part of an attack.
func carriedOut(t *testing.T, do func(*trial)) {
	t.Helper()
	f := (&campaign{o: &Options{Slower: 1}, ctx: t.Context(), dir: t.TempDir()}).fight()
	r := f.try(&Attack{ID: "part", run: do, own: true})
	if r.Outcome != Held {
		t.Errorf("%s: %q", r.Outcome, r.Why)
	}
}

// A connection that was made deaf hears nothing, not even that it was ended, and
// its other end is no less open for that.
func TestDeafen(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	hears := func() bool {
		_, err := theirs.Write([]byte("x"))
		_ = ours.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		n, _ := ours.Read(make([]byte, 1))
		return err == nil && n == 1
	}
	carriedOut(t, func(tr *trial) {
		if !hears() || !tr.connected(ours) {
			t.Error("it does not hear to begin with")
		}
		tr.deafen(ours)
		if hears() || !tr.connected(ours) {
			t.Error("it hears, or is closed")
		}
		theirs.Close()
		if tr.connected(ours) {
			t.Error("its other end was closed, and seems open")
		}
	})
}

// The lock that an attack takes is the one for which SQLite waits.
func TestLockedDatabase(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "netground.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(50)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write := func() error {
		_, err := db.ExecContext(context.Background(), "CREATE TABLE IF NOT EXISTS x (y); INSERT INTO x VALUES (1)")
		return err
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	carriedOut(t, func(tr *trial) {
		end := lockedDatabase(tr, dir)
		if write() == nil {
			t.Error("a locked database was written to")
		}
		end()
		if err := write(); err != nil {
			t.Error(err)
		}
	})
}
