package session

import (
	"slices"
	"testing"
	"time"

	"github.com/netground/netground/server/check"
	"github.com/netground/netground/server/lab"
)

// happening is one thing that happens to a learner at a step with two checks: an
// address, and a probe.
type happening struct {
	at      int // seconds since the beginning
	keys    bool
	network uint64
	address string // what the first check finds; empty: it holds
	probe   string // the reason of the second one; empty: it holds
	asks    bool
	answer  string
	mistake bool
	fails   bool // this is a try that has failed
}

func TestWhatATryIs(t *testing.T) {
	none, silent := "none", "no-answer"
	for _, c := range []struct {
		what string
		then []happening
	}{
		{"who reads has not tried", []happening{
			{at: 0, network: 1, address: none, probe: silent},
			{at: 300, network: 1, address: none, probe: silent},
		}},
		{"asking is a try, and asking again without having done anything is none", []happening{
			{at: 0, network: 1, address: none, probe: silent},
			{at: 5, network: 1, address: none, probe: silent, asks: true, fails: true},
			{at: 6, network: 1, address: none, probe: silent, asks: true},
			{at: 60, network: 1, address: none, probe: silent, asks: true},
			{at: 70, keys: true, network: 1, address: none, probe: silent},
			{at: 71, network: 1, address: none, probe: silent, asks: true, fails: true},
		}},
		{"another wrong answer is another try, the same one is not", []happening{
			{at: 0, network: 1, address: none},
			{at: 5, network: 1, address: none, asks: true, answer: "a", fails: true},
			{at: 6, network: 1, address: none, asks: true, answer: "a"},
			{at: 7, network: 1, address: none, asks: true, answer: "b", fails: true},
		}},
		{"a wrong address that is left is a try, once", []happening{
			{at: 0, network: 1, address: none, probe: silent},
			{at: 10, keys: true, network: 2, address: "10.0.0.9/24", probe: silent},
			{at: 25, network: 2, address: "10.0.0.9/24", probe: silent},
			{at: 31, network: 2, address: "10.0.0.9/24", probe: silent, fails: true},
			{at: 34, network: 2, address: "10.0.0.9/24", probe: silent},
			{at: 300, network: 2, address: "10.0.0.9/24", probe: silent},
			{at: 310, keys: true, network: 3, address: "10.0.0.8/24", probe: silent},
			{at: 331, network: 3, address: "10.0.0.8/24", probe: silent, fails: true},
		}},
		{"a wrong address that is put right at once is none", []happening{
			{at: 0, network: 1, address: none, probe: silent},
			{at: 10, keys: true, network: 2, address: "10.0.0.9/24", probe: silent},
			{at: 15, keys: true, network: 3, probe: silent},
			{at: 36, network: 3, probe: silent}, // and this comes closer
		}},
		{"who types on is in the middle of it, however long it takes", []happening{
			{at: 0, network: 1, address: none, probe: silent},
			{at: 10, keys: true, network: 2, address: none, probe: silent},
			{at: 29, keys: true, network: 2, address: none, probe: silent},
			{at: 48, keys: true, network: 3, address: none, probe: silent},
			{at: 67, keys: true, network: 4, address: none, probe: silent},
			{at: 86, keys: true, network: 4, address: none, probe: silent},
			{at: 100, network: 5},
		}},
		{"one command of several may be thought about", []happening{
			{at: 0, network: 1, probe: silent},
			{at: 10, keys: true, network: 2, probe: silent},
			{at: 50, keys: true, network: 3, probe: silent},
			{at: 90, keys: true, network: 4},
		}},
		{"what changes nothing that is checked is a try when nothing more follows", []happening{
			{at: 0, network: 1, probe: silent},
			{at: 10, keys: true, network: 2, probe: silent},
			{at: 69, network: 2, probe: silent},
			{at: 71, network: 2, probe: silent, fails: true},
			{at: 500, network: 2, probe: silent},
		}},
		{"a packet that comes further is progress, and one that falls back is not", []happening{
			{at: 0, network: 1, probe: "no-route"},
			{at: 10, keys: true, network: 2, probe: "no-forwarding"},
			{at: 40, network: 2, probe: "no-forwarding"},
			{at: 50, keys: true, network: 3, probe: "no-return"},
			{at: 80, network: 3, probe: "no-return"},
			{at: 90, keys: true, network: 4, probe: "no-route"},
			{at: 120, network: 4, probe: "no-route", fails: true},
		}},
		{"a mistake that the lab knows is a try, though the packet fails otherwise", []happening{
			{at: 0, network: 1, probe: "no-route"},
			{at: 10, keys: true, network: 2, probe: "loop", mistake: true},
			{at: 31, network: 2, probe: "loop", mistake: true, fails: true},
		}},
		{"what flaps by itself is nobody's try", []happening{
			{at: 0, network: 1, probe: silent},
			{at: 100, network: 2, probe: "link-down"},
			{at: 200, network: 1, probe: silent},
			{at: 300, network: 2, probe: "link-down"},
			{at: 400, network: 1, probe: silent},
		}},
		{"a network that was tried before is no other try", []happening{
			{at: 0, network: 1, probe: silent},
			{at: 10, keys: true, network: 2, probe: silent},
			{at: 80, network: 2, probe: silent, fails: true},
			{at: 90, keys: true, network: 1, probe: silent}, // taken back
			{at: 200, network: 1, probe: silent},
			{at: 210, keys: true, network: 3, probe: silent},
			{at: 280, network: 3, probe: silent, fails: true},
		}},
		{"a file changes no network, and what is found instead", []happening{
			{at: 0, network: 1, address: none, probe: silent},
			{at: 10, keys: true, network: 1, address: "10.0.0.1 db", probe: silent},
			{at: 31, network: 1, address: "10.0.0.1 db", probe: silent, fails: true},
		}},
		{"who only looks has not tried", []happening{
			{at: 0, network: 1, address: none, probe: silent},
			{at: 10, keys: true, network: 1, address: none, probe: silent},
			{at: 500, network: 1, address: none, probe: silent},
		}},
	} {
		began := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		var tries tries
		typed := time.Time{}
		for _, h := range c.then {
			at := began.Add(time.Duration(h.at) * time.Second)
			if h.keys {
				typed = at
			}
			l := look{at: at, typed: typed, digest: h.network, asked: h.asks, mistake: h.mistake, probes: func(place int) bool { return place == 1 }}
			if h.answer != "" {
				l.answers = map[string]string{"n": h.answer}
			}
			l.results = []check.Result{
				{Kind: "address", OK: h.address == "", Reason: "absent", Found: lab.Text{"en": h.address}},
				{Kind: "reach", OK: h.probe == "", Reason: h.probe, Found: lab.Text{"en": "no answer"}},
			}
			if failed := tries.failed(l); failed != h.fails {
				t.Errorf("%s: after %d s: got %v, want %v", c.what, h.at, failed, h.fails)
			}
		}
	}
}

// TestChecksThatCome tells each check that comes to hold once, and none that held
// from the beginning or could not be established.
func TestChecksThatCome(t *testing.T) {
	link := lab.Check{Link: &lab.LinkCheck{Dev: "eth0"}}
	s := step{def: &lab.Step{Checks: []lab.Check{link, link, {Reach: &lab.ReachCheck{From: "A", To: "10.0.0.1"}}, {Resolves: &lab.ResolvesCheck{}}}}}
	const no, yes, unknown = "absent", "ok", NotChecked
	for i, x := range []struct {
		reasons [4]string
		want    []string
	}{
		{[4]string{no, no, unknown, yes}, nil},
		{[4]string{no, yes, unknown, yes}, []string{"link#2"}},
		{[4]string{no, no, no, no}, nil},
		{[4]string{yes, yes, check.Failed, yes}, []string{"link#1", "resolves"}},
		{[4]string{no, yes, yes, yes}, []string{"reach"}},
		{[4]string{yes, yes, yes, yes}, nil},
	} {
		s.results = nil
		for _, r := range x.reasons {
			s.results = append(s.results, check.Result{Reason: r, OK: r == yes})
		}
		if got := s.come(); !slices.Equal(got, x.want) {
			t.Errorf("%d: got %v, want %v", i, got, x.want)
		}
	}
}
