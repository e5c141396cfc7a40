package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/netground/netground/server/bench"
	"github.com/netground/netground/server/config"
)

type benchCommand struct {
	config.Machine `embed:""`

	JSON  bool     `help:"Print JSON."`
	Quick bool     `help:"Fewer of everything: a first look in less than a minute."`
	Only  []string `help:"What to measure, instead of everything: floor, sandbox, cold, echo, bulk, interrupt, stalled, memory, connection, ends, event, pool, poolends." placeholder:"NAME"`
}

// Run measures a server of its own, and prints what it found beside the goals.
// A goal that is not met is no error.
func (c *benchCommand) Run(ctx context.Context) error {
	m, remove, err := isolated(c.Machine)
	if err != nil {
		return err
	}
	defer remove()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	report, err := bench.Run(ctx, bench.Options{Machine: m, Program: program, Version: version, Quick: c.Quick, Only: c.Only, Log: os.Stderr})
	if err != nil {
		return err
	}
	if !c.JSON {
		return report.Print(os.Stdout)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(report)
}
