package hcl

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteText prints the diagnostics for people: what is wrong, where, the source line with the exact range underlined,
// and what would be right. Details are wrapped at width columns and long source lines are cut around the range;
// a width of 0 does neither. Control characters of the file are not passed on to the terminal.
func (ds Diagnostics) WriteText(w io.Writer, color bool, width int) error {
	for i, d := range ds {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, d.text(palette{on: color}, width)); err != nil {
			return err
		}
	}
	return nil
}

// palette wraps text in terminal colours, if they are on.
type palette struct{ on bool }

func (p palette) paint(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p palette) severity(s Severity, text string) string {
	if s == SeverityWarning {
		return p.paint("1;33", text)
	}
	return p.paint("1;31", text)
}

func (d Diagnostic) text(p palette, width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", p.severity(d.Severity, string(d.Severity)), p.paint("1", printable(d.Summary)))
	gutter := strings.Repeat(" ", len(fmt.Sprint(d.Line)))
	fmt.Fprintf(&b, "%s%s %s\n", gutter, p.paint("34", "-->"), printable(d.position()))
	if d.Line > 0 {
		line, underline := d.excerpt(width - len(gutter) - 3)
		start := strings.IndexByte(underline, '^')
		bar := p.paint("34", "|")
		fmt.Fprintf(&b, "%s %s\n", gutter, bar)
		fmt.Fprintf(&b, "%s %s %s\n", p.paint("34", fmt.Sprint(d.Line)), bar, line)
		fmt.Fprintf(&b, "%s %s %s\n", gutter, bar, underline[:start]+p.severity(d.Severity, underline[start:]))
	}
	for _, line := range wrap(printable(d.Detail), width-2) {
		b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
	}
	return b.String()
}

// excerpt returns the source line, cut to width around the range, and the line of carets below it.
func (d Diagnostic) excerpt(width int) (line, underline string) {
	runes := []rune(printable(d.Source))
	from := min(max(d.Column-1, 0), len(runes))
	to := len(runes)
	if d.EndLine == d.Line {
		to = min(d.EndColumn-1, len(runes))
	}
	to = max(to, from+1) // a range without characters, such as the end of a line, still gets its caret
	if width >= 20 && max(len(runes), to) > width {
		runes, from, to = cut(runes, from, to, width)
	}
	// The line was printed with one column for each character, so spaces align.
	return strings.TrimRight(string(runes), " "), strings.Repeat(" ", from) + strings.Repeat("^", to-from)
}

// cut keeps width characters of a line, so that the start of the range stays in sight.
func cut(runes []rune, from, to, width int) ([]rune, int, int) {
	start := max(0, min(from-width/4, len(runes)-width))
	end := min(len(runes), start+width)
	part := append([]rune(nil), runes[start:end]...)
	if start > 0 {
		part[0] = '…'
	}
	if end < len(runes) {
		part[len(part)-1] = '…'
	}
	from -= start
	return part, from, max(min(to-start, width), from+1)
}

// printable shows control characters and broken UTF-8 as one harmless character each; tabs become spaces.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// wrap breaks text at spaces so that no line is longer than width, where words allow it. Line breaks of the text stay,
// and lines that begin with spaces (examples) are left alone.
func wrap(text string, width int) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		if width < 20 || strings.HasPrefix(paragraph, " ") {
			lines = append(lines, paragraph)
			continue
		}
		lines = append(lines, wrapParagraph(paragraph, width)...)
	}
	return lines
}

func wrapParagraph(paragraph string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(paragraph) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
