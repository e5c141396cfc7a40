package lab

import (
	"os"
	"slices"
	"testing"
)

func TestCheatSheet(t *testing.T) {
	l, problems := parseLesson("x", "en", "Intro.\n\n## Look {#look}\n\n```bash host=A\nip link\n# a remark\nip -br link\n```\n\n```expect\nlo\n```\n\n## Go {#go}\n\n"+
		"```bash host=B fails\nping -c 1 10.0.0.9\nip link\n```\n\n```sh host=B\nfor i in 1 2; do\n  echo $i\ndone\n```\n\n## End {#summary}\n\n"+
		"| command | older | does |\n|---|:-:|---|\n| `ip link` | `ifconfig -a` | lists *devices* |\n| `ping ADDRESS` |  | asks \\| waits |\n| `nano` | | edits |\n\n| what you see | what it means |\n|---|---|\n| `silence` | nothing |\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	learned, typed := l.CheatSheet()
	if want := []Learned{{"`ip link`, `ifconfig -a`", "lists *devices*", "look"}, {"`ping ADDRESS`", "asks | waits", "go"}, {"`nano`", "edits", ""}}; !slices.Equal(learned, want) {
		t.Errorf("learned\n%q\nwant\n%q", learned, want)
	}
	if want := []Typed{{"look", "A", "ip -br link", false}, {"go", "B", "ping -c 1 10.0.0.9", true}, {"go", "B", "for i in 1 2; do\n  echo $i\ndone", false}}; !slices.Equal(typed, want) {
		t.Errorf("typed\n%+v\nwant\n%+v", typed, want)
	}
}

// Each lab of the course closes with the commands that it taught, and each of
// them is found in the lesson.
func TestOwnCheatSheet(t *testing.T) {
	_, labs, err := LoadAll(os.DirFS("../../labs"))
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range labs {
		en, _ := l.Lessons["en"].CheatSheet()
		ko, _ := l.Lessons["ko"].CheatSheet()
		if len(en) != len(ko) {
			t.Errorf("%s: %d commands in English, %d in Korean", name, len(en), len(ko))
		}
		for i := range min(len(en), len(ko)) {
			if en[i].Step != ko[i].Step {
				t.Errorf("%s: %s is of step %q, %s of step %q", name, en[i].Command, en[i].Step, ko[i].Command, ko[i].Step)
			}
		}
	}
}
