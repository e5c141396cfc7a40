package lab

import (
	"fmt"
	"slices"
)

// ordinaryMemory is what a server gives a sandbox where nothing else is said, in
// MiB (--memory-mib).
const ordinaryMemory = 512

// Lint returns what is allowed and yet probably not meant: languages that drift
// apart, and steps that leave a learner alone.
func Lint(l *Lab, prefix string) []*Error {
	var all []*Error
	add := func(file string, line int, message, remedy string) {
		all = append(all, &Error{File: prefix + "/" + file, Line: line, Message: message, Remedy: remedy})
	}
	for _, e := range Differences(l) {
		e.File = prefix + "/" + e.File
		all = append(all, e)
	}
	if l.Memory > ordinaryMemory {
		add("lab.yaml", l.memoryLine, fmt.Sprintf("memory is %d, and a server gives a sandbox %d MiB where nothing else is said", l.Memory, ordinaryMemory),
			fmt.Sprintf("Have the lab take less, or tell whoever hosts it: netground serve --memory-mib %d", l.Memory))
	}
	for _, language := range Languages {
		lesson := l.Lessons[language]
		file := "lesson." + language + ".md"
		if lesson.Summary == "" {
			add(file, max(1, lesson.summaryLine), "the lesson has no closing summary", "Add at its end: ## What you know now {#summary}, and a table of the commands learned")
		}
		for j := range lesson.Sections {
			s := &lesson.Sections[j]
			for _, line := range s.idlePredictions() {
				add(file, s.Line+line, fmt.Sprintf("in step %s, no command stands behind the prediction", s.Step), "Ask it before the command that shows the truth")
			}
		}
	}
	for i := range l.Steps {
		s := &l.Steps[i]
		if len(s.Checks) == 0 {
			continue
		}
		if len(s.Hints) == 0 && !slices.ContainsFunc(s.Checks, func(c Check) bool { return len(c.Hint) > 0 }) {
			add("lab.yaml", s.line, fmt.Sprintf("step %s has no hint", s.ID), "Add hints, each helping a little more")
		}
		if len(s.Mistakes) == 0 {
			add("lab.yaml", s.line, fmt.Sprintf("step %s has no mistake", s.ID), "Add what learners get wrong, and the check that must fail then")
		}
		reaches, blocks := false, false
		for _, c := range s.Checks {
			reaches = reaches || c.Reach != nil
			blocks = blocks || c.Blocked != nil
			if c.Reach != nil && c.Reach.At == "" {
				add("lab.yaml", s.line, fmt.Sprintf("in step %s, whoever takes the address %s answers the reach check from %s", s.ID, c.Reach.To, c.Reach.From),
					"Add at: HOST, so that the packet must really arrive there")
			}
		}
		if blocks && !reaches {
			add("lab.yaml", s.line, fmt.Sprintf("step %s asks only what is blocked: a network that is broken altogether passes it", s.ID), "Add a reach check for what must still work")
		}
	}
	return all
}
