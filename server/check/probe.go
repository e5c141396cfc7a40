package check

import (
	"errors"
	"io/fs"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/trace"
)

// parsePlace reads host or host/namespace.
func parsePlace(s string) observe.Place {
	host, ns, _ := strings.Cut(s, "/")
	return observe.Place{Node: host, NS: ns}
}

// target returns the address that a reach check is about.
func target(c *lab.ReachCheck) (netip.Addr, int) {
	if c.Proto != "http" {
		a, _ := netip.ParseAddr(c.To)
		return a, c.Port
	}
	u, err := url.Parse(c.To)
	if err != nil {
		return netip.Addr{}, 0
	}
	a, _ := netip.ParseAddr(u.Hostname())
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		port = 80
	}
	return a, port
}

// probe sends what the check says.
func (e *evaluation) probe(c *lab.ReachCheck) (observe.Probe, error) {
	from := observe.Place{Node: c.From, NS: c.NS}
	a, port := target(c)
	var at *observe.Place
	if c.At != "" {
		p := parsePlace(c.At)
		at = &p
	}
	switch c.Proto {
	case "http":
		p, err := e.net.Get(e.ctx, from, c.To, at)
		if err == nil && p.Outcome == observe.Answered && !strings.Contains(string(p.Body), c.Contains) {
			p.Outcome = observe.WrongBody
		}
		return p, err
	case "tcp":
		return e.net.DialTCP(e.ctx, from, netip.AddrPortFrom(a, uint16(port)), at)
	}
	return e.net.Ping(e.ctx, from, a, at)
}

// what names what is sent.
func what(c *lab.ReachCheck) string {
	switch c.Proto {
	case "http":
		return c.To
	case "tcp":
		return "tcp " + c.To + ":" + strconv.Itoa(c.Port)
	}
	return "ping " + c.To
}

func (e *evaluation) reach(c *lab.ReachCheck) {
	from := lab.Where{Host: c.From, NS: c.NS}
	expected := tx("%[2]s: %[1]s is answered", "%[2]s: %[1]s 응답 있음", what(c), where(from))
	if c.Source.IsValid() {
		expected = tx("%[1]s, and arrives from %[2]s", "%[1]s, 도착할 때 출발지 %[2]s", expected, c.Source)
	}
	if c.Destination != "" {
		expected = tx("%[1]s, and arrives at %[3]s for %[2]s", "%[1]s, %[3]s에 도착할 때 목적지 %[2]s", expected, c.Destination, place(parsePlace(c.At)))
	}
	e.expect(expected)
	if e.at(from) == nil {
		return
	}
	if c.At != "" {
		at := parsePlace(c.At)
		if e.at(lab.Where{Host: at.Node, NS: at.NS}) == nil {
			return
		}
	}
	p, err := e.probe(c)
	if err != nil {
		e.failed(err)
		return
	}
	if c.Proto == "http" && p.Outcome == observe.Answered && p.Status >= 400 {
		e.fail(BadStatus, tx("status %d", "상태 %d", p.Status),
			tx("The server answers, but with an error: status %d.", "서버가 응답했지만 오류(상태 %d)를 보냈습니다.", p.Status))
		return
	}
	switch p.Outcome {
	case observe.Answered:
		e.arrival(c, p)
		return
	case observe.Elsewhere:
		if a, _ := target(c); e.answersItself(c, a) {
			return
		}
		e.fail(string(p.Outcome), tx("answered by somebody else", "다른 곳에서 응답함"),
			tx("Somebody answers, but the packet did not come to %s.", "응답은 왔지만 패킷이 %s에 도착하지 않았습니다.", place(parsePlace(c.At))))
		return
	case observe.WrongBody:
		e.fail(NoMatch, tx("status %d, another text", "상태 %d, 다른 내용", p.Status),
			tx("The server answers, but its page does not contain “%s”.", "서버가 응답했지만 내용에서 “%s” 부분을 찾을 수 없습니다.", c.Contains))
		return
	}
	cause := e.explain(c)
	found, reason := tx("no answer", "응답 없음"), string(p.Outcome)
	switch {
	case p.Outcome == observe.Refused:
		found = tx("connection refused", "연결 거부됨")
		if cause.Code != trace.Dropped && cause.Code != trace.NotListening {
			_, port := target(c)
			e.fail(reason, found, tx("The machine is there, but nothing listens on port %d.", "상대 호스트까지는 닿지만 %d번 포트에서 대기하는 프로그램이 없습니다.", port))
			return
		}
	case p.Outcome == observe.NoRoute:
		found = tx("no route", "경로 없음")
	case p.Outcome == observe.Unreachable && p.By.IsValid():
		found = tx("unreachable, says %s", "도달할 수 없음(%s의 응답)", p.By)
	case p.Outcome == observe.Unreachable:
		found = tx("unreachable", "도달할 수 없음")
	}
	if cause.Code != trace.Arrives && (p.Outcome != observe.Refused || cause.Code == trace.Dropped || cause.Translated.Chain != "") {
		reason = string(cause.Code)
	}
	e.fail(reason, found, because(cause))
}

// answersItself says who answers in the place of whom a packet is for, where
// somebody else has the address.
func (e *evaluation) answersItself(c *lab.ReachCheck, a netip.Addr) bool {
	at := parsePlace(c.At)
	for _, p := range e.owners(a) {
		if p.Node != at.Node || p.NS != at.NS {
			p.Dev = ""
			e.fail(string(observe.Elsewhere), tx("answered by %s", "%s의 응답", place(p)),
				tx("%[1]s has the address %[2]s and answers; the packet did not come to %[3]s.", "%[1]s에 %[2]s 주소가 있어 거기서 응답했습니다. 패킷이 %[3]s에 도착하지 않았습니다.", place(p), a, place(at)))
			return true
		}
	}
	return false
}

// arrival says whether a packet that was answered had the addresses that it should.
func (e *evaluation) arrival(c *lab.ReachCheck, p observe.Probe) {
	found := tx("answered", "응답 있음")
	if c.Source.IsValid() {
		found = tx("%[1]s, coming from %[2]s", "%[1]s, 출발지 %[2]s", found, p.Source.Addr())
		if p.Source.Addr() != c.Source {
			e.fail(OtherSource, found, tx("The packet arrives at %[1]s, but it comes from %[2]s there, not from %[3]s.",
				"패킷이 %[1]s에 도착하지만 출발지 주소가 %[3]s 대신 %[2]s입니다.", place(parsePlace(c.At)), p.Source.Addr(), c.Source))
			return
		}
	}
	if a, port, ok := lab.Endpoint(c.Destination); ok {
		to := p.Destination.Addr().String()
		if port != 0 {
			to = p.Destination.String()
		}
		found = tx("%[1]s, sent to %[2]s", "%[1]s, 목적지 %[2]s", found, to)
		if p.Destination.Addr() != a || port != 0 && p.Destination.Port() != port {
			e.fail(OtherDestination, found, tx("The packet arrives at %[1]s, but it is addressed to %[2]s there, not to %[3]s.",
				"패킷이 %[1]s에 도착하지만 목적지가 %[3]s 대신 %[2]s입니다.", place(parsePlace(c.At)), to, c.Destination))
			return
		}
	}
	e.ok(found)
}

func (e *evaluation) blocked(c *lab.ReachCheck) {
	from := lab.Where{Host: c.From, NS: c.NS}
	e.expect(tx("%[2]s: %[1]s is not answered", "%[2]s: %[1]s 응답 없음", what(c), where(from)))
	if e.at(from) == nil {
		return
	}
	p, err := e.probe(c)
	switch {
	case err != nil:
		e.failed(err)
	case p.Outcome == observe.Answered || p.Outcome == observe.WrongBody || p.Outcome == observe.Elsewhere:
		e.fail(Answered, tx("answered", "응답 있음"), tx("The packet still arrives and is answered.", "패킷이 여전히 도착하고 응답이 옵니다."))
	case p.Outcome == observe.Refused:
		e.ok(tx("refused", "거부됨"))
	default:
		e.ok(tx("no answer", "응답 없음"))
	}
}

func (e *evaluation) sysctl(c *lab.SysctlCheck) {
	e.expect(plain(c.Key + " = " + c.Value))
	if e.at(c.Where) == nil {
		return
	}
	v, ok, err := e.net.Sysctl(e.ctx, observe.Place{Node: c.Host, NS: c.NS}, c.Key)
	switch {
	case err != nil:
		e.failed(err)
	case !ok:
		e.fail(Missing, tx("no such setting", "그런 설정 없음"), tx("%[2]s has no setting %[1]s.", "%[2]s에 %[1]s 설정이 없습니다.", c.Key, where(c.Where)))
	case v == strings.Join(strings.Fields(c.Value), " "):
		e.ok(plain(c.Key + " = " + v))
	default:
		e.fail(WrongValue, plain(c.Key+" = "+v), tx("%[1]s of %[2]s is %[3]s.", "%[2]s의 %[1]s 값이 %[3]s입니다.", c.Key, where(c.Where), v))
	}
}

func (e *evaluation) file(c *lab.FileCheck) {
	switch {
	case c.Absent:
		e.expect(tx("no %[1]s on %[2]s", "%[2]s에 %[1]s 없음", c.Path, c.Host))
	case c.Or != "":
		e.expect(tx("%[1]s of %[2]s, or one of %[4]s, has a line like %[3]s", "%[2]s의 %[1]s 또는 %[4]s에 %[3]s 꼴의 줄", c.Path, c.Host, c.Matches, c.Or))
	case c.Matches != "":
		e.expect(tx("%[1]s of %[2]s has a line like %[3]s", "%[2]s의 %[1]s에 %[3]s 꼴의 줄", c.Path, c.Host, c.Matches))
	default:
		e.expect(tx("a file %[1]s on %[2]s", "%[2]s에 파일 %[1]s", c.Path, c.Host))
	}
	if e.at(lab.Where{Host: c.Host}) == nil {
		return
	}
	if c.Or != "" && e.others(c) {
		return
	}
	b, err := e.net.ReadFile(e.ctx, c.Host, c.Path)
	missing := tx("no such file", "파일 없음")
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.Absent:
		e.ok(missing)
	case errors.Is(err, fs.ErrNotExist):
		e.fail(Missing, missing, tx("There is no %[1]s on %[2]s.", "%[2]s에 %[1]s 파일이 없습니다.", c.Path, c.Host))
	case c.Absent && (err == nil || isFileError(err)):
		e.fail(Present, plain(c.Path), tx("%[1]s is still there.", "%[1]s 파일이 아직 있습니다.", c.Path))
	case isFileError(err):
		e.fail(NotRegular, tx("no regular file", "일반 파일이 아님"), tx("%[1]s is no regular file, or is larger than 64 KiB.", "%[1]s: 일반 파일이 아니거나 64 KiB보다 큽니다.", c.Path))
	case err != nil:
		e.failed(err)
	case c.Matches == "":
		e.ok(plain(c.Path))
	default:
		re, err := regexp.Compile("(?m)" + c.Matches)
		if err != nil {
			e.failed(err)
			return
		}
		if m := re.Find(b); m != nil {
			e.ok(plain(clip(string(m))))
			return
		}
		e.fail(NoMatch, tx("no such line", "그런 줄 없음"), tx("%[1]s is there, but has no line like that.", "%[1]s 파일은 있지만 그런 줄이 없습니다.", c.Path))
	}
}

// mostOthers is how many files of a folder are read for one check.
const mostOthers = 16

// others says whether one of the files that do as well has the line.
func (e *evaluation) others(c *lab.FileCheck) bool {
	re, err := regexp.Compile("(?m)" + c.Matches)
	if err != nil {
		return false // said where the file itself is looked at
	}
	dir, end := path.Dir(c.Or), strings.TrimPrefix(path.Base(c.Or), "*")
	names, err := e.net.ListFiles(e.ctx, c.Host, dir)
	if err != nil {
		return false
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, end) || strings.HasPrefix(n, ".") })
	for _, name := range names[:min(len(names), mostOthers)] {
		b, err := e.net.ReadFile(e.ctx, c.Host, path.Join(dir, name))
		if err != nil {
			continue
		}
		if m := re.Find(b); m != nil {
			e.ok(plain(clip(path.Join(dir, name) + ": " + string(m))))
			return true
		}
	}
	return false
}

func isFileError(err error) bool {
	return errors.Is(err, observe.ErrNotRegular) || errors.Is(err, observe.ErrTooBig)
}

func (e *evaluation) listens(c *lab.ListensCheck) {
	proto := c.Proto
	if proto == "" {
		proto = "tcp"
	}
	e.expect(tx("%[3]s listens on %[1]s port %[2]d", "%[3]s: %[1]s %[2]d번 포트에서 대기", proto, c.Port, where(c.Where)))
	if e.at(c.Where) == nil {
		return
	}
	all, err := e.net.Listeners(e.ctx, observe.Place{Node: c.Host, NS: c.NS}, proto)
	if err != nil {
		e.failed(err)
		return
	}
	for _, l := range all {
		if l.Port == c.Port && (!c.Address.IsValid() || l.Address == c.Address || isWildcard(l.Address, c.Address)) {
			e.ok(plain(netip.AddrPortFrom(l.Address, uint16(l.Port)).String()))
			return
		}
	}
	if other := slices.IndexFunc(all, func(l observe.Listener) bool { return l.Port == c.Port }); other >= 0 {
		e.fail(OtherAddress, plain(netip.AddrPortFrom(all[other].Address, uint16(c.Port)).String()),
			tx("Something listens on %[1]s port %[2]d of %[3]s, but on another address than %[4]s.", "%[3]s의 %[1]s %[2]d번 포트에서 대기하는 프로그램이 있지만, %[4]s 주소에서는 대기하지 않습니다.", proto, c.Port, where(c.Where), c.Address))
		return
	}
	e.fail(NotListening, tx("nobody", "없음"), tx("Nothing listens on %[1]s port %[2]d of %[3]s.", "%[3]s의 %[1]s %[2]d번 포트에서 대기하는 프로그램이 없습니다.", proto, c.Port, where(c.Where)))
}

// isWildcard says whether who listens on an address hears what is sent to the
// other: 0.0.0.0 stands for IPv4, :: for both (ipv6(7), IPV6_V6ONLY is off).
func isWildcard(listens, a netip.Addr) bool {
	return listens.IsUnspecified() && (listens.Is6() || a.Is4())
}
