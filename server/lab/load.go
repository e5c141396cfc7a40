package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"unicode/utf8"
)

var labName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func isLabName(s string) bool { return labName.MatchString(s) && s != Playground }

// Load reads and validates the lab in the folder of that name. Its error joins
// one *Error for each thing that is wrong; see Errors.
func Load(fsys fs.FS, name string) (*Lab, error) {
	if !isLabName(name) {
		return nil, &Error{File: name, Message: fmt.Sprintf("%q is no name for a lab", name), Remedy: "Use lower-case letters, digits and hyphens"}
	}
	sub, err := fs.Sub(fsys, name)
	if err != nil {
		return nil, &Error{File: name, Message: err.Error()}
	}
	return load(sub, name, name+"/")
}

// LoadDir reads and validates the lab of a folder by itself; errors name its
// files beneath shown, which is how the author calls the folder.
func LoadDir(dir fs.FS, name, shown string) (*Lab, error) {
	if !isLabName(name) {
		return nil, &Error{File: shown, Message: fmt.Sprintf("%q is no name for a lab", name), Remedy: "Call its folder by lower-case letters, digits and hyphens, a letter first"}
	}
	return load(dir, name, path.Join(shown)+"/")
}

func load(dir fs.FS, name, prefix string) (*Lab, error) {
	file := prefix + "lab.yaml"
	data, err := readFile(dir, "lab.yaml")
	if err != nil {
		return nil, &Error{File: file, Message: "cannot read it: " + reason(err), Remedy: "A lab is a folder with lab.yaml, lesson.en.md and lesson.ko.md; 'netground lab new' makes one"}
	}
	l := &Lab{Name: name, Lessons: map[string]Lesson{}}
	values, d := readValues(file, data)
	if len(d.list) > 0 {
		return nil, d.err()
	}
	d = decode(file, fill(data, choose(values, lowest)), l)
	if len(d.list) > 0 {
		return nil, d.err()
	}
	l.validate(d)
	if len(values) > 0 {
		l.text = data
		other := &Lab{Name: name}
		o := decode(file, fill(data, choose(values, highest)), other)
		if len(o.list) == 0 {
			other.validate(o)
		}
		if len(d.list) == 0 && len(o.list) == 0 {
			l.validateValues(d, other)
		} else if len(d.list) == 0 {
			return nil, o.err()
		}
	}
	all := d.list
	for _, language := range Languages {
		base := "lesson." + language + ".md"
		text, err := readFile(dir, base)
		if err != nil {
			all = append(all, &Error{File: prefix + base, Message: "cannot read it: " + reason(err), Remedy: "Every lab has its lesson in each language"})
			continue
		}
		lesson, problems := parseLesson(prefix+base, language, string(text))
		all = append(all, problems...)
		if l.idsAreGood() { // else it would only say the same again
			all = append(all, l.checkLesson(prefix+base, lesson)...)
		}
		l.Lessons[language] = lesson
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	return l, nil
}

func readFile(dir fs.FS, name string) ([]byte, error) {
	// Looked at before it is opened: opening a FIFO would wait.
	fi, err := fs.Stat(dir, name)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err == nil && len(data) > maxFile:
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	case err == nil && !utf8.Valid(data):
		err = errors.New("it is no text in UTF-8")
	}
	// Editors of some systems begin a file with a byte order mark.
	return bytes.TrimPrefix(data, []byte("\ufeff")), err
}

func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "it does not exist"
	}
	return err.Error()
}

// LoadCourse reads course.yaml; the labs that it names are not read.
func LoadCourse(fsys fs.FS) (*Course, error) {
	data, err := readFile(fsys, "course.yaml")
	if err != nil {
		return nil, &Error{File: "course.yaml", Message: "cannot read it: " + reason(err), Remedy: "It lists the chapters and their labs"}
	}
	c := &Course{}
	d := decode("course.yaml", data, c)
	if len(d.list) > 0 {
		return nil, d.err()
	}
	d.text(c.Title, true, "title")
	seen := map[string]bool{}
	for i, ch := range c.Chapters {
		d.text(ch.Title, true, "chapters", i, "title")
		d.text(ch.Summary, false, "chapters", i, "summary")
		for j, name := range ch.Labs {
			switch {
			case !isLabName(name):
				d.add(d.at("chapters", i, "labs", j), fmt.Sprintf("%q is no name for a lab", name), "Name its folder: lower-case letters, digits and hyphens")
			case seen[name]:
				d.add(d.at("chapters", i, "labs", j), fmt.Sprintf("lab %q is listed twice", name), "Keep one")
			}
			seen[name] = true
		}
	}
	return c, d.err()
}

// LoadAll reads the course and every lab that it names.
func LoadAll(fsys fs.FS) (*Course, map[string]*Lab, error) {
	course, err := LoadCourse(fsys)
	if err != nil {
		return nil, nil, err
	}
	labs := map[string]*Lab{}
	var all []error
	for _, ch := range course.Chapters {
		for _, name := range ch.Labs {
			l, err := Load(fsys, name)
			if err != nil {
				all = append(all, err)
				continue
			}
			labs[name] = l
		}
	}
	return course, labs, errors.Join(all...)
}
