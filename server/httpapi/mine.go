package httpapi

import (
	"context"
	"net/http"

	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/session"
)

func (a *API) joinInfo(c *call) error {
	if a.o.Classes == nil {
		return noClass()
	}
	info, err := a.o.Classes.Info(c.Request().Context(), c.address, c.id("code"))
	return answer(c, http.StatusOK, info, err)
}

// join makes a stranger a learner only once the code is right.
func (a *API) join(c *call) error {
	if a.o.Classes == nil {
		return noClass()
	}
	in, ctx := c.in.(*joinRequest), c.Request().Context()
	invited, err := a.o.Classes.Invited(ctx, c.address, in.Code, in.Name)
	if err != nil {
		return err
	}
	// Whoever knows a class's code is no stranger there: a class of hundreds behind one
	// address joins at once, and each of them takes one of the class's places. Those
	// whom the roster awaits are limited by it.
	if c.caller.Learner == "" && !invited.Awaited {
		if err := a.allow(joins, c.address+" "+invited.Class); err != nil {
			return err
		}
	}
	a.become(c)
	m, err := a.o.Classes.Join(ctx, c.address, c.caller, in.Code, in.Name)
	return answer(c, http.StatusCreated, m, err)
}

func (a *API) comeBack(c *call) error {
	if a.o.Classes == nil {
		return noClass()
	}
	learner, m, err := a.o.Classes.Back(c.Request().Context(), c.address, c.caller, c.in.(*codeRequest).Code)
	if err != nil {
		return err
	}
	c.caller.Learner = learner
	a.remember(c)
	return c.json(http.StatusOK, m)
}

func (a *API) getMine(c *call) error {
	if a.o.Classes == nil || c.caller.Learner == "" {
		return c.json(http.StatusOK, []classroom.Membership{})
	}
	return c.json(http.StatusOK, a.o.Classes.Mine(c.caller))
}

func (a *API) myEvents(c *call) error {
	if a.o.Classes == nil || c.caller.Learner == "" {
		return noClass()
	}
	done, ok := a.stream()
	if !ok {
		return closing()
	}
	defer done()
	st := a.o.Classes.FollowMine(c.caller)
	return a.send(c, func(ctx context.Context) (sse, error) {
		e, err := st.Next(ctx)
		return sse{e.ID, e.Name, e.Data}, err
	})
}

func (a *API) raiseHand(c *call) error {
	m, err := a.o.Classes.RaiseHand(c.Request().Context(), c.caller, c.class(), c.in.(*handRequest).Text)
	return answer(c, http.StatusOK, m, err)
}

func (a *API) lowerHand(c *call) error {
	m, err := a.o.Classes.LowerHand(c.Request().Context(), c.caller, c.class())
	return answer(c, http.StatusOK, m, err)
}

func (a *API) allowKeyboard(c *call) error {
	m, err := a.o.Classes.AllowKeyboard(c.caller, c.class(), c.in.(*allowRequest).Allow)
	return answer(c, http.StatusOK, m, err)
}

func (a *API) leaveClass(c *call) error {
	return c.done(a.o.Classes.Leave(c.Request().Context(), c.class(), c.caller.Learner))
}

func (a *API) watchBroadcast(c *call) error {
	return a.socket(c, func() (*session.Attachment, ws.Options, error) {
		at, err := a.o.Classes.AttachBroadcast(c.caller, c.class())
		if err != nil {
			return nil, ws.Options{}, err
		}
		return at, ws.Options{Guest: true, May: func() bool { return false }, Ended: a.until(c, member, at.Done)}, nil
	})
}
