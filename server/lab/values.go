package lab

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
)

// Value says how a value is chosen that every sandbox has another of, so that
// an answer must be looked up and cannot be told on. It is written ${{name}} in
// lab.yaml wherever a sandbox or a check may need it. Exactly one field is set.
type Value struct {
	Address netip.Prefix `yaml:"address,omitempty"` // an address of a host in this network
	Number  []int        `yaml:"number,omitempty"`  // [from, to]
	Word    int          `yaml:"word,omitempty"`    // so many letters
	One     []string     `yaml:"one,omitempty"`     // one of these
}

var (
	placeholder = regexp.MustCompile(`\$\{\{ *([^{}]*?) *\}\}`)
	valueWord   = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)
	valueName   = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)
)

const (
	maxValues = 16
	// mostAddresses bounds the part of a network from which an address is chosen.
	mostAddresses = 1 << 16
	// Without vowels, so that no word means something, to YAML or to people.
	letters = "bcdfghjkmnpqrstvwxz"
)

// notWords are what YAML takes for something else than text.
var notWords = []string{"true", "false", "null", "yes", "no", "on", "off"}

// size is how many values there are to choose from.
func (v Value) size() uint64 {
	switch {
	case v.Address.IsValid():
		n := uint64(mostAddresses)
		if bits := v.Address.Addr().BitLen() - v.Address.Bits(); bits < 16 {
			n = 1 << bits
		}
		if v.Address.Addr().Is4() && n > 2 {
			n -= 2 // neither the network's own address nor the one of all
		}
		return n
	case len(v.Number) == 2:
		return uint64(v.Number[1]-v.Number[0]) + 1
	case v.Word > 0:
		n := uint64(1)
		for range v.Word {
			n *= uint64(len(letters))
		}
		return n
	}
	return uint64(len(v.One))
}

// at returns the value with the index, below size.
func (v Value) at(i uint64) string {
	switch {
	case v.Address.IsValid():
		a := v.Address.Masked().Addr().As16()
		if v.Address.Addr().Is4() && v.Address.Bits() < 31 {
			i++
		}
		low := binary.BigEndian.Uint64(a[8:])
		binary.BigEndian.PutUint64(a[8:], low+i)
		return netip.AddrFrom16(a).Unmap().String()
	case len(v.Number) == 2:
		return strconv.Itoa(v.Number[0] + int(i))
	case v.Word > 0:
		b := make([]byte, v.Word)
		for at := range b {
			b[at] = letters[i%uint64(len(letters))]
			i /= uint64(len(letters))
		}
		return string(b)
	}
	return v.One[i]
}

func (v Value) validate(d *document, name string) {
	place := d.at("values", name)
	set := 0
	for _, is := range []bool{v.Address.IsValid(), v.Number != nil, v.Word != 0, v.One != nil} {
		if is {
			set++
		}
	}
	switch {
	case !valueName.MatchString(name):
		d.add(place, fmt.Sprintf("%q is no name for a value", name), "Use lower-case letters and digits, a letter first")
	case set != 1:
		d.add(place, fmt.Sprintf("value %q does not say what it is, or says it twice", name), "Give exactly one of address, number, word, one")
	case v.Number != nil && (len(v.Number) != 2 || v.Number[0] < 0 || v.Number[1] > 1<<30 || v.Number[0] >= v.Number[1]):
		d.add(place, fmt.Sprintf("value %q is a number from nowhere to nowhere", name), "Write number: [1000, 9999]")
	case v.Word != 0 && (v.Word < 4 || v.Word > 12):
		d.add(place, fmt.Sprintf("value %q is a word of %d letters", name, v.Word), "Take 4 to 12")
	case v.Address.IsValid() && (v.Address != v.Address.Masked() || v.Address.Addr().Is4In6()):
		d.add(place, fmt.Sprintf("value %q is an address in %s, which is no network", name, v.Address), "Write the network from which it is taken, such as 192.168.1.64/26")
	case slices.ContainsFunc(v.One, func(s string) bool { return !valueWord.MatchString(s) || slices.Contains(notWords, s) }):
		d.add(place, fmt.Sprintf("value %q has a choice that is no plain word", name), "Use lower-case letters, digits and hyphens, a letter first")
	case v.size() < 2:
		d.add(place, fmt.Sprintf("value %q is always the same", name), "Leave more than one to choose from, or write it where it is used")
	}
}

// choose returns a value for each name. Of values that are chosen from the same
// no two are equal.
func choose(values map[string]Value, index func(name string, try int, size uint64) uint64) map[string]string {
	chosen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		for try := range 64 {
			s := v.at(index(name, try, v.size()))
			if !slices.Contains(slices.Collect(maps.Values(chosen)), s) || try == 63 {
				chosen[name] = s
				break
			}
		}
	}
	return chosen
}

// ofSandbox chooses by the sandbox's id, which nobody can guess and which does
// not change: nothing else needs to be kept.
func ofSandbox(id string) func(string, int, uint64) uint64 {
	return func(name string, try int, size uint64) uint64 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", id, name, try))
		return binary.BigEndian.Uint64(sum[:]) % size
	}
}

// Two samples that differ in every value show that a lab is good with either,
// and what of it depends on values.
func lowest(_ string, try int, size uint64) uint64  { return uint64(try) % size }
func highest(_ string, try int, size uint64) uint64 { return size - 1 - uint64(try)%size }

// fill puts values in their places. Unknown names stay.
func fill(data []byte, values map[string]string) []byte {
	return placeholder.ReplaceAllFunc(data, func(m []byte) []byte {
		if v, ok := values[string(placeholder.FindSubmatch(m)[1])]; ok {
			return []byte(v)
		}
		return m
	})
}

// readValues reads the values section of a lab.yaml, whatever else is in the
// file, and says where a placeholder is of no value.
func readValues(file string, data []byte) (map[string]Value, *document) {
	d := &document{problems: problems{file: file}, bounds: authors}
	if len(data) > d.bytes || !bytes.Contains(data, []byte("${{")) && !bytes.Contains(data, []byte("\nvalues:")) {
		return nil, d
	}
	var only struct {
		Values map[string]Value `yaml:"values"`
		Rest   map[string]any   `yaml:",inline"`
	}
	// What is written in place of a value must not be in the way of the rest.
	if whole := decode(file, placeholder.ReplaceAll(data, []byte("0")), &only); len(whole.list) > 0 {
		return nil, whole
	} else {
		d.root = whole.root
	}
	if len(only.Values) > maxValues {
		d.add(d.at("values"), fmt.Sprintf("the lab has %d values, more than %d", len(only.Values), maxValues), "Leave some out")
	}
	used := map[string]bool{}
	for i, line := range bytes.Split(data, []byte("\n")) {
		for _, m := range placeholder.FindAllSubmatchIndex(line, -1) {
			name := string(line[m[2]:m[3]])
			used[name] = true
			if _, ok := only.Values[name]; !ok {
				known := slices.Sorted(maps.Keys(only.Values))
				d.add(position{i + 1, m[0] + 1}, fmt.Sprintf("there is no value %q", name), or(nearest(name, known), "Name it under values:"))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(only.Values)) {
		only.Values[name].validate(d, name)
		if !used[name] {
			d.add(d.at("values", name), fmt.Sprintf("value %q is not used", name), "Write ${{"+name+"}} where it belongs, or remove it")
		}
	}
	return only.Values, d
}

// common is what all sandboxes of a lab share: what is read before there is one.
func (l *Lab) common() any {
	type answer struct {
		name     string
		question Text
		choices  []Choice
	}
	c := struct {
		lab     Lab
		hosts   map[string]Host
		answers [][]answer
		predict []any
	}{lab: Lab{Title: l.Title, Summary: l.Summary, Minutes: l.Minutes}, hosts: map[string]Host{}}
	c.lab.Topology = Topology{Switches: l.Topology.Switches, Links: l.Topology.Links}
	for name, h := range l.Topology.Hosts {
		c.hosts[name] = Host{At: h.At, Label: h.Label, Kind: h.Kind}
	}
	for i := range l.Steps {
		var all []answer
		for _, check := range l.Steps[i].Checks {
			if a := check.Answer; a != nil {
				all = append(all, answer{a.Name, a.Question, a.Choices})
			}
		}
		c.answers = append(c.answers, all)
		c.predict = append(c.predict, l.Steps[i].ID, l.Steps[i].Predict)
	}
	return c
}

// validateValues compares the lab with another sample of itself: what learners
// read before they have a sandbox must not depend on values, and no fixed
// address may be where another is chosen. It notes which answers do depend.
func (l *Lab) validateValues(d *document, other *Lab) {
	if !reflect.DeepEqual(l.common(), other.common()) {
		d.add(d.at("values"), "a value is part of what everybody reads: a title, a label, a question, a choice, a prediction", "Use values in hosts, checks, hints, solutions and mistakes")
		return
	}
	for _, name := range l.Topology.hostNames() {
		for dev, i := range l.Topology.Hosts[name].Interfaces {
			for _, a := range i.Addresses {
				if !slices.Contains(other.Topology.Hosts[name].Interfaces[dev].Addresses, a) {
					continue // a value itself
				}
				for value, v := range l.Values {
					if v.Address.IsValid() && v.Address.Contains(a.Addr()) {
						d.add(d.at("values", value), fmt.Sprintf("value %q may become %s, which %s:%s has", value, a.Addr(), name, dev), "Take it from a part of the network where no host is")
					}
				}
			}
		}
	}
	for i := range l.Steps {
		for j := range l.Steps[i].Checks {
			if a := l.Steps[i].Checks[j].Answer; a != nil {
				a.Own = a.Value != other.Steps[i].Checks[j].Answer.Value || a.Matches != other.Steps[i].Checks[j].Answer.Matches
			}
		}
	}
}

// Instance returns the lab as the sandbox with the id has it, which is the lab
// itself where it has no values.
func (l *Lab) Instance(id string) (*Lab, error) {
	if len(l.Values) == 0 || l.origin != nil {
		return l, nil
	}
	n := &Lab{Name: l.Name, Lessons: l.Lessons, Source: l.Source, origin: l}
	d := decode(l.Name+"/lab.yaml", fill(l.text, choose(l.Values, ofSandbox(id))), n)
	if err := d.err(); err != nil || len(n.Steps) != len(l.Steps) {
		return nil, fmt.Errorf("cannot choose the values of a sandbox of %s: %w", l.Name, err)
	}
	for i := range n.Steps {
		n.Steps[i].line = l.Steps[i].line
		for j := range n.Steps[i].Checks {
			if a := n.Steps[i].Checks[j].Answer; a != nil {
				a.Own = l.Steps[i].Checks[j].Answer.Own
			}
		}
	}
	return n, nil
}

// Origin returns the lab of which this is an instance; itself, where it is none.
func (l *Lab) Origin() *Lab {
	if l.origin != nil {
		return l.origin
	}
	return l
}
