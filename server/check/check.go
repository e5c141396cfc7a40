// Package check establishes a lab's checks: what is expected, what was found,
// and a sentence that says why that is not it. Facts come from the kernel's
// state, and from probes that the server itself sends.
package check

import (
	"context"
	"net/netip"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
)

// Result is the outcome of one check.
type Result struct {
	Kind string // as the lab names it: address, reach …
	OK   bool
	// Reason is a stable code of what was found: "ok", or what is wrong.
	Reason string
	// Expected and Found are short; Why is a sentence, empty where OK: but for a
	// right choice, of which it says why it is right.
	Expected, Found, Why lab.Text
	// Err is why the server could not establish it, for the log; see Failed.
	Err error
}

// Network is what checks look at; *observe.Watch is one.
type Network interface {
	State() *observe.State
	// Inspect gives the state with what matters when a packet is lost.
	Inspect(ctx context.Context) (*observe.State, error)
	Ping(ctx context.Context, from observe.Place, to netip.Addr, at *observe.Place) (observe.Probe, error)
	DialTCP(ctx context.Context, from observe.Place, to netip.AddrPort, at *observe.Place) (observe.Probe, error)
	Get(ctx context.Context, from observe.Place, url string, at *observe.Place) (observe.Probe, error)
	Listeners(ctx context.Context, at observe.Place, proto string) ([]observe.Listener, error)
	Sysctl(ctx context.Context, at observe.Place, key string) (value string, ok bool, err error)
	ReadFile(ctx context.Context, host, path string) ([]byte, error)
	ListFiles(ctx context.Context, host, path string) ([]string, error)
	Exchange(ctx context.Context, from observe.Place, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, observe.Outcome, error)
}

// OK is the Reason of a check that holds; the others say what is wrong.
const (
	OK            = "ok"
	Failed        = "cannot-tell"  // the server could not establish it
	NoHost        = "host-down"    // the host reboots or has halted
	NoNamespace   = "no-namespace" // the named namespace is not there
	NoDevice      = "no-device"    // the device is not there
	OtherDevice   = "elsewhere"    // it is, but somewhere else
	WrongType     = "wrong-type"   // of a device
	WrongPeer     = "wrong-peer"   // the cable leads elsewhere
	WrongMaster   = "wrong-master" // the device is a port of another bridge, or of none
	Down          = "down"         // the device is off
	NoCarrier     = "no-carrier"   // the device is on, its other end is not
	Up            = "up"           // the device is on, and should be off
	Present       = "present"      // what should not be there is
	NoAddress     = "no-address"
	OtherAddress  = "other-address"
	WrongPrefix   = "wrong-prefix" // the address with another prefix length
	NoRoute       = "no-route"
	WrongVia      = "wrong-via"
	WrongDev      = "wrong-dev"
	Unknown       = "unknown"   // no entry for the neighbour, or none that was answered
	WrongMAC      = "wrong-mac" // the neighbour's entry is somebody else's
	WrongValue    = "wrong-value"
	Missing       = "missing" // a setting, a file, a bridge's port
	SameNamespace = "same-namespace"
	NotABridge    = "not-a-bridge"
	NotLearned    = "not-learned"
	NotListening  = "not-listening"
	BadStatus     = "bad-status"   // a web server answers with an error
	NoMatch       = "no-match"     // a file's or a page's text
	NotRegular    = "no-file"      // something else than a regular file, or one that is too big
	Unanswered    = "unanswered"   // the learner has not answered yet
	Wrong         = "wrong"        // the learner's answer
	Answered      = "answered"     // a packet that should be blocked is not
	WrongSource   = "wrong-source" // a name was found, but not where it should be

	OtherSource      = "other-source"      // a packet arrives as from another address
	OtherDestination = "other-destination" // a packet arrives for another address
)

// evaluation is one check on its way.
type evaluation struct {
	ctx     context.Context
	net     Network
	st      *observe.State
	answers map[string]string
	r       *Result
}

// Evaluate establishes a check. Answers are what the learner has answered, by
// the checks' names. It takes some seconds at most, where a probe gets no answer.
func Evaluate(ctx context.Context, c *lab.Check, net Network, answers map[string]string) Result {
	r := Result{Kind: c.Kind()}
	e := evaluation{ctx, net, net.State(), answers, &r}
	switch {
	case c.Link != nil:
		e.link(c.Link)
	case c.Address != nil:
		e.address(c.Address)
	case c.Route != nil:
		e.route(c.Route)
	case c.Neighbour != nil:
		e.neighbour(c.Neighbour)
	case c.Sysctl != nil:
		e.sysctl(c.Sysctl)
	case c.Namespace != nil:
		e.namespace(c.Namespace)
	case c.Bridge != nil:
		e.bridge(c.Bridge)
	case c.Reach != nil:
		e.reach(c.Reach)
	case c.Blocked != nil:
		e.blocked(c.Blocked)
	case c.Resolves != nil:
		e.resolves(c.Resolves)
	case c.File != nil:
		e.file(c.File)
	case c.Listens != nil:
		e.listens(c.Listens)
	case c.Answer != nil:
		e.answer(c.Answer)
	default:
		e.fail(Failed, tx("?", "?"), tx("This check has no kind.", "종류가 없는 검사입니다."))
	}
	return r
}

// Faded makes the result of a check that held before hold still, where nobody has
// undone anything: what a host knows of its neighbours, and a switch has learned,
// is forgotten by itself after a while.
func Faded(c *lab.Check, r Result) Result {
	if c.Neighbour != nil && r.Reason == Unknown || c.Bridge != nil && r.Reason == NotLearned {
		r.OK, r.Reason, r.Why = true, OK, nil
		r.Found = tx("was known, and is forgotten by now", "알고 있었지만 지금은 잊음")
	}
	return r
}

func (e *evaluation) expect(t lab.Text) { e.r.Expected = t }

func (e *evaluation) ok(found lab.Text) { e.r.OK, e.r.Reason, e.r.Found = true, OK, found }

func (e *evaluation) fail(reason string, found, why lab.Text) {
	e.r.Reason, e.r.Found, e.r.Why = reason, found, why
}

// failed says that the server could not find out.
func (e *evaluation) failed(err error) {
	e.fail(Failed, tx("could not be established", "확인하지 못함"),
		tx("The server could not look at this just now. Check again.", "지금은 서버가 이 항목을 확인하지 못했습니다. 다시 확인해 보십시오."))
	e.r.Err = err
}

// at returns the namespace, or fails the check.
func (e *evaluation) at(w lab.Where) *observe.Namespace {
	if n := e.st.Nodes[w.Host]; n != nil && n.Down {
		e.fail(NoHost, tx("%s is not running", "%s: 꺼져 있음", w.Host),
			tx("%s is not running. Wait until it has started again.", "%s 호스트가 켜져 있지 않습니다. 다시 켜질 때까지 기다리십시오.", w.Host))
		return nil
	}
	if w.NS != "" && e.st.Namespace(w.Host, w.NS) == nil {
		e.fail(NoNamespace, tx("no namespace %s", "네임스페이스 %s 없음", w.NS),
			tx("There is no network namespace %[1]s on %[2]s. ip netns add %[1]s makes it.",
				"%[2]s에는 이름이 %[1]s인 네트워크 네임스페이스가 없습니다. ip netns add %[1]s 명령으로 만듭니다.", w.NS, w.Host))
		return nil
	}
	ns := e.st.Namespace(w.Host, w.NS)
	if ns == nil {
		e.failed(nil)
	}
	return ns
}

// device returns the device, or fails the check.
func (e *evaluation) device(w lab.Where, dev string) *observe.Link {
	ns := e.at(w)
	if ns == nil {
		return nil
	}
	if l := ns.Link(dev); l != nil {
		return l
	}
	found := tx("no device %s", "장치 %s 없음", dev)
	if p := e.find(dev, w.Host); p != nil {
		e.fail(OtherDevice, tx("%s is in %s", "%s의 위치: %s", dev, place(*p)),
			tx("There is a %[1]s, but it is in %[2]s, not in %[3]s.", "%[1]s 장치가 있기는 하지만, %[3]s 안이 아니라 %[2]s 안에 있습니다.", dev, place(*p), where(w)))
		return nil
	}
	e.fail(NoDevice, found, tx("%[2]s has no device called %[1]s.", "%[2]s에는 이름이 %[1]s인 장치가 없습니다.", dev, where(w)))
	return nil
}

// find looks for a device in the host's own and named namespaces.
func (e *evaluation) find(dev, host string) *observe.Place {
	n := e.st.Nodes[host]
	if n == nil {
		return nil
	}
	if n.Namespace.Link(dev) != nil {
		return &observe.Place{Node: host}
	}
	for name, ns := range n.Named {
		if ns.Link(dev) != nil {
			return &observe.Place{Node: host, NS: name}
		}
	}
	return nil
}
