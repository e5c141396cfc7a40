package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/netground/netground/server/attack"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/rootless"
)

type attackCommand struct {
	config.Machine `embed:""`

	JSON     bool          `help:"Print JSON."`
	Only     []string      `help:"What to try, instead of everything: escape, verdict, exhaust, network, door, accidents, or the name of an attack." placeholder:"GROUP"`
	Within   time.Duration `help:"When no other attack is begun; 0: never." default:"0"`
	Away     time.Duration `help:"For how long pages stay away that are to come back; 0: until the server has given them up." default:"0"`
	SetClock bool          `help:"Let an attack set the machine's clock, which is put right again: where nothing else runs."`
	Slower   int           `help:"How many times longer than on an ordinary machine anything may take: for emulated ones." default:"1"`
}

// Run attacks a server of its own, and prints what held. What did not hold is
// an error.
func (c *attackCommand) Run(ctx context.Context) error {
	m, remove, err := isolated(c.Machine)
	if err != nil {
		return err
	}
	defer remove()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	report, err := attack.Run(ctx, attack.Options{Machine: m, Program: program, Version: version, Only: c.Only, Slower: c.Slower, Within: c.Within, Away: c.Away, Rootless: rootless.Inside(), SetClock: c.SetClock, Log: os.Stderr})
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		err = e.Encode(report)
	} else {
		err = report.Print(os.Stdout)
	}
	if err == nil && !report.OK() {
		err = errFailed
	}
	return err
}
