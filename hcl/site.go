package hcl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-backup/drydock/sdk/schema"
	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// ProviderRef names one provider block: the job that it is in, its kind and its label. The label of a compress block
// is empty.
type ProviderRef struct {
	Job   string
	Kind  string // KindStorage, KindCompress or KindNotify
	Label string
}

// providerSite remembers where a provider's configuration was written.
type providerSite struct {
	header  hcllib.Range
	where   string
	attrs   map[string]*hclsyntax.Attribute
	secrets []string       // values of sensitive attributes: a provider's message might repeat one
	masks   []hcllib.Range // what is starred out of the source lines
}

func newSite(f *fields, values map[string]any, masks []hcllib.Range) *providerSite {
	s := &providerSite{header: f.header, where: f.where, attrs: f.attrs, masks: slices.Clone(masks)}
	for name, v := range values {
		attr, spec := f.attrs[name], f.spec.attr(name)
		if attr == nil || (!spec.sensitive && !readsSecret(attr.Expr)) {
			continue
		}
		s.secrets = append(s.secrets, strings.Split(flatten(v), "\x00")...)
	}
	// Longer ones first, so that a secret that holds another is hidden as a whole.
	slices.SortFunc(s.secrets, func(a, b string) int { return len(b) - len(a) })
	return s
}

// flatten joins the texts of a decoded value with NUL.
func flatten(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []string:
		return strings.Join(v, "\x00")
	case map[string]string:
		var all []string
		for _, s := range v {
			all = append(all, s)
		}
		return strings.Join(all, "\x00")
	}
	return ""
}

// ProviderDiagnostics maps what a provider said about its configuration to the lines of the job file. A path that was
// not written there (a missing attribute, a default) maps to the first line of the block. Values of sensitive
// attributes are taken out of the messages. A ref that the load did not see gives diagnostics without a position.
func (r *Result) ProviderDiagnostics(ref ProviderRef, ds []schema.Diagnostic) Diagnostics {
	site := r.providers[ref]
	if site == nil {
		site = &providerSite{where: fmt.Sprintf("%s provider of job %q", ref.Kind, ref.Job)}
	}
	rep := &report{sources: r.sources, masks: map[string][]hcllib.Range{site.header.Filename: site.masks}}
	for _, d := range ds {
		rep.err(site.find(d.Path), site.summary(d), site.redact(sentence(d.Detail)))
	}
	return rep.done()
}

func (s *providerSite) summary(d schema.Diagnostic) string {
	return s.where + ": " + s.redact(lowerFirst(strings.TrimSuffix(d.Summary, ".")))
}

func (s *providerSite) redact(text string) string {
	for _, secret := range s.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}

// find is the range of an attribute, or of an element in it.
func (s *providerSite) find(path []string) hcllib.Range {
	if len(path) == 0 || s.attrs[path[0]] == nil {
		return s.header
	}
	expr := s.attrs[path[0]].Expr
	if len(path) > 1 {
		if i, err := strconv.Atoi(path[1]); err == nil {
			if part := elementExpr(expr, i, ""); part != expr {
				return part.Range()
			}
		}
		expr = elementExpr(expr, -1, path[1])
	}
	return expr.Range()
}

// schemaCache asks for each schema once in a load: a plugin has to be started for the answer.
type schemaCache struct {
	ask   func(kind, name string) (*schema.Schema, error)
	known map[string]schemaAnswer
}

type schemaAnswer struct {
	schema *schema.Schema
	err    error
}

func newSchemaCache(ctx context.Context, from SchemaSource) *schemaCache {
	c := &schemaCache{known: map[string]schemaAnswer{}}
	c.ask = func(kind, name string) (*schema.Schema, error) {
		if from == nil {
			return nil, errors.New("no plugins are available")
		}
		sc, err := from.Schema(ctx, kind, name)
		if err == nil && sc == nil {
			sc = &schema.Schema{}
		}
		return sc, err
	}
	return c
}

func (c *schemaCache) get(kind, name string) (*schema.Schema, error) {
	key := kind + "\x00" + name
	answer, ok := c.known[key]
	if !ok {
		answer.schema, answer.err = c.ask(kind, name)
		c.known[key] = answer
	}
	return answer.schema, answer.err
}
