package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/session"
)

func textBody(text string) string {
	b, _ := json.Marshal(map[string]string{"text": text})
	return string(b)
}

func TestPlayground(t *testing.T) {
	d := open(t)
	for _, language := range []string{"en", "ko"} {
		res, body := d.do("GET", "/api/playground?lang="+language, "")
		d.wantStatus(res, body, 200)
		var got Playground
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Session != "s1" || got.Text != "hosts: {A: {}}" || got.MaxText != 16384 || len(got.Ready) < 6 {
			t.Errorf("%+v", got)
		}
		for _, r := range got.Ready {
			if r.Title == "" || r.Summary == "" || len(r.Topology.Nodes) == 0 {
				t.Errorf("%+v", r)
			}
			res, body := d.do("POST", "/api/playground/check", textBody(r.Text))
			d.wantStatus(res, body, 200)
			if !strings.Contains(body, `"problems":[]`) {
				t.Errorf("%s: %s", r.ID, body)
			}
		}
	}
	// A stranger sees nobody's network.
	if _, body := d.do("GET", "/api/playground", "", header("Cookie", "")); !strings.Contains(body, `"session":"","text":""`) {
		t.Error(body)
	}
}

func TestTopologyIsChecked(t *testing.T) {
	d := open(t)
	const wrong = "hosts:\n  A: {}\nlinks:\n  - [A:eth0, sw]\n"
	for language, want := range map[string]string{
		"en": `{"topology":null,"state":null,"problems":[{"line":4,"column":5,"message":"link to unknown node \"sw\"; the topology has A","remedy":"Add it under hosts or switches, or correct the link"}]}`,
		"ko": `{"topology":null,"state":null,"problems":[{"line":4,"column":5,"message":"링크가 가리키는 \"sw\": 그런 호스트나 스위치가 없습니다(있는 것: A)","remedy":"hosts나 switches에 추가하거나 링크를 고치십시오"}]}`,
	} {
		res, body := d.do("POST", "/api/playground/check?lang="+language, textBody(wrong))
		d.wantStatus(res, body, 200)
		if body != want {
			t.Errorf("got  %s\nwant %s", body, want)
		}
	}
	// A place is found for who has none, and the network is drawn as it will be.
	var got TopologyCheck
	_, body := d.do("POST", "/api/playground/check", textBody("hosts:\n  A: {interfaces: {eth0: {up: true, addresses: [10.0.0.1/24]}}, routes: [{to: default, via: 10.0.0.2}]}\n  B: {}\nswitches: {sw: {}}\nlinks: [[A:eth0, sw], [B:eth0, sw]]"))
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Topology == nil || got.State == nil {
		t.Fatal(body)
	}
	for _, n := range got.Topology.Nodes {
		if want := map[string]float64{"A": 0, "sw": 2, "B": 4}[n.Name]; n.At[0]-got.Topology.Nodes[0].At[0] != want {
			t.Errorf("%s stands at %v", n.Name, n.At)
		}
	}
	a, b, sw := got.State.Nodes["A"].Namespace, got.State.Nodes["B"].Namespace, got.State.Nodes["sw"].Namespace
	if l := a.Link("eth0"); !l.Up || !l.Carrier || len(l.Addresses) != 1 || *l.Peer != (observe.Place{Node: "sw", Dev: "A-eth0"}) || len(a.Routes) != 1 {
		t.Errorf("%+v", a)
	}
	if l := b.Link("eth0"); l.Up || l.Carrier {
		t.Errorf("%+v", b)
	}
	if l := sw.Link("B-eth0"); l.Master != "br0" || !l.Up || l.Carrier {
		t.Errorf("%+v", sw)
	}
	res, body := d.do("POST", "/api/playground?lang=ko", textBody(wrong))
	d.wantStatus(res, body, 400)
	if !strings.Contains(body, `"line":4,"column":5`) || !strings.Contains(body, "4행: 링크가") {
		t.Error(body)
	}
	if call, _ := d.fake.last(); call != "" {
		t.Errorf("something was done: %s", call)
	}
}

// TestHostileTopologies sends what nobody writes by accident: each has an answer
// that names what is wrong, and none is started.
func TestHostileTopologies(t *testing.T) {
	d := open(t)
	thousand := "hosts:\n"
	for i := range 1000 {
		thousand += fmt.Sprintf(" h%d: {}\n", i)
	}
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 8), c-1)
	}
	for what, text := range map[string]string{
		"a thousand hosts":   thousand,
		"a bomb":             bomb + "hosts: {A: {}}\n",
		"an endless alias":   "hosts: {A: &a {label: *a}}",
		"depth":              "hosts: " + strings.Repeat("{a: ", 3000),
		"HTML":               `hosts: {"<script>alert(1)</script>": {}}`,
		"HTML in a label":    "hosts: {A: {label: {en: '<b onclick=x>" + strings.Repeat("y", 40) + "', ko: 가}}}",
		"control characters": `hosts: {"A\e[2J": {}}`,
		"a NUL":              "hosts: {A\x00: {}}",
		"duplicate links":    "hosts: {A: {}, B: {}}\nlinks: [[A:e, B:e], [A:e, B:e]]",
		"a loop":             "hosts: {A: {}}\nswitches: {x: {}, y: {}, z: {}}\nlinks: [[x, y], [y, z], [z, x]]",
		"a file":             "hosts: {A: {files: {/root/.bashrc: reboot}}}",
		"a start command":    "hosts: {A: {start: [reboot]}}",
		"a foreign setting":  "hosts: {A: {sysctl: {kernel.panic: '1'}}}",
	} {
		for _, path := range []string{"/api/playground/check", "/api/playground"} {
			res, body := d.do("POST", path, textBody(text))
			if path == "/api/playground" {
				d.wantStatus(res, body, 400)
				continue
			}
			d.wantStatus(res, body, 200)
			var got TopologyCheck
			if err := json.Unmarshal([]byte(body), &got); err != nil || got.Topology != nil || len(got.Problems) == 0 || len(got.Problems) > 20 {
				t.Errorf("%s: %s", what, body)
			}
			if len(body) > 64<<10 {
				t.Errorf("%s: an answer of %d bytes", what, len(body))
			}
		}
	}
	if res, body := d.do("POST", "/api/playground/check", textBody(strings.Repeat("# ten megabytes\n", 10<<16))); res.StatusCode != 413 {
		t.Errorf("ten megabytes: %d %s", res.StatusCode, body)
	}
	if call, _ := d.fake.last(); call != "" {
		t.Errorf("something was done: %s", call)
	}
	// What is harmless in a label is text, not HTML, and the page shows it as such.
	res, body := d.do("POST", "/api/playground/check", textBody("hosts: {A: {label: {en: '<b>', ko: '<b>'}}}"))
	d.wantStatus(res, body, 200)
	if strings.Contains(body, "<b>") || !strings.Contains(body, `\u003cb\u003e`) {
		t.Error(body)
	}
}

func TestPlay(t *testing.T) {
	d := open(t)
	res, body := d.do("POST", "/api/playground", `{"text":"hosts: {A: {}}","replace":true}`)
	d.wantStatus(res, body, 201)
	if call, _ := d.fake.last(); call != "play hosts: {A: {}} true" || res.Header.Get("Location") != "/api/sessions/s1" {
		t.Errorf("%q, %v", call, res.Header)
	}
	d.fake.fail = &session.Error{Code: session.Playing, Text: text("Another.", "다른 것.")}
	res, body = d.do("POST", "/api/playground", textBody("hosts: {A: {}}"))
	d.wantStatus(res, body, 409)
	if !strings.Contains(body, `"type":"urn:netground:problem:playing"`) {
		t.Error(body)
	}
	d.fake.fail = nil
	res, body = d.do("GET", "/api/sessions/s1/lab?lang=ko", "")
	d.wantStatus(res, body, 200)
	var l Lab
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatal(err)
	}
	if l.Name != "playground" || len(l.Steps) != 0 || len(l.Topology.Nodes) != 1 || !strings.Contains(l.Intro, `data-host="A"`) {
		t.Errorf("%+v", l)
	}
}
