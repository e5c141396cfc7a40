package httpapi

import (
	"net/http"

	"github.com/netground/netground/server/session"
)

func (a *API) createSession(c *call) error {
	in := c.in.(*createRequest)
	if !idPattern.MatchString(in.Lab) {
		return noLab()
	}
	made, err := a.o.Sessions.Create(c.Request().Context(), c.caller, in.Lab)
	if err != nil {
		return err
	}
	return c.opened(made)
}

// opened answers with a session that was made or resumed.
func (c *call) opened(made session.Created) error {
	status := http.StatusOK
	if made.New {
		status = http.StatusCreated
		c.Response().Header().Set("Location", "/api/sessions/"+made.Session.ID)
		for _, p := range made.Phases {
			c.Response().Header().Add("Server-Timing", timing(p))
		}
	}
	return c.json(status, made.Session)
}

// session returns the id in the address.
func (c *call) session() (string, error) {
	id := c.id("session")
	if id == "" {
		return "", noSession()
	}
	return id, nil
}

// part returns the session's id and another part of the address, of which the
// session says itself if it does not know it: nothing has an impossible name.
func (c *call) part(name string) (id, part string, err error) {
	if id, err = c.session(); err != nil {
		return "", "", err
	}
	return id, c.id(name), nil
}

func (a *API) getSession(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	s, err := a.o.Sessions.Get(c.Request().Context(), c.caller, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, s)
}

func (a *API) endSession(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	if err := a.o.Sessions.End(c.Request().Context(), c.caller, id); err != nil {
		return err
	}
	return c.none(http.StatusNoContent)
}

func (a *API) resetSession(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	s, err := a.o.Sessions.Reset(c.Request().Context(), c.caller, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, s)
}

func (a *API) extendSession(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	s, err := a.o.Sessions.Extend(c.Request().Context(), c.caller, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, s)
}

func (a *API) catchUp(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	if err := a.o.Sessions.CatchUp(c.Request().Context(), c.caller, id, c.in.(*catchUpRequest).Step); err != nil {
		return err
	}
	return c.none(http.StatusAccepted)
}

func (a *API) checkStep(c *call) error {
	id, step, err := c.part("step")
	if err != nil {
		return err
	}
	s, err := a.o.Sessions.Check(c.Request().Context(), c.caller, id, step)
	return c.step(s, err)
}

func (a *API) hintStep(c *call) error {
	id, step, err := c.part("step")
	if err != nil {
		return err
	}
	s, err := a.o.Sessions.Hint(c.Request().Context(), c.caller, id, step)
	return c.step(s, err)
}

func (a *API) solveStep(c *call) error {
	id, step, err := c.part("step")
	if err != nil {
		return err
	}
	s, err := a.o.Sessions.Solution(c.Request().Context(), c.caller, id, step)
	return c.step(s, err)
}

func (a *API) answerStep(c *call) error {
	id, step, err := c.part("step")
	if err != nil {
		return err
	}
	in := c.in.(*answerRequest)
	s, err := a.o.Sessions.Answer(c.Request().Context(), c.caller, id, step, in.Name, in.Value)
	return c.step(s, err)
}

func (a *API) predictStep(c *call) error {
	id, step, err := c.part("step")
	if err != nil {
		return err
	}
	in := c.in.(*answerRequest)
	s, err := a.o.Sessions.Predict(c.Request().Context(), c.caller, id, step, in.Name, in.Value)
	return c.step(s, err)
}

func (c *call) step(s session.StepState, err error) error {
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, s)
}

func (a *API) rebootHost(c *call) error {
	id, host, err := c.part("host")
	if err != nil {
		return err
	}
	if err := a.o.Sessions.Reboot(c.Request().Context(), c.caller, id, host); err != nil {
		return err
	}
	return c.none(http.StatusNoContent)
}

func (a *API) getTerminals(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	all, err := a.o.Sessions.Terminals(c.Request().Context(), c.caller, id)
	if err != nil {
		return err
	}
	if all == nil {
		all = []session.Terminal{}
	}
	return c.json(http.StatusOK, all)
}

func (a *API) openTerminal(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	in := c.in.(*terminalRequest)
	t, err := a.o.Sessions.OpenTerminal(c.Request().Context(), c.caller, id, in.Host, in.Cols, in.Rows)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, t)
}

func (a *API) closeTerminal(c *call) error {
	id, terminal, err := c.part("terminal")
	if err != nil {
		return err
	}
	if err := a.o.Sessions.CloseTerminal(c.Request().Context(), c.caller, id, terminal); err != nil {
		return err
	}
	return c.none(http.StatusNoContent)
}
