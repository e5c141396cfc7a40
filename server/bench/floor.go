package bench

import "context"

func (r *run) floor(context.Context, *server) error { return nil }
