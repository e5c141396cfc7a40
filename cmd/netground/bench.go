package main

import "context"

type benchCommand struct{}

// Run measures.
func (benchCommand) Run(context.Context) error { return errFailed }
