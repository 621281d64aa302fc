package config

import (
	"fmt"
	"math"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/drydock-backup/drydock/sdk/schema"
)

// decoder collects what is wrong.
type decoder struct{ diags hcl.Diagnostics }

func (d *decoder) wrong(at hcl.Range, summary, detail string, args ...any) {
	d.diags = append(d.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at,
	})
}

// section is the attributes of one block.
type section struct {
	d     *decoder
	label string
	at    hcl.Range
	attrs hcl.Attributes
}

// value returns the value of an attribute, converted to nothing. It is cty.NilVal when the attribute is not there, or has
// a mistake, which is reported.
func (s *section) value(name string, want cty.Type, what string) (cty.Value, hcl.Range) {
	attr := s.attrs[name]
	if attr == nil {
		return cty.NilVal, s.at
	}
	at := attr.Expr.Range()
	v, diags := attr.Expr.Value(nil)
	s.d.diags = append(s.d.diags, diags...)
	switch {
	case diags.HasErrors():
		return cty.NilVal, at
	case v.IsNull() || !v.IsWhollyKnown() || !v.Type().Equals(want):
		s.d.wrong(at, "Wrong type", "%s is %s.", name, what)
		return cty.NilVal, at
	}
	return v, at
}

func (s *section) text(name, what string) (string, hcl.Range) {
	v, at := s.value(name, cty.String, what)
	if v == cty.NilVal {
		return "", at
	}
	return v.AsString(), at
}

// path reads an absolute path.
func (s *section) path(name string) string {
	text, at := s.text(name, "a path in quotes")
	if s.attrs[name] == nil {
		return ""
	}
	if text != "" && (!filepath.IsAbs(text) || strings.ContainsRune(text, 0)) {
		s.d.wrong(at, "Path is not absolute", "%s: write the whole path from the root, not %q.", name, text)
	} else if text == "" && !s.d.diags.HasErrors() {
		s.d.wrong(at, "Empty path", "%s: write the whole path from the root.", name)
	}
	return filepath.Clean(text)
}

func (s *section) oneOf(name, otherwise string, allowed ...string) string {
	text, at := s.text(name, "one of "+strings.Join(allowed, ", ")+", in quotes")
	if s.attrs[name] == nil || slices.Contains(allowed, text) {
		if text == "" {
			return otherwise
		}
		return text
	}
	s.d.wrong(at, "Unknown value", "%s is one of %s.", name, strings.Join(allowed, ", "))
	return otherwise
}

func (s *section) flag(name string, otherwise bool) bool {
	v, _ := s.value(name, cty.Bool, "true or false, without quotes")
	if v == cty.NilVal {
		return otherwise
	}
	return v.True()
}

func (s *section) number(name string, otherwise, most int) int {
	v, at := s.value(name, cty.Number, "a number, without quotes")
	if v == cty.NilVal {
		return otherwise
	}
	n, exact := v.AsBigFloat().Int64()
	if exact != 0 || n < 1 || n > int64(most) {
		s.d.wrong(at, "Number out of range", "%s is a whole number from 1 to %d.", name, most)
	}
	return int(n)
}

func (s *section) size(name string, otherwise, least int64) int64 {
	text, at := s.text(name, `a size in quotes, such as "64MiB"`)
	if s.attrs[name] == nil || text == "" && s.d.diags.HasErrors() {
		return otherwise
	}
	n, err := schema.ParseSize(text)
	switch {
	case err != nil:
		s.d.wrong(at, "Not a size", "%s: %v.", name, err)
	case n < least:
		s.d.wrong(at, "Size out of range", "%s is at least %s.", name, schema.FormatSize(least))
	}
	return n
}

func (s *section) duration(name string, otherwise, least, most time.Duration) time.Duration {
	text, at := s.text(name, `a duration in quotes, such as "7d"`)
	if s.attrs[name] == nil || text == "" && s.d.diags.HasErrors() {
		return otherwise
	}
	n, err := schema.ParseDuration(text)
	switch {
	case err != nil:
		s.d.wrong(at, "Not a duration", "%s: %v.", name, err)
	case n < least || n > most:
		s.d.wrong(at, "Duration out of range", "%s is %s to %s.", name, least, most)
	}
	return n
}

// address reads HOST:PORT.
func (s *section) address(name string) string {
	text, at := s.text(name, `an address in quotes, such as "127.0.0.1:7442"`)
	if s.attrs[name] != nil && !s.d.diags.HasErrors() {
		s.d.checkAddress(text, at)
	}
	return text
}

// addresses reads a list of HOST:PORT.
func (s *section) addresses(name string) []string {
	attr := s.attrs[name]
	if attr == nil {
		return nil
	}
	items, diags := hcl.ExprList(attr.Expr)
	if diags.HasErrors() {
		s.d.wrong(attr.Expr.Range(), "Wrong type", `%s is a list of addresses, such as ["0.0.0.0:7441", "[::]:7441"].`, name)
		return nil
	}
	var all []string
	for _, item := range items {
		v, diags := item.Value(nil)
		s.d.diags = append(s.d.diags, diags...)
		switch {
		case diags.HasErrors():
			continue
		case v.IsNull() || !v.Type().Equals(cty.String):
			s.d.wrong(item.Range(), "Wrong type", `an address is a text in quotes, such as "0.0.0.0:7441".`)
			continue
		case slices.Contains(all, v.AsString()):
			s.d.wrong(item.Range(), "Address twice", "%s is in the list already.", v.AsString())
		}
		s.d.checkAddress(v.AsString(), item.Range())
		all = append(all, v.AsString())
	}
	return all
}

func (d *decoder) checkAddress(text string, at hcl.Range) {
	host, port, err := net.SplitHostPort(text)
	n, errPort := strconv.ParseUint(port, 10, 32)
	if err != nil || errPort != nil || n > math.MaxUint16 || strings.ContainsAny(host, "/ ") {
		d.wrong(at, "Not an address", `%q is not HOST:PORT, such as "0.0.0.0:7441" or "[::]:7441".`, text)
	}
}
