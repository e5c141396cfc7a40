//go:build sandbox

package check_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
)

// corefile is a name server on R with a zone of its own.
const corefile = `mkdir -p /etc/coredns && cd /etc/coredns
cat > Corefile <<'X'
corp.example {
	file db.corp
}
nowhere.example {
	template IN ANY {
		rcode SERVFAIL
	}
}
X
cat > db.corp <<'X'
@ 60 IN SOA ns hostmaster 1 60 60 60 60
@ IN NS ns
ns IN A 10.1.0.1
web IN A 10.2.0.2
web IN AAAA 2001:db8:2::2
www IN CNAME web
two IN A 10.2.0.3
two IN A 10.2.0.4
a.b IN A 10.2.0.5
alias.out IN CNAME web.nowhere.example.
X
for i in $(seq 60); do echo "many IN A 10.3.0.$i" >> db.corp; done
coredns -conf Corefile >/var/log/coredns 2>&1 &
for i in $(seq 100); do host -W 1 web.corp.example 127.0.0.1 >/dev/null && exit 0; sleep 0.1; done; exit 1`

// What the server finds is what glibc finds on the host: getent(1) asks as
// every program does.
func TestNamesAreThoseOfTheHostsPrograms(t *testing.T) {
	t.Parallel()
	all := []configured{
		{"hosts: files dns", "nameserver 10.1.0.1", ""},
		{"hosts: files dns", "nameserver 10.1.0.1\nsearch corp.example", "10.9.9.9 web\n10.9.9.8 Two two.corp.example"},
		{"hosts: dns files", "nameserver 10.1.0.1\nsearch x.example corp.example\noptions ndots:2", "10.9.9.9 web only\n2001:db8::9 only"},
		{"hosts: files", "nameserver 10.1.0.1\nsearch corp.example", "10.9.9.9 only # web\n10.9.9.7 only"},
		{"hosts: dns [NOTFOUND=return] files", "nameserver 10.1.0.1", "10.9.9.9 only"},
		{"hosts: dns [NOTFOUND=return] files", "nameserver 10.2.0.2", "10.9.9.9 only"}, // nothing listens there
		{"hosts: files [NOTFOUND=return] dns", "nameserver 10.1.0.1", "10.9.9.9 only"},
		{"passwd: files", "nameserver 10.1.0.1", "10.9.9.9 only web.corp.example"},
		{"hosts: nothing [!UNAVAIL=return] dns files", "nameserver 10.1.0.1\ndomain corp.example", "10.9.9.9 only"},
		{"hosts: files dns", " nameserver 10.1.0.1", "10.9.9.9 only"},
		{"hosts: files dns", "nameserver 10.2.0.2\nnameserver 10.1.0.1\nsearch corp.example.", "10.9.9.9 only"},
		{"hosts: files dns", "nameserver 10.1.0.1;x\nsearch corp.example", "10.9.9.9 only"},
		{"hosts: files dns", "nameserver 10.1.0.1 # x\nsearch nowhere.example corp.example", "10.9.9.9 only"},
		{"hosts: files dns", "", "10.9.9.9 only"},
	}
	half := len(all) / 2
	t.Run("one half", func(t *testing.T) { start(t, 4).sameNames(all[:half]) })
	t.Run("the other", func(t *testing.T) { start(t, 6).sameNames(all[half:]) })
}

// configured are files of a host that say how names are found.
type configured struct{ nsswitch, resolv, hosts string }

func (f fooled) sameNames(all []configured) {
	t := f.t
	f.run("R", corefile)
	for _, files := range all {
		f.run("A", fmt.Sprintf("printf '%%s\\n' %q > /etc/nsswitch.conf; printf '%%b\\n' %q > /etc/resolv.conf; printf '%%b\\n' %q > /etc/hosts; echo 'options timeout:1 attempts:1' >> /etc/resolv.conf",
			files.nsswitch, files.resolv, files.hosts))
		for name, kinds := range map[string]string{"web": "A AAAA", "web.corp.example": "A AAAA", "WWW.corp.example.": "A", "two": "A", "only": "A AAAA", "only.": "A", "a.b": "A",
			"many.corp.example": "A", "none.corp.example": "A", "x.nowhere.example": "A", "alias.out.corp.example": "A", "foreign.example": "A"} {
			for kind := range strings.FieldsSeq(kinds) {
				database := map[string]string{"A": "ahostsv4", "AAAA": "ahostsv6"}[kind]
				out, err := f.box.Run(t.Context(), "A", "getent "+database+" "+name)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(out.Text, "::ffff:") {
					continue // ahostsv6 maps IPv4 addresses, and does so in the hosts file before it asks DNS
				}
				var want []string
				for line := range strings.Lines(out.Text) {
					if a, _, _ := strings.Cut(line, " "); !slices.Contains(want, a) {
						want = append(want, a)
					}
				}
				slices.Sort(want)
				c := lab.Check{Resolves: &lab.ResolvesCheck{From: "A", Name: name, Type: kind, Is: want, Absent: len(want) == 0}}
				r := f.e.Evaluate(t.Context(), &c, f.obs, nil)
				// An error is nothing, too: getent does not tell them apart.
				if r.OK || len(want) == 0 && r.Reason != check.Present && r.Reason != check.Failed {
					continue
				}
				t.Errorf("%q: %s %s: getent says %q, the check %s: %s; %s", files, name, kind, want, r.Reason, r.Found["en"], r.Why["en"])
			}
		}
	}
}

// A learner's files cannot make the server read others, or wait.
func TestNamesFromTraps(t *testing.T) {
	f := start(t, 5)
	web := lab.Check{Resolves: &lab.ResolvesCheck{From: "A", Name: "web"}}
	for _, trap := range []string{
		"mkfifo /etc/hosts", "mkdir /etc/hosts", "ln -s /dev/zero /etc/hosts", "ln -s /proc/self/environ /etc/hosts",
		"ln -s hosts /etc/hosts", "truncate -s 1G /etc/hosts",
	} {
		f.run("A", "rm -rf /etc/hosts; "+trap)
		f.is(web, "no-nameserver")
	}
	f.run("A", "rm -f /etc/hosts; echo nameserver 10.2.0.2 > /etc/resolv.conf")
	f.is(web, "refused") // nothing listens
	f.run("B", "socat -u UDP-RECV:53 /dev/null >/dev/null 2>&1 & sleep 0.3")
	f.is(web, "no-answer")
	f.run("R", "sysctl -qw net.ipv4.ip_forward=0")
	f.is(web, "no-forwarding")
}
