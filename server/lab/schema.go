package lab

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON Schema (2020-12) of lab.yaml, made from the same
// types that parse it, for editors that complete and check as one types.
func Schema() ([]byte, error) {
	s := schemaOf(reflect.TypeFor[Lab]())
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "Netground lab"
	s.Required = []string{"title", "minutes", "topology", "steps"}
	return json.MarshalIndent(s, "", "  ")
}

func schemaOf(t reflect.Type) *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string"}
	word := &jsonschema.Schema{Types: []string{"string", "number", "boolean"}} // YAML reads 1 as a number
	switch t {
	case reflect.TypeFor[Text]():
		s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}, Required: Languages, AdditionalProperties: never()}
		for _, l := range Languages {
			s.Properties[l] = text
		}
		return s
	case reflect.TypeFor[Link]():
		return &jsonschema.Schema{Type: "array", Items: text, MinItems: new(2), MaxItems: new(2), Description: "two ends: a host's device as A:eth0, or a switch by its name"}
	case reflect.TypeFor[Script]():
		line := &jsonschema.Schema{AnyOf: []*jsonschema.Schema{word, {Type: "array", Items: word}, {Type: "object"}}}
		turn := &jsonschema.Schema{Type: "object", AdditionalProperties: line}
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{turn, {Type: "array", Items: turn}}, Description: "host: command, or a list of those where hosts take turns"}
	case reflect.TypeFor[netip.Addr](), reflect.TypeFor[netip.Prefix]():
		return text
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.String:
		return word
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int:
		return &jsonschema.Schema{Type: "integer"}
	case reflect.Float64:
		return &jsonschema.Schema{Type: "number", Minimum: new(-float64(maxGrid)), Maximum: new(float64(maxGrid))}
	case reflect.Array:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(t.Elem()), MinItems: new(t.Len()), MaxItems: new(t.Len())}
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(t.Elem())}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: schemaOf(t.Elem())}
	}
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: never()}
	addFields(s, t)
	if t == reflect.TypeFor[Check]() {
		for _, k := range checkKinds() {
			s.OneOf = append(s.OneOf, &jsonschema.Schema{Required: []string{k}})
		}
	}
	return s
}

func addFields(s *jsonschema.Schema, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			addFields(s, f.Type)
		case tag == "" || tag == "-":
		default:
			s.Properties[tag] = bounded(t.Name()+"."+tag, schemaOf(f.Type))
			if options != "omitempty" && !slices.Contains([]string{"fails"}, tag) {
				s.Required = append(s.Required, tag)
			}
		}
	}
}

// bounded adds to a field's schema what validate holds it to.
func bounded(field string, s *jsonschema.Schema) *jsonschema.Schema {
	one := func(values ...any) { s.Enum = values }
	between := func(least, most float64) { s.Minimum, s.Maximum = &least, &most }
	switch field {
	case "Host.kind":
		one("host", "router", "server")
	case "LinkCheck.state":
		one("up", "down")
	case "ReachCheck.proto":
		one("icmp", "tcp", "http")
	case "ListensCheck.proto":
		one("tcp", "udp")
	case "ResolvesCheck.type":
		for _, t := range recordTypes {
			s.Enum = append(s.Enum, t)
		}
	case "ResolvesCheck.by":
		one("files", "dns")
	case "AnswerSource.fact":
		one("mac", "ifindex", "mtu", "address", "peer-ifindex")
	case "Lab.minutes":
		between(1, 240)
	case "Lab.memory":
		between(65, 64<<10)
	case "ReachCheck.port", "ListensCheck.port":
		between(1, 65535)
		s = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "string", Pattern: `^\$\{\{.*\}\}$`}}} // one of the lab's values
	case "Value.word":
		between(4, 12)
	case "Value.number":
		s.MinItems, s.MaxItems = new(2), new(2)
	case "Lab.faults":
		s.MaxItems = new(maxFaults)
	case "Fault.checks":
		s.MinItems, s.MaxItems = new(1), new(maxChecks)
	case "Lab.steps":
		s.MinItems, s.MaxItems = new(1), new(maxSteps)
	case "Step.checks":
		s.MaxItems = new(maxChecks)
	case "Host.start", "Host.routes":
		s.MaxItems = new(maxTexts)
	case "Topology.links":
		s.MaxItems = new(maxLinks)
	}
	return s
}

// never allows nothing.
func never() *jsonschema.Schema { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }
