package hcl

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// What a value is expected to be, in the words of messages.
const (
	wantText   = "text in quotes"
	wantNumber = "a number"
	wantBool   = "true or false"
	wantList   = "a list"
	wantMap    = "a map of text"
)

// given is one attribute with its evaluated value.
type given struct {
	e      *evaluator
	name   string // as messages name it: "mysql.port"
	where  string // the block, or "" when the name says it already
	expr   hclsyntax.Expression
	val    cty.Value // never null, without marks
	secret bool      // the value must not be printed
}

// get evaluates an attribute of a checked block. It returns nil when the attribute is not there, null (which is the
// same as not there) or wrong; what is wrong has been reported then.
func (e *evaluator) get(f *fields, name string) *given {
	attr := f.attrs[name]
	if attr == nil {
		return nil
	}
	spec := f.spec.attr(name)
	before := e.errors()
	val, ok := e.value(attr.Expr, spec.sensitive)
	if !ok {
		if spec.required && e.errors() == before {
			e.missingAttr(f, *spec, attr.Expr.Range())
		}
		return nil
	}
	plain, marks := val.UnmarkDeep()
	g := &given{e: e, name: name, expr: attr.Expr, val: plain, secret: spec.sensitive || len(marks) > 0}
	switch {
	case strings.Contains(f.where, " "):
		g.where = " in " + f.where
	case f.where != "":
		g.name = f.where + "." + name
	}
	return g
}

// title is how messages name the attribute.
func (g *given) title() string { return g.name + g.where }

// bad reports that the value is wrong.
func (g *given) bad(summary, detail string) { g.e.err(g.expr.Range(), summary, detail) }

// show is the value in quotes with a space before it, or nothing when it must not be seen.
func (g *given) show(s string) string {
	if g.secret {
		return ""
	}
	return " " + quoted(s)
}

// element is the part of a value for one element of a list, or one value of a map; messages point at it.
func (g *given) element(i int, key string, val cty.Value) *given {
	part := *g
	part.val = val
	part.expr = elementExpr(g.expr, i, key)
	if key != "" {
		part.name = fmt.Sprintf("%s[%s]", g.name, quoted(key))
		if g.secret {
			part.name = "a value of " + g.name
		}
		return &part
	}
	part.name = fmt.Sprintf("element %d of %s", i+1, g.name)
	return &part
}

// elementExpr finds where an element was written; for a computed list that is the whole expression.
func elementExpr(expr hclsyntax.Expression, i int, key string) hclsyntax.Expression {
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return elementExpr(e.Expression, i, key)
	case *hclsyntax.TupleConsExpr:
		if key == "" && i >= 0 && i < len(e.Exprs) {
			return e.Exprs[i]
		}
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			if k := literalKey(item.KeyExpr); key != "" && k == key {
				return item.ValueExpr
			}
		}
	}
	return expr
}

// literalKey is the key of an object item that was written out, or "".
func literalKey(expr hclsyntax.Expression) string {
	if word := hcllib.ExprAsKeyword(expr); word != "" {
		return word
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.IsMarked() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

// text is the value as a string.
func (g *given) text() (string, bool) {
	if g.val.IsNull() || g.val.Type() != cty.String {
		g.wrongType(wantText)
		return "", false
	}
	return g.val.AsString(), true
}

// integer is the value as a whole number of 64 bits.
func (g *given) integer() (int64, bool) {
	val := g.val
	if g.secret && !val.IsNull() && val.Type() == cty.String { // env("PORT") is always text
		if n, err := strconv.ParseInt(strings.TrimSpace(val.AsString()), 10, 64); err == nil {
			return n, true
		}
	}
	if val.IsNull() || val.Type() != cty.Number {
		g.wrongType(wantNumber)
		return 0, false
	}
	n, accuracy := val.AsBigFloat().Int64()
	if accuracy != big.Exact {
		g.bad(fmt.Sprintf("%s must be a whole number", g.title()), "Write it without a fraction, such as 10.")
		return 0, false
	}
	return n, true
}

// boolean is the value as true or false.
func (g *given) boolean() (value, ok bool) {
	val := g.val
	if g.secret && !val.IsNull() && val.Type() == cty.String {
		if b, err := strconv.ParseBool(strings.TrimSpace(val.AsString())); err == nil {
			return b, true
		}
	}
	if val.IsNull() || val.Type() != cty.Bool {
		g.wrongType(wantBool)
		return false, false
	}
	return val.True(), true
}

// elements are the parts of a list.
func (g *given) elements() ([]*given, bool) {
	if t := g.val.Type(); g.val.IsNull() || (!t.IsTupleType() && !t.IsListType() && !t.IsSetType()) {
		g.wrongType(wantList)
		return nil, false
	}
	var parts []*given
	for it, i := g.val.ElementIterator(), 0; it.Next(); i++ {
		_, v := it.Element()
		parts = append(parts, g.element(i, "", v))
	}
	return parts, true
}

// texts is the value as a list of strings. Every wrong element is reported.
func (g *given) texts() ([]string, bool) {
	parts, ok := g.elements()
	if !ok {
		return nil, false
	}
	list := make([]string, 0, len(parts))
	for _, p := range parts {
		s, good := p.text()
		ok = ok && good
		list = append(list, s)
	}
	return list, ok
}

// textMap is the value as a map of strings.
func (g *given) textMap() (map[string]string, bool) {
	if t := g.val.Type(); g.val.IsNull() || (!t.IsObjectType() && !t.IsMapType()) {
		g.wrongType(wantMap)
		return nil, false
	}
	values, ok := map[string]string{}, true
	for it := g.val.ElementIterator(); it.Next(); {
		k, v := it.Element()
		s, good := g.element(-1, k.AsString(), v).text()
		ok = ok && good
		values[k.AsString()] = s
	}
	return values, ok
}

// oneOf wants one of some words.
func (g *given) oneOf(words []string) (string, bool) {
	s, ok := g.text()
	if !ok || slices.Contains(words, s) {
		return s, ok
	}
	g.bad(fmt.Sprintf("unknown value%s for %s", g.show(s), g.title()), g.guess(s, words)+"It takes "+alternatives(words)+".")
	return "", false
}

// guess asks whether a word was meant that is like the value, or is empty when the value must not be seen.
func (g *given) guess(s string, words []string) string {
	if g.secret {
		return ""
	}
	return didYouMean(s, words)
}

func alternatives(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = quoted(w)
	}
	if len(q) < 2 {
		return strings.Join(q, "")
	}
	return strings.Join(q[:len(q)-1], ", ") + " or " + q[len(q)-1]
}

// wrongType says what was wanted, what is there, and how to write it if that can be told.
func (g *given) wrongType(want string) {
	have := typeName(g.val)
	hint := g.rewrite(want)
	if hint == "" || g.secret {
		hint = map[string]string{
			wantText: `it in quotes: "..."`, wantNumber: "a whole number without quotes, such as 10",
			wantBool: "true or false without quotes", wantList: `a list: ["...", "..."]`, wantMap: `a map: { name = "..." }`,
		}[want]
	}
	detail := fmt.Sprintf("This is %s. Write %s.", have, hint)
	g.bad(fmt.Sprintf("%s must be %s", g.title(), want), detail)
}

// rewrite guesses how a value of the wrong type should have been written.
func (g *given) rewrite(want string) string {
	if g.val.IsNull() {
		return ""
	}
	switch t := g.val.Type(); {
	case want == wantText && t == cty.Number:
		return quoted(g.val.AsBigFloat().Text('g', -1))
	case want == wantText && t == cty.Bool:
		return fmt.Sprintf(`"%t"`, g.val.True())
	case want == wantList && t == cty.String:
		return "[" + quoted(g.val.AsString()) + "]"
	case want == wantNumber && t == cty.String:
		if _, err := strconv.ParseInt(g.val.AsString(), 10, 64); err == nil {
			return g.val.AsString() + " without quotes"
		}
	case want == wantBool && t == cty.String:
		switch strings.ToLower(g.val.AsString()) {
		case "true", "yes", "on", "1":
			return "true without quotes"
		case "false", "no", "off", "0":
			return "false without quotes"
		}
	}
	return ""
}

func typeName(v cty.Value) string {
	t := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return "a list"
	case t.IsObjectType() || t.IsMapType():
		return "a map"
	}
	return t.FriendlyName()
}
