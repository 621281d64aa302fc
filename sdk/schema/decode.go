package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Decode checks a configuration and sets the fields of dst, a pointer to the struct that the schema was made of.
// Config is a JSON object; empty means {}. An attribute that is absent or null gets its default. All mistakes are
// reported, not just the first: unknown names, missing ones, wrong types, values that are not among OneOf. Fields that
// have a mistake keep their value. No diagnostic quotes the value of a sensitive attribute.
func (s *Schema) Decode(config []byte, dst any) []Diagnostic {
	values, diags := s.resolve(config)
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return append(diags, Diagnostic{Summary: fmt.Sprintf("provider decodes into %T, which is no struct pointer", dst)})
	}
	target = target.Elem()
	for _, f := range fieldsOf(target.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("hcl"), ",")
		raw, ok := values[name]
		if !ok {
			continue
		}
		if err := set(target.FieldByIndex(f.Index), raw); err != nil {
			diags = append(diags, Diagnostic{Path: []string{name}, Summary: "cannot be decoded", Detail: err.Error()})
		}
	}
	return diags
}

// Validate reports what Decode would, for callers that do not have the struct.
func (s *Schema) Validate(config []byte) []Diagnostic {
	_, diags := s.resolve(config)
	return diags
}

// resolve returns the sound values by name, defaults filled in, and what is wrong with the rest.
func (s *Schema) resolve(config []byte) (map[string]json.RawMessage, []Diagnostic) {
	given, diag := object(config)
	if diag != nil {
		return nil, []Diagnostic{*diag}
	}
	var diags []Diagnostic
	values := map[string]json.RawMessage{}
	for _, name := range sortedKeys(given) {
		if s.Attribute(name) == nil {
			diags = append(diags, s.unknown(name))
		}
	}
	if s == nil {
		return values, diags
	}
	for i := range s.Attributes {
		a := &s.Attributes[i]
		raw := given[a.Name]
		switch {
		case !isNull(raw):
			wrong := a.value(raw, []string{a.Name})
			if len(wrong) == 0 {
				values[a.Name] = raw
			}
			diags = append(diags, wrong...)
		case a.Required:
			diags = append(diags, a.missing())
		case a.Default != nil:
			values[a.Name] = a.Default
		}
	}
	return values, diags
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null"
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// object splits a JSON object into its members. The cause of a syntax error is left out: it could quote a secret.
func object(config []byte) (map[string]json.RawMessage, *Diagnostic) {
	if len(bytes.TrimSpace(config)) == 0 {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(config, &members); err != nil {
		return nil, &Diagnostic{Summary: "configuration is not a JSON object"}
	}
	return members, nil
}

func (a *Attribute) missing() Diagnostic {
	d := Diagnostic{Path: []string{a.Name}, Summary: fmt.Sprintf("missing attribute %q", a.Name), Detail: a.Doc}
	if a.Example != "" {
		d.Detail = strings.TrimSpace(d.Detail + fmt.Sprintf(" Example: %q.", a.Example))
	}
	return d
}

func (s *Schema) unknown(name string) Diagnostic {
	d := Diagnostic{Path: []string{name}, Summary: fmt.Sprintf("unknown attribute %q", name)}
	known := s.Names()
	if near := nearest(name, known); near != "" {
		d.Detail = fmt.Sprintf("Did you mean %q?", near)
	} else if len(known) > 0 {
		d.Detail = "Known attributes: " + strings.Join(known, ", ") + "."
	} else {
		d.Detail = "This provider has no attributes."
	}
	return d
}
