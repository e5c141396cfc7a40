package lab

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Bounds of a file's shape. Aliases are bounded since each stands for all that
// its anchor has.
const (
	maxDepth   = 64
	maxAliases = 64
)

// shape refuses what no lab needs: depth, many aliases, and keys without a value.
func (d *document) shape() {
	aliases, deep := 0, false
	var walk func(n *yaml.Node, depth int)
	walk = func(n *yaml.Node, depth int) {
		if depth > maxDepth {
			if !deep {
				d.add(position{n.Line, n.Column}, fmt.Sprintf("the file is nested more than %d deep", maxDepth), "A lab needs no more than a dozen")
			}
			deep = true
			return
		}
		if n.Kind == yaml.AliasNode {
			aliases++
		}
		for i, c := range n.Content {
			if c.Kind == yaml.ScalarNode && c.Tag == "!!null" && (n.Kind != yaml.MappingNode || i%2 == 1) {
				what := "the entry"
				if n.Kind == yaml.MappingNode {
					what = fmt.Sprintf("%q", n.Content[i-1].Value)
				}
				d.add(position{c.Line, c.Column}, what+" has no value", "Give it one, or remove it; what belongs to it is indented")
			}
			walk(c, depth+1)
		}
	}
	walk(d.root, 0)
	if aliases > maxAliases {
		d.add(position{}, fmt.Sprintf("the file has %d aliases, more than %d", aliases, maxAliases), "Write the values out")
	}
}

// yamlError turns the library's errors into ours.
func (d *document) yamlError(err error) {
	var many *yaml.LoadErrors
	if errors.As(err, &many) && len(many.Errors) > 0 {
		for _, e := range many.Errors {
			d.oneYAMLError(e)
		}
		return
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		d.oneYAMLError(one)
		return
	}
	d.add(position{}, strings.TrimPrefix(err.Error(), "yaml: "), "Correct the YAML")
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type (?:lab\.)?(\S+)`)
	wrongType    = regexp.MustCompile("(?s)^cannot construct !!(\\w+)(?: `(.*)`)? into (\\S+)")
	notAddress   = regexp.MustCompile(`^(?:netip\.)?Parse(Prefix|Addr)\((.*)\): `)
	defined      = regexp.MustCompile(`^mapping key (".*") already defined`)
	wrongLength  = regexp.MustCompile(`^invalid array: want (\d+) elements but got (\d+)`)
	lineOf       = regexp.MustCompile(`(?:at )?line (\d+)(?:, column (\d+))?:? ?`)
)

// syntax are remedies for what the library says of broken YAML.
var syntax = [][2]string{
	{"mapping values are not allowed", "Put a text with a colon in it into quotes"},
	{"cannot start any token", "Indent with spaces, and put texts with special characters into quotes"},
	{"control characters are not allowed", "Save the file as plain text in UTF-8"},
	{"UTF-8", "Save the file as plain text in UTF-8"},
	{"did not find expected", "Look for a missing bracket, quote or comma, or for an odd indentation, here or just above"},
	{"unknown anchor", "Define it as &name above, or write the value out"},
	{"max depth", "A lab needs no more than a dozen levels"},
	{"map merge", "Write the values out"},
	{"YAML document", "Remove the line that begins with %"},
	{"excessive aliasing", "Write the values out"},
	{"contains itself", "Write the values out"},
}

func (d *document) oneYAMLError(e *yaml.LoadError) {
	at := position{e.Mark.Line, e.Mark.Column}
	message := e.Message
	if inner := errors.Unwrap(e); inner != nil && message == "" {
		message = inner.Error()
	}
	message = strings.TrimSpace(lineOf.ReplaceAllString(strings.TrimPrefix(message, "yaml: "), ""))
	if m := unknownField.FindStringSubmatch(message); m != nil {
		known := fieldsOf(m[2])
		remedy := nearest(m[1], known)
		if remedy == "" && len(known) > 0 {
			remedy = "Known here: " + strings.Join(known, ", ")
		}
		d.add(at, fmt.Sprintf("unknown field %q", m[1]), remedy)
		return
	}
	if m := wrongType.FindStringSubmatch(message); m != nil {
		d.wrongType(at, m[1], m[2], m[3])
		return
	}
	if m := notAddress.FindStringSubmatch(message); m != nil {
		if m[1] == "Prefix" {
			d.add(at, m[2]+" is no address with prefix length", "Write it as 192.168.1.10/24 or 2001:db8::1/64")
		} else {
			d.add(at, m[2]+" is no address", "Write it as 192.168.1.10 or 2001:db8::1")
		}
		return
	}
	if m := defined.FindStringSubmatch(message); m != nil {
		d.add(at, m[1]+" is written twice here", "Keep one")
		return
	}
	if m := wrongLength.FindStringSubmatch(message); m != nil {
		d.add(at, fmt.Sprintf("a list of %s is needed, and there are %s", m[1], m[2]), "A place in the diagram is [column, row]")
		return
	}
	remedy := "Correct the YAML"
	for _, s := range syntax {
		if strings.Contains(message, s[0]) {
			remedy = s[1]
			break
		}
	}
	d.add(at, message, remedy)
}

// wrongType says what was written and what is needed in an author's words.
func (d *document) wrongType(at position, tag, value, into string) {
	wanted, remedy := "a mapping (key: value)", "Indent its keys below it"
	switch {
	case into == "string":
		wanted, remedy = "a text", "Put it into quotes: a colon and a space in a text make a mapping, a bracket at its beginning a list"
	case into == "int":
		wanted, remedy = "a whole number", "Write digits only"
	case into == "bool":
		wanted, remedy = "true or false", "Write true or false, without quotes"
	case strings.HasPrefix(into, "float"):
		wanted, remedy = "a number", "Write digits only"
	case strings.HasPrefix(into, "netip.Prefix"):
		wanted, remedy = "an address with prefix length", "Write it as 192.168.1.10/24 or 2001:db8::1/64"
	case strings.HasPrefix(into, "netip.Addr"):
		wanted, remedy = "an address", "Write it as 192.168.1.10 or 2001:db8::1"
	case strings.HasSuffix(into, "lab.Point"):
		wanted, remedy = "a place in the diagram", "Write it as [column, row]"
	case strings.HasSuffix(into, "lab.Text"):
		wanted, remedy = "a text in each language", `Write {en: "…", ko: "…"}`
		if strings.HasPrefix(into, "[]") {
			wanted, remedy = "a list of texts", `Write - {en: "…", ko: "…"} for each`
		}
	case strings.HasPrefix(into, "[]"):
		wanted, remedy = "a list", "Write each entry on a line of its own behind a hyphen, or all in [ ]"
	}
	found := map[string]string{"map": "a mapping", "seq": "a list", "null": "nothing"}[tag]
	if found == "" {
		found = fmt.Sprintf("%q", strings.Trim(value, "`"))
	}
	d.add(at, fmt.Sprintf("%s is needed here, and %s is written", wanted, found), remedy)
}
