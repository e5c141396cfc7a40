package lab

import (
	"fmt"
	"slices"
)

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

// Differences returns where the lessons of the languages show other commands.
func Differences(l *Lab) []*Error {
	var all []*Error
	add := func(file string, line int, message, remedy string) {
		all = append(all, &Error{File: file, Line: line, Message: message, Remedy: remedy})
	}
	first := l.Lessons[Languages[0]]
	for _, language := range Languages[1:] {
		lesson := l.Lessons[language]
		file := "lesson." + language + ".md"
		for i := range lesson.Sections {
			s := &lesson.Sections[i]
			at := slices.IndexFunc(first.Sections, func(o Section) bool { return o.Step == s.Step })
			if at < 0 {
				continue
			}
			mine, other := s.Blocks(), first.Sections[at].Blocks()
			for j := range max(len(mine), len(other)) {
				switch {
				case j >= len(mine):
					add(file, s.Line, fmt.Sprintf("step %s lacks the command block %q on %s of lesson.%s.md", s.Step, other[j].Code, other[j].Host, Languages[0]),
						"A lesson shows the same commands in every language")
				case j >= len(other):
					add(file, s.Line+mine[j].Line, fmt.Sprintf("step %s has a command block that lesson.%s.md lacks: %q", s.Step, Languages[0], mine[j].Code),
						"A lesson shows the same commands in every language")
				case mine[j].Code != other[j].Code || mine[j].Host != other[j].Host || mine[j].Fails != other[j].Fails:
					add(file, s.Line+mine[j].Line, fmt.Sprintf("command block %q on %s is %q on %s in lesson.%s.md", mine[j].Code, mine[j].Host, other[j].Code, other[j].Host, Languages[0]),
						"A lesson shows the same commands in every language")
				}
			}
		}
	}
	return all
}
