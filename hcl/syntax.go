package hcl

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Titles of the parser's diagnostics that we treat in a way of their own.
const (
	titleTwice     = "Attribute redefined"
	titleExpected  = "Argument or block definition required"
	titleMultiline = "Invalid multi-line string"
	titleOneLine   = "Invalid single-argument block definition"
	titleNewline   = "Missing newline after argument"
	titleEscape    = "Invalid escape sequence"
)

// parse turns a source into its syntax tree. It reports the syntax errors and returns nil when the tree cannot be
// trusted. A name that is set twice is no reason to stop: everything else in the file is still checked.
func parse(src *source, r *report) *hclsyntax.Body {
	if !checkLimits(src, r) {
		return nil
	}
	file, diags := hclsyntax.ParseConfig(src.data, src.name, hcllib.InitialPos)
	for _, d := range diags {
		src.broken = src.broken || d.Summary != titleTwice
	}
	var last hcllib.Pos
	for _, d := range diags {
		if d.Subject != nil && d.Subject.Start == last {
			continue // what follows at the same place is a consequence
		}
		if d.Subject != nil {
			last = d.Subject.Start
		}
		reportSyntax(src, d, r)
		if d.Summary == titleMultiline {
			break // without its end, the rest of the file is taken for text: what follows is noise
		}
	}
	if src.broken || file == nil {
		return nil
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	return body
}

// reportSyntax passes on what the parser found, in our words where they help more.
func reportSyntax(src *source, d *hcllib.Diagnostic, r *report) {
	at := hcllib.Range{Filename: src.name, Start: hcllib.InitialPos, End: hcllib.InitialPos}
	if d.Subject != nil {
		at = *d.Subject
	}
	hint, hintAt := unquotedHint(src, at)
	switch {
	case d.Summary == titleTwice:
		r.err(at, "attribute is set twice", twiceDetail(d.Detail))
	case d.Summary == titleMultiline:
		r.err(at, "text without its closing quote", `Text ends with a double quote (") on the line that it begins on.`)
	case d.Summary == titleExpected:
		r.err(at, "attribute or block expected", expectedDetail(src, at, r.language))
	case hint != "":
		r.err(hintAt, "value without quotes", hint)
	case d.Summary == titleOneLine:
		r.err(at, "one-line block with more than one attribute",
			"A block on one line holds one attribute. Write it on several lines, each attribute on a line of its own.")
	case d.Summary == titleNewline:
		r.err(at, "attribute is not at its end", "An attribute ends with its line; what comes next goes on a line of its own.")
	case d.Summary == titleEscape:
		r.err(at, "invalid escape sequence", `A backslash is written \\; other escapes are \n, \t, \" and \uNNNN.`)
	default:
		r.err(at, lowerFirst(d.Summary), d.Detail)
	}
}

// twiceDetail takes the line of the first setting out of the parser's text.
func twiceDetail(detail string) string {
	const rule = "An attribute can be set once in a block."
	if m := regexp.MustCompile(`already set at .*:(\d+),\d+`).FindStringSubmatch(detail); m != nil {
		return fmt.Sprintf("It was set on line %s already. %s Remove one of the two.", m[1], rule)
	}
	return rule + " Remove one of the two."
}

// expectedDetail recognises what people write in place of HCL.
func expectedDetail(src *source, at hcllib.Range, l language) string {
	written := fmt.Sprintf("%ss are written in HCL:\n    %s", upperFirst(l.noun), l.example)
	line := src.line(at.Start.Line, nil)
	const rule = "Here goes either an attribute (name = value) or a block (name { ... })."
	colon := regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_-]*)\s*:`).FindStringSubmatch(line)
	switch {
	case colon != nil:
		return fmt.Sprintf("An attribute is set with an equals sign, not with a colon: %s = ...", colon[1])
	case at.Start.Byte == 0 && src.data[0] == '{':
		return "This looks like JSON. " + written
	case at.Start.Byte == 0 && src.data[0] == '[':
		return "This looks like an option file of MySQL. " + written
	}
	return rule
}

// unquotedHint recognises values that need quotes and were given none, on the line of a syntax error.
func unquotedHint(src *source, at hcllib.Range) (string, hcllib.Range) {
	line := src.line(at.Start.Line, nil)
	for pattern, hint := range map[string]string{
		`=\s*([0-9][0-9.]*\s?[A-Za-z]+)\s*(?:#.*)?$`: "Durations and sizes are written in quotes: %q.",
		`=\s*(/[^\s"]*)\s*(?:#.*)?$`:                 "Text is written in quotes: %q.",
	} {
		m := regexp.MustCompile(pattern).FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		text := line[m[2]:m[3]]
		at.Start.Column = 1 + utf8.RuneCountInString(line[:m[2]])
		at.End.Line, at.End.Column = at.Start.Line, at.Start.Column+utf8.RuneCountInString(text)
		return fmt.Sprintf(hint, text), at
	}
	return "", at
}
