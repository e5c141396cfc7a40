package auth

import (
	"container/list"
	"sync"
	"time"
)

// Guesses limits how often somebody may be wrong: with a join code, a personal
// code, a password. Only wrong guesses count. A client has a number of them,
// and all clients together have one; but what a client was right about before
// stays open to it, so that neither a guesser behind the address of a class nor
// a crowd elsewhere locks that class, or a teacher, out.
//
// Trusting a client with one secret does not let it guess: others still count.
type Guesses struct {
	limiter *Limiter
	most    int

	mu      sync.Mutex
	trusted map[[2]string]*list.Element // client and secret, most recently right first
	recent  *list.List
}

// NewGuesses returns Guesses with limits of wrong ones.
func NewGuesses(l Limits) *Guesses {
	return &Guesses{limiter: NewLimiter(l), most: 20_000, trusted: map[[2]string]*list.Element{}, recent: list.New()}
}

// Try counts a guess of what, whose secret was right or not, and says whether
// the answer may be told; if not, when to come again.
func (g *Guesses) Try(client, what string, right bool, now time.Time) (ok bool, wait time.Duration) {
	if right && g.trusts(client, what) {
		return true, 0
	}
	if right {
		// Right answers use up nothing, but are told only to who may still guess:
		// or the limit would not slow anybody down.
		if ok, wait := g.limiter.Peek(client, now); !ok {
			return false, wait
		}
		g.Trust(client, what)
		return true, 0
	}
	return g.limiter.Allow(client, now)
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

func (g *Guesses) trusts(client, what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	e, ok := g.trusted[[2]string{client, what}]
	if ok {
		g.recent.MoveToFront(e)
	}
	return ok
}
