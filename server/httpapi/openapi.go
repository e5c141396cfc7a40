package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/netground/netground/server/auth"
	"github.com/netground/netground/server/observe"
	"github.com/netground/netground/server/session"
)

// object is a JSON object; encoding/json writes it in the order of its keys.
type object = map[string]any

var parameter = regexp.MustCompile(`:([a-z]+)`)

// describe makes the OpenAPI document of the table.
func (a *API) describe() (*document, error) {
	schemas, err := componentSchemas()
	if err != nil {
		return nil, err
	}
	paths := object{}
	for i := range a.routes {
		r := &a.routes[i]
		if r.Page {
			continue
		}
		path := parameter.ReplaceAllString(r.Path, "{$1}")
		item, _ := paths[path].(object)
		if item == nil {
			item = object{}
			paths[path] = item
		}
		operation, err := r.describe()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
		}
		item[strings.ToLower(r.Method)] = operation
	}
	b, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Netground", "version": a.o.Version,
			"description": "Learners are known by a cookie, which POST /api/sessions gives. Unsafe methods need the Origin of this server. Errors are application/problem+json in the caller's language.",
		},
		"paths": paths,
		"components": object{
			"schemas":         schemas,
			"securitySchemes": object{"learner": object{"type": "apiKey", "in": "cookie", "name": auth.CookieName}},
		},
	}, "", "\t")
	if err != nil {
		return nil, err
	}
	return newDocument(b), nil
}

func (r *route) describe() (object, error) {
	parameters := []object{{"name": "lang", "in": "query", "description": "the language of texts; else Accept-Language says it", "schema": object{"enum": []string{"ko", "en"}}}}
	for _, m := range parameter.FindAllStringSubmatch(r.Path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	if strings.HasSuffix(r.Path, "/ws") {
		parameters = append(parameters,
			object{"name": "viewer", "in": "query", "required": true, "description": "an id of the page's terminal, kept over reloads", "schema": object{"type": "string", "maxLength": 64}},
			object{"name": "offset", "in": "query", "description": "the next byte of output that the page wants", "schema": object{"type": "integer"}})
	}
	responses := object{"default": object{
		"description": "a problem", "content": object{"application/problem+json": object{"schema": ref("Problem")}},
	}}
	for _, status := range r.Status {
		response := object{"description": r.Summary}
		media := r.Media
		if media == "" {
			media = "application/json"
		}
		switch {
		case r.Response != nil:
			s, err := schemaFor(reflect.TypeOf(r.Response))
			if err != nil {
				return nil, err
			}
			response["content"] = object{media: object{"schema": s}}
		case r.Media != "":
			response["content"] = object{media: object{"schema": object{"type": "string"}}}
		}
		responses[strconv.Itoa(status)] = response
	}
	operation := object{"operationId": r.operation(), "summary": r.Summary, "parameters": parameters, "responses": responses, "x-access": string(r.Access)}
	if r.Access == learner || r.SameSite {
		operation["security"] = []object{{"learner": []string{}}}
	}
	if r.Request != nil {
		s, err := schemaFor(reflect.TypeOf(r.Request).Elem())
		if err != nil {
			return nil, err
		}
		operation["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s}}}
	}
	return operation, nil
}

// operation names the route: postSessionsSessionReset.
func (r *route) operation() string {
	name := strings.ToLower(r.Method)
	for word := range strings.FieldsFuncSeq(strings.TrimPrefix(r.Path, "/api"), func(c rune) bool { return strings.ContainsRune("/:.-", c) }) {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name
}

func ref(name string) *jsonschema.Schema {
	return &jsonschema.Schema{Ref: "#/components/schemas/" + name}
}

// components are the types that the document names.
func components() map[string]reflect.Type {
	return map[string]reflect.Type{
		"Problem": reflect.TypeFor[Problem](), "Course": reflect.TypeFor[Course](), "Lab": reflect.TypeFor[Lab](), "Playground": reflect.TypeFor[Playground](), "TopologyCheck": reflect.TypeFor[TopologyCheck](), "Topology": reflect.TypeFor[Topology](),
		"Session": reflect.TypeFor[session.Session](), "HostState": reflect.TypeFor[session.HostState](), "Terminal": reflect.TypeFor[session.Terminal](),
		"StepState": reflect.TypeFor[session.StepState](), "CheckState": reflect.TypeFor[session.CheckState](),
		"Progress": reflect.TypeFor[session.Progress](), "Notice": reflect.TypeFor[session.Notice](), "NetworkState": reflect.TypeFor[observe.State](),
	}
}

// schemaFor returns the schema of a type, which names other components.
func schemaFor(t reflect.Type) (*jsonschema.Schema, error) {
	return jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: named("")})
}

// named are the schemas of types that are not looked into, without one of them.
func named(but string) map[reflect.Type]*jsonschema.Schema {
	known := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[netip.Addr]():   {Type: "string", Description: "an IP address"},
		reflect.TypeFor[netip.Prefix](): {Type: "string", Description: "an IP address or network with its prefix length"},
	}
	for name, t := range components() {
		if name != but {
			known[t] = ref(name)
		}
	}
	return known
}

func componentSchemas() (object, error) {
	schemas, all := object{}, components()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s, err := jsonschema.ForType(all[name], &jsonschema.ForOptions{TypeSchemas: named(name)})
		if err != nil {
			return nil, fmt.Errorf("cannot describe %s: %w", name, err)
		}
		schemas[name] = s
	}
	return schemas, nil
}
