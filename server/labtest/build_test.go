package labtest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/netground/netground/server/lab"
	"github.com/netground/netground/server/session"
)

// What a lab may say, a keeper must be able to build: an author never hears of
// a mistake when a learner opens the lab.
func TestWhatLoadsCanBeBuilt(t *testing.T) {
	const yaml = `title: {en: T, ko: 티}
minutes: 5
topology:
  hosts:
    A: {at: [0, 0]%s}
    B: {at: [3, 0]}
  switches: {%s}
  links: [[%s, B:eth0]]
steps: [{id: one, checks: [{namespace: {host: A, name: n}}]}]
`
	const lesson = "## One {#one}\n"
	loads := 0
	for _, c := range []struct{ host, switches, end string }{
		{}, {end: "Sw"},
		{end: "A:eth0.100"}, {end: "A:all"}, {end: "A:default"}, {end: "A:eth_0-x"}, {end: "A:lo"}, {end: "A:abcdefghijklmno"}, {end: "A:abcdefghijklmnop"}, {end: "A:1eth"},
		{switches: "b: {at: [1, 1]}"}, {switches: "localhost: {at: [1, 1]}"}, {switches: "x-: {at: [1, 1]}"}, {switches: "answer: {at: [1, 1]}"},
		{switches: strings.Join(many(16, "s%d: {at: [1, 1]}"), ", ")}, {switches: strings.Join(many(17, "s%d: {at: [1, 1]}"), ", ")},
		{host: `, interfaces: {eth0: {mac: "02-00-00-00-00-01"}}`}, {host: `, interfaces: {eth0: {mac: "02:00:00:00:00:01"}}`}, {host: `, interfaces: {eth0: {mac: "00:00:00:00:00:00"}}`},
		{host: `, interfaces: {eth0: {addresses: ["::ffff:10.0.0.1/120"]}}`}, {host: `, interfaces: {lo: {addresses: [10.0.0.1/32, "2001:db8::1/128"]}}`},
		{host: `, interfaces: {eth0: {addresses: [` + strings.Join(many(70, "10.0.0.%d/24"), ", ") + `]}}`},
		{host: `, routes: [{to: 10.0.0.1/24, dev: eth0}]`}, {host: `, routes: [{to: 10.0.0.0/24, dev: eth0}]`}, {host: `, routes: [{to: default, via: "2001:db8::1"}]`},
		{host: `, routes: [{to: "::/0", via: 10.0.0.1}]`}, {host: `, routes: [{to: default, dev: eth5}]`}, {host: `, routes: [{to: default, via: "fe80::1%eth0"}]`}, {host: `, routes: [{to: 10.0.0.1, dev: eth0}]`},
		{host: `, sysctl: {net.ipv4.ip_forward: "1\n0"}`}, {host: `, sysctl: {net..x: 1}`}, {host: `, sysctl: {net.ipv4.conf.eth0.rp_filter: 1}`},
		{host: `, files: {/etc/../x: a}`}, {host: `, files: {/etc/: a}`}, {host: `, files: {"/etc/a\x01": a}`}, {host: `, files: {/etc/motd: "a\0b"}`},
		{host: `, start: ["a\0b"]`}, {host: `, start: ["a\nb"]`}, {host: `, start: [` + strings.Join(many(33, "echo %d"), ", ") + `]`},
	} {
		if c.end == "" {
			c.end = "A:eth0"
		}
		text := fmt.Sprintf(yaml, c.host, c.switches, c.end)
		l, err := lab.Load(fstest.MapFS{"x/lab.yaml": {Data: []byte(text)}, "x/lesson.en.md": {Data: []byte(lesson)}, "x/lesson.ko.md": {Data: []byte(lesson)}}, "x")
		if err != nil {
			continue
		}
		loads++
		spec := session.Spec(l)
		if err := spec.Validate(); err != nil {
			t.Errorf("%+v loads, and cannot be built: %v", c, err)
		}
	}
	if loads < 8 {
		t.Errorf("only %d of the labs load", loads)
	}
}

func many(n int, format string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}
