package lab

import (
	"errors"
	"fmt"
	"strings"
)

// Error is one thing that is wrong with a lab, and what to do about it.
type Error struct {
	File    string // beneath the labs' folder
	Line    int    // 1-based; 0 where the file as a whole is meant
	Column  int
	Message string
	Remedy  string

	korean [2]string // message and remedy, where a learner may read them
}

// In returns message and remedy in the language. What only authors get to read
// (of steps, checks, lessons) is there in English alone.
func (e *Error) In(language string) (message, remedy string) {
	if language == "ko" && e.korean[0] != "" {
		return e.korean[0], e.korean[1]
	}
	return e.Message, e.Remedy
}

// Error reads like a compiler's: file:line:column: message. Remedy.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", e.Line, max(e.Column, 1))
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Remedy != "" {
		b.WriteString(". " + e.Remedy)
	}
	return b.String()
}

// Errors returns the single errors of what Load or LoadCourse returned; none
// for an error that is about something else than the files of a lab.
func Errors(err error) []*Error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, Errors(e)...)
		}
		return all
	}
	var one *Error
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return nil
}

// problems collects what is wrong with one file, so that an author sees it all at once.
type problems struct {
	file string
	list []error
}

func (p *problems) add(at position, message, remedy string) {
	p.list = append(p.list, &Error{File: p.file, Line: at.line, Column: at.column, Message: message, Remedy: remedy})
}

// say is add for what learners may read, too: whatever a topology alone can get wrong.
func (p *problems) say(at position, message, remedy phrase) {
	p.list = append(p.list, &Error{
		File: p.file, Line: at.line, Column: at.column, Message: message.en, Remedy: remedy.en, korean: [2]string{message.ko, remedy.ko},
	})
}

// phrase is a part of a sentence in each language.
type phrase struct{ en, ko string }

// both formats the same values in each language.
func both(en, ko string, args ...any) phrase {
	if len(args) == 0 {
		return phrase{en, ko}
	}
	return phrase{fmt.Sprintf(en, args...), fmt.Sprintf(ko, args...)}
}

// orElse is another phrase where there is none.
func (p phrase) orElse(other phrase) phrase {
	if p.en == "" {
		return other
	}
	return p
}

func (p *problems) err() error { return errors.Join(p.list...) }

// position in a file; the zero value means the whole file.
type position struct{ line, column int }

// nearest suggests the known word that was probably meant.
func nearest(word string, known []string) string { return meant(word, known).en }

func meant(word string, known []string) phrase {
	best, bestDistance := "", 1+len(word)/3
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d <= bestDistance {
			best, bestDistance = k, d-1
		}
	}
	if best == "" {
		return phrase{}
	}
	return both("Did you mean %q?", "혹시 %q입니까?", best)
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
