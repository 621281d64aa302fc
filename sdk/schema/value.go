package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value reports what is wrong with one JSON value at path.
func (a *Attribute) value(raw json.RawMessage, path []string) []Diagnostic {
	switch a.Type {
	case TypeString:
		return a.text(raw, path, "a string", func(s string) error { return nil })
	case TypeDuration:
		return a.text(raw, path, `a duration string such as "10m"`, func(s string) error { _, err := ParseDuration(s); return err })
	case TypeSize:
		return a.text(raw, path, `a size string such as "64MiB"`, func(s string) error { _, err := ParseSize(s); return err })
	case TypeInt:
		var n int64
		return a.scalar(raw, &n, path, "a whole number of at most 64 bits")
	case TypeBool:
		var b bool
		return a.scalar(raw, &b, path, "true or false")
	case TypeStringList:
		return a.list(raw, path)
	case TypeStringMap:
		return a.stringMap(raw, path)
	}
	return []Diagnostic{{Path: path, Summary: fmt.Sprintf("unknown attribute type %q", a.Type)}}
}

func (a *Attribute) scalar(raw json.RawMessage, into any, path []string, want string) []Diagnostic {
	if json.Unmarshal(raw, into) != nil || isNull(raw) {
		return []Diagnostic{a.mismatch(raw, path, want)}
	}
	return nil
}

// text checks a JSON string: its kind, what parse says of it, and OneOf.
func (a *Attribute) text(raw json.RawMessage, path []string, want string, parse func(string) error) []Diagnostic {
	var s string
	if diags := a.scalar(raw, &s, path, want); diags != nil {
		return diags
	}
	if err := parse(s); err != nil {
		d := Diagnostic{Path: path, Summary: fmt.Sprintf("not a valid %s", a.Type)}
		if !a.Sensitive {
			d.Detail = err.Error()
		}
		return []Diagnostic{d}
	}
	if len(a.OneOf) == 0 || slices.Contains(a.OneOf, s) {
		return nil
	}
	d := Diagnostic{Path: path, Summary: "value is not allowed", Detail: "Allowed: " + quoteAll(a.OneOf) + "."}
	if !a.Sensitive {
		d.Summary = fmt.Sprintf("%q is not allowed", s)
	}
	return []Diagnostic{d}
}

func (a *Attribute) list(raw json.RawMessage, path []string) []Diagnostic {
	var elements []json.RawMessage
	if diags := a.scalar(raw, &elements, path, "a list of strings"); diags != nil {
		return diags
	}
	var diags []Diagnostic
	for i, e := range elements {
		diags = append(diags, a.text(e, at(path, strconv.Itoa(i)), "a string", func(string) error { return nil })...)
	}
	return diags
}

func (a *Attribute) stringMap(raw json.RawMessage, path []string) []Diagnostic {
	var members map[string]json.RawMessage
	if diags := a.scalar(raw, &members, path, "a map of strings"); diags != nil {
		return diags
	}
	var diags []Diagnostic
	for _, key := range sortedKeys(members) {
		diags = append(diags, a.text(members[key], at(path, key), "a string", func(string) error { return nil })...)
	}
	return diags
}

// at returns path with one more element, never sharing memory with other results.
func at(path []string, element string) []string { return append(slices.Clone(path), element) }

func (a *Attribute) mismatch(raw json.RawMessage, path []string, want string) Diagnostic {
	d := Diagnostic{Path: path, Summary: "wrong type", Detail: fmt.Sprintf("Expected %s, got %s.", want, kindOf(raw))}
	return d
}

// kindOf names the kind of a JSON value without quoting it.
func kindOf(raw json.RawMessage) string {
	switch text := strings.TrimSpace(string(raw)); {
	case text == "" || text == "null":
		return "null"
	case text[0] == '"':
		return "a string"
	case text[0] == '[':
		return "a list"
	case text[0] == '{':
		return "a map"
	case text[0] == 't' || text[0] == 'f':
		return "a bool"
	case strings.ContainsAny(text, ".eE"):
		return "a number with a fraction or an exponent"
	}
	return "a number"
}

func quoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = strconv.Quote(s)
	}
	return strings.Join(quoted, ", ")
}

// set stores a checked JSON value in a field. Durations and sizes are strings on the wire.
func set(field reflect.Value, raw json.RawMessage) error {
	switch field.Type() {
	case reflect.TypeFor[time.Duration]():
		return setParsed(field, raw, func(s string) (int64, error) { d, err := ParseDuration(s); return int64(d), err })
	case reflect.TypeFor[Size]():
		return setParsed(field, raw, ParseSize)
	}
	if field.Kind() == reflect.String { // not through json: a named string type may have its own UnmarshalText
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		field.SetString(s)
		return nil
	}
	fresh := reflect.New(field.Type())
	if err := json.Unmarshal(raw, fresh.Interface()); err != nil {
		return fmt.Errorf("does not fit %s", field.Type())
	}
	field.Set(fresh.Elem())
	return nil
}

func setParsed(field reflect.Value, raw json.RawMessage, parse func(string) (int64, error)) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	n, err := parse(s)
	if err != nil {
		return err
	}
	field.SetInt(n)
	return nil
}
