package check

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/resolve"
	"github.com/netground/netground/server/trace"
)

// lookup is one resolves check on its way.
type lookup struct {
	*evaluation
	c    *lab.ResolvesCheck
	kind string
	want []string
	six  bool
}

func (e *evaluation) resolves(c *lab.ResolvesCheck) {
	l := lookup{evaluation: e, c: c, kind: c.Type, six: c.Type == "AAAA"}
	if l.kind == "" {
		l.kind = "A"
	}
	for _, v := range c.Is {
		l.want = append(l.want, canonical(v))
	}
	slices.Sort(l.want)
	e.expect(l.expected())
	if e.at(lab.Where{Host: c.From}) == nil {
		return
	}
	r, err := l.find()
	if err != nil {
		e.failed(err)
		return
	}
	l.judge(r)
}

func (l *lookup) expected() lab.Text {
	c, values := l.c, strings.Join(l.want, ", ")
	name := plain(c.Name)
	if l.six {
		name = plain(c.Name + " (IPv6)")
	}
	switch server := c.Server.IsValid(); {
	case server && c.Absent:
		return tx("%[1]s has no %[2]s record of %[3]s", "%[1]s에 %[3]s의 %[2]s 레코드 없음", c.Server, l.kind, c.Name)
	case server && values == "":
		return tx("%[1]s has a %[2]s record of %[3]s", "%[1]s에 %[3]s의 %[2]s 레코드", c.Server, l.kind, c.Name)
	case server:
		return tx("%[1]s says: %[3]s %[2]s %[4]s", "%[1]s의 답: %[3]s %[2]s %[4]s", c.Server, l.kind, c.Name, values)
	case c.Absent:
		return tx("no %[2]s to be found on %[1]s", "%[1]s에서 %[2]s 이름을 찾을 수 없음", c.From, name)
	case values == "":
		return tx("on %[1]s, %[2]s is found", "%[1]s에서 %[2]s 이름을 찾음", c.From, name)
	}
	return tx("on %[1]s, %[2]s is %[3]s", "%[1]s에서 %[2]s 이름의 주소: %[3]s", c.From, name, values)
}

// canonical makes values comparable: addresses in their short form, names in
// lower case without the last dot.
func canonical(v string) string {
	if a, err := netip.ParseAddr(strings.TrimSpace(v)); err == nil {
		return a.String()
	}
	return resolve.Name(strings.Join(strings.Fields(v), " "))
}

// find looks the name up.
func (l *lookup) find() (resolve.Result, error) {
	ask := func(ctx context.Context, server netip.AddrPort, query []byte, accept func([]byte) bool) ([]byte, observe.Outcome, error) {
		return l.net.Exchange(ctx, observe.Place{Node: l.c.From}, server, query, accept)
	}
	if l.c.Server.IsValid() {
		return resolve.Server(l.ctx, ask, l.c.Server, l.c.Name, l.kind)
	}
	var f resolve.Files
	for path, text := range map[string]*string{"/etc/nsswitch.conf": &f.Nsswitch, "/etc/resolv.conf": &f.Resolv, "/etc/hosts": &f.Hosts} {
		b, err := l.net.ReadFile(l.ctx, l.c.From, path)
		switch {
		case err == nil:
			*text = string(b)
		case errors.Is(err, fs.ErrNotExist) || isFileError(err):
			// What a program cannot read counts as empty.
		default:
			return resolve.Result{}, err
		}
	}
	return resolve.Host(l.ctx, ask, f, l.c.Name, l.six)
}

func (l *lookup) judge(r resolve.Result) {
	found := plain(clip(strings.Join(r.Values, ", ")))
	switch {
	case r.Status != resolve.Found && l.c.Absent && (r.Status == resolve.NoName || r.Status == resolve.NoData || r.Status == resolve.NotInHosts):
		l.ok(tx("no such name", "그런 이름 없음"))
	case r.Status != resolve.Found:
		l.missing(r)
	case l.c.Absent:
		l.fail(Present, found, l.source(r, tx("%[1]s is still found.", "%[1]s 이름이 아직 조회됩니다.", l.c.Name)))
	case len(l.want) > 0 && !slices.Equal(l.want, r.Values):
		l.fail(WrongValue, found, l.source(r, tx("That is not what %[1]s should be.", "%[1]s 이름의 값이 다릅니다.", l.c.Name)))
	case l.c.By != "" && l.c.By != r.By:
		l.fail(WrongSource, l.by(r, found), l.source(r, tx("The value is right, but it comes from another place.", "값은 맞지만 다른 곳에서 나온 답입니다.")))
	case l.c.By != "":
		l.ok(l.by(r, found))
	default:
		l.ok(found)
	}
}

// by adds to what was found where that was.
func (l *lookup) by(r resolve.Result, found lab.Text) lab.Text {
	if r.By == "files" {
		return tx("%s, by /etc/hosts", "%s(/etc/hosts)", found)
	}
	return tx("%[1]s, by the name server %[2]s", "%[1]s(네임서버 %[2]s)", found, r.Server)
}

// source says who has answered, where that is what surprises.
func (l *lookup) source(r resolve.Result, what lab.Text) lab.Text {
	switch {
	case r.By == "files" && slices.Contains(r.Sources, "dns"):
		return tx("%[1]s The /etc/hosts of %[2]s answers first, so no name server is asked.", "%[1]s %[2]s의 /etc/hosts 파일이 먼저 답하므로 네임서버에는 묻지도 않습니다.", what, l.c.From)
	case r.By == "files":
		return tx("%[1]s The answer is in /etc/hosts of %[2]s.", "%[1]s 답은 %[2]s의 /etc/hosts에 있습니다.", what, l.c.From)
	case r.By == "dns" && len(r.Asked) > 0 && resolve.Name(l.c.Name) != r.Asked[len(r.Asked)-1]:
		return tx("%[1]s The name server %[2]s was asked for %[3]s.", "%[1]s 네임서버 %[2]s에 물은 이름은 %[3]s입니다.", what, r.Server, clip(r.Asked[len(r.Asked)-1]))
	case r.By == "dns" && r.Server.IsValid():
		return tx("%[1]s It is the answer of the name server %[2]s.", "%[1]s 네임서버 %[2]s의 답입니다.", what, r.Server)
	}
	return what
}

// missing says why nothing was found.
func (l *lookup) missing(r resolve.Result) {
	asked := clip(strings.Join(r.Asked, ", "))
	switch r.Status {
	case resolve.NotInHosts:
		l.fail(string(r.Status), tx("not in /etc/hosts", "/etc/hosts에 없음"),
			tx("%[1]s looks into /etc/hosts only, and there is no %[2]s in it.", "%[1]s에서는 /etc/hosts만 찾아보는데, 거기에 %[2]s 이름이 없습니다.", l.c.From, l.c.Name))
	case resolve.NoSource:
		l.fail(string(r.Status), tx("nowhere to look", "찾아볼 곳 없음"),
			tx("The hosts line of /etc/nsswitch.conf on %s names neither files nor dns.", "%s에 있는 /etc/nsswitch.conf의 hosts 줄에 files도 dns도 없습니다.", l.c.From))
	case resolve.NoServer:
		l.fail(string(r.Status), tx("no name server", "네임서버 없음"),
			tx("/etc/hosts of %[1]s does not have the name %[2]s, and there is no nameserver in /etc/resolv.conf.", "%[1]s의 /etc/hosts에 %[2]s 이름이 없고, /etc/resolv.conf에 nameserver 줄도 없습니다.", l.c.From, l.c.Name))
	case resolve.NotAnswered:
		l.silent(r)
	case resolve.NoName:
		l.fail(string(r.Status), tx("no such name (NXDOMAIN)", "그런 이름 없음(NXDOMAIN)"),
			tx("The name server %[1]s says that there is no such name (NXDOMAIN). It was asked for: %[2]s.", "네임서버 %[1]s의 답은 그런 이름이 없다는 것입니다(NXDOMAIN). 물은 이름: %[2]s.", r.Server, asked))
	case resolve.NoData:
		l.fail(string(r.Status), tx("no %s record", "%s 레코드 없음", l.kind),
			tx("The name server %[1]s knows the name, but no %[2]s record of it. It was asked for: %[3]s.", "네임서버 %[1]s에 이름은 있지만 %[2]s 레코드가 없습니다. 물은 이름: %[3]s.", r.Server, l.kind, asked))
	default:
		why := tx("The name server %[1]s answers by an error, %[2]s: it could not find out.", "네임서버 %[1]s에서 오류(%[2]s)로 답했습니다. 네임서버도 답을 알아내지 못했습니다.", r.Server, r.Code)
		if r.Code == "REFUSED" {
			why = tx("The name server %[1]s refuses (REFUSED): it is not responsible for %[2]s, and asks nobody else.", "네임서버 %[1]s에서 답을 거절했습니다(REFUSED). %[2]s 이름을 맡고 있지 않고, 다른 곳에 물어보지도 않습니다.", r.Server, asked)
		}
		l.fail(string(resolve.Trouble), plain(r.Code), why)
	}
}

// silent says why a name server does not answer.
func (l *lookup) silent(r resolve.Result) {
	if r.Outcome == observe.Refused {
		l.fail(string(r.Outcome), tx("nothing listens on port 53", "53번 포트에서 대기하는 프로그램 없음"),
			tx("%s is there, but no name server listens on its port 53.", "%s까지는 닿지만 53번 포트에서 대기하는 네임서버가 없습니다.", r.Server))
		return
	}
	found := tx("the name server %s does not answer", "네임서버 %s의 응답 없음", r.Server)
	why := tx("%s does not answer on port 53.", "%s의 53번 포트에서 응답이 없습니다.", r.Server)
	reason := string(resolve.NotAnswered)
	if r.Server.IsLoopback() { // which no route leads to
		l.fail(reason, found, why)
		return
	}
	st, err := l.net.Inspect(l.ctx)
	if err != nil {
		st = l.net.State()
	}
	if c := trace.Explain(st, trace.Packet{From: observe.Place{Node: l.c.From}, To: r.Server, Proto: "udp", Port: 53}); c.Code != trace.Arrives {
		why = tx("%[1]s %[2]s", "%[1]s %[2]s", why, because(c))
		reason = string(c.Code)
	}
	l.fail(reason, found, why)
}
