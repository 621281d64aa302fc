package hcl

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"unicode/utf8"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Bounds on what the parser is given. The parser and the evaluator recurse, so a file of nothing but brackets could
// exhaust the stack, which no program survives. A job file comes nowhere near these.
const (
	maxNesting   = 100
	maxOperators = 20_000
)

// newSource checks the encoding of a file and brings its text into the form that the parser wants. It reports what is
// wrong and returns nil when nothing can be done with the text.
func newSource(name string, data []byte, r *report) *source {
	if len(data) > MaxFileSize {
		r.file(name, "file is too large", fmt.Sprintf("%s has at most %d KiB; this one has %d KiB.",
			upperFirst(article(r.language.noun)), MaxFileSize>>10, len(data)>>10))
		return nil
	}
	if bytes.HasPrefix(data, []byte{0xFE, 0xFF}) || bytes.HasPrefix(data, []byte{0xFF, 0xFE}) {
		r.file(name, "file is not UTF-8", "The file is in UTF-16. Save it as UTF-8.")
		return nil
	}
	data = normalise(data)
	src := &source{name: name, data: data}
	if at := badByte(data); at >= 0 {
		reportBadByte(src, at, r)
		return nil
	}
	r.sources[name] = src
	return src
}

// normalise takes the byte order mark and the carriage returns of Windows editors away.
func normalise(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte{0xEF, 0xBB, 0xBF})
	return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
}

// badByte returns the offset of the first byte that is no text: broken UTF-8 or NUL. It returns -1 for good text.
func badByte(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == 0 || (r == utf8.RuneError && size == 1) {
			return i
		}
		i += size
	}
	return -1
}

func reportBadByte(src *source, at int, r *report) {
	line := 1 + bytes.Count(src.data[:at], []byte("\n"))
	column := 1 + utf8.RuneCount(src.data[bytes.LastIndexByte(src.data[:at], '\n')+1:at])
	r.list = append(r.list, Diagnostic{
		File: src.name, Line: line, Column: column, EndLine: line, EndColumn: column + 1, Severity: SeverityError,
		Summary: "file is not UTF-8 text",
		Detail: fmt.Sprintf("The byte 0x%02X does not belong in a text file in UTF-8. Save the file as UTF-8, without NUL bytes.",
			src.data[at]),
		Source: printable(starLikely(src.line(line, nil))),
	})
}

// checkLimits looks at the tokens for what would be dangerous to parse.
func checkLimits(src *source, r *report) bool {
	tokens, _ := hclsyntax.LexConfig(src.data, src.name, hcllib.InitialPos)
	depth, operators := 0, 0
	for i, t := range tokens {
		switch {
		case opens(t.Type):
			depth++
			if t.Type == hclsyntax.TokenOBrack && i > 0 {
				operators++ // may be an index: a[0][0][0]... nests in the tree though not in the text
			}
		case closes(t.Type):
			depth--
		case isOperator(t.Type):
			operators++
		case t.Type == hclsyntax.TokenNumberLit && hugeNumber(string(t.Bytes)):
			r.err(t.Range, "number is out of range", "No attribute takes a number of this size.")
			return false
		}
		if depth > maxNesting || operators > maxOperators {
			r.err(t.Range, "file is too complex", fmt.Sprintf(
				"Blocks, lists and expressions can be nested %d deep, and a file can hold %d operators.", maxNesting, maxOperators))
			return false
		}
	}
	return true
}

func opens(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

func closes(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		return true
	}
	return false
}

func isOperator(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr,
		hclsyntax.TokenBang, hclsyntax.TokenQuestion, hclsyntax.TokenDot:
		return true
	}
	return false
}

// hugeNumber finds numbers such as 1e999999999, which take minutes and gigabytes to print.
func hugeNumber(text string) bool {
	if len(text) > 100 {
		return true
	}
	f, err := strconv.ParseFloat(text, 64)
	return errors.Is(err, strconv.ErrRange) || (err == nil && f > 1e40)
}

// fileProblem says what is wrong with a file without repeating its name.
func fileProblem(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "There is no such file or directory."
	case errors.Is(err, fs.ErrPermission):
		return "Permission denied: this user may not read it."
	}
	return sentence(err.Error())
}
