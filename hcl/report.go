package hcl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// report collects the diagnostics of one load. It is used by one goroutine.
type report struct {
	language language
	sources  map[string]*source
	masks    map[string][]hcllib.Range // literals of sensitive attributes, by file name
	list     Diagnostics
}

func newReport(l language) *report {
	return &report{language: l, sources: map[string]*source{}, masks: map[string][]hcllib.Range{}}
}

// file reports an error about a file as a whole.
func (r *report) file(name, summary, detail string) {
	r.list = append(r.list, Diagnostic{File: name, Severity: SeverityError, Summary: summary, Detail: detail})
}

// err reports an error about a range of a file.
func (r *report) err(at hcllib.Range, summary, detail string) {
	r.add(SeverityError, at, summary, detail)
}

// warn reports a warning about a range of a file.
func (r *report) warn(at hcllib.Range, summary, detail string) {
	r.add(SeverityWarning, at, summary, detail)
}

func (r *report) add(s Severity, at hcllib.Range, summary, detail string) {
	r.list = append(r.list, Diagnostic{
		File: at.Filename, Line: at.Start.Line, Column: at.Start.Column, EndLine: at.End.Line, EndColumn: at.End.Column,
		Severity: s, Summary: summary, Detail: detail,
	})
}

// errors counts the errors so far; a caller that compares two counts learns whether its own part was clean.
func (r *report) errors() int { return r.list.errors() }

// mask hides the literals of a sensitive expression from quoted source lines. The arguments of functions stay
// visible: file("/etc/pass") names a place, not a secret.
func (r *report) mask(expr hclsyntax.Expression) {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		r.mask(e.Expression)
	case *hclsyntax.TupleConsExpr:
		for _, part := range e.Exprs {
			r.mask(part)
		}
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			r.mask(item.ValueExpr)
		}
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			r.mask(part)
		}
	case *hclsyntax.TemplateWrapExpr:
		r.mask(e.Wrapped)
	case *hclsyntax.FunctionCallExpr:
		for _, arg := range e.Args {
			if !slices.Contains(readsOutside(), e.Name) {
				r.mask(arg)
			}
		}
	default:
		at := expr.Range()
		r.masks[at.Filename] = append(r.masks[at.Filename], at)
	}
}

// maskBody hides what sounds secret anywhere in a body. Attributes that are secret without sounding so are masked when
// the schema of their block is known.
func (r *report) maskBody(body *hclsyntax.Body) {
	for name, attr := range body.Attributes {
		if sensitiveName(name) {
			r.mask(attr.Expr)
			continue
		}
		_ = hclsyntax.VisitAll(attr.Expr, func(node hclsyntax.Node) hcllib.Diagnostics {
			if object, ok := node.(*hclsyntax.ObjectConsExpr); ok {
				r.maskItems(object)
			}
			return nil
		})
	}
	for _, b := range body.Blocks {
		r.maskBody(b.Body)
	}
}

func (r *report) maskItems(object *hclsyntax.ObjectConsExpr) {
	for _, item := range object.Items {
		if sensitiveName(literalKey(item.KeyExpr)) {
			r.mask(item.ValueExpr)
		}
	}
}

// done sorts the diagnostics and gives each its source line.
func (r *report) done() Diagnostics {
	for i, d := range r.list {
		if src := r.sources[d.File]; src != nil && d.Line > 0 && d.Source == "" {
			r.list[i].Source = src.line(d.Line, r.masks[d.File])
		}
	}
	return r.list.sorted()
}

// place is how one diagnostic names another place in a job file.
func place(at hcllib.Range) string { return fmt.Sprintf("%s:%d", at.Filename, at.Start.Line) }

// sensitiveName matches attributes that are secret by their name, for places where no schema tells: misspelt
// attributes and lines that could not be parsed.
func sensitiveName(name string) bool {
	lower := strings.ToLower(name)
	for _, word := range []string{"pass", "pwd", "secret", "token", "credential", "private", "api_key", "apikey", "access_key"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// assignment finds `name = value` in a line; the groups are the name and where the value starts.
func assignment() *regexp.Regexp { return regexp.MustCompile(`([A-Za-z0-9_-]+)"?\s*[=:]\s*(\S)`) }
