package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/netground/netground/server/app"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/lab"
)

type labTry struct {
	config.Machine `embed:""`

	Dir    string `arg:"" help:"The lab's folder."`
	Listen string `help:"Address and port to serve on." default:"127.0.0.1:8080"`
}

// lookEvery is how often the lab's files are looked at.
const lookEvery = 300 * time.Millisecond

// Run serves the one lab until the context ends.
func (c *labTry) Run(ctx context.Context) error {
	l, err := loadLab(c.Dir)
	if err != nil {
		return err
	}
	machine, remove, err := isolated(c.Machine)
	if err != nil {
		return err
	}
	defer remove()
	course, labs := only(l)
	a, err := app.Start(ctx, app.Options{
		Config: config.Server{
			Listen: c.Listen, Machine: machine, IdleTimeout: 12 * time.Hour, WarnBefore: 5 * time.Minute, HardLimit: 24 * time.Hour,
			MaxPerClient: 3, MaxTerminals: 16, Pool: 1,
		},
		Version: version, Log: newLog("text", "warn"), Course: course, LabSet: labs,
	})
	if err != nil {
		return err
	}
	fmt.Printf("Try %s at %s/labs/%s; Ctrl-C ends it.\n", l.Name, a.URL(), l.Name)
	c.follow(ctx, a)
	return a.Close()
}

// only is a course of one lab.
func only(l *lab.Lab) (*lab.Course, map[string]*lab.Lab) {
	return &lab.Course{Title: l.Title, Chapters: []lab.Chapter{{ID: l.Name, Title: l.Title, Summary: l.Summary, Labs: []string{l.Name}}}},
		map[string]*lab.Lab{l.Name: l}
}

// follow loads the lab anew whenever it is saved. One with mistakes is
// reported, and the last good one stays.
func (c *labTry) follow(ctx context.Context, a *app.App) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := stamp(c.Dir)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := stamp(c.Dir)
		if now == last {
			continue
		}
		last = now
		l, err := loadLab(c.Dir)
		if err != nil {
			report(err)
			continue
		}
		for _, w := range lab.Lint(l, filepath.Clean(c.Dir)) {
			w.Message = "warning: " + w.Message
			fmt.Fprintln(os.Stderr, w)
		}
		a.SetLabs(only(l))
		fmt.Printf("%s: %s is loaded anew.\n", time.Now().Format(time.TimeOnly), l.Name)
	}
}

// stamp changes when a file of the folder is saved.
func stamp(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	s := ""
	for _, e := range entries {
		i, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err.Error()
		}
		s += fmt.Sprintf("%s %d %d\n", i.Name(), i.Size(), i.ModTime().UnixNano())
	}
	return s
}
