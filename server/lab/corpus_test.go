package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

// slip is one mistake of an author in the lab called small.
type slip struct {
	name, old, new string
	want           string // in the error: file:line:column: message. Remedy
	schema         bool   // the JSON Schema finds it, too
}

// check replaces the first check of small.
func check(name, text, want string, schema bool) slip {
	return slip{name, "- address: {host: A, dev: eth0, has: 192.168.1.10/24}", "- " + text + "\n      - address: {host: A, dev: eth0, has: 192.168.1.10/24}", want, schema}
}

// host adds to host A of small.
func host(name, text, want string, schema bool) slip {
	return slip{name, "A: {at: [0, 1]}", "A: {at: [0, 1], " + text + "}", want, schema}
}

// predict adds predictions to the step of small.
func predict(name, text, want string, schema bool) slip {
	return slip{name, "    hints:", "    predict: [" + text + "]\n    hints:", want, schema}
}

func slips() []slip {
	return []slip{
		{"not a number", "minutes: 5", "minutes: many", `x/lab.yaml:2:10: a whole number is needed here, and "many" is written. Write digits only`, true},
		{"a huge number", "minutes: 5", "minutes: 99999999999999999999999", `x/lab.yaml:2:10: a whole number is needed here`, true},
		{"a fraction", "minutes: 5", "minutes: 5.5", `x/lab.yaml:2:10: a whole number is needed here`, true},
		{"a list", "minutes: 5", "minutes: [5]", `x/lab.yaml:2:10: a whole number is needed here, and a list is written`, true},
		{"twice", "minutes: 5", "minutes: 5\nminutes: 6", `x/lab.yaml:3:1: "minutes" is written twice here. Keep one`, false},
		{"nothing", "minutes: 5", "minutes:", `x/lab.yaml:2:9: "minutes" has no value. Give it one`, true},
		{"an empty check", "- address: {host: A, dev: eth0, has: 192.168.1.10/24}", "- address:", `x/lab.yaml:15:17: "address" has no value`, true},
		{"an empty entry", "- address: {host: A, dev: eth0, has: 192.168.1.10/24}", "-", `x/lab.yaml:15:8: the entry has no value`, true},
		{"a word for a check", "- address: {host: A, dev: eth0, has: 192.168.1.10/24}", "- address: 5", `x/lab.yaml:15:18: a mapping (key: value) is needed here, and "5" is written`, true},
		{"a text for a list", "hints: [{en: H, ko: 힌트}]", "hints: hello", `x/lab.yaml:17:12: a list of texts is needed here, and "hello" is written`, true},
		{"no list", "hints: [{en: H, ko: 힌트}]", "hints: {en: H, ko: 힌트}", `a list of texts is needed here, and a mapping is written`, true},
		{"a second document", "fails: address\n", "fails: address\n---\na: b\n", `x/lab.yaml: there is a second document`, false},
		{"two steps of a name", "  - id: one\n", "  - id: one\n    checks: [{namespace: {host: A, name: n}}]\n  - id: one\n", `two steps have the id "one"`, false},
		{"step without id", "id: one", `id: ""`, `"" is no id for a step`, false},
		{"step called summary", "id: one", "id: summary", `"summary" is no id for a step`, false},
		{"one language more", "{en: T, ko: 티}", "{en: T, ko: 티, fr: T}", `unknown language "fr"`, true},
		{"an empty language", "{en: T, ko: 티}", `{en: T, ko: " "}`, `title has no text in language "ko"`, false},
		{"ANSI in a title", "{en: T, ko: 티}", `{en: "\e[31mT", ko: 티}`, "title has control characters", false},
		{"NUL in a title", "{en: T, ko: 티}", `{en: "T\0", ko: 티}`, "title has control characters", false},
		{"HTML in a name", "B: {at: [4, 1]}", "\"<b>\": {at: [4, 1]}", `"<b>" is no name for a host or switch`, false},
		{"a hyphen at the end", "B: {at: [4, 1]}", "B-: {at: [4, 1]}", `"B-" is no name for a host or switch`, false},
		{"localhost", "B: {at: [4, 1]}", "localhost: {at: [4, 1]}", `"localhost" is no name for a host or switch`, false},
		{"three ends", "[B:eth0, sw]", "[B:eth0, sw, sw]", "x/lab.yaml:11:7: a link is written as two ends: [A:eth0, sw]", true},
		{"one end", "[B:eth0, sw]", "B:eth0", "a link is written as two ends", true},
		{"a long device", "[B:eth0, sw]", "[B:eth0123456789abc, sw]", `"eth0123456789abc" is no name for a device`, false},
		{"a device called all", "[B:eth0, sw]", "[B:all, sw]", `"all" is no name for a device`, false},
		{"a port by name", "[B:eth0, sw]", "[B:eth0, sw:p1]", `the link names a device "p1" of switch "sw"`, false},
		{"a place without column", "sw: {at: [2, 0]}", "sw: {at: [2]}", `a list of 2 is needed, and there are 1`, true},
		{"no place", "sw: {at: [2, 0]}", "sw: {at: here}", `a place in the diagram is needed here, and "here" is written`, true},
		{"a place nowhere", "sw: {at: [2, 0]}", "sw: {at: [.nan, 0]}", `switch "sw" stands outside of the diagram`, false},
		{"a place far away", "sw: {at: [2, 0]}", "sw: {at: [1e9, 0]}", `switch "sw" stands outside of the diagram`, true},
		host("a mapping for a command", "start: [a: b]", `x/lab.yaml:5:29: a text is needed here, and a mapping is written. Put it into quotes`, true),
		host("a command for a list", "start: ls", `a list is needed here, and "ls" is written`, true),
		host("an empty command", `start: [" "]`, `start command 1 of host "A" is empty`, false),
		host("a NUL in a command", `start: ["a\0"]`, `start command 1 of host "A" is empty, too long or has control characters`, false),
		host("no boolean", "interfaces: {eth0: {up: maybe}}", `true or false is needed here, and "maybe" is written`, true),
		host("no prefix", "interfaces: {eth0: {addresses: [10.0.0.1]}}", `"10.0.0.1" is no address with prefix length. Write it as 192.168.1.10/24`, false),
		host("a group's MAC", `interfaces: {eth0: {mac: "01:00:00:00:00:01"}}`, `"01:00:00:00:00:01" is no MAC address for a device`, false),
		host("a MAC in Cisco's writing", `interfaces: {eth0: {mac: "0200.0000.0001"}}`, `is no MAC address for a device`, false),
		host("unknown kind", "kind: ruter", `unknown kind "ruter" of host "A"`, true),
		host("a route to an address", "routes: [{to: 10.0.0.5/24, dev: eth0}]", `"10.0.0.5/24" is an address in a network, not a network. The network is 10.0.0.0/24; a single address is 10.0.0.5/32`, false),
		host("a route without length", "routes: [{to: 10.0.0.5, dev: eth0}]", `A single address is written 10.0.0.5/32`, false),
		host("a gateway of another version", `routes: [{to: 10.0.0.0/24, via: "2001:db8::1"}]`, `the gateway 2001:db8::1 is of another IP version than 10.0.0.0/24`, false),
		host("a route by nothing", "routes: [{to: default}]", `the route says neither via nor dev`, false),
		host("a route by no device", "routes: [{to: default, dev: eth7}]", `the host has no device "eth7"`, false),
		host("a setting of two lines", `sysctl: {net.ipv4.ip_forward: "1\n2"}`, `the value of "net.ipv4.ip_forward" has control characters`, false),
		host("too many", "start: ["+strings.Repeat("ls, ", 40)+"ls]", `host "A" has 41 entries in start, more than 32`, true),
		check("unknown host", "link: {host: C, dev: eth0}", `unknown host "C"; the topology has A, B`, false),
		check("unknown peer", "link: {host: A, dev: eth0, peer: {host: C, dev: eth0}}", `x/lab.yaml:15:49: unknown host "C"`, false),
		check("unknown state", "link: {host: A, dev: eth0, state: on}", `unknown state "on"`, true),
		check("absent and up", "link: {host: A, dev: eth0, state: up, absent: true}", "asks that something is absent, and how it is", false),
		check("absent route by a gateway", "route: {host: A, to: default, via: 10.0.0.1, absent: true}", "asks that something is absent, and how it is", false),
		check("absent file with a line", "file: {host: A, path: /x, matches: y, absent: true}", "asks that something is absent, and how it is", false),
		check("no address", "neighbour: {host: A, ip: B}", `"B" is no address. Write it as 192.168.1.10`, false),
		check("a bad namespace", `link: {host: A, ns: "../x", dev: eth0}`, `"../x" is no name for a namespace`, false),
		check("address has and not", "address: {host: A, dev: eth0, has: 10.0.0.1/24, not: 10.0.0.1/24}", "an address check has either has or not", false),
		check("a route of a host", "route: {host: A, to: 10.0.0.1/24}", "is an address in a network, not a network", false),
		check("a foreign setting", "sysctl: {host: A, key: kernel.hostname, value: x}", `"kernel.hostname" is no setting of a host's network`, false),
		check("a bridge that asks nothing", "bridge: {host: A, dev: br0}", "the bridge check asks nothing", false),
		check("ports of a switch", "bridge: {host: sw, ports: [p1]}", `the bridge and the ports of switch "sw" have no names of their own`, false),
		check("a switch as a host", "link: {host: sw, dev: eth0}", `unknown host "sw"`, false),
		check("reach by name", "reach: {from: A, to: B}", `"B" is no address`, false),
		check("reach a port", `reach: {from: A, to: "10.0.0.2:80"}`, `"10.0.0.2:80" has a port. Write to: ADDRESS, proto: tcp, port: NUMBER`, false),
		check("reach a URL", `reach: {from: A, to: "http://10.0.0.2/"}`, `"http://10.0.0.2/" is a URL. Add proto: http`, false),
		check("a URL of a name", `reach: {from: A, to: "http://web/", proto: http}`, `"web" is no address`, false),
		check("a URL by TLS", `reach: {from: A, to: "https://10.0.0.2/", proto: http}`, `is no http URL`, false),
		check("a URL with a bad port", `reach: {from: A, to: "http://10.0.0.2:99999/", proto: http}`, `"99999" is no port`, false),
		check("tcp without port", `reach: {from: A, to: 10.0.0.2, proto: tcp}`, `0 is no port`, false),
		check("a huge port", `reach: {from: A, to: 10.0.0.2, proto: tcp, port: 70000}`, `70000 is no port`, true),
		check("a port of a ping", `reach: {from: A, to: 10.0.0.2, port: 80}`, `a port belongs to proto: tcp`, false),
		check("a text of a ping", `blocked: {from: A, to: 10.0.0.2, contains: x}`, `a text belongs to proto: http`, false),
		check("link-local", `reach: {from: A, to: "fe80::1%eth0"}`, `is no address of one host in the whole network`, false),
		check("a group", `reach: {from: A, to: 224.0.0.1}`, `is no address of one host in the whole network`, false),
		check("reach at nowhere", `reach: {from: A, to: 10.0.0.2, at: Q/red}`, `unknown host "Q"`, false),
		check("a source of nowhere", "reach: {from: A, to: 10.0.0.2, source: 10.0.0.1}", "the check does not say where the packet arrives. Add at: HOST", false),
		check("a source that is a name", "reach: {from: A, to: 10.0.0.2, at: B, source: A}", `"A" is no address`, false),
		check("a destination by name", "reach: {from: A, to: 10.0.0.2, at: B, destination: web}", `"web" is no IPv4 address. Write 192.168.15.2 or 192.168.15.2:80`, false),
		check("a ping's port", `reach: {from: A, to: 10.0.0.2, at: B, destination: "10.0.0.3:80"}`, "a ping has no port", false),
		check("port 0", `reach: {from: A, to: 10.0.0.2, at: B, proto: tcp, port: 80, destination: "10.0.0.3:0"}`, "is no IPv4 address", false),
		check("the source of what is blocked", "blocked: {from: A, to: 10.0.0.2, at: B, source: 10.0.0.1}", "what is blocked has no addresses when it arrives", false),
		check("unknown protocol", `reach: {from: A, to: 10.0.0.2, proto: udp}`, `unknown proto "udp"`, true),
		check("resolve by an address", "resolves: {from: A, name: 10.0.0.2}", `"10.0.0.2" is an address already`, false),
		check("resolve no name", "resolves: {from: A, name: 'a..b'}", `"a..b" is no name for DNS`, false),
		check("resolve from nowhere", "resolves: {from: Q, name: web}", `unknown host "Q"`, false),
		check("an alias of a host's own", "resolves: {from: A, name: web, type: CNAME}", `unknown type "CNAME"`, false),
		check("an unknown record", "resolves: {from: A, name: web, type: AAAAA, server: 10.0.0.2}", `unknown type "AAAAA"`, true),
		check("a name for an address", "resolves: {from: A, name: web, is: [B]}", `"B" is no IPv4 address`, false),
		check("IPv4 in AAAA", "resolves: {from: A, name: web, type: AAAA, is: [10.0.0.1]}", `"10.0.0.1" is no IPv6 address`, false),
		check("a name's name", "resolves: {from: A, name: web, type: PTR, server: 10.0.0.2}", `"web" is no address. PTR asks for the name of an address`, false),
		check("a server by files", "resolves: {from: A, name: web, server: 10.0.0.2, by: files}", `asks a server, and by whom the host finds the name`, false),
		check("by an unknown source", "resolves: {from: A, name: web, by: nis}", `unknown by "nis"`, true),
		check("absent with a value", "resolves: {from: A, name: web, is: [10.0.0.1], absent: true}", "asks that something is absent, and how it is", false),
		check("a path without root", "file: {host: A, path: etc/motd}", `"etc/motd" is no absolute path of a file`, false),
		check("other files without a folder", "file: {host: A, path: /x, or: '/*.conf', matches: y}", `"/*.conf" names no files of a folder`, false),
		check("other files in any folder", "file: {host: A, path: /x, or: '/etc/*/x', matches: y}", `names no files of a folder`, false),
		check("other files without a line", "file: {host: A, path: /x, or: '/etc/x.d/*.conf'}", "has or, but no matches", false),
		check("a bad pattern", "file: {host: A, path: /etc/motd, matches: '('}", `cannot read the pattern`, false),
		check("a pattern too big", "file: {host: A, path: /etc/motd, matches: '(a{1000}){1000}'}", `cannot read the pattern`, false),
		check("a port of nobody", "listens: {host: A, port: 0}", `0 is no port`, true),
		check("an answer by nothing", `answer: {name: m, question: {en: Q, ko: 큐}}`, `does not say what is right`, false),
		check("an answer of spaces", `answer: {name: m, question: {en: Q, ko: 큐}, value: " "}`, `does not say what is right`, false),
		check("an answer twice", `answer: {name: n, question: {en: Q, ko: 큐}, value: "2"}`, `two answers of step "one" have the name "n"`, false),
		check("an answer by a bad pattern", `answer: {name: m, question: {en: Q, ko: 큐}, matches: '\Qa'}`, `cannot read the pattern`, false),
		check("a fact of no device", `answer: {name: m, question: {en: Q, ko: 큐}, is: {host: A, fact: mac}}`, `"" is no name for a device. Add dev: eth0`, false),
		check("an unknown fact", `answer: {name: m, question: {en: Q, ko: 큐}, is: {host: A, dev: eth0, fact: colour}}`, `unknown fact "colour"`, true),
		check("two equal choices", `answer: {name: m, question: {en: Q, ko: 큐}, choices: [{text: {en: a, ko: 가}, right: true}, {text: {en: A, ko: 나}}]}`, `two choices read "A"`, false),
		check("no right choice", `answer: {name: m, question: {en: Q, ko: 큐}, choices: [{text: {en: a, ko: 가}}]}`, `0 choices are right`, false),
		check("a route both ways", "route: {host: A, to: default, for: 10.0.0.9, via: 10.0.0.1}", "has both to and for", false),
		check("a packet by no way", "route: {host: A, for: 10.0.0.9}", "does not say by which way", false),
		check("a packet by another version", `route: {host: A, for: 10.0.0.9, via: "2001:db8::1"}`, "the gateway 2001:db8::1 is of another IP version than 10.0.0.9", false),
		check("no route at all", "route: {host: A, via: 10.0.0.1}", `"" is no destination of a route`, false),
		{"the reason of an answer", "      - run: {A: [\"true\", \"false\"]}\n        fails: address", "      - run: {answer: {n: 2}}\n        fails: answer\n        reason: wrong", "a mistake of an answer has a reason or found", false},
		predict("a prediction without truth", "{name: p, question: {en: Q, ko: 큐}}", "truth is missing", true),
		predict("a prediction of no name", `{name: "P p", question: {en: Q, ko: 큐}, truth: {en: T, ko: 티}}`, `"P p" is no name for a prediction`, false),
		predict("a prediction twice", "{name: p, question: {en: Q, ko: 큐}, truth: {en: T, ko: 티}}, {name: p, question: {en: Q, ko: 큐}, truth: {en: T, ko: 티}}", `two predictions of step "one" have the name "p"`, false),
		predict("a prediction of one choice", "{name: p, question: {en: Q, ko: 큐}, truth: {en: T, ko: 티}, choices: [{text: {en: a, ko: 가}, right: true}]}", "there is only one choice", false),
		predict("a prediction that nothing is right of", "{name: p, question: {en: Q, ko: 큐}, truth: {en: T, ko: 티}, choices: [{text: {en: a, ko: 가}}, {text: {en: b, ko: 나}}]}", "0 choices are right", false),
		predict("a prediction that is not asked", "{name: p, question: {en: Q, ko: 큐}, truth: {en: T, ko: 티}}", "x/lesson.en.md:3:1: the section of step \"one\" does not ask the prediction \"p\". Place it before a command: ```predict p", false),
		{"a mistake of check 0", "fails: address", "fails: address#0", `has no check "address#0"`, false},
		{"a mistake of check 1x", "fails: address", "fails: address#1x", `has no check "address#1x"`, false},
		{"a mistake that runs nothing", "run: {A: [\"true\", \"false\"]}", "hint: {en: h, ko: 힌}", "the mistake does not say what is run", true},
		{"a command of mappings", "{A: [\"true\", \"false\"]}", "{A: {x: y}}", "commands of a host are a text or a list of texts", false},
		{"an escape in a command", `["true", "false"]`, `["true \e"]`, `a command on "A" is empty, too long or has control characters`, false},
		{"an answer to nothing", "{answer: {n: 1}}", "{answer: {m: 1}}", "", false},
	}
}

func TestSlipsAreReported(t *testing.T) {
	schema := resolvedSchema(t)
	for _, s := range slips() {
		t.Run(s.name, func(t *testing.T) {
			broken := strings.Replace(small, s.old, s.new, 1)
			if broken == small {
				t.Fatal("the test changes nothing")
			}
			if s.want == "" {
				return
			}
			_, err := Load(labFS(broken), "x")
			if err == nil || !strings.Contains(err.Error(), s.want) {
				t.Errorf("got %v\nwant %s", err, s.want)
			}
			for _, e := range Errors(err) {
				if e.Remedy == "" || e.Line == 0 && !strings.Contains(e.Message, "second document") && !strings.Contains(e.File, "lesson") {
					t.Errorf("without place or remedy: %v", e)
				}
			}
			if strings.Contains(s.name, "twice") || strings.Contains(s.name, "document") || s.name == "a place nowhere" {
				return // no JSON says it
			}
			if err := schema.Validate(asJSON(t, broken)); (err != nil) != s.schema {
				t.Errorf("the schema says %v", err)
			}
		})
	}
}

// What the parser takes, the schema takes.
func TestSchemaTakesGoodLabs(t *testing.T) {
	schema := resolvedSchema(t)
	for _, good := range []slip{
		{name: "as it is"},
		{name: "a command of several lines", old: `{A: ["true", "false"]}`, new: "{A: \"for i in 1 2; do\\n\\techo $i\\ndone\"}"},
		{name: "the same command again", old: `solution: [{A: ip addr add 192.168.1.10/24 dev eth0}`, new: `solution: [{A: &again ip addr add 192.168.1.10/24 dev eth0}, {A: *again}`},
		{name: "a number as answer", old: `value: "1"`, new: "value: 1"},
		{name: "a command that is a number", old: `["true", "false"]`, new: `[true, 5]`},
		host("a whole host", `label: {en: a, ko: 가}, kind: router, interfaces: {lo: {up: true}, eth0: {up: true, mac: "02:00:00:00:00:01", addresses: [10.0.0.1/24, "2001:db8::1/64"]}}, `+
			`routes: [{to: default, via: 10.0.0.9}, {to: "2001:db8:1::/64", dev: eth0}], sysctl: {net.ipv4.ip_forward: 1}, files: {/etc/motd: "a\nb"}, start: [ls]`, "", true),
		check("link", "link: {host: A, ns: red, dev: eth0, type: veth, master: br0, state: up, peer: {host: B, dev: eth0}}", "", true),
		check("route", "route: {host: A, to: default, via: \"2001:db8::1\", dev: eth0}", "", true),
		check("bridge", "bridge: {host: sw, learned: {host: A, dev: eth0}}", "", true),
		check("reach", `reach: {from: A, ns: red, to: "http://[2001:db8::2]:8080/x", proto: http, contains: hello, at: B/red}`, "", true),
		check("reach with its addresses", `reach: {from: A, to: "http://10.0.0.2/", proto: http, at: B/red, source: 10.0.0.9, destination: "10.0.0.3:8080"}`, "", true),
		check("resolves", "resolves: {from: A, name: web, type: AAAA, is: [\"2001:db8::1\"], by: dns}", "", true),
		check("resolves by a server", "resolves: {from: A, name: 10.0.0.2, type: PTR, server: 10.0.0.53, is: [B.corp.example]}", "", true),
		check("resolves to nothing", "resolves: {from: A, name: _http._tcp.web., type: SRV, server: 10.0.0.53, absent: true}", "", true),
		check("listens", `listens: {host: A, proto: udp, port: 53, address: 10.0.0.1}`, "", true),
		check("choices", `answer: {name: m, question: {en: Q, ko: 큐}, choices: [{text: {en: a, ko: 가}, right: true, why: {en: w, ko: 왜}}, {text: {en: b, ko: 나}}]}`, "", true),
		check("fact", `answer: {name: m, question: {en: Q, ko: 큐}, is: {host: A, ns: red, dev: eth0, fact: peer-ifindex}}`, "", true),
	} {
		t.Run(good.name, func(t *testing.T) {
			text := strings.Replace(small, good.old, good.new, 1)
			if _, err := Load(labFS(text), "x"); err != nil {
				t.Error(err)
			}
			if err := schema.Validate(asJSON(t, text)); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

func TestBrokenFiles(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'j'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", "x/lab.yaml: the file is empty"},
		"only a comment":  {"# nothing\n", "x/lab.yaml: the file is empty"},
		"a list":          {"- a\n- b", "x/lab.yaml:1:1: a mapping (key: value) is needed here, and a list is written"},
		"a word":          {"hello", "x/lab.yaml:1:1: a mapping (key: value) is needed here"},
		"an open bracket": {"a: [", "x/lab.yaml:2:1: did not find expected node content. Look for a missing bracket"},
		"a colon more":    {"a: b: c", "x/lab.yaml:1:5: mapping values are not allowed in this context. Put a text with a colon in it into quotes"},
		"a tab":           {"\ta: b", "x/lab.yaml:1:1: found character that cannot start any token. Indent with spaces"},
		"a NUL":           {"a: \"\x00\"", "control characters are not allowed"},
		"an escape":       {"a: \x1b[31m", "control characters are not allowed"},
		"not UTF-8":       {"a: \xff\xfe", "it is no text in UTF-8"},
		"UTF-16":          {"\xff\xfea\x00:\x00", "it is no text in UTF-8"},
		"nobody's alias":  {"a: *nope", "x/lab.yaml:1:4: unknown anchor 'nope' referenced. Define it as &name above"},
		"itself":          {"a: &a [*a]", "x/lab.yaml"},
		"a bomb":          {bomb, "x/lab.yaml: the file has 72 aliases, more than 64. Write the values out"},
		"deep":            {"a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), "x/lab.yaml:1:68: the file is nested more than 64 deep"},
		"very deep":       {strings.Repeat("[", 100_000), "exceeded max depth"},
		"too long":        {small + strings.Repeat("# 10 MB\n", 10<<17), "it has more than 262144 bytes"},
		"another YAML":    {"%YAML 9.9\n---\na: b", "found incompatible YAML document"},
		"a strange tag":   {"title: !!int x", "x/lab.yaml"},
		"a merge":         {"<<: 5", "map merge requires map"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(labFS(c.text), "x")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
			for _, e := range Errors(err) {
				if e.Remedy == "" || e.File == "" {
					t.Errorf("without file or remedy: %v", e)
				}
			}
		})
	}
}

func TestEditorsOfOtherSystems(t *testing.T) {
	fs := labFS("\ufeff" + strings.ReplaceAll(small, "\n", "\r\n"))
	fs["x/lesson.ko.md"] = &fstest.MapFile{Data: []byte("\ufeff" + strings.ReplaceAll("## One {#one}\n\n```bash host=A fails\nip link\n## not a heading\n```\n", "\n", "\r\n"))}
	l, err := Load(fs, "x")
	if err != nil {
		t.Fatal(err)
	}
	if b := l.Lessons["ko"].Sections[0].Blocks(); len(b) != 1 || b[0].Code != "ip link\n## not a heading" || b[0].Line != 3 {
		t.Errorf("blocks = %+v", b)
	}
}

// A lab's folder in the hands of somebody else: links lead nowhere, and nothing waits.
func TestFolderOfTraps(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("top: secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(path string) error{
		"link":      func(path string) error { return os.Symlink("../secret", path) },
		"absolute":  func(path string) error { return os.Symlink(filepath.Join(dir, "secret"), path) },
		"fifo":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"circle":    func(path string) error { return os.Symlink("lab.yaml", path) },
	} {
		t.Run(name, func(t *testing.T) {
			sub := filepath.Join(dir, name)
			if err := os.Mkdir(sub, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := make(filepath.Join(sub, "lab.yaml")); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(sub)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			_, err = LoadDir(root.FS(), name, "here")
			if err == nil || !strings.HasPrefix(err.Error(), "here/lab.yaml: cannot read it: ") || strings.Contains(err.Error(), "top") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := LoadDir(os.DirFS(dir), "Bad Name", "Bad Name"); err == nil || !strings.Contains(err.Error(), "is no name for a lab") {
		t.Errorf("got %v", err)
	}
}
