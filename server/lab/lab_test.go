package lab

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"
)

// small is a whole lab; tests break it in one place each.
const small = `title: {en: T, ko: 티}
minutes: 5
topology:
  hosts:
    A: {at: [0, 1]}
    B: {at: [4, 1]}
  switches:
    sw: {at: [2, 0]}
  links:
    - [A:eth0, sw]
    - [B:eth0, sw]
steps:
  - id: one
    checks:
      - address: {host: A, dev: eth0, has: 192.168.1.10/24}
      - answer: {name: n, question: {en: Q, ko: 큐}, value: "1"}
    hints: [{en: H, ko: 힌트}]
    solution: [{A: ip addr add 192.168.1.10/24 dev eth0}, {answer: {n: 1}}]
    mistakes:
      - run: {A: ["true", "false"]}
        fails: address
`

const lesson = "Hello.\n\n## One {#one}\n\n```bash host=A fails\nip link\n## not a heading\n```\n\n## End {#summary}\n\nBye.\n"

func labFS(yaml string) fstest.MapFS {
	return fstest.MapFS{
		"x/lab.yaml":     {Data: []byte(yaml)},
		"x/lesson.en.md": {Data: []byte(lesson)},
		"x/lesson.ko.md": {Data: []byte(lesson)},
	}
}

func TestLoad(t *testing.T) {
	l, err := Load(labFS(small), "x")
	if err != nil {
		t.Fatal(err)
	}
	s := l.Steps[0]
	if got := s.Solution; len(got) != 2 || got[0].Host != "A" || got[1].Line != "n=1" {
		t.Errorf("solution = %+v", got)
	}
	if name, value := s.Answer(s.Solution[1].Line); name != "n" || value != "1" {
		t.Errorf("answer = %q %q", name, value)
	}
	if got := s.Mistakes[0].Run; len(got) != 2 || got[1].Line != "false" {
		t.Errorf("mistake = %+v", got)
	}
	ko := l.Lessons["ko"]
	if ko.Intro != "Hello." || ko.Summary != "Bye." || len(ko.Sections) != 1 || ko.Sections[0].Title != "One" {
		t.Errorf("lesson = %+v", ko)
	}
	blocks := ko.Sections[0].Blocks()
	if blocks[0].Line != 3 {
		t.Errorf("the block's first line is %d lines below its heading", blocks[0].Line)
	}
	if len(blocks) != 1 || blocks[0].Host != "A" || !blocks[0].Fails || blocks[0].Code != "ip link\n## not a heading" {
		t.Errorf("blocks = %+v", blocks)
	}
}

func TestLoadReports(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown node", "[B:eth0, sw]", "[C:eth0, sw]", `x/lab.yaml:11:7: link to unknown node "C"; the topology has A, B, sw`},
		{"unknown field", "minutes: 5", "minuts: 5", `x/lab.yaml:2:1: unknown field "minuts". Did you mean "minutes"?`},
		{"unknown check", "address: {host: A", "adress: {host: A", `Did you mean "address"?`},
		{"unknown host in check", "address: {host: A", "address: {host: Z", `unknown host "Z"`},
		{"unknown host in solution", "solution: [{A:", "solution: [{Z:", `unknown host "Z"`},
		{"duplicate device", "[B:eth0, sw]", "[A:eth0, sw]", "device A:eth0 is on two links"},
		{"self link", "[B:eth0, sw]", "[A:eth0, A:eth1]", `a link joins "A" with itself`},
		{"no device", "[B:eth0, sw]", "[B, sw]", "does not say which device"},
		{"loop", "sw: {at: [2, 0]}", "sw: {at: [2, 0]}\n    s2: {at: [2, 0]}\n    s3: {at: [2, 0]}\n  links: [[sw, s2], [s2, s3], [s3, sw]]\n  x:", ""},
		{"no place", "B: {at: [4, 1]}", "B: {}", `host "B" has no place`},
		{"one language", "{en: T, ko: 티}", "{en: T}", `title has no text in language "ko"`},
		{"control character", "B: {at: [4, 1]}", "\"B\\u0007\": {at: [4, 1]}", "is no name for a host"},
		{"two kinds", "- address: {host: A, dev: eth0, has: 192.168.1.10/24}", "- {address: {host: A, dev: eth0, has: 10.0.0.1/8}, namespace: {host: A, name: n}}", "several kinds: address, namespace"},
		{"bad prefix", "192.168.1.10/24}", "192.168.1.10/99}", "x/lab.yaml:15"},
		{"fails", "fails: address", "fails: route", `step "one" has no check "route"`},
		{"minutes", "minutes: 5", "minutes: 500", "Give an estimate from 1 to 240"},
		{"memory", "minutes: 5", "minutes: 5\nmemory: 64", "Give the MiB that a session takes, from 65 to 65536"},
		{"step id", "id: one", "id: two", "no section for step \"two\""},
		{"not yaml", "steps:", "steps: [", "x/lab.yaml"},
		{"device not there", "A: {at: [0, 1]}", "A: {at: [0, 1], interfaces: {eth9: {up: true}}}", `host "A" has no device "eth9"`},
		{"sysctl", "A: {at: [0, 1]}", "A: {at: [0, 1], sysctl: {kernel.core_pattern: x}}", `a lab cannot set "kernel.core_pattern"`},
		{"path", "A: {at: [0, 1]}", "A: {at: [0, 1], files: {/etc/../../x: y}}", "is no path for a file"},
		{"two right", `value: "1"}`, `value: "1", matches: "1"}`, "exactly one of value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := strings.Replace(small, c.old, c.new, 1)
			if broken == small {
				t.Fatal("the test changes nothing")
			}
			_, err := Load(labFS(broken), "x")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestSwitchLoop(t *testing.T) {
	looped := strings.Replace(strings.Replace(small, "sw: {at: [2, 0]}", "sw: {at: [2, 0]}\n    s2: {at: [2, 0]}\n    s3: {at: [2, 0]}", 1),
		"- [B:eth0, sw]", "- [B:eth0, sw]\n    - [sw, s2]\n    - [s2, s3]\n    - [s3, sw]", 1)
	_, err := Load(labFS(looped), "x")
	if err == nil || !strings.Contains(err.Error(), "x/lab.yaml:16:7: this link closes a loop of switches") {
		t.Error(err)
	}
}

func TestLessonReports(t *testing.T) {
	for want, text := range map[string]string{
		"a heading of a lesson names its step":                "## One\n",
		`section for step "oen"`:                              "## One {#oen}\n",
		`no section for step "one"`:                           "Nothing.\n",
		"is not closed":                                       "## One {#one}\n```bash host=A\n",
		`a block runs on host "Q"`:                            "## One {#one}\n```bash host=Q\nls\n```\n",
		`x/lesson.ko.md:3:1: a second section for step "one"`: "## One {#one}\n\n## One {#one}\n",
	} {
		fs := labFS(small)
		fs["x/lesson.ko.md"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := Load(fs, "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

// The project's own labs load, and the schema accepts them.
func TestOwnLabs(t *testing.T) {
	fsys := os.DirFS("../../labs")
	course, labs, err := LoadAll(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if len(course.Chapters) == 0 || len(labs) < 3 {
		t.Errorf("%d chapters, %d labs", len(course.Chapters), len(labs))
	}
	resolved := resolvedSchema(t)
	for name := range labs {
		data, err := os.ReadFile("../../labs/" + name + "/lab.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(asJSON(t, string(data))); err != nil {
			t.Errorf("%s: the schema refuses it: %v", name, err)
		}
	}
	for _, change := range [][2]string{{"minutes:", "minuts:"}, {"address:", "adress:"}, {"at: [0, 1]", "att: [0, 1]"}} {
		if err := resolved.Validate(asJSON(t, strings.Replace(small, change[0], change[1], 1))); err == nil {
			t.Errorf("the schema accepts %q", change[1])
		}
	}
}

func resolvedSchema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func asJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func FuzzLoad(f *testing.F) {
	f.Add(small, lesson)
	f.Add("a: &a [*a]", "## x {#x}")
	f.Add("steps: [{checks: [null]}]", "```")
	f.Fuzz(func(t *testing.T, yaml, text string) {
		fs := labFS(yaml)
		fs["x/lesson.ko.md"] = &fstest.MapFile{Data: []byte(text)}
		if l, err := Load(fs, "x"); err == nil && len(l.Steps) == 0 {
			t.Error("a lab without steps loads")
		}
	})
}
