package config

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/server"
)

// limits is what a block says of a client.
type limits struct {
	server.Policy
	group string
}

// policies returns what holds for each client: what its block says, else the block "limits", else the defaults.
func (d *decoder) policies(main *section, b *blocks) func(string) (server.Policy, error) {
	general := b.one("limits").limits(limits{Policy: server.Policy{Transfers: 8, Connections: 64}, group: "default"})
	named := map[string]limits{}
	for _, s := range b.all["client"] {
		if err := pki.CheckName(s.label); err != nil {
			d.wrong(s.at, "Not a client name", "%v.", err)
		}
		if _, twice := named[s.label]; twice {
			d.wrong(s.at, "Client twice", "The client %q has a block already.", s.label)
		}
		named[s.label] = s.limits(general)
	}
	layout := main.layout()
	for name, l := range named {
		layout.check(d, name, l.group)
	}
	layout.check(d, "any-client", general.group)
	return func(client string) (server.Policy, error) {
		l, ok := named[client]
		if !ok {
			l = general
		}
		dir, err := layout.dir(client, l.group)
		l.Dir = dir
		return l.Policy, err
	}
}

func (s *section) limits(general limits) limits {
	const century = 100 * 365 * 24 * time.Hour
	l := limits{
		Policy: server.Policy{
			Quota:       s.size("quota", general.Quota, 0),
			Rate:        s.size("rate", general.Rate, 0),
			Retain:      s.duration("retention_floor", general.Retain, 0, century),
			AppendOnly:  s.flag("append_only", general.AppendOnly),
			Transfers:   s.number("transfers", general.Transfers, 4096),
			Connections: s.number("connections", general.Connections, 100_000),
		},
		group: general.group,
	}
	if l.Rate > 0 && l.Rate < 1<<10 {
		s.d.wrong(s.attrs["rate"].Expr.Range(), "Size out of range", `rate is at least 1KiB, or "0" for no limit.`)
	}
	if text, at := s.text("group", "a name in quotes"); s.attrs["group"] != nil && text != "" {
		l.group = text
		if err := checkElement(text); err != "" {
			s.d.wrong(at, "Not a group name", "group %q %s.", text, err)
		}
	}
	return l
}

// layout is the pattern of the directories that clients have below the root.
type layout struct {
	expr hcl.Expression // nil: one directory for each client, by name
}

func (s *section) layout() layout {
	if attr := s.attrs["layout"]; attr != nil {
		return layout{attr.Expr}
	}
	return layout{}
}

// dir returns the directory of a client. It is an error, whose text is for people, when the pattern makes no safe one.
func (l layout) dir(client, group string) (string, error) {
	if l.expr == nil {
		return client, nil
	}
	if !l.plain() {
		return "", errLayout("is plain text with ${client} and ${group}, nothing else")
	}
	v, diags := l.expr.Value(&hcl.EvalContext{Variables: map[string]cty.Value{
		"client": cty.StringVal(client), "group": cty.StringVal(group),
	}})
	if diags.HasErrors() {
		return "", diags
	}
	if v.IsNull() || !v.IsWhollyKnown() || !v.Type().Equals(cty.String) {
		return "", errLayout(`is a text in quotes, such as "${group}/${client}"`)
	}
	dir := v.AsString()
	elements := strings.Split(dir, "/")
	for _, e := range elements {
		if problem := checkElement(e); problem != "" {
			return "", errLayout("makes the directory " + dir + ": an element " + problem)
		}
	}
	if !slices.Contains(elements, client) || !filepath.IsLocal(filepath.FromSlash(dir)) {
		return "", errLayout("makes the directory " + dir + `: "${client}" must stand between slashes, so that no two clients share one`)
	}
	return dir, nil
}

// plain reports whether the pattern has neither functions nor conditions: then all directories lie equally deep, and none
// is inside another.
func (l layout) plain() bool {
	var parts []hclsyntax.Expression
	switch e := l.expr.(type) {
	case *hclsyntax.TemplateWrapExpr:
		parts = append(parts, e.Wrapped)
	case *hclsyntax.TemplateExpr:
		parts = e.Parts
	default:
		return false
	}
	for _, p := range parts {
		switch p.(type) {
		case *hclsyntax.LiteralValueExpr, *hclsyntax.ScopeTraversalExpr:
		default:
			return false
		}
	}
	return true
}

type errLayout string

func (e errLayout) Error() string { return "layout " + string(e) }

func (l layout) check(d *decoder, client, group string) {
	if _, err := l.dir(client, group); err != nil {
		var diags hcl.Diagnostics
		if errors.As(err, &diags) {
			d.diags = append(d.diags, diags...)
			return
		}
		d.wrong(l.expr.Range(), "Layout cannot be used", "%v.", err)
	}
}

// checkElement says what is wrong with a name of a directory; empty when nothing is.
func checkElement(e string) string {
	switch {
	case e == "" || e == "." || e == "..":
		return `is empty, "." or ".."`
	case strings.HasPrefix(e, "."):
		return "begins with a dot"
	case len(e) > 100:
		return "is longer than 100 bytes"
	case strings.ContainsFunc(e, func(r rune) bool { return unicode.IsControl(r) || r == '\\' || r == '/' || r == ':' }):
		return "holds a character that cannot be in a name"
	}
	return ""
}
