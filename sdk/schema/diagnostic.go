package schema

import (
	"errors"
	"strings"
)

// Diagnostic is one thing that is wrong with a configuration, and where.
type Diagnostic struct {
	Path    []string `json:"path,omitempty"` // attribute name, then the index or key inside it; empty: the whole block
	Summary string   `json:"summary"`        // short, lower case, no value of a sensitive attribute
	Detail  string   `json:"detail,omitempty"`
}

// Error returns "path: summary: detail", so that a Diagnostic can serve as an error.
func (d Diagnostic) Error() string {
	var parts []string
	if len(d.Path) > 0 {
		parts = append(parts, strings.Join(d.Path, "."))
	}
	parts = append(parts, d.Summary)
	if d.Detail != "" {
		parts = append(parts, d.Detail)
	}
	return strings.Join(parts, ": ")
}

// InvalidError is an error that carries diagnostics: what a provider's own checks found. Most providers make it with
// [Invalid]; one that wants to point at a list element or a map key fills Path with more than one element.
type InvalidError struct {
	Diagnostics []Diagnostic
}

// Error returns the diagnostics, one after the other.
func (e *InvalidError) Error() string {
	texts := make([]string, 0, len(e.Diagnostics))
	for _, d := range e.Diagnostics {
		texts = append(texts, d.Error())
	}
	return strings.Join(texts, "; ")
}

// Invalid returns an error that becomes a diagnostic at the attribute of the given name. An empty name means the whole
// block. Several of them can be put together with errors.Join.
//
//	return nil, schema.Invalid("bucket", "bucket name must not contain dots", "TLS certificates do not match such names")
func Invalid(attribute, summary, detail string) error {
	d := Diagnostic{Summary: summary, Detail: detail}
	if attribute != "" {
		d.Path = []string{attribute}
	}
	return &InvalidError{Diagnostics: []Diagnostic{d}}
}

// Diagnostics takes an error of a provider's open function apart. All InvalidErrors in its tree become diagnostics; if
// there are none, err itself is returned as rest.
func Diagnostics(err error) (diags []Diagnostic, rest error) {
	diags = collect(err, nil)
	if len(diags) == 0 {
		return nil, err
	}
	return diags, nil
}

func collect(err error, diags []Diagnostic) []Diagnostic {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			diags = collect(e, diags)
		}
		return diags
	}
	var invalid *InvalidError
	if errors.As(err, &invalid) {
		diags = append(diags, invalid.Diagnostics...)
	}
	return diags
}
