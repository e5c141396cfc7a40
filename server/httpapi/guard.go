package httpapi

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/session"
)

// cookieAge is as long as browsers keep a cookie at most.
const cookieAge = 400 * 24 * time.Hour

// bodyWithin is how long the body of a request may take to come. Streams have
// none, so that nothing else has to have a deadline.
const bodyWithin = 10 * time.Second

const requestIDKey = "request-id"

func requestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

// outermost is around every answer: an id, the headers that no answer may lack,
// the log, and an end for panics.
func (a *API) outermost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		began := time.Now()
		id := rand.Text()[:16]
		c.Set(requestIDKey, id)
		setHeaders(c.Response().Header())
		c.Response().Header().Set("X-Request-Id", id)
		if c.Request().ContentLength != 0 {
			// Also for a body that nobody wants: the server reads it after the answer.
			// The next request of the connection has no deadline of this one.
			_ = http.NewResponseController(c.Response()).SetReadDeadline(began.Add(bodyWithin))
		}
		defer func() {
			reason := recover()
			if reason == http.ErrAbortHandler {
				panic(reason)
			}
			if reason != nil {
				a.log.Error("a handler panicked", "request", id, "panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
				err = fmt.Errorf("panic: %v", reason)
			}
			begun := c.Response().Committed
			if err != nil {
				a.answerError(err, c)
				err = nil
			}
			if reason != nil && begun {
				defer panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
			a.logRequest(c, began)
		}()
		return next(c)
	}
}

// logRequest writes a line without tokens: the route's pattern for the address,
// neither query nor cookie.
func (a *API) logRequest(c echo.Context, began time.Time) {
	r, res, took := c.Request(), c.Response(), time.Since(began)
	a.metrics.observe(r.Method, c.Path(), res.Status, took)
	level := slog.LevelInfo
	if res.Status < 400 && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		level = slog.LevelDebug
	}
	a.log.Log(r.Context(), level, "request", "request", requestID(c), "method", r.Method, "route", c.Path(), "status", res.Status,
		"bytes", res.Size, "took", took, "client", r.RemoteAddr)
}

// setHeaders sets what every answer carries.
func setHeaders(h http.Header) {
	// Styles may stand in the document: xterm writes its colours and its
	// character grid into style elements. Scripts may not.
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; font-src 'self'; "+
		"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer, which would turn the Origin of some requests into null.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
}

// guarded holds a route's row of the table: who may, how often, from where,
// with what body.
func (a *API) guarded(row route) echo.HandlerFunc {
	return func(ec echo.Context) error {
		r := ec.Request()
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead
		if !safe || row.SameSite {
			if err := sameSite(r, safe); err != nil {
				return err
			}
		}
		c := &call{Context: ec, caller: session.Caller{Learner: a.learnerOf(r), Language: languageOf(r)}}
		address, tls := a.origin(r)
		c.address, c.tls, c.signIn = auth.ClientKey(address), tls, a.signInOf(r)
		var limited error
		if row.Access != visitor || c.caller.Learner != "" { // others are counted where they are welcomed
			limited = a.allow(row.Rate, c.client(row))
		}
		if limited != nil && row.Rate != guess {
			return limited
		}
		if err := a.admit(c, row.Access); err != nil {
			return err
		}
		if !row.Page {
			ec.Response().Header().Add("Vary", "Accept-Language, Cookie")
		}
		if row.Request != nil {
			var err error
			if c.in, err = decode(ec.Response(), r, &row); err != nil {
				return err
			}
			// The answer may take its time, as long as somebody waits for it.
			_ = http.NewResponseController(ec.Response()).SetReadDeadline(time.Time{})
		} else {
			r.Body = http.MaxBytesReader(ec.Response(), r.Body, smallBody) // nobody reads it
		}
		// Whoever floods the server with guesses does not lock out a class behind the
		// same address, which knows its code.
		if limited != nil && !a.expected(c) {
			return limited
		}
		if row.Access == visitor {
			if err := a.welcome(c); err != nil {
				return err
			}
		}
		return row.Handle(c)
	}
}

// expected says whether the request joins a class that its address is known for.
func (a *API) expected(c *call) bool {
	code := c.Param("code")
	if in, ok := c.in.(*joinRequest); ok {
		code = in.Code
	}
	return code != "" && a.o.Classes != nil && a.o.Classes.Expects(c.address, code)
}

// sameSite refuses what another site's page may have sent with the learner's
// cookie: every browser says where such a request comes from.
// A websocket's Origin is enough: browsers disagree on the other header there.
func sameSite(r *http.Request, safe bool) error {
	if !ws.SameOrigin(r) {
		return problemOf(http.StatusForbidden, "origin", text("This request does not come from the page of this server.", "이 서버의 페이지에서 보낸 요청이 아닙니다."))
	}
	if site := r.Header.Get("Sec-Fetch-Site"); safe || site == "" || site == "same-origin" { // over plain HTTP no browser sends it
		return nil
	}
	return problemOf(http.StatusForbidden, "origin", text("This request comes from another site.", "다른 사이트에서 보낸 요청입니다."))
}

// learnerOf returns who the cookie names, or "".
func (a *API) learnerOf(r *http.Request) string {
	for _, cookie := range r.CookiesNamed(auth.CookieName) {
		if id, ok := a.o.Signer.Verify(cookie.Value); ok {
			return id
		}
	}
	return ""
}

// client is whose requests are counted. Guesses are those of an address: a cookie
// is thrown away too easily.
func (c *call) client(row route) string {
	switch {
	case row.Rate == guess:
	case c.signIn != "" && row.Access.teaches():
		return c.signIn
	case c.caller.Learner != "":
		return c.caller.Learner
	}
	return c.address
}

// welcome makes a stranger a learner, and lets a learner's cookie live longer.
func (a *API) welcome(c *call) error {
	if c.caller.Learner == "" {
		if err := a.allow(strangers, c.address); err != nil {
			return err
		}
	}
	a.become(c)
	return nil
}

// become is welcome for who was let in.
func (a *API) become(c *call) {
	if c.caller.Learner == "" {
		c.caller.Learner = auth.NewID()
	}
	a.remember(c)
}

// remember gives the browser the learner's cookie.
func (a *API) remember(c *call) {
	c.SetCookie(&http.Cookie{
		Name: auth.CookieName, Value: a.o.Signer.Sign(c.caller.Learner), Path: "/", MaxAge: int(cookieAge.Seconds()),
		HttpOnly: true, Secure: c.tls, SameSite: http.SameSiteLaxMode,
	})
}
