// Package pgtest starts a PostgreSQL of Debian's packages for tests, with a
// folder and a port of its own, and nothing of it left afterwards.
package pgtest

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// startWithin is how long a busy machine may take until the database answers.
const startWithin = time.Minute

// Server is a PostgreSQL that runs.
type Server struct {
	dir  string
	port int
	cmd  *exec.Cmd
	out  *bytes.Buffer
	made atomic.Int64
}

// Start starts a server. It must be stopped.
func Start() (_ *Server, err error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s := &Server{out: &bytes.Buffer{}}
	if s.dir, err = os.MkdirTemp("", "netground-postgres"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot start PostgreSQL: %w\n%s", err, s.out), s.Stop())
		}
	}()
	as, err := s.owner()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "netground", "--auth=trust", "--no-locale", "-E", "UTF8", "--no-sync")
	initdb.Dir, initdb.Stdout, initdb.Stderr = s.dir, s.out, s.out
	initdb.SysProcAttr = as()
	if err := initdb.Run(); err != nil {
		return nil, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.port = free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=60")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, s.out, s.out
	cmd.SysProcAttr = as()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.cmd = cmd
	return s, s.await()
}

// binaries finds the newest version that is installed.
func binaries() (string, error) {
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(all) == 0 {
		return "", errors.Join(errors.New("there is no PostgreSQL: apt-get install postgresql"), err)
	}
	best, version := "", 0
	for _, p := range all {
		if v, _ := strconv.Atoi(strings.Split(p, "/")[4]); v > version {
			best, version = filepath.Dir(p), v
		}
	}
	return best, nil
}

// owner returns as whom the database runs: it refuses to run as root.
func (s *Server) owner() (func() *syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return func() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }, nil
	}
	who, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(s.dir, uid, -1); err != nil {
		return nil, err
	}
	return func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(os.Getgid())}}
	}, nil
}

func (s *Server) await() error {
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for end := time.Now().Add(startWithin); ; time.Sleep(50 * time.Millisecond) {
		err = db.Ping()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

func (s *Server) url(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("netground"), Host: "127.0.0.1:" + strconv.Itoa(s.port), Path: "/" + database, RawQuery: "sslmode=disable"}).String()
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprintf("test_%d", s.made.Add(1))
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.url(name)
}

// Stop stops the server and removes its folder.
func (s *Server) Stop() error {
	var errs []error
	if s.cmd != nil {
		errs = append(errs, s.cmd.Process.Signal(syscall.SIGINT)) // fast shutdown
		_ = s.cmd.Wait()                                          // however it ends
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
