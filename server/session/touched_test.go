package session

import (
	"testing"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
)

// A learner who edits a file changes no device and no route, and still may have
// made a mistake.
func TestFilesCountAsDoneSomething(t *testing.T) {
	result := func(reason, found string) []check.Result {
		return []check.Result{{Kind: "resolves", Reason: reason, Found: lab.Text{"en": found}}}
	}
	def := &lab.Step{
		Checks:   []lab.Check{{Resolves: &lab.ResolvesCheck{From: "A", Name: "db"}}},
		Hints:    []lab.Text{{"en": "general"}},
		Mistakes: []lab.Mistake{{Fails: "resolves", Hint: lab.Text{"en": "mistake"}}},
	}
	for _, c := range []struct {
		what string
		seen [][]check.Result // at this step, in order
		want string
	}{
		{"nothing was done", [][]check.Result{result("nxdomain", "none"), result("nxdomain", "none")}, stepHint(0)},
		{"the file says something else", [][]check.Result{result("nxdomain", "none"), result("wrong-value", "10.0.0.1")}, mistakeHint(0)},
		{"and something else again", [][]check.Result{result("wrong-value", "10.0.0.1"), result("wrong-value", "10.0.0.2")}, mistakeHint(0)},
		{"what was not looked at before says nothing", [][]check.Result{result(NotChecked, ""), result("nxdomain", "none")}, stepHint(0)},
		{"what could not be established says nothing", [][]check.Result{result("nxdomain", "none"), result(check.Failed, "")}, stepHint(0)},
		{"the first that is known counts", [][]check.Result{result(NotChecked, ""), result("nxdomain", "none"), result("no-data", "none")}, mistakeHint(0)},
	} {
		s := step{def: def, begun: 1, seen: 1}
		for _, r := range c.seen {
			s.begin(r)
			s.results = r
		}
		if got := s.nextHint(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}
