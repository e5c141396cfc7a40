package session

import (
	"os"
	"regexp"
	"testing"
	"testing/fstest"

	"github.com/netground/netground/server/lab"
)

var stepIDs = regexp.MustCompile(`(?m)^  - id: ([a-z0-9-]+)`)

// FuzzSpec holds the two ends of a lab against each other: whatever loads as a
// lab, a keeper must be able to build, without a second opinion of what is right.
func FuzzSpec(f *testing.F) {
	for _, name := range []string{"switching", "routing", "namespaces"} {
		b, err := os.ReadFile("../../labs/" + name + "/lab.yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add("title: {en: a, ko: a}\nminutes: 1\ntopology:\n  hosts:\n    A: {at: [0, 0], interfaces: {eth0: {mac: '02:00:00:00:00:01', addresses: [10.0.0.1/24]}}, routes: [{to: default, via: 10.0.0.2}], " +
		"sysctl: {net.ipv4.ip_forward: '1'}, files: {/etc/x: y}, start: ['true']}\n    B: {at: [1, 0]}\n  links: [[A:eth0, B:eth0]]\nsteps:\n  - id: one\n")
	f.Fuzz(func(t *testing.T, yaml string) {
		lesson := ""
		for _, m := range stepIDs.FindAllStringSubmatch(yaml, 100) {
			lesson += "## Step {#" + m[1] + "}\n\nText.\n\n"
		}
		text := &fstest.MapFile{Data: []byte(lesson)}
		l, err := lab.Load(fstest.MapFS{"x/lab.yaml": {Data: []byte(yaml)}, "x/lesson.en.md": text, "x/lesson.ko.md": text}, "x")
		if err != nil {
			return
		}
		if s := Spec(l); s.Validate() != nil {
			t.Errorf("the lab loads, and its keeper says: %v", s.Validate())
		}
	})
}
