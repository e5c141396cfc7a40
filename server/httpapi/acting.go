package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/session"
)

func (a *API) classEvents(c *call) error {
	done, ok := a.stream()
	if !ok {
		return closing()
	}
	defer done()
	r := c.Request()
	last := r.Header.Get("Last-Event-ID")
	if last == "" { // a page that makes a new connection by itself cannot send the header
		last = r.URL.Query().Get("after")
	}
	thumbs := classroom.Thumbs{Lab: r.URL.Query().Get("thumbs")}
	if of := r.URL.Query().Get("of"); of != "" {
		thumbs.Of = strings.SplitN(of, ",", classroom.MostThumbs+1)
		thumbs.Of = thumbs.Of[:min(len(thumbs.Of), classroom.MostThumbs)]
	}
	st, err := a.o.Classes.Follow(r.Context(), c.me, c.class(), c.caller.Language, last, thumbs)
	if err != nil {
		return err
	}
	ended, stop := a.still(c, view)
	defer stop()
	return a.send(c, whileAllowed(ended, func(ctx context.Context) (sse, error) {
		e, err := st.Next(ctx)
		switch data := e.Data.(type) {
		case classroom.Grid:
			e.Data = Grid{data, a.withTopologies(data.Class, c.caller.Language)}
		case classroom.Class:
			e.Data = a.withTopologies(data, c.caller.Language)
		}
		return sse{e.ID, e.Name, e.Data}, err
	}))
}

func (a *API) dismiss(c *call) error {
	return c.done(a.o.Classes.Dismiss(c.Request().Context(), c.class(), c.id("member")))
}

// theirs returns the member's learner, as a teacher sees them, and the session.
func (a *API) theirs(c *call) (session.Caller, string, error) {
	return a.o.Classes.Learner(c.Request().Context(), c.class(), c.id("member"), c.caller.Language)
}

func (a *API) memberSession(c *call) error {
	as, id, err := a.theirs(c)
	if err != nil {
		return err
	}
	s, err := a.o.Sessions.Get(c.Request().Context(), as, id)
	return answer(c, http.StatusOK, s, err)
}

func (a *API) memberLab(c *call) error {
	as, id, err := a.theirs(c)
	if err != nil {
		return err
	}
	l, err := a.o.Sessions.Lab(c.Request().Context(), as, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, a.catalog.Load().describe(l, c.caller.Language))
}

func (a *API) memberEvents(c *call) error {
	as, id, err := a.theirs(c)
	if err != nil {
		return err
	}
	watch, err := a.o.Classes.Watch(c.Request().Context(), c.me, c.class(), c.id("member"))
	if err != nil {
		return err
	}
	defer watch.Close()
	ended, stop := a.still(c, view)
	defer stop()
	return a.sessionEvents(c, as, id, ended)
}

func (a *API) memberTerminal(c *call) error {
	var watch *classroom.Watch
	defer func() {
		if watch != nil {
			watch.Close()
		}
	}()
	return a.socket(c, func() (*session.Attachment, ws.Options, error) {
		as, id, err := a.theirs(c)
		if err != nil {
			return nil, ws.Options{}, err
		}
		at, err := a.o.Sessions.AttachTerminal(as, id, c.id("terminal"))
		if err != nil {
			return nil, ws.Options{}, err
		}
		if watch, err = a.o.Classes.Watch(c.Request().Context(), c.me, c.class(), c.id("member")); err != nil {
			return nil, ws.Options{}, err
		}
		return at, ws.Options{Guest: true, May: watch.May, Touch: watch.Typed, Ended: a.until(c, view, at.Done)}, nil
	})
}

func (a *API) askKeyboard(c *call) error {
	return c.done(a.o.Classes.AskKeyboard(c.Request().Context(), c.me, c.class(), c.id("member")))
}

func (a *API) leaveKeyboard(c *call) error {
	return c.done(a.o.Classes.LeaveKeyboard(c.Request().Context(), c.me, c.class(), c.id("member")))
}

// forMember does something with a member's session.
func (a *API) forMember(c *call, do func(ctx context.Context, as session.Caller, id string) error) error {
	as, id, err := a.theirs(c)
	if err != nil {
		return err
	}
	return do(c.Request().Context(), as, id)
}

func (a *API) memberReset(c *call) error {
	return c.done(a.forMember(c, func(ctx context.Context, as session.Caller, id string) error {
		_, err := a.o.Sessions.Reset(ctx, as, id)
		return err
	}))
}

func (a *API) memberExtend(c *call) error {
	return c.done(a.forMember(c, func(ctx context.Context, as session.Caller, id string) error {
		as.Guest = false // it lives longer as if the learner had asked
		_, err := a.o.Sessions.Extend(ctx, as, id)
		return err
	}))
}

func (a *API) memberCatchUp(c *call) error {
	err := a.forMember(c, func(ctx context.Context, as session.Caller, id string) error {
		return a.o.Sessions.CatchUp(ctx, as, id, c.in.(*catchUpRequest).Step)
	})
	if err != nil {
		return err
	}
	return c.none(http.StatusAccepted)
}

func (a *API) memberEnd(c *call) error {
	return c.done(a.forMember(c, a.o.Sessions.End))
}

func (a *API) claimHand(c *call) error {
	return c.done(a.o.Classes.Claim(c.Request().Context(), c.me, c.class(), c.id("member")))
}

func (a *API) handDone(c *call) error {
	return c.done(a.o.Classes.HandDone(c.Request().Context(), c.class(), c.id("member")))
}

func (a *API) sendMessage(c *call) error {
	in := c.in.(*messageRequest)
	m, err := a.o.Classes.Send(c.Request().Context(), c.me, c.class(), in.Text, classroom.MessageTarget{Member: in.Member, Lab: in.Lab, Step: in.Step})
	return answer(c, http.StatusCreated, m, err)
}

func (a *API) startBroadcast(c *call) error {
	in := c.in.(*broadcastRequest)
	b, err := a.o.Classes.Show(c.Request().Context(), c.me, c.caller, c.class(), in.Session, in.Terminal)
	return answer(c, http.StatusOK, b, err)
}

func (a *API) endBroadcast(c *call) error {
	_, err := a.o.Classes.Show(c.Request().Context(), c.me, c.caller, c.class(), "", "")
	return c.done(err)
}

func (a *API) getFaults(c *call) error {
	list, err := a.o.Classes.Injections(c.Request().Context(), c.class(), c.caller.Language)
	return answer(c, http.StatusOK, list, err)
}

func (a *API) injectFault(c *call) error {
	in := c.in.(*faultRequest)
	v, err := a.o.Classes.Inject(c.Request().Context(), c.me, c.class(), in.Lab, in.Fault, c.caller.Language)
	return answer(c, http.StatusCreated, v, err)
}
