package attack

import (
	"bytes"
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	groups := map[string]int{}
	for _, g := range Groups() {
		groups[g[0]] = 0
	}
	seen := map[string]bool{}
	for _, a := range Catalogue() {
		if _, ok := groups[a.Group]; !ok || seen[a.ID] || a.ID == "" || strings.ContainsAny(a.ID, " _") {
			t.Errorf("%q of %q is there twice, or in no group", a.ID, a.Group)
		}
		if _, group := groups[a.ID]; group {
			t.Errorf("%q is a group's name, too", a.ID)
		}
		if a.Tried == "" || a.Held == "" || (a.line == "") == (a.run == nil) {
			t.Errorf("%s says not what is tried, how, or what must hold", a.ID)
		}
		seen[a.ID] = true
		groups[a.Group]++
	}
	for g, n := range groups {
		if n < 5 {
			t.Errorf("of %s there are %d", g, n)
		}
	}
}

func TestReport(t *testing.T) {
	r := Report{Kernel: "6.1", Cores: 2, Seconds: 3, Results: []Result{
		{ID: "one", Group: Escape, Tried: "a", Outcome: Held},
		{ID: "two", Group: Door, Tried: "b", Held: "it is refused", Outcome: NotHeld, Why: []string{"it came through\nindeed"}, Said: []string{"x"}},
		{ID: "three", Group: Exhaust, Tried: "c", Outcome: Held, Figures: &Figures{Seconds: 60, EchoP50: 1, EchoP99: 2.5, EchoWorst: 3, Start: 40, Server: 1.5, Kernel: 12}},
		{ID: "four", Group: Door, Tried: "d", Outcome: Skipped, Why: []string{"no door"}},
	}}
	var b bytes.Buffer
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Out of the sandbox (escape)\n  held  one  a\n", "NOT HELD  two   b\n", "it came through\n", "wanted: it is refused", "seen: x", "no door",
		"in 60 s a neighbour's keys p50 1.0, p99 2.5, worst 3.0 ms; a start 40 ms; server +1.5 MiB; kernel +12 MiB", "2 held, 1 did not, 0 unclear, 1 skipped, in 3 s, on Linux 6.1 with 2 processors",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
	if r.OK() {
		t.Error("the report is fine")
	}
}

func TestOnlyWhatThereIs(t *testing.T) {
	o := Options{Only: []string{"nosuch"}}
	if err := o.validate(Catalogue()); err == nil || !strings.Contains(err.Error(), "escape, verdict") {
		t.Errorf("the error is %v", err)
	}
	o = Options{Rootless: true}
	if err := o.validate(Catalogue()); err == nil || !strings.Contains(err.Error(), "with sudo") {
		t.Errorf("an ordinary user is told %v", err)
	}
	o = Options{Only: []string{Door}}
	if !o.match(&Attack{ID: "x", Group: Door}) || o.match(&Attack{ID: "x", Group: Escape}) {
		t.Error("the wrong ones are chosen")
	}
}
