// Package app is the composition root: it builds every part of the server,
// starts them in order and stops them in the opposite one.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/netground/netground/frontend"
	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/classroom"
	"github.com/netground/netground/server/config"
	"github.com/netground/netground/server/httpapi"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/render"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// stopWithin is how long the server may take to stop: sessions are told,
// results stored, sandboxes removed.
const stopWithin = 30 * time.Second

// App is a running server.
type App struct {
	log      *slog.Logger
	listener net.Listener
	http     *http.Server
	api      *httpapi.API
	sessions *session.Manager
	engine   *Engine
	classes  *classroom.Service
	hosting  Hosting
	closers  []func(context.Context) error // in the order of starting
	leaving  bool                          // sandboxes live on for the next server

	memoryMiB int64 // of a sandbox
}

// Options of a server beyond its configuration.
type Options struct {
	Config  config.Server
	Version string
	Log     *slog.Logger
	// Course and LabSet replace the labs of Config.Labs.
	Course *lab.Course
	LabSet map[string]*lab.Lab
}

// LoadLabs reads a folder of labs with their course. An error has all mistakes
// with their places.
func LoadLabs(dir string) (*lab.Course, map[string]*lab.Lab, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the labs: %w", err)
	}
	defer root.Close()
	return lab.LoadAll(root.FS())
}

// Start builds and starts a server. It serves from its return on.
func Start(ctx context.Context, o Options) (_ *App, err error) {
	c := o.Config
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.LabSet == nil {
		if o.Course, o.LabSet, err = LoadLabs(c.Labs); err != nil {
			return nil, err
		}
	}
	page, err := frontend.FS()
	if err != nil {
		return nil, fmt.Errorf("cannot find the built page: %w", err)
	}
	a := &App{log: o.Log, memoryMiB: c.MemoryMiB}
	tellLarge(o.Log, o.LabSet, c.MemoryMiB)
	defer func() {
		if err != nil {
			a.leaving = true // what an earlier server left is for one that starts
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
			defer cancel()
			err = errors.Join(err, a.close(stop))
		}
	}()
	// The port first: whoever starts a second server learns it before anything is touched.
	var lc net.ListenConfig
	if a.listener, err = lc.Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", c.Listen, err)
	}
	a.onClose(func(context.Context) error {
		if err := a.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	db, err := openStore(ctx, c)
	if err != nil {
		return nil, err
	}
	a.onClose(func(context.Context) error { return db.Close() })
	db.OnTrouble(func(err error) {
		o.Log.Warn("something deleted is still in a file of the database; will try again", "error", err)
	})
	signer, err := auth.OpenSigner(ctx, db)
	if err != nil {
		return nil, err
	}
	engine, err := OpenEngine(ctx, c.Machine, o.Log)
	if err != nil {
		return nil, err
	}
	a.engine = engine
	a.onClose(func(ctx context.Context) error {
		if a.leaving {
			return engine.Leave(ctx)
		}
		return engine.Close(ctx)
	})
	a.classes, err = classroom.Open(ctx, classroom.Options{Store: db, Course: o.Course, Labs: o.LabSet, Log: o.Log, Recordings: filepath.Join(c.State, "recordings")})
	if err != nil {
		return nil, err
	}
	a.onClose(a.classes.Close)
	if a.hosting, err = host(ctx, a.classes, c.Class); err != nil {
		return nil, err
	}
	texts := render.New()
	pool := c.Pool
	if pool == 0 {
		pool = -1
	}
	a.sessions, err = session.Open(ctx, session.Options{
		Store: db, Engine: engine, Course: o.Course, Labs: o.LabSet, Render: texts.Hint, Log: o.Log,
		Listener: a.classes, Gate: a.classes.May,
		IdleTimeout: c.IdleTimeout, WarnBefore: c.WarnBefore, HardLimit: c.HardLimit,
		MaxSessions: c.MaxSessions, MaxPerLearner: c.MaxPerClient, MaxTerminals: c.MaxTerminals, PoolSize: pool, Cgroup: c.Cgroup,
	})
	if err != nil {
		return nil, err
	}
	a.onClose(func(ctx context.Context) error {
		if a.leaving {
			return a.sessions.Leave(ctx)
		}
		return a.sessions.Close(ctx)
	})
	a.classes.Use(a.sessions)
	proxies, err := c.Proxies()
	if err != nil {
		return nil, err
	}
	var provider httpapi.OIDC
	if c.Issuer != "" {
		provider = auth.NewOIDC(auth.OIDCOptions{Issuer: c.Issuer, ClientID: c.Client, ClientSecret: c.OIDC.Secret, Name: c.OIDC.Name})
	}
	a.api, err = httpapi.New(httpapi.Options{
		Sessions: httpapi.FromManager(a.sessions), Classes: a.classes, OIDC: provider, Signer: signer, Course: o.Course, Labs: o.LabSet, Static: page,
		Render: texts, Log: o.Log, Ready: db.Ping, TrustedProxies: proxies, Version: o.Version,
	})
	if err != nil {
		return nil, err
	}
	a.http = &http.Server{
		Handler: a.api, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	a.onClose(func(ctx context.Context) error {
		if a.leaving { // pages are told to come back, and nothing of an end
			return errors.Join(a.api.Close(ctx), a.http.Shutdown(ctx))
		}
		// Sessions first, so that pages are told why; then what is open, which
		// Shutdown would wait for.
		return errors.Join(a.sessions.Close(ctx), a.api.Close(ctx), a.http.Shutdown(ctx))
	})
	go func() {
		if err := a.http.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("the server has stopped serving", "error", err)
		}
	}()
	return a, nil
}

func openStore(ctx context.Context, c config.Server) (*store.Store, error) {
	if c.Database != "" {
		return store.OpenURL(ctx, c.Database)
	}
	return store.Open(ctx, filepath.Join(c.State, "netground.db"))
}

// Hosting is what whoever hosts a class needs first: addresses beneath the
// server's, and a code.
type Hosting struct {
	// Teach is where to teach: the first time, a link with which the owner sets a
	// password, once.
	Teach     string
	FirstTime bool
	// Join and Code are of the class that the configuration names, if it does.
	Join, Code string
}

func host(ctx context.Context, classes *classroom.Service, name string) (h Hosting, err error) {
	h.Teach = "/teach"
	if name != "" {
		id, code, err := classes.Ensure(ctx, name)
		if err != nil {
			return h, fmt.Errorf("cannot host the class %q: %w", name, err)
		}
		h.Teach, h.Join, h.Code = classroom.ClassPath+id, classroom.JoinPath+code, code
	}
	link, err := classes.OwnerLink(ctx)
	if err != nil {
		return h, err
	}
	if link != "" {
		h.Teach, h.FirstTime = link, true
	}
	return h, nil
}

// Hosting returns what whoever hosts a class needs first.
func (a *App) Hosting() Hosting { return a.hosting }

func (a *App) onClose(f func(context.Context) error) { a.closers = append(a.closers, f) }

// SetLabs replaces the course and the labs.
func (a *App) SetLabs(course *lab.Course, labs map[string]*lab.Lab) {
	tellLarge(a.log, labs, a.memoryMiB)
	a.api.SetLabs(course, labs)
	a.sessions.SetLabs(course, labs)
	a.classes.SetLabs(course, labs)
}

// tellLarge logs which labs say that they need more memory than a sandbox has.
func tellLarge(log *slog.Logger, labs map[string]*lab.Lab, mib int64) {
	for _, name := range slices.Sorted(maps.Keys(labs)) {
		if need := int64(labs[name].Memory); need > mib {
			log.Warn("a lab needs more memory than its sandboxes have: what runs in them may be ended. Start the server with --memory-mib of what it needs",
				"lab", name, "needs-mib", need, "memory-mib", mib)
		}
	}
}

// URL is where a browser on this machine finds the server.
func (a *App) URL() string {
	_, port, _ := net.SplitHostPort(a.listener.Addr().String())
	host, _, _ := net.SplitHostPort(a.listener.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return "http://" + host + ":" + port
}

// Close stops the server: it refuses what is new, ends what goes on, stores
// what is known and removes all sandboxes.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return a.close(ctx)
}

// Leave stops the server as Close does, but the sandboxes live on, with all that
// runs in them: the next server with the same folders takes them over.
func (a *App) Leave() error {
	a.leaving = true
	return a.Close()
}

func (a *App) close(ctx context.Context) error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i](ctx))
	}
	a.closers = nil
	return errors.Join(errs...)
}
