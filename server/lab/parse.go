package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile bounds a lab's files, in bytes.
const maxFile = 256 << 10

// document is a parsed YAML file that still knows where everything stood.
type document struct {
	problems
	bounds
	root *yaml.Node
}

// bounds are what a file may have, which depends on who writes it.
type bounds struct {
	bytes, aliases int
	// learner says that a learner wrote it, who may do less than an author.
	learner bool
}

var authors = bounds{bytes: maxFile, aliases: maxAliases}

// decode parses strictly into v. What it reports has a place; v may be half filled then.
func decode(file string, data []byte, v any) *document { return decodeWithin(authors, file, data, v) }

func decodeWithin(b bounds, file string, data []byte, v any) *document {
	d := &document{problems: problems{file: file}, bounds: b}
	if len(data) > b.bytes {
		d.say(position{}, both("the file has %d bytes, more than %d", "%d바이트로, 최대 %d바이트를 넘습니다", len(data), b.bytes), both("Move long texts into the lesson", "줄여서 쓰십시오"))
		return d
	}
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		d.yamlError(err)
		return d
	}
	if node.Kind == 0 || len(node.Content) == 0 {
		d.say(position{}, both("the file is empty", "내용이 없습니다"), both("Write a lab with 'netground lab new' and start from there", "준비된 구성 하나를 골라 시작하십시오"))
		return d
	}
	d.root = node.Content[0]
	if d.shape(); len(d.list) > 0 {
		return d
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		d.yamlError(err)
		return d
	}
	if err := dec.Decode(&node); !errors.Is(err, io.EOF) {
		d.say(position{}, both("there is a second document behind a line ---", "--- 줄 뒤에 두 번째 문서가 있습니다"), both("A file has one document; remove the rest", "문서는 하나여야 합니다. 나머지를 지우십시오"))
	}
	return d
}

// fieldsOf lists the YAML names of the fields of a type of this package.
func (d *document) fieldsOf(typeName string) []string {
	for _, t := range []any{Lab{}, Value{}, Topology{}, Host{}, Interface{}, RouteSpec{}, Switch{}, Step{}, Mistake{}, Prediction{}, Check{}, LinkCheck{}, LinkPeer{}, AddressCheck{},
		RouteCheck{}, NeighbourCheck{}, SysctlCheck{}, NamespaceCheck{}, BridgeCheck{}, ReachCheck{}, ResolvesCheck{}, FileCheck{}, ListensCheck{}, AnswerCheck{}, Choice{}, AnswerSource{}, Course{}, Chapter{}} {
		if rt := reflect.TypeOf(t); rt.Name() == typeName {
			return slices.DeleteFunc(yamlFields(rt), func(name string) bool { return d.learner && slices.Contains(authorsOnly, name) })
		}
	}
	return nil
}

func yamlFields(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		tag, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			names = append(names, yamlFields(t.Field(i).Type)...)
		case tag != "" && tag != "-":
			names = append(names, tag)
		}
	}
	return names
}

// at finds the place of a value by its path of keys and indices; where the
// path ends early, the place of the last thing found.
func (d *document) at(path ...any) position {
	n := d.root
	for _, p := range path {
		if n != nil && n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next := child(n, p)
		if next == nil {
			break
		}
		n = next
	}
	if n == nil {
		return position{}
	}
	return position{n.Line, n.Column}
}

func child(n *yaml.Node, key any) *yaml.Node {
	if n == nil {
		return nil
	}
	switch k := key.(type) {
	case string:
		for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
			if n.Content[i].Value == k {
				if v := n.Content[i+1]; v.Kind != yaml.ScalarNode {
					// The key's line is where a person looks.
					v.Line, v.Column = n.Content[i].Line, n.Content[i].Column
				}
				return n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && k < len(n.Content) {
			return n.Content[k]
		}
	}
	return nil
}

// UnmarshalYAML reads [A:eth0, sw].
func (l *Link) UnmarshalYAML(n *yaml.Node) error {
	var ends []string
	if err := n.Decode(&ends); err != nil || len(ends) != 2 {
		return fmt.Errorf("line %d, column %d: %s", n.Line, n.Column, twoEnds.en)
	}
	for i, e := range []*End{&l.A, &l.B} {
		e.Node, e.Device, _ = strings.Cut(ends[i], ":")
	}
	return nil
}

// UnmarshalYAML reads a mapping host → line or lines, or a list of such mappings.
func (s *Script) UnmarshalYAML(n *yaml.Node) error {
	*s = nil
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			var part Script
			if err := part.UnmarshalYAML(c); err != nil {
				return err
			}
			*s = append(*s, part...)
		}
		return nil
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			host, v := n.Content[i].Value, n.Content[i+1]
			lines, err := scriptLines(host, v)
			if err != nil {
				return err
			}
			for _, l := range lines {
				*s = append(*s, Command{Host: host, Line: l})
			}
		}
		return nil
	}
	return fmt.Errorf("line %d, column %d: commands are written as host: command, or as a list of those", n.Line, n.Column)
}

// scriptLines reads what is typed on one host: a text is one command, of
// several lines maybe (a loop, a here-document), and each entry of a list is one. On the pseudo host "answer" a
// mapping name: value becomes lines "name=value".
func scriptLines(host string, v *yaml.Node) ([]string, error) {
	if v.Kind == yaml.AliasNode { // the same commands as elsewhere in the file
		v = v.Alias
	}
	switch {
	case v.Kind == yaml.ScalarNode:
		return []string{strings.TrimRight(v.Value, "\n")}, nil
	case v.Kind == yaml.SequenceNode:
		var lines []string
		if err := v.Decode(&lines); err != nil {
			return nil, fmt.Errorf("line %d, column %d: commands of a host are texts", v.Line, v.Column)
		}
		return lines, nil
	case v.Kind == yaml.MappingNode && host == AnswerHost:
		var lines []string
		for i := 0; i+1 < len(v.Content); i += 2 {
			lines = append(lines, v.Content[i].Value+"="+v.Content[i+1].Value)
		}
		return lines, nil
	}
	return nil, fmt.Errorf("line %d, column %d: commands of a host are a text or a list of texts", v.Line, v.Column)
}

// AnswerHost is the pseudo host of a Script whose lines are answers, "name=value".
const AnswerHost = "answer"

// Answer takes an answer line of a script apart. A line without a name is for
// the step's only answer check.
func (s *Step) Answer(line string) (name, value string) {
	var names []string
	for _, c := range s.Checks {
		if c.Answer != nil {
			names = append(names, c.Answer.Name)
		}
	}
	if n, v, ok := strings.Cut(line, "="); ok && slices.Contains(names, n) {
		return n, v
	}
	if len(names) == 1 {
		return names[0], line
	}
	return "", line
}
