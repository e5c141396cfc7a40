package lab

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestNewLabIsClean(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "first-ping")
	files, err := New(dir)
	if err != nil || len(files) != 3 {
		t.Fatalf("got %v, %v", files, err)
	}
	l, err := LoadDir(os.DirFS(dir), "first-ping", dir)
	if err != nil {
		t.Fatal(err)
	}
	if all := Lint(l, dir); len(all) > 0 {
		t.Errorf("a new lab is not clean: %v", all)
	}
	if _, err := New(dir); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second lab in the same folder: %v", err)
	}
	if _, err := New(filepath.Join(t.TempDir(), "Bad Name")); err == nil {
		t.Error("a lab with a bad name was made")
	}
}

func TestLint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "drift")
	if _, err := New(dir); err != nil {
		t.Fatal(err)
	}
	edit := func(file, old, with string) {
		t.Helper()
		path := filepath.Join(dir, file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := strings.Replace(string(b), old, with, 1)
		if s == string(b) {
			t.Fatalf("%s has no %q", file, old)
		}
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("lesson.ko.md", "ip -br addr\n", "ip addr\n")
	edit("lesson.ko.md", "host=A fails", "host=B")
	b, err := os.ReadFile(filepath.Join(dir, "lab.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	short, _, _ := strings.Cut(string(b), "    mistakes:")
	if err := os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(short), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := LoadDir(os.DirFS(dir), "drift", "drift")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range Lint(l, "drift") {
		if e.Line == 0 {
			t.Errorf("%v has no place", e)
		}
		got = append(got, e.Error())
	}
	for i, want := range []string{`"ip addr" on A is "ip -br addr" on A`, `10.0.0.2" on B is`, "step address has no mistake"} {
		if i >= len(got) || !strings.Contains(got[i], want) {
			t.Errorf("finding %d of %q lacks %q", i, got, want)
		}
	}
}

// A lab that needs more than a server gives is told before a learner finds out.
func TestLintMemory(t *testing.T) {
	for memory, want := range map[string]string{
		"": "", "memory: 512\n": "",
		"memory: 900\n": "x/lab.yaml:1:1: memory is 900, and a server gives a sandbox 512 MiB where nothing else is said. Have the lab take less, or tell whoever hosts it: netground serve --memory-mib 900",
	} {
		l, err := Load(fstest.MapFS{"x/lab.yaml": {Data: []byte(memory + small)}, "x/lesson.en.md": {Data: []byte("## One {#one}\n")}, "x/lesson.ko.md": {Data: []byte("## One {#one}\n")}}, "x")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range Lint(l, "x") {
			if strings.Contains(e.Error(), "memory") {
				got = e.Error()
			}
		}
		if got != want {
			t.Errorf("%q: %q instead of %q", memory, got, want)
		}
	}
}

// What drifts apart, or leads nowhere, is told with its place.
func TestDrift(t *testing.T) {
	yaml := strings.Replace(small, "    hints:", "    predict:\n      - {name: fate, question: {en: Q, ko: 큐}, truth: {en: T, ko: 티}}\n    hints:", 1)
	const good = "Intro.\n\n## One {#one}\n\n```predict fate\n```\n\n```bash host=A\nip link\n```\n\n```expect\nlo\n```\n\nText, see [it](/labs/y) and [a step](/labs/y#one).\n\n" +
		"## End {#summary}\n\n| command | does |\n|---|---|\n| `ip link` | lists |\n"
	for name, c := range map[string]struct{ old, new, want string }{
		"nothing":             {"", "", ""},
		"another command":     {"ip link\n```", "ip addr\n```", `x/lesson.ko.md:9:1: command block "ip addr" on A is "ip link" on A in lesson.en.md. A lesson shows the same commands`},
		"another host":        {"host=A", "host=B", `x/lesson.ko.md:9:1: command block "ip link" on B is "ip link" on A in lesson.en.md`},
		"a command more":      {"```expect", "```bash host=B\nls\n```\n\n```expect", `x/lesson.ko.md:13:1: step one has the command block "ls" on B, which lesson.en.md lacks`},
		"another output":      {"\nlo\n", "\neth0\n", `x/lesson.ko.md:13:1: expected output "eth0" is "lo" in lesson.en.md. A lesson shows the same output`},
		"an output less":      {"```expect\nlo\n```\n", "", `x/lesson.ko.md:3:1: step one lacks the expected output "lo" of lesson.en.md`},
		"another order":       {"```predict fate\n```\n\n```bash host=A\nip link\n```\n\n", "```bash host=A\nip link\n```\n\n```predict fate\n```\n\n", `x/lesson.ko.md:6:1: step one has the command block "ip link" on A where lesson.en.md has the prediction "fate". Keep the blocks`},
		"an idle prediction":  {"```predict fate\n```\n\n```bash host=A\nip link\n```\n\n", "```bash host=A\nip link\n```\n\n```predict fate\n```\n\n", `x/lesson.ko.md:10:1: in step one, no command stands behind the prediction`},
		"no summary":          {"## End {#summary}\n\n| command | does |\n|---|---|\n| `ip link` | lists |\n", "", `x/lesson.ko.md:1:1: the lesson has no closing summary. Add at its end: ## What you know now {#summary}`},
		"an empty summary":    {"| command | does |\n|---|---|\n| `ip link` | lists |\n", "", `x/lesson.ko.md:18:1: the lesson has no closing summary`},
		"a summary that lags": {"| `ip link` | lists |\n", "", `x/lesson.ko.md:18:1: the summary's tables have 0 commands, those of lesson.en.md 1`},
		"a dead link":         {"(/labs/y)", "(/labs/z)", `x/lesson.ko.md:16:1: a link leads to the lab "z", which does not exist`},
		"a dead step":         {"#one)", "#two)", `x/lesson.ko.md:16:1: a link leads to the step "two" of lab "y", which has no such step. Its steps are: one`},
		"a dead link at once": {"Intro.", "See [it](/labs/z).", `x/lesson.ko.md:1:1: a link leads to the lab "z"`},
	} {
		t.Run(name, func(t *testing.T) {
			ko := strings.Replace(good, c.old, c.new, 1)
			if c.old != "" && ko == good {
				t.Fatal("the test changes nothing")
			}
			l, err := Load(fstest.MapFS{"x/lab.yaml": {Data: []byte(yaml)}, "x/lesson.en.md": {Data: []byte(good)}, "x/lesson.ko.md": {Data: []byte(ko)}}, "x")
			var got []string
			if err != nil {
				got = append(got, err.Error())
			} else {
				find := func(name string) *Lab {
					if name == "y" {
						return l
					}
					return nil
				}
				for _, e := range append(Lint(l, "x"), DeadLinks(l, "x", find)...) {
					got = append(got, e.Error())
				}
			}
			if c.want == "" && len(got) > 0 || c.want != "" && !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.want) }) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

// The labs of the course are whole: what is learned at the end, and mistakes
// that are answered.
func TestOwnLabsAreWhole(t *testing.T) {
	_, labs, err := LoadAll(os.DirFS("../../labs"))
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range labs {
		for _, e := range Lint(l, name) {
			t.Error(e)
		}
		answered := 0
		for i := range l.Steps {
			for _, m := range l.Steps[i].Mistakes {
				if len(m.Hint) > 0 {
					answered++
				}
			}
		}
		if answered < 3 {
			t.Errorf("%s answers %d mistakes, fewer than three", name, answered)
		}
		if rows, _ := l.Lessons["en"].CheatSheet(); len(rows) == 0 {
			t.Errorf("%s closes without the commands learned", name)
		}
	}
}
