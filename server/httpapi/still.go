package httpapi

import (
	"context"
	"io"
	"time"
)

// still looks again and again whether the caller may still use a stream that is
// open: who has signed out, was removed, or has left the class, sees no more. The
// channel is closed when the caller may no more, or stop is called.
func (a *API) still(c *call, who access) (ended <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(a.ctx)
	done := make(chan struct{})
	class, learner := c.class(), c.caller.Learner
	may := func() bool {
		if who == member {
			return a.o.Classes.IsMember(class, learner)
		}
		me, ok, err := a.o.Classes.SignedIn(ctx, c.signIn)
		if err != nil {
			return true // the database is away for a moment; who could sign in before may go on
		}
		role := ""
		if ok {
			role, err = a.o.Classes.RoleIn(ctx, me, class)
		}
		return role != "" || err != nil && !isNotFound(err)
	}
	go func() {
		defer close(done)
		tick := time.NewTicker(a.o.Heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if !may() {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return done, cancel
}

func isNotFound(err error) bool { return asProblem(err).code == "not-found" }

// whileAllowed ends a stream's events when the channel is closed.
func whileAllowed(ended <-chan struct{}, next func(context.Context) (sse, error)) func(context.Context) (sse, error) {
	return func(ctx context.Context) (sse, error) {
		select {
		case <-ended:
			return sse{}, io.EOF
		default:
			return next(ctx) // which returns at every heartbeat
		}
	}
}

// until is closed when done is, or the caller may look no more. It looks until
// the request ends.
func (a *API) until(c *call, who access, done <-chan struct{}) <-chan struct{} {
	ended, stop := a.still(c, who)
	both := make(chan struct{})
	request := c.Request().Context() // before the call serves another one
	go func() {
		defer close(both)
		defer stop()
		select {
		case <-ended:
		case <-done:
		case <-request.Done():
		}
	}()
	return both
}
