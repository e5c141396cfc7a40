package lab

import (
	"regexp"
	"slices"
	"strings"
)

// Learned is a row of the tables of commands that close a lesson.
type Learned struct {
	Command, Does string // markdown, in one line each
	Step          string // where the lesson first runs such a command; may be empty
}

// Typed is a command that a lesson shows and its closing tables do not have.
type Typed struct {
	Step, Host, Code string
	Fails            bool
}

// CheatSheet returns the commands of a lesson: those that its closing tables
// name, and the others in the order in which they are typed.
func (l Lesson) CheatSheet() (learned []Learned, typed []Typed) {
	seen := map[string]bool{}
	for i := range l.Sections {
		s := &l.Sections[i]
		for _, b := range s.Blocks() {
			for _, code := range commandsOf(b.Code) {
				if !seen[code] {
					seen[code] = true
					typed = append(typed, Typed{s.Step, b.Host, code, b.Fails})
				}
			}
		}
	}
	named := map[string]bool{}
	for _, cells := range tableOfCommands(l.Summary) {
		last := len(cells) - 1
		commands := slices.DeleteFunc(slices.Clone(cells[:last]), func(s string) bool { return s == "" })
		row := Learned{Command: strings.Join(commands, ", "), Does: cells[last]}
		for _, m := range codeSpan.FindAllStringSubmatch(row.Command, -1) {
			named[m[1]] = true
			if row.Step == "" {
				row.Step = whereTyped(typed, m[1])
			}
		}
		learned = append(learned, row)
	}
	return learned, slices.DeleteFunc(typed, func(t Typed) bool { return named[t.Code] })
}

var (
	// ofCommands is what the first column is called in a table of commands.
	ofCommands = regexp.MustCompile(`(?i)\bcommand|명령`)
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	// standIn is a word that stands for another: ADDRESS, 주소.
	standIn      = regexp.MustCompile(`^\W*[A-Z]{3,}\b|\p{Hangul}`)
	severalLines = regexp.MustCompile(`(?m)\\$|<<|^\s*(for|while|until|if|case)\s`)
)

// commandsOf cuts a block into its commands; one of several lines stays whole.
func commandsOf(code string) []string {
	if severalLines.MatchString(code) {
		return []string{strings.TrimSpace(code)}
	}
	var all []string
	for line := range strings.SplitSeq(code, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// tableOfCommands returns the rows of the tables whose first column is of commands.
func tableOfCommands(markdown string) [][]string {
	var rows [][]string
	inTable, wanted := false, false
	for line := range strings.SplitSeq(markdown, "\n") {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inTable = false
			continue
		}
		cells := cellsOf(line)
		switch {
		case !inTable:
			inTable, wanted = true, len(cells) > 1 && ofCommands.MatchString(cells[0])
		case strings.Trim(line, "|-: ") == "":
		case wanted && len(cells) > 1:
			rows = append(rows, cells)
		}
	}
	return rows
}

func cellsOf(line string) []string {
	const bar = "\x00" // no lesson has it
	line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, bar)
	cells := strings.Split(line, "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], bar, "|"))
	}
	return cells
}

// whereTyped finds the step that first runs a command, or else one that begins
// with the same words, two at least: every other command is one of ip.
func whereTyped(typed []Typed, command string) string {
	words := strings.Fields(command)
	if at := slices.IndexFunc(words, standIn.MatchString); at > 0 {
		words = words[:at]
	}
	for n := len(words); n >= min(2, len(words)) && n > 0; n-- {
		begin := strings.Join(words[:n], " ")
		for _, t := range typed {
			if code := strings.Join(strings.Fields(t.Code), " "); code == begin || strings.HasPrefix(code, begin+" ") {
				return t.Step
			}
		}
	}
	return ""
}
