//go:build sandbox

package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netground/netground/server/httpapi"
	"github.com/netground/netground/server/observe"
)

// play starts a topology in the place of the one that runs.
func (l *learner) play(text string) *opened {
	l.t.Helper()
	o := &opened{learner: l}
	l.must("POST", "/api/playground", map[string]any{"text": text, "replace": true}, &o.Session)
	o.path = "/api/sessions/" + o.ID
	return o
}

// asDrawn says what of a network is not yet as it was drawn before its start.
func asDrawn(planned, is *observe.State) string {
	for name, n := range planned.Nodes {
		there := is.Namespace(name, "")
		if there == nil {
			return "no " + name
		}
		if there.Forwarding != n.Namespace.Forwarding {
			return fmt.Sprintf("%s forwards: %t", name, there.Forwarding)
		}
		for _, link := range n.Namespace.Links {
			l := there.Link(link.Name)
			switch {
			case l == nil && link.Name == "br0": // the name of a switch's bridge is its own
			case l == nil:
				return fmt.Sprintf("%s has no %s", name, link.Name)
			case l.Up != link.Up || l.Carrier != link.Carrier:
				return fmt.Sprintf("%s:%s is up: %t, has a carrier: %t", name, link.Name, l.Up, l.Carrier)
			}
			for _, a := range link.Addresses {
				if !slices.Contains(l.Addresses, a) {
					return fmt.Sprintf("%s:%s lacks %s", name, link.Name, a)
				}
			}
		}
		for _, r := range n.Namespace.Routes {
			if !slices.ContainsFunc(there.Routes, func(o observe.Route) bool { return o.To == r.To && o.Via == r.Via }) {
				return fmt.Sprintf("%s has no route to %s by %s", name, r.To, r.Via)
			}
		}
	}
	return ""
}

// TestPlayground starts every ready topology, and the largest that there may be,
// one in the place of the other: each is as it was drawn before.
func TestPlayground(t *testing.T) {
	w := start(t, nil)
	ann := w.learner()
	var offer httpapi.Playground
	ann.must("GET", "/api/playground", nil, &offer)
	texts := map[string]string{"the largest": largest(), "odd settings": `hosts: {A: {sysctl: {net.ipv4.there_is_none: "1", net.ipv4.ip_forward: "sometimes", net.ipv6.conf.eth9.disable_ipv6: "1"}}}`}
	for _, r := range offer.Ready {
		texts[r.ID] = r.Text
	}
	id := ""
	for name, text := range texts {
		var drawn httpapi.TopologyCheck
		ann.must("POST", "/api/playground/check", map[string]string{"text": text}, &drawn)
		if drawn.State == nil {
			t.Fatalf("%s: %v", name, drawn.Problems)
		}
		began := time.Now()
		o := ann.play(text)
		t.Logf("%s started in %v", name, time.Since(began))
		if id == "" {
			id = o.ID
		}
		if o.ID != id {
			t.Errorf("%s is another session: a learner has one playground", name)
		}
		last := ""
		defer func() {
			if last != "" {
				t.Errorf("%s, last seen: %s", name, last)
			}
		}()
		await(t, o.events("en"), 20*time.Second, "state", func(data string) bool {
			var is observe.State
			if err := json.Unmarshal([]byte(data), &is); err != nil {
				t.Fatal(err)
			}
			last = asDrawn(drawn.State, &is)
			return last == ""
		})
	}
	if live := w.app.sessions.Stats().Live; live != 1 {
		t.Errorf("%d sessions live, want 1", live)
	}

	// Nobody else's learner gets at it, though the id is known.
	bob := w.learner()
	bob.open("switching")
	for _, path := range []string{"", "/lab", "/terminals"} {
		if a := bob.do("GET", "/api/sessions/"+id+path, nil); a.Status != 404 {
			t.Errorf("another learner reads %s: %d", path, a.Status)
		}
	}
	if a := bob.do("POST", "/api/playground", map[string]string{"text": "hosts: {A: {start: [reboot]}}"}); a.Status != 400 {
		t.Errorf("a start command was taken: %d %s", a.Status, a.Body)
	}
}

// largest is a topology as large as a learner's may be: a tree of switches, and
// hosts with a card in as many of them as cables are left.
func largest() string {
	const hosts, switches, links = 12, 8, 32
	var h, s, l strings.Builder
	count := 0
	link := func(a, b string) {
		if count++; count <= links {
			fmt.Fprintf(&l, "  - [%s, %s]\n", a, b)
		}
	}
	for i := range switches {
		fmt.Fprintf(&s, "  s%d: {}\n", i)
		if i > 0 {
			link(fmt.Sprintf("s%d", i), fmt.Sprintf("s%d", (i-1)/2))
		}
	}
	for i := range hosts {
		fmt.Fprintf(&h, "  h%d: {interfaces: {eth0: {up: true, addresses: [10.0.0.%d/24]}}}\n", i, i+1)
		link(fmt.Sprintf("h%d:eth0", i), fmt.Sprintf("s%d", i%switches))
	}
	for i := 0; count < links; i++ {
		link(fmt.Sprintf("h%d:eth%d", i%hosts, 1+i/hosts), fmt.Sprintf("h%d:eth%d", (i+1)%hosts, 5+i/hosts))
	}
	return "hosts:\n" + h.String() + "switches:\n" + s.String() + "links:\n" + l.String()
}
