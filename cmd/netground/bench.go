package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/netground/netground/server/bench"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/rootless"
)

type benchCommand struct {
	Goals benchGoals `cmd:"" default:"withargs" help:"Measure this machine against the goals."`
	Class benchClass `cmd:"" help:"Measure what a class of simulated learners costs, and how late its teacher's page is."`
}

type benchGoals struct {
	config.Machine `embed:""`

	JSON  bool     `help:"Print JSON."`
	Quick bool     `help:"Fewer of everything: a first look in less than a minute."`
	Only  []string `help:"What to measure, instead of everything: floor, sandbox, cold, echo, bulk, interrupt, stalled, memory, connection, ends, event, pool, poolends." placeholder:"NAME"`
}

// Run measures a server of its own, and prints what it found beside the goals.
// A goal that is not met is no error.
func (c *benchGoals) Run(ctx context.Context) error {
	return measure(c.Machine, c.JSON, func(o bench.Options) (*bench.Report, error) {
		o.Quick, o.Only = c.Quick, c.Only
		return bench.Run(ctx, o)
	})
}

type benchClass struct {
	config.Machine `embed:""`

	JSON     bool  `help:"Print JSON."`
	Learners []int `help:"Sizes of classes, one after the other." default:"30,100" placeholder:"N"`
}

// Run measures classes on a server of its own.
func (c *benchClass) Run(ctx context.Context) error {
	for _, n := range c.Learners {
		if n < 1 || n > 400 {
			return fmt.Errorf("a class of %d cannot be measured: 1 to 400 fit", n)
		}
	}
	return measure(c.Machine, c.JSON, func(o bench.Options) (*bench.Report, error) {
		return bench.Class(ctx, bench.ClassOptions{Options: o, Learners: c.Learners})
	})
}

func measure(machine config.Machine, asJSON bool, do func(bench.Options) (*bench.Report, error)) error {
	m, remove, err := isolated(machine)
	if err != nil {
		return err
	}
	defer remove()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	report, err := do(bench.Options{Machine: m, Program: program, Version: version, Rootless: rootless.Inside(), Log: os.Stderr})
	if err != nil {
		return err
	}
	if !asJSON {
		return report.Print(os.Stdout)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(report)
}
