package hcl

import (
	"bytes"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// maxFormatPasses bounds how often the layout is repeated until it stays the same.
const maxFormatPasses = 8

// Format lays a file out in the one canonical way: two spaces for each level, equals signs of neighbouring lines
// aligned, no spaces at the ends of lines, at most one blank line, "\n" at the end of each line. What the file says
// stays the same, and so does the result when it is formatted again. A file with syntax errors is refused. Names and values
// are not checked: any HCL file can be formatted.
func Format(src []byte, filename string) ([]byte, Diagnostics) {
	r := newReport(jobLanguage())
	text := newSource(filename, src, r)
	if text == nil || parse(text, r) == nil || r.errors() > 0 {
		return nil, r.done()
	}
	out := text.data
	for range maxFormatPasses {
		next := tidyLines(hclwrite.Format(out), filename)
		if bytes.Equal(next, out) {
			break
		}
		out = next
	}
	if !sameTokens(text.data, out, filename) || !bytes.Equal(out, tidyLines(hclwrite.Format(out), filename)) {
		r.file(filename, "file cannot be formatted", "The layout would change what the file says, so it is left as it is.")
		return nil, r.done()
	}
	return out, r.done()
}

// tidyLines does what hclwrite leaves: blank lines and spaces at the ends of lines, outside of heredocs and comments.
func tidyLines(src []byte, filename string) []byte {
	fixed := fixedLines(src, filename)
	var out []byte
	blank := 0
	for i, line := range bytes.Split(src, []byte("\n")) {
		if !fixed[i+1] {
			line = bytes.TrimRight(line, " \t")
			if len(line) == 0 {
				blank++
				continue
			}
		}
		if blank > 0 && len(out) > 0 {
			out = append(out, '\n')
		}
		blank = 0
		out = append(append(out, line...), '\n')
	}
	return out
}

// fixedLines are the lines, counted from 1, whose text belongs to a token of more than one line.
func fixedLines(src []byte, filename string) map[int]bool {
	fixed := map[int]bool{}
	tokens, _ := hclsyntax.LexConfig(src, filename, hcllib.InitialPos)
	heredoc := 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOHeredoc:
			heredoc = t.Range.Start.Line
		case hclsyntax.TokenCHeredoc:
			for n := heredoc; n <= t.Range.Start.Line; n++ {
				fixed[n] = true
			}
		case hclsyntax.TokenComment:
			if bytes.HasPrefix(t.Bytes, []byte("/*")) {
				for n := t.Range.Start.Line; n <= t.Range.End.Line; n++ {
					fixed[n] = true
				}
			}
		}
	}
	return fixed
}

// sameTokens reports whether two texts say the same: the same tokens, line breaks left aside.
func sameTokens(a, b []byte, filename string) bool {
	x, y := significant(a, filename), significant(b, filename)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].Type != y[i].Type || !bytes.Equal(bytes.TrimRight(x[i].Bytes, " \t\n"), bytes.TrimRight(y[i].Bytes, " \t\n")) {
			return false
		}
	}
	return true
}

func significant(src []byte, filename string) hclsyntax.Tokens {
	tokens, _ := hclsyntax.LexConfig(src, filename, hcllib.InitialPos)
	var list hclsyntax.Tokens
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenNewline {
			list = append(list, t)
		}
	}
	return list
}
