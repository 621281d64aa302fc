package hcl

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Severity says whether a file can be used in spite of a diagnostic.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // the file is refused
	SeverityWarning Severity = "warning" // the file is accepted
)

// Diagnostic is one mistake in a job file. Its JSON form is stable: fields may be added, none changes its meaning.
//
// Lines and columns count from 1; a column counts characters as a person sees them, not bytes. EndLine and EndColumn
// name the first character after the range. They are all 0 when the diagnostic is about a file as a whole.
type Diagnostic struct {
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Column    int      `json:"column"`
	EndLine   int      `json:"end_line"`
	EndColumn int      `json:"end_column"`
	Severity  Severity `json:"severity"`
	Summary   string   `json:"summary"` // what is wrong, in a few words
	Detail    string   `json:"detail"`  // why, and what would be right; may be empty
	Source    string   `json:"source"`  // the line that the range starts on, secrets starred out; may be empty
}

// Diagnostics is what a load found, ordered by file and position.
type Diagnostics []Diagnostic

// HasErrors reports whether any diagnostic is an error, so that the files must not be used.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == SeverityError })
}

// MarshalJSON gives one array, which is empty rather than null when there are no diagnostics.
func (ds Diagnostics) MarshalJSON() ([]byte, error) {
	if ds == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]Diagnostic(ds))
}

// Error makes a summary of the diagnostics in one line, so that they can travel as an error.
func (ds Diagnostics) Error() string {
	for _, d := range ds {
		if d.Severity != SeverityError {
			continue
		}
		if more := ds.errors() - 1; more > 0 {
			return fmt.Sprintf("%s: %s (and %d more)", d.position(), d.Summary, more)
		}
		return d.position() + ": " + d.Summary
	}
	return "no errors"
}

func (ds Diagnostics) errors() int {
	n := 0
	for _, d := range ds {
		if d.Severity == SeverityError {
			n++
		}
	}
	return n
}

// position is "file:line:column", or the file alone.
func (d Diagnostic) position() string {
	if d.Line == 0 {
		return d.File
	}
	return fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
}

// sorted orders by position and drops repetitions.
func (ds Diagnostics) sorted() Diagnostics {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
		)
	})
	return slices.Compact(ds)
}
