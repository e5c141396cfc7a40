package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/netground/netground/server/app"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/labtest"
)

type labCommand struct {
	New    labNew    `cmd:"" help:"Begin a lab."`
	Lint   labLint   `cmd:"" help:"Look for mistakes in the files of labs."`
	Test   labTest   `cmd:"" help:"Prove labs in real sandboxes."`
	Try    labTry    `cmd:"" help:"Open a lab in the browser; what you save shows at once."`
	Schema labSchema `cmd:"" help:"Print the JSON Schema of lab.yaml, for editors."`
}

type labSchema struct{}

// Run prints the schema.
func (labSchema) Run() error {
	b, err := lab.Schema()
	if err != nil {
		return err
	}
	fmt.Println(string(b))
	return nil
}

type labNew struct {
	Dir string `arg:"" help:"The lab's folder; its name is the lab's name." type:"path"`
}

// Run begins a lab.
func (c *labNew) Run() error {
	files, err := lab.New(c.Dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		fmt.Println(f)
	}
	fmt.Printf("Next: netground lab lint %[1]s; sudo netground lab try %[1]s; sudo netground lab test %[1]s\n", c.Dir)
	return nil
}

// loadLab reads the lab of a folder. Errors name files as the folder was named.
func loadLab(dir string) (*lab.Lab, error) {
	clean := filepath.Clean(dir)
	root, err := os.OpenRoot(clean)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lab: %w", err)
	}
	defer root.Close()
	name := clean
	if abs, err := filepath.Abs(clean); err == nil {
		name = abs
	}
	return lab.LoadDir(root.FS(), filepath.Base(name), clean)
}

// beside finds the labs of the course that a lab's folder is part of. Of a
// folder by itself nobody knows where its links lead: each is taken for good.
func beside(dir string) func(name string) *lab.Lab {
	parent := filepath.Dir(filepath.Clean(dir))
	if abs, err := filepath.Abs(dir); err == nil {
		parent = filepath.Dir(abs)
	}
	_, err := os.Stat(filepath.Join(parent, "course.yaml"))
	known := map[string]*lab.Lab{}
	return func(name string) *lab.Lab {
		if err != nil {
			return &lab.Lab{Steps: []lab.Step{}}
		}
		if _, ok := known[name]; !ok {
			l, err := loadLab(filepath.Join(parent, filepath.Base(name)))
			if err != nil {
				l = nil
			}
			known[name] = l
		}
		return known[name]
	}
}

type labLint struct {
	Dirs   []string `arg:"" name:"dir" help:"Folders of labs."`
	Strict bool     `help:"Fail on warnings, too."`
}

// Run reports mistakes as file:line:column: message.
func (c *labLint) Run() error {
	failed := false
	for _, dir := range c.Dirs {
		l, err := loadLab(dir)
		if err != nil {
			report(err)
			failed = true
			continue
		}
		warnings := append(lab.Lint(l, filepath.Clean(dir)), lab.DeadLinks(l, filepath.Clean(dir), beside(dir))...)
		for _, w := range warnings {
			w.Message = "warning: " + w.Message
			fmt.Fprintln(os.Stderr, w)
		}
		failed = failed || c.Strict && len(warnings) > 0
		if len(warnings) == 0 {
			fmt.Printf("%s: no mistakes found\n", filepath.Clean(dir))
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

type labTest struct {
	config.Machine `embed:""`

	Dirs      []string `arg:"" name:"dir" help:"Folders of labs."`
	Solutions bool     `help:"Try the solutions only: in a terminal, after a reset, and by catching up."`
	AtOnce    int      `help:"How many labs are tried at the same time." default:"1"`
	Verbose   bool     `short:"v" help:"Say what is being tried."`
}

// Run proves labs, each on its own.
func (c *labTest) Run(ctx context.Context) (err error) {
	machine, remove, err := isolated(c.Machine)
	if err != nil {
		return err
	}
	defer remove()
	log := newLog("text", "error")
	e, err := app.OpenEngine(ctx, machine, log)
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, e.Close(stop))
	}()
	var mu sync.Mutex // guards failed, and the output
	failed := false
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, c.AtOnce))
	for _, dir := range c.Dirs {
		l, err := loadLab(dir)
		if err != nil {
			mu.Lock()
			report(err)
			failed = true
			mu.Unlock()
			continue
		}
		o := labtest.Options{Engine: e, Log: log, Solutions: c.Solutions}
		if c.Verbose {
			o.Progress = func(what string) { fmt.Printf("%s: %s\n", l.Name, what) }
		}
		group.Go(func() error {
			r, err := labtest.Prove(ctx, l, o)
			if err != nil {
				return fmt.Errorf("cannot prove %s: %w", l.Name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			verdict := "proved"
			if len(r.Problems) > 0 {
				verdict, failed = "FAILED", true
			}
			fmt.Printf("%s: %s: %d steps, %d checks, %d mistakes, %d typed commands in %.1f s\n", l.Name, verdict, r.Steps, r.Checks, r.Mistakes, r.Commands, r.Took.Seconds())
			for _, p := range r.Problems {
				fmt.Printf("  %s\n", p)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if failed {
		return errFailed
	}
	return nil
}
