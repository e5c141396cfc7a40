// Package classroom knows classes: who teaches them, who is in them and how they
// come in, where everybody stands, who needs help, and what a teacher does about
// it. What it shows is built from what the store has, and kept current by what
// it hears from sessions.
package classroom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
	"github.com/netground/netground/server/store"
)

// Sessions is what a class needs of the session manager.
type Sessions interface {
	Live(learner string) []session.Brief
	Get(ctx context.Context, c session.Caller, id string) (session.Session, error)
	Reset(ctx context.Context, c session.Caller, id string) (session.Session, error)
	Extend(ctx context.Context, c session.Caller, id string) (session.Session, error)
	CatchUp(ctx context.Context, c session.Caller, id, step string) error
	End(ctx context.Context, c session.Caller, id string) error
	EndWithClass(ctx context.Context, c session.Caller, id string) error
	AttachTerminal(c session.Caller, id, terminal string) (*session.Attachment, error)
	Tell(learner, name string, data session.InLanguage)
	ReturnKeyboard(id string)
	Break(ctx context.Context, c session.Caller, id, fault string) error
	Broken(ctx context.Context, c session.Caller, id, fault string) (bool, error)
}

// Options configures a Service.
type Options struct {
	Store  *store.Store
	Course *lab.Course
	Labs   map[string]*lab.Lab
	Log    *slog.Logger
	Now    func() time.Time
	// Zone is where days begin and end; the server's by default.
	Zone *time.Location
	// Recordings is the folder of recordings; empty: nothing is recorded.
	Recordings string
	// Every is how often times at steps are counted and stored; 5 seconds.
	Every time.Duration
}

// Service is all classes of a server. It is a session.Listener.
type Service struct {
	o         Options
	store     *store.Store
	log       *slog.Logger
	passwords *auth.Passwords
	guesses   guesses
	rec       recorders

	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup

	mu       sync.Mutex
	sessions Sessions // after Use
	course   *lab.Course
	labs     map[string]*lab.Lab
	rooms    map[string]*room  // by class; every class that has not ended is there
	places   map[string][]seat // by learner
}

// seat is a learner's place in a class.
type seat struct {
	room   *room
	member string
}

type guesses struct{ join, back, password *auth.Guesses }

// Open returns the classes that the store has.
func Open(ctx context.Context, o Options) (*Service, error) {
	if o.Store == nil {
		return nil, errors.New("cannot keep classes without a store")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	s := &Service{
		o: o, store: o.Store, log: o.Log, passwords: auth.NewPasswords(), course: o.Course, labs: o.Labs,
		rooms: map[string]*room{}, places: map[string][]seat{},
		guesses: guesses{
			// Of 480 million join codes, and far more personal ones, a guesser tries
			// some hundred thousand a day.
			join:     auth.NewGuesses(auth.Limits{PerClient: 0.5, ClientBurst: 60, Overall: 5, TotalBurst: 600}),
			back:     auth.NewGuesses(auth.Limits{PerClient: 0.2, ClientBurst: 40, Overall: 5, TotalBurst: 600}),
			password: auth.NewGuesses(auth.Limits{PerClient: 0.1, ClientBurst: 10, Overall: 2, TotalBurst: 100}),
		},
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.openRecordings(ctx); err != nil {
		return nil, err
	}
	all, err := s.store.Classes(ctx, "", true)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.State != Ended {
			if _, err := s.load(ctx, e.Class); err != nil {
				return nil, fmt.Errorf("cannot open the class %q: %w", e.Name, err)
			}
		}
	}
	s.background.Go(s.count)
	s.background.Go(s.watchRepairs)
	s.background.Go(s.retain)
	s.background.Go(s.keepDates)
	s.background.Go(s.writeStates)
	return s, nil
}

// Use tells the sessions, which need the service as their listener first. Those
// that live already are taken over.
func (s *Service) Use(sessions Sessions) {
	s.mu.Lock()
	s.sessions = sessions
	s.mu.Unlock()
	if s.rec.dir != nil {
		s.endLeft(s.ctx) // the sessions that live on have said so
	}
	for _, r := range s.allRooms() {
		r.mu.Lock()
		members := make([]store.Member, 0, len(r.rows))
		for _, w := range r.rows {
			members = append(members, w.m)
		}
		r.mu.Unlock()
		for _, m := range members {
			s.see(r, m, sessions)
		}
	}
}

// SetLabs replaces the labs.
func (s *Service) SetLabs(course *lab.Course, labs map[string]*lab.Lab) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.course, s.labs = course, labs
	for _, r := range s.rooms {
		r.setLabs(labs)
	}
}

// Close stores what is counted and ends all streams.
func (s *Service) Close(ctx context.Context) error {
	s.cancel()
	done := make(chan struct{})
	go func() {
		s.background.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the classes' end: %w", ctx.Err())
	}
	err := s.storeTimes(ctx)
	if s.rec.dir != nil {
		err = errors.Join(err, s.rec.dir.Close())
	}
	return err
}

// The states of a class.
const (
	Running = "open"
	Paused  = "paused"
	Ended   = "ended"
)

// The roles of who teaches. In a class, there are teachers and assistants.
const (
	Owner     = "owner"
	Teacher   = "teacher"
	Assistant = "assistant"
)

func text(en, ko string) lab.Text { return lab.Text{"en": en, "ko": ko} }

func refuse(code session.Code, en, ko string) error {
	return &session.Error{Code: code, Text: text(en, ko)}
}

func failed(err error) error {
	return &session.Error{Code: session.Failed, Cause: err, Text: text("The server could not do this just now. Try again.", "지금은 서버가 이 작업을 하지 못했습니다. 다시 시도하십시오.")}
}

// Codes of refusals beyond those of sessions.
const (
	Conflict   session.Code = "conflict"
	WrongLogin session.Code = "wrong"
	NoLink     session.Code = "token"
	Limited    session.Code = "rate"
)

// LimitError is a refusal that passes.
type LimitError struct{ Wait time.Duration }

// Error is for the log.
func (e *LimitError) Error() string { return "too many wrong guesses" }

// Text is a sentence for whoever guessed.
func (e *LimitError) Text() lab.Text {
	return text("There were too many wrong tries from here. Wait a moment, then try again.", "여기에서 잘못된 시도가 너무 많았습니다. 잠시 기다렸다가 다시 시도하십시오.")
}

func noClass() error {
	return refuse(session.NotFound, "There is no such class.", "그런 수업이 없습니다.")
}

func noMember() error {
	return refuse(session.NotFound, "Nobody of that name is in the class.", "수업에 그런 학습자가 없습니다.")
}

func ended() error {
	return refuse(session.Gone, "The class has ended.", "수업이 끝났습니다.")
}

// found turns the store's answer for a missing row into what.
func found(err, what error) error {
	if errors.Is(err, store.ErrNotFound) {
		return what
	}
	if err != nil {
		return failed(err)
	}
	return nil
}
