package lab

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// piece is a block of a lesson that is the same in every language.
type piece struct {
	kind  string // a command, what comes out, a prediction
	what  string // what must not differ, as a message shows it
	code  string
	host  string
	fails bool
	line  int // counted from the section's heading
}

const (
	aCommand    = "command block"
	anOutput    = "expected output"
	aPrediction = "prediction"
)

// pieces returns the blocks that must be the same in every language, in order.
func (s *Section) pieces() []piece {
	var all []piece
	for _, f := range s.fences() {
		words := strings.Fields(f.info)
		if host, fails, ok := runInfo(f.info); ok {
			all = append(all, piece{aCommand, fmt.Sprintf("%q on %s", f.code, host), f.code, host, fails, f.line})
		} else if m := predictInfo.FindStringSubmatch(f.info); m != nil {
			all = append(all, piece{kind: aPrediction, what: fmt.Sprintf("%q", m[1]), code: m[1], line: f.line})
		} else if len(words) > 0 && words[0] == "expect" || slices.Contains(words, "{expect}") {
			all = append(all, piece{kind: anOutput, what: fmt.Sprintf("%q", f.code), code: f.code, line: f.line})
		}
	}
	return all
}

func (p piece) same(o piece) bool {
	return p.kind == o.kind && p.code == o.code && p.host == o.host && p.fails == o.fails
}

// idlePredictions returns the lines of predictions that no command follows.
func (s *Section) idlePredictions() []int {
	all := s.pieces()
	var lines []int
	for i, p := range all {
		if p.kind == aPrediction && !slices.ContainsFunc(all[i:], func(o piece) bool { return o.kind == aCommand }) {
			lines = append(lines, p.line)
		}
	}
	return lines
}

// Differences returns where the lessons of the languages show other commands,
// other output, or ask other things, or in another order.
func Differences(l *Lab) []*Error {
	var all []*Error
	first := l.Lessons[Languages[0]]
	for _, language := range Languages[1:] {
		lesson := l.Lessons[language]
		for i := range lesson.Sections {
			s := &lesson.Sections[i]
			at := slices.IndexFunc(first.Sections, func(o Section) bool { return o.Step == s.Step })
			if at >= 0 {
				all = append(all, drift("lesson."+language+".md", s, &first.Sections[at])...)
			}
		}
		if rows, other := len(tableOfCommands(lesson.Summary)), len(tableOfCommands(first.Summary)); rows != other && lesson.Summary != "" && first.Summary != "" {
			all = append(all, &Error{File: "lesson." + language + ".md", Line: lesson.summaryLine,
				Message: fmt.Sprintf("the summary's tables have %d commands, those of lesson.%s.md %d", rows, Languages[0], other),
				Remedy:  "A lesson closes with the same commands in every language, in a table whose first column is called command (명령)"})
		}
	}
	return all
}

// drift compares the sections of a step in another language and in the first.
func drift(file string, s, other *Section) []*Error {
	var all []*Error
	add := func(line int, message, remedy string) {
		all = append(all, &Error{File: file, Line: s.Line + line, Message: message, Remedy: remedy})
	}
	mine, theirs := s.pieces(), other.pieces()
	for _, kind := range []struct{ name, remedy string }{
		{aCommand, "A lesson shows the same commands in every language"},
		{anOutput, "A lesson shows the same output in every language"},
		{aPrediction, "A lesson asks the same predictions in every language"},
	} {
		of := func(all []piece) []piece {
			return slices.DeleteFunc(slices.Clone(all), func(p piece) bool { return p.kind != kind.name })
		}
		a, b := of(mine), of(theirs)
		for j := range max(len(a), len(b)) {
			switch {
			case j >= len(a):
				add(0, fmt.Sprintf("step %s lacks the %s %s of lesson.%s.md", s.Step, kind.name, b[j].what, Languages[0]), kind.remedy)
			case j >= len(b):
				add(a[j].line, fmt.Sprintf("step %s has the %s %s, which lesson.%s.md lacks", s.Step, kind.name, a[j].what, Languages[0]), kind.remedy)
			case !a[j].same(b[j]):
				add(a[j].line, fmt.Sprintf("%s %s is %s in lesson.%s.md", kind.name, a[j].what, b[j].what, Languages[0]), kind.remedy)
			}
		}
	}
	if len(all) > 0 {
		return all
	}
	for j := range mine {
		if !mine[j].same(theirs[j]) {
			add(mine[j].line, fmt.Sprintf("step %s has the %s %s where lesson.%s.md has the %s %s", s.Step, mine[j].kind, mine[j].what, Languages[0], theirs[j].kind, theirs[j].what),
				"Keep the blocks in the same order in every language")
			break
		}
	}
	return all
}

// labLink is a link of a lesson to another lab, or to a step of it.
var labLink = regexp.MustCompile(`\]\(/labs/([^)#\s]*)(?:#([^)\s]*))?\)`)

// DeadLinks returns the links of a lab's lessons that lead to no lab, or to no
// step of it. Find returns a lab by its name, or nil.
func DeadLinks(l *Lab, prefix string, find func(name string) *Lab) []*Error {
	var all []*Error
	for _, language := range Languages {
		for _, p := range l.Lessons[language].parts() {
			for n, line := range strings.Split(p.markdown, "\n") {
				for _, m := range labLink.FindAllStringSubmatch(line, -1) {
					at := &Error{File: prefix + "/lesson." + language + ".md", Line: p.line + n}
					switch to := find(m[1]); {
					case to == nil:
						at.Message, at.Remedy = fmt.Sprintf("a link leads to the lab %q, which does not exist", m[1]), "Name the folder of a lab beside this one"
					case m[2] == "":
						continue
					default:
						if step, _ := to.Step(m[2]); step != nil {
							continue
						}
						at.Message, at.Remedy = fmt.Sprintf("a link leads to the step %q of lab %q, which has no such step", m[2], m[1]), "Its steps are: "+strings.Join(to.stepIDs(), ", ")
					}
					all = append(all, at)
				}
			}
		}
	}
	return all
}

// part is a piece of a lesson's markdown, and the line of the file that it begins on.
type part struct {
	markdown string
	line     int
}

func (l Lesson) parts() []part {
	all := []part{{l.Intro, 1 + l.introSkipped}}
	for i := range l.Sections {
		s := &l.Sections[i]
		all = append(all, part{s.Markdown, s.Line + 1 + s.skipped})
	}
	return append(all, part{l.Summary, l.summaryLine + 1 + l.summarySkipped})
}
