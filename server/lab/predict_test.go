package lab

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestPlacesOfPredictions(t *testing.T) {
	yaml := strings.Replace(small, "    hints:", "    predict:\n      - {name: fate, question: {en: Q, ko: 큐}, truth: {en: T, ko: 티}}\n    hints:", 1)
	for name, c := range map[string]struct{ lesson, want string }{
		"good":         {"## One {#one}\n\nText.\n\n```predict fate\n```\n", ""},
		"a slip":       {"## One {#one}\n\n```predict fait\n```\n", "x/lesson.en.md:4:1: step \"one\" has no prediction \"fait\" in lab.yaml. Did you mean"},
		"without name": {"## One {#one}\n\n```predict\n```\n\n```predict fate\n```\n", "x/lesson.en.md:4:1: a prediction without a name"},
		"twice":        {"## One {#one}\n\n```predict fate\n```\n\n```predict fate\n```\n", "x/lesson.en.md:7:1: the prediction \"fate\" is asked twice"},
		"nowhere":      {"## One {#one}\n\nfate\n", "x/lesson.en.md:1:1: the section of step \"one\" does not ask the prediction \"fate\""},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Load(fstest.MapFS{"x/lab.yaml": {Data: []byte(yaml)}, "x/lesson.en.md": {Data: []byte(c.lesson)}, "x/lesson.ko.md": {Data: []byte(c.lesson)}}, "x")
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if p := l.Lessons["en"].Sections[0].Predictions(); len(p) != 1 || p[0].Name != "fate" {
					t.Errorf("%+v", p)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
