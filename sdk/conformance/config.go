package conformance

import (
	"encoding/json"
	"maps"

	"github.com/drydock-backup/drydock/sdk/schema"
)

// noSuchAttribute is a name that no provider has.
const noSuchAttribute = "drydock_no_such_attribute"

func (s *subject) encode(config map[string]any) []byte {
	s.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		s.Fatalf("encode the configuration: %v", err)
	}
	return text
}

// refuses demands that a configuration is refused with a diagnostic at an attribute, in a process of its own.
func (s *subject) refuses(what, attribute string, config map[string]any) {
	s.Helper()
	p := s.launch()
	diags, err := p.Configure(s.Context(), s.encode(config))
	switch {
	case err != nil:
		s.Errorf("%s: the call failed (%v); want a diagnostic at %q", what, err, attribute)
		return
	case len(diags) == 0:
		s.Errorf("%s: accepted; want a diagnostic at %q", what, attribute)
		return
	}
	for _, d := range diags {
		if len(d.Path) > 0 && d.Path[0] == attribute {
			s.Logf("%s: %v", what, d)
			s.healthy(p, "after a configuration that was refused")
			return
		}
	}
	s.Errorf("%s: no diagnostic has a path that begins with %q: %v", what, attribute, diags)
}

// config returns a configuration that may be changed.
func (s *subject) config() map[string]any {
	if config := maps.Clone(s.Config(s.T)); config != nil {
		return config
	}
	return map[string]any{}
}

// changed returns the provider's configuration with one value set.
func (s *subject) changed(attribute string, value any) map[string]any {
	s.Helper()
	config := s.config()
	config[attribute] = value
	return config
}

func unknownAttribute(s *subject) {
	s.refuses("an unknown attribute", noSuchAttribute, s.changed(noSuchAttribute, "x"))
}

func wrongType(s *subject) {
	d := s.launch().Description()
	for _, a := range d.Schema.Attributes {
		s.refuses("wrong type for "+a.Name, a.Name, s.changed(a.Name, wrongValue(a)))
	}
	if len(d.Schema.Attributes) == 0 {
		s.Logf("the provider has no attributes")
	}
}

// wrongValue is a JSON value that an attribute cannot have.
func wrongValue(a schema.Attribute) any {
	switch a.Type {
	case schema.TypeInt:
		return "many"
	case schema.TypeBool:
		return "perhaps"
	case schema.TypeDuration:
		return "a while"
	case schema.TypeSize:
		return "enough"
	}
	return 42
}

func missingAttribute(s *subject) {
	required := attributes(s.launch().Description(), func(a schema.Attribute) bool { return a.Required })
	for _, a := range required {
		config := s.config()
		delete(config, a.Name)
		s.refuses("without "+a.Name, a.Name, config)
	}
	if len(required) == 0 {
		s.Logf("no attribute is required")
	}
}
