package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const pair = `hosts:
  A: {interfaces: {eth0: {up: true, addresses: [10.0.0.1/24]}}}
  B: {interfaces: {eth0: {up: true, addresses: [10.0.0.2/24]}}}
switches:
  sw: {}
links:
  - [A:eth0, sw]
  - [B:eth0, sw]
`

func TestTopologyOfALearner(t *testing.T) {
	top, err := ParseTopology(pair)
	if err != nil {
		t.Fatal(err)
	}
	if len(top.Hosts) != 2 || len(top.Switches) != 1 || len(top.Links) != 2 {
		t.Errorf("topology = %+v", top)
	}
	if a, sw, b := top.Hosts["A"].At, top.Switches["sw"].At, top.Hosts["B"].At; a[0] >= sw[0] || sw[0] >= b[0] {
		t.Errorf("A, sw, B are not drawn from left to right: %v %v %v", a, sw, b)
	}
	l, err := NewPlayground(pair)
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range Languages {
		intro := l.Lessons[language].Intro
		for _, want := range []string{"```bash host=A\nping -c 3 10.0.0.2\n```", "```bash host=B\ntcpdump"} {
			if !strings.Contains(intro, want) {
				t.Errorf("the notes in %s do not have %q:\n%s", language, want, intro)
			}
		}
	}
}

// hosts returns a topology of n hosts without cables.
func manyHosts(n int) string {
	var b strings.Builder
	b.WriteString("hosts:\n")
	for i := range n {
		fmt.Fprintf(&b, " h%d: {}\n", i)
	}
	return b.String()
}

func TestTopologyMistakes(t *testing.T) {
	host := func(text string) string {
		return strings.Replace(pair, "A: {interfaces: {eth0: {up: true, addresses: [10.0.0.1/24]}}}", "A: {"+text+"}", 1)
	}
	up := "interfaces: {eth0: {up: true, addresses: [10.0.0.1/24]}}, "
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "the file is empty"},
		{"only a comment", "# nothing\n", "the file is empty"},
		{"a scalar", "hello", `a mapping (key: value) is needed here, and "hello" is written`},
		{"the key topology", "topology:\n  hosts: {A: {}}\n", `1:1: unknown field "topology". Known here: hosts, switches, links`},
		{"a tab", "hosts:\n\tA: {}\n", "2:1: found character that cannot start any token"},
		{"a missing bracket", "hosts: {A: {}\nlinks: []\n", "did not find expected"},
		{"two documents", pair + "---\n" + pair, "there is a second document"},
		{"ten megabytes", "# " + strings.Repeat("x", 10<<20), "the file has 10485762 bytes, more than 16384"},
		{"a thousand hosts", manyHosts(1000), "the topology has 1000 hosts, 0 switches and 0 links. At most 12 hosts, 8 switches and 32 links fit"},
		{"no hosts", "switches: {sw: {}}", "the topology has no hosts"},
		{"a bomb of aliases", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nhosts: {A: {}}\n", "the file has 18 aliases, more than 8"},
		{"an alias of itself", "hosts: {A: {interfaces: &i {eth0: *i}}}\n", "unknown field"},
		{"an alias of nothing", "hosts: {A: *nothing}\n", "unknown anchor"},
		{"deep", "hosts: " + strings.Repeat("[", 5000), "5000"},
		{"deeper than needed", "hosts: " + strings.Repeat("{a: ", 100) + "1" + strings.Repeat("}", 100), "nested more than 64 deep"},
		{"NUL", "hosts: {\"A\x00\": {}}", "control characters are not allowed"},
		{"an escaped NUL", `hosts: {"A\0": {}}`, `"A\x00" is no name for a host or switch`},
		{"no UTF-8", "hosts: {\xff: {}}", "UTF-8"},
		{"HTML in a name", `hosts: {"<img src=x onerror=alert(1)>": {}}`, "is no name for a host or switch"},
		{"a long name", "hosts: {" + strings.Repeat("a", 16) + ": {}}", "is no name for a host or switch"},
		{"a label of one language", host("label: {en: One}"), `2:7: label has no text in language "ko"`},
		{"a long label", host("label: {en: " + strings.Repeat("x", 41) + ", ko: 가}"), "label is longer than 40 characters"},
		{"ANSI in a label", host(`label: {en: "\e[31mred", ko: 가}`), "label has control characters"},
		{"a link twice", pair + "  - [A:eth0, sw]\n", "9:5: device A:eth0 is on two links"},
		{"a link to itself", pair + "  - [A:eth1, A:eth2]\n", `a link joins "A" with itself`},
		{"a loop of switches", pair + "  - [sw, s2]\n  - [s2, sw]\n" + "", `unknown node "s2"`},
		{"a ring of switches", "hosts: {A: {}}\nswitches: {x: {}, y: {}, z: {}}\nlinks: [[x, y], [y, z], [z, x]]\n", `3:25: this link closes a loop of switches between "z" and "x"`},
		{"an unknown node", pair + "  - [A:eth1, sx]\n", `9:5: link to unknown node "sx"; the topology has A, B, sw. Did you mean "sw"?`},
		{"a file", host(up + "files: {/etc/passwd: x}"), "files cannot be used here. Do it in a terminal after the start"},
		{"a command", host(up + "start: [reboot]"), "start cannot be used here"},
		{"a setting of the kernel", host(up + `sysctl: {kernel.core_pattern: "|/bin/sh"}`), `a lab cannot set "kernel.core_pattern"`},
		{"a setting with a path", host(up + `sysctl: {"net/../kernel/panic": "1"}`), `a lab cannot set "net/../kernel/panic"`},
		{"a setting's long value", host(up + `sysctl: {net.ipv4.ip_forward: "` + strings.Repeat("1", 41) + `"}`), "is no value of a setting"},
		{"a place far away", host(up + "at: [1e9, 0]"), `host "A" stands outside of the diagram`},
		{"an address twice", host("interfaces: {eth0: {addresses: [10.0.0.1/24, 10.0.0.1/16]}}"), `host "A" has the address 10.0.0.1 twice`},
		{"a group's address", host("interfaces: {eth0: {addresses: [224.0.0.1/24]}}"), "224.0.0.1/24 is no address for A:eth0"},
		{"the loopback on a card", host("interfaces: {eth0: {addresses: [127.0.0.1/8]}}"), "127.0.0.1/8 is no address for A:eth0"},
		{"a gateway far away", host(up + "routes: [{to: default, via: 10.9.0.1}]"), `the gateway 10.9.0.1 is in no network of "A" that is up`},
		{"a gateway that is oneself", host(up + "routes: [{to: default, via: 10.0.0.1}]"), "the gateway 10.0.0.1 is the host's own address"},
		{"a route by a device that is down", host("routes: [{to: 10.9.0.0/24, dev: eth0}]"), "the device A:eth0 is down at the start"},
		{"two default routes", host(up + "routes: [{to: default, via: 10.0.0.2}, {to: default, via: 10.0.0.3}]"), `host "A" has two routes to default`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseTopology(c.text)
			if err == nil {
				t.Fatal("it was taken")
			}
			all := Errors(err)
			if !slices.ContainsFunc(all, func(e *Error) bool {
				where := ""
				if e.Line > 0 {
					where = fmt.Sprintf("%d:%d: ", e.Line, e.Column)
				}
				return strings.Contains(where+strings.TrimPrefix(e.Error(), ": "), c.want)
			}) && !(c.name == "deep") {
				t.Errorf("want %q in:\n%d:%d: %v", c.want, all[0].Line, all[0].Column, err)
			}
			if len(all) > maxProblems {
				t.Errorf("%d problems at once", len(all))
			}
			for _, e := range all {
				if message, remedy := e.In("ko"); !hangul(message) || !hangul(remedy) {
					t.Errorf("not in Korean: %q %q, which is %q %q", message, remedy, e.Message, e.Remedy)
				}
				if message, remedy := e.In("en"); message == "" || remedy == "" || hangul(message+remedy) {
					t.Errorf("not in English: %q %q", message, remedy)
				}
			}
		})
	}
}

func hangul(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
}

func TestManyProblemsAreCut(t *testing.T) {
	var b strings.Builder
	b.WriteString("hosts: {A: {}}\nlinks:\n")
	for range 32 {
		b.WriteString("  - [x, y]\n")
	}
	_, err := ParseTopology(b.String())
	all := Errors(err)
	if len(all) != maxProblems || all[0].Line != 3 || all[maxProblems-1].Line <= all[0].Line {
		t.Errorf("%d problems, from line %d", len(all), all[0].Line)
	}
}

func TestReadyTopologies(t *testing.T) {
	all, err := ReadyTopologies()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if _, err := NewPlayground(r.Text); err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
		for _, language := range Languages {
			if r.Title[language] == "" || r.Summary[language] == "" {
				t.Errorf("%s has no title or summary in %q", r.ID, language)
			}
		}
	}
	office := all[slices.IndexFunc(all, func(r ReadyTopology) bool { return r.ID == "office" })]
	l, err := NewPlayground(office.Text)
	if err != nil {
		t.Fatal(err)
	}
	if want := "```bash host=pc1\nping -c 3 172.217.194.100\n"; !strings.Contains(l.Lessons["en"].Intro, want) {
		t.Errorf("the notes on the office do not ping the Internet:\n%s", l.Lessons["en"].Intro)
	}
	if want := "```bash host=gw\niptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE\n"; !strings.Contains(l.Lessons["en"].Intro, want) {
		t.Errorf("the notes on the office do not say how to masquerade:\n%s", l.Lessons["en"].Intro)
	}
}

func TestNobodyMayCallALabPlayground(t *testing.T) {
	if _, err := Load(labFS(small), Playground); err == nil || !strings.Contains(err.Error(), "no name for a lab") {
		t.Errorf("a lab called playground: %v", err)
	}
}

// TestPlaces draws networks of every kind: everybody has a place of one's own.
func TestPlaces(t *testing.T) {
	star := "hosts:\n"
	links := "links:\n"
	for i := range 9 {
		star += fmt.Sprintf("  h%d: {}\n", i)
		links += fmt.Sprintf("  - [h%d:eth0, sw]\n", i)
	}
	star += "switches: {sw: {}}\n" + links
	for name, text := range map[string]string{
		"one":     "hosts: {A: {}}",
		"apart":   "hosts: {A: {}, B: {}, C: {}}",
		"cable":   "hosts: {A: {}, B: {}}\nlinks: [[A:eth0, B:eth0]]",
		"star":    star,
		"ring":    "hosts: {A: {}, B: {}, C: {}}\nlinks: [[A:eth0, B:eth0], [B:eth1, C:eth0], [C:eth1, A:eth1]]",
		"chain":   "hosts: {A: {}, B: {}, C: {}, D: {}, R: {}}\nswitches: {s1: {}, s2: {}}\nlinks: [[A:eth0, s1], [B:eth0, s1], [R:eth0, s1], [R:eth1, s2], [C:eth0, s2], [D:eth0, s2]]",
		"partly":  "hosts: {A: {at: [0, 0]}, B: {}, C: {}, D: {}}\nswitches: {sw: {at: [2, 0]}}\nlinks: [[A:eth0, sw], [B:eth0, sw], [C:eth0, sw]]",
		"at edge": "hosts: {A: {at: [100, 100]}, B: {}}\nlinks: [[A:eth0, B:eth0]]",
		"middle":  "hosts: {A: {}, B: {}, C: {}, D: {}, E: {}}\nswitches: {s1: {}, s2: {}, s3: {}}\nlinks: [[s1, s2], [s2, s3], [A:eth0, s1], [B:eth0, s2], [C:eth0, s2], [D:eth0, s2], [E:eth0, s3]]",
	} {
		t.Run(name, func(t *testing.T) {
			top, err := ParseTopology(text)
			if err != nil {
				t.Fatal(err)
			}
			again, _ := ParseTopology(text)
			taken := map[Point]string{}
			for _, n := range newGraph(top).nodes {
				p := top.at(n)
				if other, ok := taken[p]; ok {
					t.Errorf("%s and %s both stand at %v", other, n, p)
				}
				taken[p] = n
				if again.at(n) != p {
					t.Errorf("%s stands at %v, and at %v the next time", n, p, again.at(n))
				}
			}
			if name == "partly" && (top.at("A") != Point{0, 0} || top.at("sw") != Point{2, 0} || top.at("B") != Point{4, 0}) {
				t.Errorf("A, sw, B stand at %v, %v, %v", top.at("A"), top.at("sw"), top.at("B"))
			}
		})
	}
}

func FuzzTopology(f *testing.F) {
	f.Add(pair)
	f.Add("hosts: &a {A: *a}")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := NewPlayground(text)
		switch {
		case err == nil && len(l.Topology.Hosts) == 0:
			t.Error("no hosts")
		case err != nil && len(Errors(err)) == 0:
			t.Errorf("an error without a place: %v", err)
		}
	})
}
