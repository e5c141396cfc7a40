package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/netground/netground/server/app"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/doctor"
	"github.com/netground/netground/server/rootless"
	"github.com/netground/netground/server/sandbox/keeper"
)

type doctorCommand struct {
	config.Machine `embed:""`

	JSON bool `help:"Print JSON."`
}

// Run examines the machine; something missing is an error.
func (c *doctorCommand) Run(ctx context.Context) error {
	all := doctor.Examine(ctx, doctor.Options{Rootfs: c.Rootfs, Keeper: c.Keeper, Rootless: rootless.Inside(), Group: rootless.Group(), Try: func(ctx context.Context) error { return trial(ctx, c.Machine) }})
	if c.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(all); err != nil {
			return err
		}
	} else {
		for _, f := range all {
			fmt.Printf("%-8s %-27s %s\n", f.Grade, f.Name, f.Found)
			if f.Remedy != "" {
				fmt.Printf("%-8s %-27s → %s\n", "", "", f.Remedy)
			}
		}
	}
	if slices.ContainsFunc(all, func(f doctor.Finding) bool { return f.Grade == doctor.Bad }) {
		return errFailed
	}
	return nil
}

// isolatedIDs is how many ids a command beside the server uses: for 1,024 sandboxes.
const isolatedIDs = 1024 << 16

// isolated gives a machine's settings folders of its own, so that a command
// beside a running server does not meet its sandboxes.
func isolated(m config.Machine) (config.Machine, func(), error) {
	dir, err := os.MkdirTemp("", "netground-")
	if err != nil {
		return m, nil, fmt.Errorf("cannot make a folder: %w", err)
	}
	m.State, m.Runtime = filepath.Join(dir, "state"), filepath.Join(dir, "run")
	m.Cgroup = "/" + filepath.Base(dir)
	// A part of the upper half of the ids, of which a server takes the lower ones
	// first; another part each time, for commands beside each other.
	if parts := m.IDCount / 2 / isolatedIDs; parts > 0 {
		m.IDBase += m.IDCount/2 + rand.N(parts)*isolatedIDs
		m.IDCount = isolatedIDs
	}
	return m, func() { _ = os.RemoveAll(dir) }, nil
}

// trial makes a sandbox of one host, uses it and removes it.
func trial(ctx context.Context, m config.Machine) (err error) {
	m, remove, err := isolated(m)
	if err != nil {
		return err
	}
	defer remove()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	e, err := app.OpenEngine(ctx, m, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() {
		if e := e.Close(context.WithoutCancel(ctx)); err == nil {
			err = e
		}
	}()
	box, err := e.Create(ctx, "trial", keeper.Spec{Name: "trial", Hosts: []keeper.Host{{Name: "host"}}})
	if err != nil {
		return err
	}
	defer box.Destroy()
	out, err := box.Run(ctx, "host", "set -e; ip netns add trial; ip link add trial0 type veth peer name trial1; ip link add br0 type bridge; ip link set trial0 master br0; nft list ruleset; iptables -t nat -A POSTROUTING -j MASQUERADE; echo fine")
	if err != nil {
		return err
	}
	if out.Exit != 0 || !strings.HasSuffix(out.Text, "fine\n") {
		return fmt.Errorf("a command in the sandbox failed: %s", strings.TrimSpace(out.Text))
	}
	return nil
}
