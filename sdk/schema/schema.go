package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Type is the type of an attribute, named as documentation and diagnostics name it.
type Type string

// The types. On the wire a duration and a size are JSON strings; the others are JSON values of their kind.
const (
	TypeString     Type = "string"
	TypeInt        Type = "int" // fits 64 bits
	TypeBool       Type = "bool"
	TypeDuration   Type = "duration" // see ParseDuration
	TypeSize       Type = "size"     // see ParseSize
	TypeStringList Type = "list(string)"
	TypeStringMap  Type = "map(string)"
)

// Types lists every type.
func Types() []Type {
	return []Type{TypeString, TypeInt, TypeBool, TypeDuration, TypeSize, TypeStringList, TypeStringMap}
}

// Attribute is one name that a configuration may set.
type Attribute struct {
	Name      string          `json:"name"` // lower case letters, digits and underscores
	Type      Type            `json:"type"`
	Required  bool            `json:"required,omitempty"`
	Default   json.RawMessage `json:"default,omitempty"`   // nil: none; else a value of Type
	Sensitive bool            `json:"sensitive,omitempty"` // never to be shown
	OneOf     []string        `json:"one_of,omitempty"`    // the values allowed; for a list, of each element
	Doc       string          `json:"doc,omitempty"`       // one or more sentences
	Example   string          `json:"example,omitempty"`   // a value as a person would think of it, without quotes
}

// Schema is the attributes of a provider's configuration in the order of its struct. It is read-only once made, so any
// number of goroutines may use it. A nil Schema has no attributes.
type Schema struct {
	Attributes []Attribute `json:"attributes"`
}

// Attribute returns the attribute of a name, or nil.
func (s *Schema) Attribute(name string) *Attribute {
	if s == nil {
		return nil
	}
	for i := range s.Attributes {
		if s.Attributes[i].Name == name {
			return &s.Attributes[i]
		}
	}
	return nil
}

// Names returns the names of all attributes, sorted.
func (s *Schema) Names() []string {
	if s == nil {
		return nil
	}
	names := make([]string, 0, len(s.Attributes))
	for _, a := range s.Attributes {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return names
}

// Check reports what is wrong with the schema itself: bad or repeated names, unknown types, a default that is no value
// of its type or is not among OneOf, a required attribute with a default. A schema that came from [Of] is always sound;
// one that came from another process need not be.
func (s *Schema) Check() error {
	seen := map[string]bool{}
	for i := range s.Attributes {
		a := &s.Attributes[i]
		if err := a.check(); err != nil {
			return fmt.Errorf("attribute %q: %w", a.Name, err)
		}
		if seen[a.Name] {
			return fmt.Errorf("attribute %q: named twice", a.Name)
		}
		seen[a.Name] = true
	}
	return nil
}

func (a *Attribute) check() error {
	switch {
	case !validName(a.Name):
		return fmt.Errorf("a name is a lower case letter followed by lower case letters, digits or underscores")
	case !slices.Contains(Types(), a.Type):
		return fmt.Errorf("unknown type %q", a.Type)
	case len(a.OneOf) > 0 && a.Type != TypeString && a.Type != TypeStringList:
		return fmt.Errorf("one-of does not go with type %s", a.Type)
	case a.Default == nil:
		return nil
	case a.Required:
		return fmt.Errorf("required, so it cannot have a default")
	}
	if diags := a.value(a.Default, nil); len(diags) > 0 {
		return fmt.Errorf("default: %w", diags[0])
	}
	return nil
}

func validName(name string) bool {
	const lower, more = "abcdefghijklmnopqrstuvwxyz", "0123456789_"
	return name != "" && strings.Contains(lower, name[:1]) && strings.Trim(name, lower+more) == ""
}

// UnknownProviderError says that a configuration names a provider that does not exist.
type UnknownProviderError struct {
	Kind  string   // storage, compress or notify
	Name  string   // the name that is not known
	Known []string // the names that are, sorted
}

// Error returns a message that lists the known names.
func (e *UnknownProviderError) Error() string {
	return fmt.Sprintf("unknown %s provider %q (known: %s)", e.Kind, e.Name, strings.Join(e.Known, ", "))
}
