// Command keeper is the small program that netground starts inside each
// sandbox, and that makes sandboxes. It is never run by hand.
package main

import (
	"os"

	"github.com/netground/netground/server/sandbox/keeper"
)

func main() { os.Exit(keeper.Main(os.Args[1:])) }
