package lab

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// own is small with values.
var own = strings.NewReplacer(
	"minutes: 5\n", `minutes: 5
values:
  web: {address: 192.168.1.64/28}
  db: {address: 192.168.1.64/28}
  port: {number: [8000, 8999]}
  code: {word: 6}
  fruit: {one: [apple, pear]}
`,
	"B: {at: [4, 1]}", `B:
      at: [4, 1]
      interfaces: {eth0: {up: true, addresses: [192.168.1.9/24, "${{web}}/24"]}}
      files: {/srv/index.html: "${{ code }} ${{fruit}} ${{db}}", /etc/motd: "${HOME} {{.Name}}"}`,
	`value: "1"}`, `value: "${{code}}"}`,
	"{n: 1}", `{n: "${{code}}"}`,
	"      - answer:", "      - listens: {host: B, port: ${{port}}}\n      - answer:",
	"hints: [{en: H, ko: 힌트}]", "hints: [{en: \"${{port}}\", ko: 힌트}]",
).Replace(small)

func TestInstance(t *testing.T) {
	l, err := Load(labFS(own), "x")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range 200 {
		n, err := l.Instance(fmt.Sprintf("sandbox-%d", i))
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.Instance(fmt.Sprintf("sandbox-%d", i))
		if err != nil || !reflect.DeepEqual(n.Steps, again.Steps) || !reflect.DeepEqual(n.Topology, again.Topology) {
			t.Fatalf("the same sandbox has other values the second time: %v", err)
		}
		b := n.Topology.Hosts["B"]
		web := b.Interfaces["eth0"].Addresses[1].Addr()
		words := strings.Fields(b.Files["/srv/index.html"])
		port := n.Steps[0].Checks[1].Listens.Port
		db := netip.MustParseAddr(words[2])
		network := netip.MustParsePrefix("192.168.1.64/28")
		if !network.Contains(web) || !network.Contains(db) || web == db || web.As4()[3] == 64 || db.As4()[3] == 79 {
			t.Errorf("web is %s, db %s", web, db)
		}
		if port < 8000 || port > 8999 || len(words[0]) != 6 || words[1] != "apple" && words[1] != "pear" {
			t.Errorf("port %d, words %q", port, words)
		}
		if b.Files["/etc/motd"] != "${HOME} {{.Name}}" {
			t.Errorf("what is no placeholder has changed: %q", b.Files["/etc/motd"])
		}
		a := n.Steps[0].Checks[2].Answer
		if a.Value != words[0] || !a.Own || n.Steps[0].Solution[1].Line != "n="+words[0] || n.Steps[0].Hints[0]["en"] != fmt.Sprint(port) {
			t.Errorf("got %+v, %+v, %v", a, n.Steps[0].Solution, n.Steps[0].Hints)
		}
		if n.Origin() != l || l.Origin() != l {
			t.Error("an instance does not know of what it is one")
		}
		seen[words[0]] = true
	}
	if len(seen) < 190 {
		t.Errorf("200 sandboxes share %d words", len(seen))
	}
	plain, err := Load(labFS(small), "x")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := plain.Instance("y"); n != plain || err != nil || plain.Steps[0].Checks[1].Answer.Own {
		t.Errorf("a lab without values has an instance of its own: %v", err)
	}
}

func TestSlipsOfValues(t *testing.T) {
	for _, s := range []slip{
		{name: "an unknown value", old: "${{ code }} ", new: "${{ cod }} ", want: `there is no value "cod". Did you mean "code"?`},
		{name: "an unused value", old: "  web:", new: "  wep: {word: 4}\n  web:", want: `value "wep" is not used`},
		{name: "a bad name", old: "  web:", new: "  Web: {word: 4}\n  web:", want: `"Web" is no name for a value`},
		{name: "no kind", old: "code: {word: 6}", new: "code: {}", want: `value "code" does not say what it is`},
		{name: "two kinds", old: "code: {word: 6}", new: "code: {word: 6, one: [ab, bc]}", want: `or says it twice`},
		{name: "a number backwards", old: "[8000, 8999]", new: "[8999, 8000]", want: `is a number from nowhere to nowhere`},
		{name: "a word too short", old: "word: 6", new: "word: 2", want: `is a word of 2 letters`},
		{name: "no network", old: "web: {address: 192.168.1.64/28}", new: "web: {address: 192.168.1.65/28}", want: `which is no network`},
		{name: "always the same", old: "web: {address: 192.168.1.64/28}", new: "web: {address: 192.168.1.64/32}", want: `value "web" is always the same`},
		{name: "what YAML takes for something else", old: "[apple, pear]", new: "[apple, 'null']", want: `has a choice that is no plain word`},
		{name: "an address of a host", old: "192.168.1.9/24", new: "192.168.1.70/24", want: `may become 192.168.1.70, which B:eth0 has`},
		{name: "in a title", old: "{en: T, ko: 티}", new: "{en: \"${{code}}\", ko: 티}", want: "a value is part of what everybody reads"},
		{name: "in a question", old: "{en: Q, ko: 큐}", new: "{en: \"${{code}}\", ko: 큐}", want: "a value is part of what everybody reads"},
		{name: "in a step's name", old: "id: one", new: "id: \"${{fruit}}\"", want: "x/lesson"},
		{name: "an unknown field", old: "code: {word: 6}", new: "code: {wort: 6}", want: `Did you mean "word"?`},
		{name: "no such host", old: "host: B, port", new: "host: C, port", want: `unknown host "C"`},
		{name: "a port too high for some", old: "[8000, 8999]", new: "[8000, 99999]", want: `99999 is no port`},
	} {
		t.Run(s.name, func(t *testing.T) {
			broken := strings.Replace(own, s.old, s.new, 1)
			if broken == own {
				t.Fatal("the test changes nothing")
			}
			_, err := Load(labFS(broken), "x")
			if err == nil || !strings.Contains(err.Error(), s.want) {
				t.Errorf("got %v\nwant %s", err, s.want)
			}
			for _, e := range Errors(err) {
				if e.Remedy == "" {
					t.Errorf("without remedy: %v", e)
				}
			}
		})
	}
}
