package httpapi

import (
	"net/http"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/classroom"
)

// staffCookieAge is how long a browser keeps a sign-in; the server decides.
const staffCookieAge = 14 * 24 * 60 * 60

// teaches says whether a route is for who teaches.
func (r access) teaches() bool {
	switch r {
	case staff, teacher, owner, view, edit:
		return true
	}
	return false
}

// signInOf returns the sign-in that the cookie names, or "".
func (a *API) signInOf(r *http.Request) string {
	for _, cookie := range r.CookiesNamed(auth.StaffCookieName) {
		if id, ok := a.staff.Verify(cookie.Value); ok {
			return id
		}
	}
	return ""
}

// admit says whether the caller may use a route.
func (a *API) admit(c *call, who access) error {
	switch {
	case who == learner && c.caller.Learner == "":
		return noSession() // as for a foreign one: a stranger learns nothing
	case who == member:
		if a.o.Classes == nil || c.caller.Learner == "" || !a.o.Classes.IsMember(c.id("class"), c.caller.Learner) {
			return noClass()
		}
	case who.teaches():
		return a.admitStaff(c, who)
	}
	return nil
}

func (a *API) admitStaff(c *call, who access) error {
	ctx := c.Request().Context()
	if err := a.whoTeaches(c); err != nil {
		return err
	}
	if c.me.ID == "" {
		status := http.StatusUnauthorized
		if c.caller.Learner != "" {
			status = http.StatusForbidden
		}
		return problemOf(status, "sign-in", text("Sign in as a teacher first.", "먼저 교사로 로그인하십시오."))
	}
	switch who {
	case owner:
		if c.me.Role != classroom.Owner {
			return forbidden()
		}
	case teacher:
		if c.me.Role == classroom.Assistant {
			return forbidden()
		}
	case view, edit:
		role, err := a.o.Classes.RoleIn(ctx, c.me, c.id("class"))
		if err != nil {
			return err
		}
		if role == "" {
			return noClass()
		}
		if who == edit && role == classroom.Assistant {
			return forbidden()
		}
		// Where a teacher is, the class is: see auth.Guesses.
		a.o.Classes.Trust(c.address, c.id("class"))
	}
	return nil
}

// whoTeaches finds out who has signed in.
func (a *API) whoTeaches(c *call) error {
	if a.o.Classes == nil || c.signIn == "" {
		return nil
	}
	me, ok, err := a.o.Classes.SignedIn(c.Request().Context(), c.signIn)
	if err != nil || !ok {
		return err
	}
	c.me = me
	return nil
}

func forbidden() error {
	return problemOf(http.StatusForbidden, "forbidden", text("You may see this, but not change it.", "볼 수는 있지만 바꿀 권한은 없습니다."))
}

func noClass() *problem {
	return problemOf(http.StatusNotFound, "not-found", text("There is no such class.", "그런 수업이 없습니다."))
}

// classes refuses routes of a server where nobody teaches.
func (a *API) classes(do func(*call, *classroom.Service) error) func(*call) error {
	return func(c *call) error {
		if a.o.Classes == nil {
			return noClass()
		}
		return do(c, a.o.Classes)
	}
}

func (a *API) getSignIn(c *call) error {
	answer := SignIn{OIDC: ""}
	if a.o.OIDC != nil {
		answer.OIDC = a.o.OIDC.Name()
	}
	if a.o.Classes != nil {
		if err := a.whoTeaches(c); err != nil {
			return err
		}
		if c.me.ID != "" {
			answer.Me = &c.me
		}
		var err error
		if answer.Setup, err = a.o.Classes.NeedsSetup(c.Request().Context()); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, answer)
}

const (
	oidcCookie = "ng_oidc"
	oidcPath   = "/api/oidc"
	oidcAge    = 10 * 60
	signInPath = "/teach/sign-in"
)

// redirect is where the provider sends the browser back to. The provider knows
// the addresses that may be.
func (c *call) redirect() string {
	scheme := "http://"
	if c.tls {
		scheme = "https://"
	}
	return scheme + c.Request().Host + oidcPath + "/callback"
}

func (c *call) goTo(address string) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	c.Response().Header().Set("Location", address)
	c.Response().WriteHeader(http.StatusFound)
	return nil
}

func (a *API) beginOIDC(c *call) error {
	if a.o.Classes == nil || a.o.OIDC == nil {
		return problemOf(http.StatusNotFound, "not-found", text("There is nothing at this address.", "이 주소에는 아무것도 없습니다."))
	}
	address, secret, err := a.o.OIDC.Begin(c.Request().Context(), c.redirect())
	if err != nil {
		a.log.Error("cannot begin to sign in", "request", requestID(c), "error", err)
		return c.goTo(signInPath + "?error=provider")
	}
	a.oidcSecret(c, secret, oidcAge)
	return c.goTo(address)
}

// oidcSecret has the browser keep what proves that it began. It comes along with
// the provider's redirect, which is a navigation: Lax.
func (a *API) oidcSecret(c *call, secret string, age int) {
	c.SetCookie(&http.Cookie{Name: oidcCookie, Value: secret, Path: oidcPath, MaxAge: age, HttpOnly: true, Secure: c.tls, SameSite: http.SameSiteLaxMode})
}

func (a *API) finishOIDC(c *call) error {
	if a.o.Classes == nil || a.o.OIDC == nil {
		return problemOf(http.StatusNotFound, "not-found", text("There is nothing at this address.", "이 주소에는 아무것도 없습니다."))
	}
	secret := ""
	if kept, err := c.Request().Cookie(oidcCookie); err == nil {
		secret = kept.Value
	}
	a.oidcSecret(c, "", -1)
	ctx := c.Request().Context()
	who, err := a.o.OIDC.Finish(ctx, c.redirect(), secret, c.Request().URL.Query())
	if err != nil {
		a.log.Warn("nobody was signed in", "request", requestID(c), "error", err)
		return c.goTo(signInPath + "?error=denied")
	}
	_, id, err := a.o.Classes.SignInAs(ctx, who)
	if err != nil {
		a.log.Warn("somebody who does not teach here came from the provider", "request", requestID(c), "error", err)
		return c.goTo(signInPath + "?error=unknown")
	}
	a.staffCookie(c, a.staff.Sign(id), staffCookieAge)
	return c.goTo("/teach")
}

func (a *API) readLink(c *call) error {
	return a.classes(func(c *call, s *classroom.Service) error {
		me, err := s.Linked(c.Request().Context(), c.in.(*linkRequest).Token)
		if err != nil {
			return err
		}
		return c.json(http.StatusOK, me)
	})(c)
}

func (a *API) setUp(c *call) error {
	return a.classes(func(c *call, s *classroom.Service) error {
		in := c.in.(*setupRequest)
		me, id, err := s.SetUp(c.Request().Context(), in.Token, in.Login, in.Name, in.Password)
		return a.signedIn(c, me, id, err)
	})(c)
}

func (a *API) doSignIn(c *call) error {
	return a.classes(func(c *call, s *classroom.Service) error {
		in := c.in.(*signInRequest)
		me, id, err := s.SignIn(c.Request().Context(), c.address, in.Login, in.Password)
		return a.signedIn(c, me, id, err)
	})(c)
}

func (a *API) signedIn(c *call, me classroom.Me, id string, err error) error {
	if err != nil {
		return err
	}
	a.staffCookie(c, a.staff.Sign(id), staffCookieAge)
	return c.json(http.StatusOK, me)
}

func (a *API) staffCookie(c *call, value string, age int) {
	c.SetCookie(&http.Cookie{
		Name: auth.StaffCookieName, Value: value, Path: "/api/", MaxAge: age, HttpOnly: true, Secure: c.tls, SameSite: http.SameSiteLaxMode,
	})
}

func (a *API) doSignOut(c *call) error {
	if err := a.o.Classes.SignOut(c.Request().Context(), c.signIn); err != nil {
		return err
	}
	a.staffCookie(c, "", -1)
	return c.none(http.StatusNoContent)
}

func (a *API) setPassword(c *call) error {
	in := c.in.(*passwordRequest)
	return c.done(a.o.Classes.SetPassword(c.Request().Context(), c.address, c.me.ID, c.signIn, in.Old, in.New))
}

// done answers with nothing, or with what went wrong.
func (c *call) done(err error) error {
	if err != nil {
		return err
	}
	return c.none(http.StatusNoContent)
}

// answer answers with a value, or with what went wrong.
func answer[T any](c *call, status int, v T, err error) error {
	if err != nil {
		return err
	}
	return c.json(status, v)
}

func (a *API) getStaff(c *call) error {
	all, err := a.o.Classes.AllStaff(c.Request().Context())
	return answer(c, http.StatusOK, all, err)
}

func (a *API) addStaff(c *call) error {
	in := c.in.(*staffRequest)
	p, link, err := a.o.Classes.AddStaff(c.Request().Context(), in.Login, in.Name, in.Role)
	return answer(c, http.StatusCreated, Invited{p, link}, err)
}

func (a *API) newLink(c *call) error {
	link, err := a.o.Classes.NewLink(c.Request().Context(), c.id("staff"))
	return answer(c, http.StatusOK, LinkAnswer{link}, err)
}

func (a *API) removeStaff(c *call) error {
	return c.done(a.o.Classes.RemoveStaff(c.Request().Context(), c.id("staff")))
}
