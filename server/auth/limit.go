package auth

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits says how often something may happen. A zero rate means no limit.
type Limits struct {
	PerClient   rate.Limit // a second
	ClientBurst int
	Overall     rate.Limit // a second, of all clients together
	TotalBurst  int
	// Clients bounds how many clients are remembered; 10,000. Of more, those
	// that asked longest ago are forgotten: the overall limit still counts.
	Clients int
}

// Limiter limits how often clients do something. It remembers a bounded number
// of clients, so that a crowd of addresses cannot fill the memory.
type Limiter struct {
	limits Limits

	mu      sync.Mutex
	overall *rate.Limiter
	clients map[string]*list.Element // of *bucket
	recent  *list.List               // most recently seen first
}

type bucket struct {
	client string
	rate   *rate.Limiter
}

// NewLimiter returns a limiter.
func NewLimiter(l Limits) *Limiter {
	if l.PerClient == 0 {
		l.PerClient = rate.Inf
	}
	if l.Overall == 0 {
		l.Overall = rate.Inf
	}
	if l.Clients <= 0 {
		l.Clients = 10_000
	}
	return &Limiter{
		limits:  l,
		overall: rate.NewLimiter(l.Overall, max(1, l.TotalBurst)),
		clients: map[string]*list.Element{},
		recent:  list.New(),
	}
}

// Allow says whether the client may do it now; if not, how long it must wait.
// What is refused uses up nothing.
func (l *Limiter) Allow(client string, now time.Time) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.bucket(client).ReserveN(now, 1)
	if wait := own.DelayFrom(now); wait > 0 {
		own.CancelAt(now)
		return false, wait
	}
	all := l.overall.ReserveN(now, 1)
	if wait := all.DelayFrom(now); wait > 0 {
		all.CancelAt(now)
		own.CancelAt(now) // or a crowd would use up a patient client's turns
		return false, wait
	}
	return true, 0
}

// Peek says what Allow would, and uses up nothing.
func (l *Limiter) Peek(client string, now time.Time) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.bucket(client).ReserveN(now, 1)
	all := l.overall.ReserveN(now, 1)
	wait = max(own.DelayFrom(now), all.DelayFrom(now))
	own.CancelAt(now)
	all.CancelAt(now)
	return wait <= 0, max(0, wait)
}

func (l *Limiter) bucket(client string) *rate.Limiter {
	if e, ok := l.clients[client]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket).rate
	}
	b := &bucket{client: client, rate: rate.NewLimiter(l.limits.PerClient, max(1, l.limits.ClientBurst))}
	l.clients[client] = l.recent.PushFront(b)
	if len(l.clients) > l.limits.Clients {
		oldest := l.recent.Remove(l.recent.Back()).(*bucket)
		delete(l.clients, oldest.client)
	}
	return b.rate
}

// ClientKey names the client behind an address: the address itself for IPv4,
// and for IPv6 its /64, which one household or one attacker has at will.
func ClientKey(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		p, err := addr.Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return addr.String()
}
