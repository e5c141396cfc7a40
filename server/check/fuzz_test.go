package check

import (
	"context"
	"strings"
	"testing"
	"unicode"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
)

// FuzzAnswer has answers of all kinds compared: none panics, only the right one
// passes, and what is shown of it has no control characters.
func FuzzAnswer(f *testing.F) {
	for _, given := range []string{"10", " 10 ", "A", "02:00:00:00:00:01", "02-00-00-00-00-01", "0200.0000.0001", "10.0.0.1", "10.0.0.1/24", "010.0.0.1", "fe80::1%eth0", "\x1b[31m", "<b>", "\x00", strings.Repeat("가", 600), "(((((((((a*)*)*)*"} {
		f.Add(given, "10.0.0.1", "[0-9]+")
	}
	f.Fuzz(func(t *testing.T, given, right, pattern string) {
		st := &observe.State{Nodes: map[string]*observe.Node{"A": {Kind: "host", Namespace: &observe.Namespace{Links: []observe.Link{{Index: 1, Name: "eth0", MAC: right, Type: "veth"}}}}}}
		for _, c := range []*lab.AnswerCheck{
			{Name: "n", Value: right},
			{Name: "n", Matches: pattern},
			{Name: "n", Choices: []lab.Choice{{Text: lab.Text{"en": right, "ko": right}, Right: true}, {Text: lab.Text{"en": "no", "ko": "아니요"}}}},
			{Name: "n", Is: &lab.AnswerSource{Where: lab.Where{Host: "A"}, Dev: "eth0", Fact: "mac"}},
			{Name: "n", Is: &lab.AnswerSource{Where: lab.Where{Host: "A"}, Dev: "eth0", Fact: "address"}},
		} {
			r := Evaluate(context.Background(), &lab.Check{Answer: c}, &network{st: st}, map[string]string{"n": given})
			if r.OK && strings.TrimSpace(given) == "" {
				t.Errorf("nothing passes as %+v", c)
			}
			if r.OK && c.Value != "" && !SameAnswer(c, given, right) {
				t.Errorf("%q passes for %q", given, right)
			}
			for _, text := range r.Found {
				if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) }) && c.Choices == nil {
					t.Errorf("%q is shown as %q", given, text)
				}
			}
		}
	})
}
