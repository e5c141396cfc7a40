package attack

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/session"
)

// move is one of an attacker's: something is typed on a host, or a step is
// checked, of whose checks each must then have one of these reasons.
type move struct {
	host, line string
	step       string
	want       []string
}

func types(host, line string) move          { return move{host: host, line: line} }
func says(step string, want ...string) move { return move{step: step, want: want} }
func fooling(id, tried, held string, moves ...move) Attack {
	return Attack{ID: id, Group: Verdict, Tried: tried, Held: held, run: func(t *trial) { t.play(moves) }}
}

// play makes the moves, and says which verdict was a wrong one.
func (t *trial) play(moves []move) {
	p := t.player("fooler", path)
	p.on("A").do("for i in $(seq 50); do ping -c1 -W1 2001:db8:2::2 >/dev/null && ping -c1 -W1 10.2.0.2 >/dev/null && exit 0; sleep 0.1; done; exit 1")
	for _, m := range moves {
		if m.host != "" {
			p.on(m.host).do(m.line)
			continue
		}
		for i, c := range p.check(m.step).Checks {
			if !slices.Contains(m.want, c.Reason) {
				t.fault("check %d of %q: %s (%s: %s %s), wanted %s", i+1, m.step, c.Reason, c.Expected, c.Found, c.Why, strings.Join(m.want, " or "))
			}
		}
	}
}

const elsewhere = "answered-elsewhere"

// answerFile is a row about what stands in the place of an answer file.
func answerFile(id, tried, line string, want ...string) Attack {
	return fooling(id, "the answer file is "+tried, "the verdict reads none but a regular file of the host",
		types("A", "rm -rf /root/answer; "+line), says("file", want...), types("A", "rm -rf /root/answer"))
}

// fakeNamespace is a row about what stands in the place of a namespace.
func fakeNamespace(id, tried, line, want string) Attack {
	return fooling(id, "the file of a network namespace is "+tried, "it is not taken for one", types("A", line), says("namespace", want),
		types("A", "umount -l /run/netns/red /run/netns/blue 2>/dev/null; rm -rf /run/netns/red /run/netns/blue; true"))
}

func verdicts() []Attack {
	const flush = "iptables -t nat -F; ip6tables -t nat -F; conntrack -F 2>/dev/null; true"
	arrives := []move{says("arrives", check.OK), says("page", check.OK)}
	return []Attack{
		fooling("honest", "nothing", "what is reached counts as reached, and who only passes it on does not", append(arrives, says("through", elsewhere))...),
		answerFile("answer-symlink", "a symlink to a file of the machine", "ln -s /etc/machine-id /root/answer", check.Missing),
		answerFile("answer-dotdot", "a symlink with .. chains", "ln -s ../../../../../../../../var/lib/netground/netground.db /root/answer", check.Missing),
		answerFile("answer-proc-root", "a symlink through /proc/1/root", "ln -s /proc/1/root/etc/passwd /root/answer", check.Missing),
		answerFile("answer-loop", "a symlink to itself", "ln -s answer /root/answer", check.Missing),
		answerFile("answer-fifo", "a FIFO", "mkfifo /root/answer", check.NotRegular),
		answerFile("answer-device", "a device", "ln -s /dev/zero /root/answer", check.NotRegular),
		answerFile("answer-directory", "a directory", "mkdir /root/answer", check.NotRegular),
		answerFile("answer-socket", "a socket", "(timeout 20 socat UNIX-LISTEN:/root/answer - </dev/null >/dev/null 2>&1 &); for i in $(seq 50); do test -S /root/answer && break; sleep 0.1; done", check.NotRegular, check.Missing),
		answerFile("answer-sparse", "sparse, of 10 GB", "truncate -s 10G /root/answer", check.NotRegular),
		answerFile("answer-nul", "right behind a NUL", `printf 'no\0root:\n' >/root/answer`, check.NoMatch),
		{ID: "answer-swapped", Group: Verdict, Tried: "the answer file is swapped, while it is read, for a symlink, a FIFO and a device that would match", Held: "it never passes, and the server never hangs", run: swapped},
		fooling("fake-tools", "fake ip, ping, dig, ss, sysctl first in PATH and in place of the real ones", "the verdicts do not change",
			types("A", `for t in ip ping dig ss cat sysctl; do for d in /usr/local/sbin /usr/local/bin; do printf '#!/bin/sh\necho 10.9.9.9/24 is fine; exit 0\n' >$d/$t; chmod +x $d/$t; done; done; mount --bind /usr/local/bin/ip /usr/sbin/ip; mount --bind /usr/local/bin/ping /usr/bin/ping`),
			says("tools", check.OtherAddress, "no-route", "nobody", check.WrongValue, check.NotListening), says("arrives", check.OK),
			types("A", "/usr/bin/umount /usr/sbin/ip /usr/bin/ping; rm -f /usr/local/sbin/* /usr/local/bin/*")),
		fooling("preload", "/etc/ld.so.preload", "the verdicts do not change", types("A", "echo /nowhere/evil.so >/etc/ld.so.preload"), says("arrives", check.OK),
			types("A", "rm /etc/ld.so.preload")),
		fakeNamespace("netns-file", "a plain file", "mkdir -p /run/netns; touch /run/netns/red", check.NoNamespace),
		fakeNamespace("netns-directory", "a directory", "mkdir -p /run/netns/red", check.NoNamespace),
		fakeNamespace("netns-symlink", "a symlink to a namespace", "mkdir -p /run/netns; ln -s /proc/1/ns/net /run/netns/red", check.NoNamespace),
		fakeNamespace("netns-fifo", "a FIFO", "mkdir -p /run/netns; mkfifo /run/netns/red", check.NoNamespace),
		fakeNamespace("netns-uts", "a namespace of another kind", "mkdir -p /run/netns; touch /run/netns/red; mount --bind /proc/self/ns/uts /run/netns/red", check.NoNamespace),
		fakeNamespace("netns-self", "the host's own", "mkdir -p /run/netns; touch /run/netns/red; mount --bind /proc/self/ns/net /run/netns/red", check.SameNamespace),
		fakeNamespace("netns-twice", "that of another name", "ip netns add blue; touch /run/netns/red; mount --bind /run/netns/blue /run/netns/red", check.SameNamespace),
		fooling("dnat-self", "a router translates to itself (DNAT) what was sent to another host", "the answer counts as another's",
			types("R", "iptables -t nat -A PREROUTING -d 10.2.0.2 -j REDIRECT; ip6tables -t nat -A PREROUTING -d 2001:db8:2::2 -j REDIRECT"),
			says("arrives", elsewhere), says("page", elsewhere), types("R", flush)),
		fooling("address-of-another", "a router takes the address of another host, too", "the answer counts as another's",
			types("R", "ip addr add 10.2.0.2/32 dev lo; ip addr add 2001:db8:2::2/128 dev lo nodad"), says("arrives", elsewhere), says("page", elsewhere),
			types("R", "ip addr del 10.2.0.2/32 dev lo; ip addr del 2001:db8:2::2/128 dev lo")),
		fooling("address-of-the-target", "the sender takes the address that it shall reach", "the answer counts as its own",
			types("A", "ip addr add 10.2.0.2/32 dev lo; ip addr add 2001:db8:2::2/128 dev lo nodad; (setsid timeout 30 nc -l -k -p 80 >/dev/null 2>&1 &) ; (setsid timeout 30 nc -6 -l -k -p 80 >/dev/null 2>&1 &); for i in $(seq 50); do ss -ltn | grep -q ':80 ' && break; sleep 0.1; done"),
			says("arrives", elsewhere, "refused"), types("A", "pkill -x nc; ip addr del 10.2.0.2/32 dev lo; ip addr del 2001:db8:2::2/128 dev lo")),
		fooling("relay", "a program on the way takes the connection, and makes another", "the answer counts as another's",
			types("R", "iptables -t nat -A PREROUTING -p tcp -d 10.2.0.2 --dport 80 -j REDIRECT --to-ports 8080; (setsid timeout 60 socat TCP-LISTEN:8080,fork,reuseaddr TCP:10.2.0.2:80 </dev/null >/dev/null 2>&1 &) ; for i in $(seq 50); do ss -ltn | grep -q :8080 && break; sleep 0.1; done"),
			says("page", elsewhere, check.OK), types("R", "pkill socat; "+flush)),
		fooling("proxy-arp", "a router answers ARP for an address that nobody has", "it does not count as reached",
			types("R", "sysctl -qw net.ipv4.conf.all.proxy_arp=1"), says("nobody", "nobody"), types("R", "sysctl -qw net.ipv4.conf.all.proxy_arp=0")),
		fooling("dnat-honest", "a forwarded port, as in front of a container", "honest translation passes, and a page that is not there does not",
			types("R", "iptables -t nat -A PREROUTING -p tcp -d 10.1.0.1 --dport 8081 -j DNAT --to-destination 10.2.0.2:80; iptables -t nat -A POSTROUTING -o eth1 -p tcp -j MASQUERADE --random-fully"),
			says("forwarded", check.OK), types("B", "mv /srv/w/index.html /srv/w/gone"), says("forwarded", check.BadStatus, check.NoMatch),
			types("B", "mv /srv/w/gone /srv/w/index.html"), types("R", flush)),
		{ID: "hostile-names", Group: Verdict, Tried: "ANSI, HTML and NUL in host names, interface names and answers", Held: "they come back as plain text, or are refused, and nothing passes", run: hostileNames},
		{ID: "out-of-order", Group: Verdict, Tried: "solving step 3 before step 1", Held: "step 3 passes, and no other", run: outOfOrder},
		{ID: "undone", Group: Verdict, Tried: "undoing after passing", Held: "the step stays passed, and is said not to hold any more", run: undone},
		{ID: "answers-without-end", Group: Verdict, Tried: "answers too long, with control characters, of unknown questions", Held: "they are refused", run: badAnswers},
	}
}

// swapped has a program swap the file as fast as it can while it is checked.
func swapped(t *trial) {
	p := t.guest(path)
	p.on("A").do("echo no >/root/no; printf 'root:\\n' >/etc/right; cd /root; (setsid sh -c 'while :; do ln -sf /proc/1/root/etc/right answer; cp --remove-destination no answer; rm answer; mkfifo answer; rm answer; ln -s /dev/zero answer; done' >/dev/null 2>&1 &)")
	seen := map[string]int{}
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); {
		for _, c := range p.check("file").Checks {
			seen[c.Reason]++
		}
	}
	t.say("the verdicts were %v", seen)
	if seen[check.OK] > 0 {
		t.fault("it passed %d times", seen[check.OK])
	}
}

func hostileNames(t *trial) {
	p := t.guest(plain)
	const script = "<script>alert(1)</script>"
	p.on("A").do(`hostname "$(printf '\033[2J<b>x</b>')"; for n in '<img/src=x>' "$(printf 'a\033[31m')" "$(printf '\xff\xfe')" '"onload="x'; do ip link add "$n" type bridge; done; true`)
	for _, value := range []string{script, "\x1b[2J", "<svg onload=x>"} {
		a := p.ask(http.MethodPost, "/steps/two/answer", map[string]string{"name": "word", "value": value})
		if a.Status >= 500 {
			t.fault("the answer %q: %d %s", value, a.Status, a.Body)
		}
	}
	if a := p.ask(http.MethodPost, "/steps/two/answer", map[string]string{"name": "word", "value": "wo\x00rd"}); a.Status != http.StatusBadRequest {
		t.fault("an answer with NUL: %d %s", a.Status, a.Body)
	}
	for _, step := range []string{"one", "two", "three"} {
		s := p.check(step)
		if s.Passed {
			t.fault("the step %s passed", step)
		}
		for _, c := range s.Checks {
			if strings.Contains(c.Hint, "<script") || strings.ContainsAny(c.Expected+c.Found+c.Why, "\x1b\x00") {
				t.fault("a verdict reads %q %q %q %q", c.Expected, c.Found, c.Why, c.Hint)
			}
		}
	}
	events, err := p.Events(t.ctx, p.ID)
	t.must(err)
	for e := range events {
		if e.Name != "state" {
			continue
		}
		if !json.Valid(e.Data) || !utf8.Valid(e.Data) || strings.ContainsAny(string(e.Data), "<>\x1b") {
			t.fault("the diagram's state has unescaped names: %.300q", e.Data)
		}
		return
	}
	t.stop("no state came")
}

func passedSteps(p *player) string {
	var s session.Session
	a := p.ask(http.MethodGet, "", nil)
	p.t.must(json.Unmarshal(a.Body, &s))
	var all []string
	for _, x := range s.Steps {
		if x.Passed {
			all = append(all, x.ID)
		}
	}
	return strings.Join(all, " ")
}

func outOfOrder(t *trial) {
	p := t.guest(plain)
	p.on("B").do("ip link add br9 type bridge")
	p.check("three")
	if got := passedSteps(p); got != "three" {
		t.fault("the steps %q are passed", got)
	}
}

func undone(t *trial) {
	p := t.guest(plain)
	p.on("B").do("ip link add br9 type bridge")
	if !p.check("three").Passed {
		t.stop("the step does not pass")
	}
	p.on("B").do("ip link del br9")
	if s := p.check("three"); !s.Passed || s.Holds == nil || *s.Holds {
		t.fault("it is %+v", s)
	}
}

func badAnswers(t *trial) {
	p := t.guest(plain)
	for _, body := range []map[string]string{
		{"name": "word", "value": strings.Repeat("a", 10_000)}, {"name": "nosuch", "value": "word"}, {"name": "word\x00", "value": "word"},
		{"name": strings.Repeat("n", 1000), "value": "word"},
	} {
		if a := p.ask(http.MethodPost, "/steps/two/answer", body); a.Status < 400 || a.Status >= 500 {
			t.fault("%.60v: %d %.200s", body, a.Status, a.Body)
		}
	}
	if _, err := os.Stat(filepath.Join("/root", "answer-of-an-attack")); err == nil {
		t.fault("a file of the machine was made")
	}
	if got := passedSteps(p); got != "" {
		t.fault("the steps %q are passed", got)
	}
}
