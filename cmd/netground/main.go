// Command netground serves networking labs in the browser, and helps to write them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // TZ says where a class's days begin, also where the machine has no list of zones

	"github.com/alecthomas/kong"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/rootless"
)

// version is set when the program is built.
var version = "dev"

type cli struct {
	Serve  serveCommand  `cmd:"" help:"Serve the labs."`
	Lab    labCommand    `cmd:"" help:"Write and prove labs."`
	Doctor doctorCommand `cmd:"" help:"Say what this machine has and lacks."`
	Bench  benchCommand  `cmd:"" help:"Measure this machine against the goals."`
	Attack attackCommand `cmd:"" help:"Try what learners, strangers and accidents may try, and say what held."`

	Version kong.VersionFlag `help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:])) }

// errFailed ends the program with status 1 without another word: what failed
// has been told.
var errFailed = errors.New("failed")

func run(args []string) int {
	if was, err := rootless.OnTheWay(); was {
		if err != nil {
			return 1
		}
		return 0
	}
	// Whoever reads the output may go; the server then still ends in order.
	signal.Ignore(syscall.SIGPIPE)
	if err := rootless.Settle(); err != nil {
		report(err)
		return 1
	}
	var c cli
	parser, err := kong.New(&c, kong.Name("netground"),
		kong.Description("A networking lab playground in the browser: real Linux hosts, switches and routers, and a server that sees whether an exercise is solved."),
		kong.ShortUsageOnError(), kong.Vars{"version": version},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(os.Stderr, "netground:", err)
		return 2
	}
	k, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	if slices.ContainsFunc(sandboxed, func(c string) bool { return strings.HasPrefix(k.Command(), c) }) {
		keep := ""
		if k.Command() == "serve" {
			keep = c.Serve.State
		}
		entered, code, err := rootless.Enter(keep)
		if err != nil {
			report(err)
		}
		if entered || err != nil {
			return code
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	// A second Ctrl-C ends the program at once. A second SIGTERM does not: timeout(1),
	// for one, sends it to the program and then to its whole group.
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	switch err := k.Run(); {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return 1
	default:
		report(err)
		return 1
	}
}

// sandboxed are the commands that make sandboxes. An ordinary user's run as
// root of a user namespace.
var sandboxed = []string{"serve", "attack", "bench", "doctor", "lab test", "lab try"}

// report prints an error; mistakes in labs one a line, as editors read them.
func report(err error) {
	if all := lab.Errors(err); len(all) > 0 {
		for _, e := range all {
			fmt.Fprintln(os.Stderr, e)
		}
		return
	}
	fmt.Fprintln(os.Stderr, "netground:", strings.ReplaceAll(err.Error(), "\n", "\nnetground: "))
}
