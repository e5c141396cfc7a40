package bench

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/netground/netground/server/drive"
)

// mostSessions of one server: those that are measured, and those that end meanwhile.
const mostSessions = 450

// server is the one that is measured.
type server struct {
	*drive.Server
	crowd []*started // sandboxes that stand idle
}

// startServer starts the program as a server of the labs, with a pool of so many sandboxes.
func startServer(ctx context.Context, o *Options, dir string, pool int) (*server, error) {
	return startNamed(ctx, o, dir, fmt.Sprintf("pool-%d", pool), pool)
}

// startNamed is startServer for one that shares its database with no other: it is
// that of the name.
func startNamed(ctx context.Context, o *Options, dir, name string, pool int) (*server, error) {
	s, err := drive.Start(ctx, drive.Options{
		Machine: o.Machine, Program: o.Program, Labs: filepath.Join(dir, "labs"), Dir: dir, Name: name,
		Pool: pool, MaxSessions: mostSessions,
	})
	if err != nil {
		return nil, err
	}
	return &server{Server: s}, nil
}
