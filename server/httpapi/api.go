// Package httpapi is the server's door: the JSON API, events, terminals'
// websockets and the page. Every route stands in one table (routes.go) with who
// may use it; the OpenAPI document is made from the same table. It is the only
// importer of echo.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/httpapi/ws"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/render"
	"github.com/netground/netground/server/session"
	"github.com/prometheus/client_golang/prometheus"
)

// Sessions is what the API needs of the session manager; see FromManager.
type Sessions interface {
	Create(ctx context.Context, c session.Caller, lab string) (session.Created, error)
	Play(ctx context.Context, c session.Caller, def *lab.Lab, replace bool) (session.Created, error)
	Playground(c session.Caller) (id, source string)
	Lab(ctx context.Context, c session.Caller, id string) (*lab.Lab, error)
	Probe(ctx context.Context, c session.Caller, id, from, to string) (session.CheckState, error)
	Get(ctx context.Context, c session.Caller, id string) (session.Session, error)
	Progress(ctx context.Context, learner string) (map[string]session.LabProgress, error)
	End(ctx context.Context, c session.Caller, id string) error
	Reset(ctx context.Context, c session.Caller, id string) (session.Session, error)
	Extend(ctx context.Context, c session.Caller, id string) (session.Session, error)
	CatchUp(ctx context.Context, c session.Caller, id, step string) error
	Check(ctx context.Context, c session.Caller, id, step string) (session.StepState, error)
	Hint(ctx context.Context, c session.Caller, id, step string) (session.StepState, error)
	Solution(ctx context.Context, c session.Caller, id, step string) (session.StepState, error)
	Answer(ctx context.Context, c session.Caller, id, step, name, value string) (session.StepState, error)
	Predict(ctx context.Context, c session.Caller, id, step, name, value string) (session.StepState, error)
	Reboot(ctx context.Context, c session.Caller, id, host string) error
	Terminals(ctx context.Context, c session.Caller, id string) ([]session.Terminal, error)
	OpenTerminal(ctx context.Context, c session.Caller, id, host string, cols, rows uint16) (session.Terminal, error)
	CloseTerminal(ctx context.Context, c session.Caller, id, terminal string) error
	AttachTerminal(c session.Caller, id, terminal string) (*session.Attachment, error)
	Subscribe(ctx context.Context, c session.Caller, id string) (Subscription, error)
	Stats() session.Stats
}

// Subscription is one reader of a session's events; see session.Subscription.
type Subscription interface {
	Next(ctx context.Context) (session.Event, error)
	Close()
}

// FromManager makes Sessions of a session manager.
func FromManager(m *session.Manager) Sessions { return manager{m} }

type manager struct{ *session.Manager }

// Subscribe implements Sessions.
func (m manager) Subscribe(ctx context.Context, c session.Caller, id string) (Subscription, error) {
	s, err := m.Manager.Subscribe(ctx, c, id)
	if err != nil {
		return nil, err // not a nil *session.Subscription in an interface
	}
	return s, nil
}

// OIDC is a provider of OpenID Connect; *auth.OIDC is one.
type OIDC interface {
	Name() string
	Begin(ctx context.Context, redirect string) (address, secret string, err error)
	Finish(ctx context.Context, redirect, secret string, query url.Values) (auth.Identity, error)
}

// Options configures an API. Sessions, Signer, Course, Labs and Static are
// needed; zero values of the others mean the default that is named.
type Options struct {
	Sessions Sessions
	// Classes are nil where nobody teaches: their routes then know no class.
	Classes *classroom.Service
	// OIDC signs in who teaches; nil: only passwords do.
	OIDC   OIDC
	Signer *auth.Signer
	Course *lab.Course
	Labs   map[string]*lab.Lab
	// Static is the built page: index.html, assets/ and what stands beside them,
	// each with .gz and .br if there are. It is read once.
	Static fs.FS
	Render *render.Renderer // render.New()
	Log    *slog.Logger     // none
	// Ready says why the server cannot serve just now, if so.
	Ready func(ctx context.Context) error
	// Limits of rate; see DefaultLimits.
	Limits *Limits
	// TrustedProxies may tell the client's address and whether it came by TLS,
	// in X-Forwarded-For and X-Forwarded-Proto.
	TrustedProxies []netip.Prefix
	Version        string // for the OpenAPI document; "dev"
	Now            func() time.Time
	// Heartbeat is how often an idle event stream is kept alive; 15 seconds.
	Heartbeat time.Duration
}

// API is the handler of all requests.
type API struct {
	o        Options
	log      *slog.Logger
	staff    *auth.Signer
	echo     *echo.Echo
	routes   []route
	catalog  atomic.Pointer[catalog]
	ready    []readyTopology
	static   *static
	limiters map[rateClass]*auth.Limiter
	sockets  *ws.Server
	metrics  *metrics
	openAPI  *document
	schema   *document

	ctx     context.Context // ends when Close begins
	cancel  context.CancelFunc
	mu      sync.Mutex
	closed  bool
	streams sync.WaitGroup // events and websockets
}

// New returns an API.
func New(o Options) (*API, error) {
	if o.Sessions == nil || o.Signer == nil || o.Course == nil || o.Static == nil {
		return nil, errors.New("cannot serve without sessions, a signer, a course and a page")
	}
	if o.Render == nil {
		o.Render = render.New()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.Limits == nil {
		limits := DefaultLimits()
		o.Limits = &limits
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	a := &API{o: o, log: o.Log, staff: o.Signer.ForStaff(), sockets: ws.NewServer(), limiters: o.Limits.limiters()}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.SetLabs(o.Course, o.Labs)
	a.routes = a.table()
	var err error
	if a.static, err = loadStatic(o.Static); err != nil {
		return nil, fmt.Errorf("cannot read the built page: %w", err)
	}
	if a.ready, err = readyTopologies(); err != nil {
		return nil, fmt.Errorf("cannot offer the ready topologies: %w", err)
	}
	if a.openAPI, err = a.describe(); err != nil {
		return nil, fmt.Errorf("cannot describe the API: %w", err)
	}
	schema, err := lab.Schema()
	if err != nil {
		return nil, fmt.Errorf("cannot describe labs: %w", err)
	}
	a.schema = newDocument(schema)
	if a.metrics, err = newMetrics(prometheus.NewRegistry(), o.Sessions.Stats); err != nil {
		return nil, fmt.Errorf("cannot set the metrics up: %w", err)
	}
	a.build()
	return a, nil
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.echo.ServeHTTP(w, r) }

// SetLabs replaces the course and the labs, for requests from now on.
func (a *API) SetLabs(course *lab.Course, labs map[string]*lab.Lab) {
	a.catalog.Store(newCatalog(course, labs, a.o.Render))
}

// Close ends all event streams and websockets, and returns when they have
// ended or ctx has. New ones are refused.
func (a *API) Close(ctx context.Context) error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	done := make(chan struct{})
	go func() {
		a.streams.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the open connections: %w", ctx.Err())
	}
}

// stream counts a long answer; ok is false if the server is closing.
func (a *API) stream() (done func(), ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, false
	}
	a.streams.Add(1)
	return a.streams.Done, true
}

// build makes echo's routes of the table.
func (a *API) build() {
	e := echo.New()
	e.HTTPErrorHandler = a.answerError
	e.Use(a.outermost)
	for _, r := range a.routes {
		e.Add(r.Method, r.Path, a.guarded(r))
		if r.Method == http.MethodGet && !r.Stream {
			e.Add(http.MethodHead, r.Path, a.guarded(r))
		}
	}
	e.Any("/api", a.unknown)
	e.Any("/api/*", a.unknown)
	a.echo = e
}
