package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/netground/netground/server/app"
	"github.com/netground/netground/server/config"
)

type serveCommand struct {
	config.Server `embed:""`
}

// Run serves until the context ends. On SIGHUP the program takes the place of
// itself, in the version that its file has then, and the sessions go on.
func (c *serveCommand) Run(ctx context.Context) error {
	restart := make(chan os.Signal, 1)
	signal.Notify(restart, syscall.SIGHUP)
	defer signal.Stop(restart)
	log := newLog(c.LogFormat, c.LogLevel)
	a, err := app.Start(ctx, app.Options{Config: c.Server, Version: version, Log: log})
	if err != nil {
		return err
	}
	fmt.Printf("Netground %s is ready: %s\n", version, a.URL())
	h := a.Hosting()
	if h.Code != "" {
		fmt.Printf("Class %q: join at %s%s or with the code %s\n", c.Class, a.URL(), h.Join, h.Code)
	}
	if h.FirstTime {
		fmt.Printf("Teach here; this link sets your password, once: %s%s\n", a.URL(), h.Teach)
	} else {
		fmt.Printf("Teach here: %s%s\n", a.URL(), h.Teach)
	}
	select {
	case <-ctx.Done():
	case <-restart:
		return c.restart(a, log)
	}
	fmt.Println("Stopping: sessions are ended and their sandboxes removed. Ctrl-C again ends it at once.")
	return a.Close()
}

func (c *serveCommand) restart(a *app.App, log *slog.Logger) error {
	fmt.Println("Restarting: sandboxes and what runs in them live on.")
	program, err := os.Executable() // its path, where a newer version may lie
	if err != nil {
		return errors.Join(err, a.Close())
	}
	if err := a.Leave(); err != nil { // what it could not let go of ends with this program
		log.Error("not everything could be left in order; starting anew nevertheless", "error", err)
	}
	err = syscall.Exec(program, os.Args, os.Environ())
	return fmt.Errorf("cannot start %s anew: %w; the sandboxes live on: start it again", program, err)
}

func newLog(format, level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the command line knows these alone
	o := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
