package auth

import (
	"container/list"
	"sync"
	"time"
)

// Guesses limits how often somebody may be wrong: with a join code, a personal
// code, a password. Only wrong guesses count. A client has a number of them, and
// all clients together have one. What a client was right about before has a
// number of its own, so that neither a guesser behind the address of a class nor
// a crowd elsewhere locks that class, or a teacher, out.
type Guesses struct {
	limiter *Limiter
	own     *Limiter // of trusted pairs
	most    int

	mu      sync.Mutex
	trusted map[[2]string]*list.Element // client and what, most recently right first
	recent  *list.List
}

// NewGuesses returns Guesses with limits of wrong ones.
func NewGuesses(l Limits) *Guesses {
	return &Guesses{
		limiter: NewLimiter(l), own: NewLimiter(Limits{PerClient: l.PerClient, ClientBurst: l.ClientBurst}),
		most: 20_000, trusted: map[[2]string]*list.Element{}, recent: list.New(),
	}
}

// Try counts a guess and says whether its answer may be told; if not, when to
// come again. What is guessed has a name if it has one before it is known who is
// right (a login), or if the guess was right (a class).
func (g *Guesses) Try(client, what string, right bool, now time.Time) (ok bool, wait time.Duration) {
	if !right {
		l, key := g.limits(client, what)
		return l.Allow(key, now)
	}
	// Right ones use up nothing, but are told only to who may still guess: or the
	// limit would not slow anybody down.
	if ok, wait := g.Open(client, what, now); !ok {
		return false, wait
	}
	g.Trust(client, what)
	return true, 0
}

// Open says whether the client may guess at all just now.
func (g *Guesses) Open(client, what string, now time.Time) (ok bool, wait time.Duration) {
	l, key := g.limits(client, what)
	return l.Peek(key, now)
}

// limits returns the limiter that counts, and the name under which.
func (g *Guesses) limits(client, what string) (*Limiter, string) {
	if g.Trusts(client, what) {
		return g.own, client + "\x00" + what
	}
	return g.limiter, client
}

// Trust notes that the client knows what the secret of something is.
func (g *Guesses) Trust(client, what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := [2]string{client, what}
	if e, ok := g.trusted[key]; ok {
		g.recent.MoveToFront(e)
		return
	}
	g.trusted[key] = g.recent.PushFront(key)
	if len(g.trusted) > g.most {
		delete(g.trusted, g.recent.Remove(g.recent.Back()).([2]string))
	}
}

// Trusts says whether the client knows what the secret of something is.
func (g *Guesses) Trusts(client, what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	e, ok := g.trusted[[2]string{client, what}]
	if ok {
		g.recent.MoveToFront(e)
	}
	return ok
}
