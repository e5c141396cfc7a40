package lab

import (
	"fmt"
	"regexp"
	"strings"
)

// summaryID is the anchor of a lesson's closing section.
const summaryID = "summary"

var (
	sectionHeading = regexp.MustCompile(`^##\s+(.+?)\s*\{#([^}]*)\}\s*$`)
	plainHeading   = regexp.MustCompile(`^#{1,2}\s`)
	fence          = regexp.MustCompile("^(`{3,}|~{3,})\\s*(.*)$")
)

// Block is a fenced block of a lesson that runs on a host.
type Block struct {
	Host  string
	Code  string // without the last newline
	Fails bool   // the lesson shows how it fails
	Line  int    // of its first line, counted from the section's heading
}

// parseLesson cuts a lesson at its headings.
func parseLesson(file, language, text string) (Lesson, []error) {
	p := problems{file: file}
	l := Lesson{Language: language}
	var current strings.Builder
	var section *Section
	inSummary, within := false, ""
	flush := func() {
		text := current.String()
		body := strings.TrimSpace(text)
		skipped := strings.Count(text[:len(text)-len(strings.TrimLeft(text, " \t\r\n"))], "\n")
		current.Reset()
		switch {
		case section != nil:
			section.Markdown = body
			section.skipped = skipped
			l.Sections = append(l.Sections, *section)
			section = nil
		case inSummary:
			l.Summary, inSummary, l.summarySkipped = body, false, skipped
		default:
			l.Intro, l.introSkipped = body, skipped
		}
	}
	if strings.ContainsRune(text, 0) {
		p.add(position{}, "the lesson contains a NUL character", "Save it as UTF-8 text")
		return l, p.list
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if m := fence.FindStringSubmatch(line); m != nil {
			switch {
			case within == "":
				within = m[1]
			case strings.HasPrefix(m[1], within) && m[2] == "":
				within = ""
			}
		}
		if within != "" || !plainHeading.MatchString(line) {
			current.WriteString(line + "\n")
			continue
		}
		m := sectionHeading.FindStringSubmatch(line)
		if m == nil {
			p.add(position{i + 1, 1}, "a heading of a lesson names its step", "Write it as: ## Title {#step}")
			continue
		}
		flush()
		if m[2] == summaryID {
			inSummary, l.summaryLine = true, i+1
			continue
		}
		section = &Section{Step: m[2], Title: m[1], Line: i + 1}
	}
	if within != "" {
		p.add(position{}, "a fenced block is not closed", "End it with "+within)
	}
	flush()
	return l, p.list
}

// fenced is a fenced block of a section.
type fenced struct {
	info, code string
	line       int // of its first line of code, counted from the section's heading
}

// fences returns the fenced blocks of the section, in order.
func (s *Section) fences() []fenced {
	var all []fenced
	var open fenced
	mark := ""
	var code []string
	for i, line := range strings.Split(s.Markdown, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case mark == "" && m != nil:
			mark, code = m[1], nil
			open = fenced{info: m[2], line: i + 2 + s.skipped}
		case mark != "" && m != nil && strings.HasPrefix(m[1], mark) && m[2] == "":
			open.code = strings.Join(code, "\n")
			all = append(all, open)
			mark = ""
		case mark != "":
			code = append(code, line)
		}
	}
	return all
}

// Blocks returns the blocks of the section that run on a host, in order.
func (s *Section) Blocks() []Block {
	var blocks []Block
	for _, f := range s.fences() {
		if host, fails, ok := runInfo(f.info); ok {
			blocks = append(blocks, Block{Host: host, Code: f.code, Fails: fails, Line: f.line})
		}
	}
	return blocks
}

// runInfo reads the info string of a fence: bash host=A fails.
func runInfo(info string) (host string, fails, ok bool) {
	words := strings.Fields(info)
	if len(words) == 0 || (words[0] != "bash" && words[0] != "sh") {
		return "", false, false
	}
	for _, w := range words[1:] {
		if h, found := strings.CutPrefix(w, "host="); found {
			host, ok = h, true
		}
		fails = fails || w == "fails"
	}
	return host, fails, ok
}

// checkLesson compares a lesson with the lab's steps and hosts.
func (l *Lab) checkLesson(file string, lesson Lesson) []error {
	p := problems{file: file}
	var have []string
	seen := map[string]bool{}
	for _, s := range lesson.Sections {
		at := position{s.Line, 1}
		if step, _ := l.Step(s.Step); step == nil {
			p.add(at, fmt.Sprintf("section for step %q, which lab.yaml does not have", s.Step), or(nearest(s.Step, l.stepIDs()), "Its steps are: "+strings.Join(l.stepIDs(), ", ")))
			continue
		}
		if seen[s.Step] {
			p.add(at, fmt.Sprintf("a second section for step %q", s.Step), "Join the two")
			continue
		}
		seen[s.Step] = true
		have = append(have, s.Step)
		step, _ := l.Step(s.Step)
		s.checkPredictions(&p, step)
		for _, b := range s.Blocks() {
			if _, ok := l.Topology.Hosts[b.Host]; !ok {
				p.add(position{s.Line + b.Line, 1}, fmt.Sprintf("a block runs on host %q, which the topology does not have", b.Host), or(nearest(b.Host, l.Topology.hostNames()), "It has: "+strings.Join(l.Topology.hostNames(), ", ")))
			}
		}
	}
	var want []string
	for _, s := range l.Steps {
		if seen[s.ID] {
			want = append(want, s.ID)
		} else {
			p.add(position{}, fmt.Sprintf("no section for step %q", s.ID), fmt.Sprintf("Add: ## Title {#%s}", s.ID))
		}
	}
	if len(p.list) == 0 && strings.Join(have, " ") != strings.Join(want, " ") {
		p.add(position{}, "its sections are in another order than the steps of lab.yaml", "The order is: "+strings.Join(want, ", "))
	}
	return p.list
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (l *Lab) stepIDs() []string {
	var ids []string
	for _, s := range l.Steps {
		ids = append(ids, s.ID)
	}
	return ids
}
