package check

import (
	"strings"
	"testing"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/trace"
)

// Every cause is a sentence in each language, whoever is in it.
func TestCausesAreSaid(t *testing.T) {
	a, b := observe.Place{Node: "A", NS: "red", Dev: "eth0"}, observe.Place{Node: "B", Dev: "eth1"}
	rule := trace.Rule{Tool: "iptables", Family: "ip", Table: "filter", Chain: "FORWARD", Number: 2, Text: "-s 10.0.0.0/8 -j DROP"}
	policy, rejects, perhaps, doubted := rule, rule, rule, rule
	policy.Number, policy.Text = 0, ""
	rejects.Rejects, perhaps.Perhaps = true, true
	doubted.Number, doubted.Perhaps = 0, true
	nft := trace.Rule{Tool: "nft", Family: "inet", Table: "mine", Chain: "c", Number: 1, Text: "drop"}
	var all []trace.Cause
	for _, code := range []trace.Code{
		trace.Arrives, trace.NoNamespace, trace.HostDown, trace.LinkDown, trace.NoCarrier, trace.NoAddress, trace.NoRoute, trace.NoForwarding, trace.Nobody,
		trace.Elsewhere, trace.WrongNeighbour, trace.Duplicate, trace.Loop, trace.ReversePath, trace.NotListening, trace.Legacy, trace.EchoIgnored,
	} {
		all = append(all, trace.Cause{Code: code, Place: a, Other: b, Addr: ip("10.0.0.2"), Port: 80})
	}
	all = append(all, trace.Cause{Code: trace.Elsewhere, Place: a, Other: b, Addr: ip("10.0.0.2"), Near: pfx("10.0.0.0/8")}, trace.Cause{Code: trace.NoCarrier, Place: a},
		trace.Cause{Code: trace.WrongNeighbour, Type: "permanent", Place: a, Other: b, Addr: ip("10.0.0.2")}, trace.Cause{Code: trace.NoForwarding, Place: observe.Place{Node: "A", NS: "red"}})
	for _, kind := range []string{"blackhole", "unreachable", "prohibit"} {
		all = append(all, trace.Cause{Code: trace.RouteRefuses, Place: a, Addr: ip("10.0.0.2"), Type: kind})
	}
	for _, r := range []trace.Rule{rule, policy, rejects, perhaps, doubted, nft} {
		all = append(all, trace.Cause{Code: trace.Dropped, Place: a, Rule: r})
	}
	said := map[string]bool{}
	for _, c := range all {
		back, translated := c, c
		back.Back, back.Source = true, ip("10.0.0.1")
		translated.Translated = rule
		for _, c := range []trace.Cause{c, back, translated} {
			text := because(c)
			for _, language := range lab.Languages {
				s := text[language]
				if strings.Contains(s, "%!") || s == "" || !strings.HasSuffix(s, ".") && c.Code != trace.Dropped {
					t.Errorf("%s of %+v is %q", language, c, s)
				}
			}
			if p := particle.FindString(text["ko"]); p != "" {
				t.Errorf("%q: what stands before the particle may be any name: %s", p, text["ko"])
			}
			if en := text["en"]; strings.ToLower(en[:1]) == en[:1] && !strings.HasPrefix(en, "red on A") && !strings.HasPrefix(en, "eth0 of") && !strings.HasPrefix(en, "10.") {
				t.Errorf("%q begins like no sentence", en)
			}
			t.Log(text["en"], "|", text["ko"])
			said[text["en"]] = true
		}
	}
	if most := 3*len(all) - 8; len(said) < most { // what is dropped says nothing of translations, and no carrier little else
		t.Errorf("of %d causes only %d are told apart", 3*len(all), len(said))
	}
}
