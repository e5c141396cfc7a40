package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/netground/netground/server/auth"
)

// rateClass is how much a request costs the server.
type rateClass string

const (
	unlimited rateClass = ""
	read      rateClass = "read"    // shows something
	write     rateClass = "write"   // changes something small
	heavy     rateClass = "heavy"   // makes a network, or boots a host
	create    rateClass = "create"  // opens a lab
	connect   rateClass = "connect" // opens a stream
	// guess is a code or a password, which may be wrong; by address.
	guess rateClass = "guess"
	// strangers counts new learners by address, whatever their cookies say.
	strangers rateClass = "strangers"
	// joins counts those who become learners by a class's code, by address and class.
	joins rateClass = "joins"
)

// Limits are how often clients may ask. A client is a learner, so that a class
// behind one address does not lock itself out; without a cookie it is an address.
type Limits struct {
	Read, Write, Heavy, Create, Connect, Guess auth.Limits
	// Strangers limits how many new learners one address may become, Joins how many
	// of them in one class whose code it knows.
	Strangers, Joins auth.Limits
}

// DefaultLimits are far above what a page and a quick person do.
func DefaultLimits() Limits {
	return Limits{
		// Of those without a cookie yet, a whole class looks from one address at once.
		Read:    auth.Limits{PerClient: 20, ClientBurst: 1000, Overall: 2000, TotalBurst: 4000},
		Write:   auth.Limits{PerClient: 5, ClientBurst: 40, Overall: 1000, TotalBurst: 2000},
		Heavy:   auth.Limits{PerClient: 0.5, ClientBurst: 10, Overall: 100, TotalBurst: 200},
		Create:  auth.Limits{PerClient: 1, ClientBurst: 20, Overall: 100, TotalBurst: 300},
		Connect: auth.Limits{PerClient: 4, ClientBurst: 60, Overall: 500, TotalBurst: 2000},
		// What is wrong is limited far below this: see auth.Guesses.
		Guess: auth.Limits{PerClient: 10, ClientBurst: 300, Overall: 100, TotalBurst: 1000},
		// A hundred behind one address open their first lab at once, without a class.
		Strangers: auth.Limits{PerClient: 1, ClientBurst: 150, Overall: 50, TotalBurst: 500},
		// A lecture hall joins at once; a class has its own bound, see classroom.
		Joins: auth.Limits{PerClient: 5, ClientBurst: 400, Overall: 100, TotalBurst: 1000},
	}
}

func (l *Limits) limiters() map[rateClass]*auth.Limiter {
	return map[rateClass]*auth.Limiter{
		read: auth.NewLimiter(l.Read), write: auth.NewLimiter(l.Write), heavy: auth.NewLimiter(l.Heavy),
		create: auth.NewLimiter(l.Create), connect: auth.NewLimiter(l.Connect), guess: auth.NewLimiter(l.Guess), strangers: auth.NewLimiter(l.Strangers), joins: auth.NewLimiter(l.Joins),
	}
}

// allow counts a request; the error says when to come again.
func (a *API) allow(class rateClass, client string) error {
	l := a.limiters[class]
	if l == nil {
		return nil
	}
	ok, wait := l.Allow(client, a.o.Now())
	if ok {
		return nil
	}
	p := problemOf(http.StatusTooManyRequests, "rate", text("These are too many requests at once. Wait a moment.", "요청이 한꺼번에 너무 많습니다. 잠시 기다리십시오."))
	p.retry = max(wait, time.Second)
	return p
}

// origin is where a request comes from: the client's address, and whether it
// came by TLS, as the nearest proxy that is trusted says.
func (a *API) origin(r *http.Request) (client netip.Addr, tls bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	client, _ = netip.ParseAddr(host) // a unix socket's client has none
	tls = r.TLS != nil
	if !a.trusted(client) {
		return client, tls
	}
	tls = tls || r.Header.Get("X-Forwarded-Proto") == "https"
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- { // what stands further left, the client may have written
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = hop
		if !a.trusted(hop) {
			break
		}
	}
	return client, tls
}

func (a *API) trusted(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, p := range a.o.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
