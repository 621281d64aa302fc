package hcl

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// defaultCompressor compresses where the job has no compress block, at its fastest level.
const (
	defaultCompressor = "zstd"
	defaultLevel      = `"fastest"`
)

func (d *decoder) target(e *evaluator, b *hclsyntax.Block) job.Provider {
	p, _ := d.provider(e, KindStorage, b)
	return p
}

func (d *decoder) notify(e *evaluator, b *hclsyntax.Block) job.Notify {
	p, f := d.provider(e, KindNotify, b)
	n := job.Notify{Provider: p}
	g := e.get(f, "on")
	if g == nil {
		return n
	}
	parts, ok := g.elements()
	if ok && len(parts) == 0 {
		g.bad(g.title()+" is empty", "Such a block would never report anything. The events are "+quotedList(job.Events())+".")
	}
	for _, part := range parts {
		event, _ := part.oneOf(job.Events())
		n.On = append(n.On, event)
	}
	return n
}

func (d *decoder) compress(e *evaluator, f *fields) job.Provider {
	if b := f.one("compress"); b != nil {
		p, _ := d.provider(e, KindCompress, b)
		return p
	}
	p := job.Provider{Type: defaultCompressor}
	if f.present["compress"] {
		return p // its labels are wrong, and that has been said
	}
	sc, err := d.schemas.get(KindCompress, defaultCompressor)
	if err != nil {
		d.err(f.header, "the default compressor cannot be used", sentence(err.Error())+" Choose one with a compress block.")
		return p
	}
	values := defaults(sc)
	if sc.Attribute("level") != nil {
		values["level"] = json.RawMessage(defaultLevel)
	}
	p.Config = encode(values)
	d.result.providers[ProviderRef{Job: e.scope.job, Kind: KindCompress}] = &providerSite{header: f.header, where: "compress"}
	return p
}

// provider decodes a block by the schema of the provider that it names.
func (d *decoder) provider(e *evaluator, kind string, b *hclsyntax.Block) (job.Provider, *fields) {
	spec := jobSpec().block(b.Type).blockSpec
	p, where := job.Provider{Type: b.Labels[0]}, b.Type
	if len(b.Labels) > 1 {
		p.Label = b.Labels[1]
		where = fmt.Sprintf("%s %q", b.Type, p.Label)
	}
	sc, err := d.schemas.get(kind, p.Type)
	if err != nil {
		d.unknownProvider(b, err)
		return p, d.ownFields(b, spec, where)
	}
	f := d.check(b, spec.withSchema(sc), where)
	values := defaults(sc)
	for i := range sc.Attributes {
		a := &sc.Attributes[i]
		if spec.attr(a.Name) != nil {
			continue // the language's own, such as on
		}
		if g := e.get(f, a.Name); g != nil {
			values[a.Name] = g.bySchema(a)
		}
	}
	p.Config = encode(values)
	d.result.providers[ProviderRef{Job: e.scope.job, Kind: kind, Label: p.Label}] = newSite(f, values, d.masks[b.TypeRange.Filename])
	return p, f
}

// ownFields keeps the attributes that belong to the language when the provider is not known: they can still be checked.
func (d *decoder) ownFields(b *hclsyntax.Block, spec *blockSpec, where string) *fields {
	f := &fields{spec: spec, where: where, header: b.DefRange(), attrs: map[string]*hclsyntax.Attribute{}}
	for _, a := range spec.attrs {
		if attr := b.Body.Attributes[a.name]; attr != nil {
			f.attrs[a.name] = attr
		}
	}
	return f
}

func (d *decoder) unknownProvider(b *hclsyntax.Block, err error) {
	report := d.err
	if d.lenient {
		report = d.warn
	}
	var unknown *schema.UnknownProviderError
	if !errors.As(err, &unknown) {
		report(b.LabelRanges[0], fmt.Sprintf("%s provider %q cannot be used", b.Type, b.Labels[0]), sentence(err.Error())+hintOf(err))
		return
	}
	detail := didYouMean(b.Labels[0], unknown.Known)
	known := slices.Sorted(slices.Values(unknown.Known))
	switch len(known) {
	case 0:
		detail += "There are no providers for this block."
	case 1:
		detail += fmt.Sprintf("The only provider for this block is %q.", known[0])
	default:
		detail += "The providers for this block are " + quotedList(known) + "."
	}
	report(b.LabelRanges[0], fmt.Sprintf("unknown %s provider %q", b.Type, b.Labels[0]), detail)
}

// hintOf is what an error says about how to go on, with a line break before it, or nothing.
func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if !errors.As(err, &hinted) {
		return ""
	}
	return "\n" + upperFirst(hinted.Hint())
}

// bySchema is the value as the JSON that a provider is sent, or nil after a report.
func (g *given) bySchema(a *schema.Attribute) any {
	var v any
	ok := false
	switch a.Type {
	case schema.TypeString:
		v, ok = g.schemaText(a)
	case schema.TypeInt:
		v, ok = g.integer()
	case schema.TypeBool:
		v, ok = g.boolean()
	case schema.TypeDuration:
		if _, ok = g.duration(0, time.Duration(math.MaxInt64)); ok {
			v = strings.TrimSpace(g.val.AsString())
		}
	case schema.TypeSize:
		if _, ok = g.size(0, math.MaxInt64); ok {
			v = strings.TrimSpace(g.val.AsString())
		}
	case schema.TypeStringList:
		v, ok = g.schemaList(a)
	case schema.TypeStringMap:
		v, ok = g.textMap()
	default:
		g.bad(fmt.Sprintf("%s has the type %q, which is not known", g.title(), a.Type), "The plugin needs another version of drydock.")
	}
	if !ok {
		return nil
	}
	return v
}

func (g *given) schemaText(a *schema.Attribute) (string, bool) {
	if len(a.OneOf) > 0 {
		return g.oneOf(a.OneOf)
	}
	s, ok := g.text()
	if ok && a.Required && s == "" {
		g.bad(g.title()+" is empty", "The block cannot do without it, such as:\n    "+attrExample(*a))
		return "", false
	}
	return s, ok
}

func (g *given) schemaList(a *schema.Attribute) ([]string, bool) {
	if len(a.OneOf) == 0 {
		return g.texts()
	}
	parts, ok := g.elements()
	list := make([]string, 0, len(parts))
	for _, p := range parts {
		s, good := p.oneOf(a.OneOf)
		ok = ok && good
		list = append(list, s)
	}
	return list, ok
}

// defaults are the values of the attributes that a block does not set.
func defaults(sc *schema.Schema) map[string]any {
	values := map[string]any{}
	if sc == nil {
		return values
	}
	for _, a := range sc.Attributes {
		if a.Default != nil {
			values[a.Name] = a.Default
		}
	}
	return values
}

// encode makes the canonical JSON object: names in order, nothing that could not be decoded.
func encode(values map[string]any) job.Config {
	data, err := json.Marshal(values)
	if err != nil { // a schema whose default is not JSON; the block has been reported if it matters
		return job.Config("{}")
	}
	return job.Config(data)
}

// attrExample is a line that sets an attribute.
func attrExample(a schema.Attribute) string {
	example := a.Example
	switch a.Type {
	case schema.TypeInt, schema.TypeBool:
		if example == "" {
			example = map[schema.Type]string{schema.TypeInt: "10", schema.TypeBool: "true"}[a.Type]
		}
	case schema.TypeStringList, schema.TypeStringMap:
		if !strings.HasPrefix(example, "[") && !strings.HasPrefix(example, "{") {
			example = map[schema.Type]string{schema.TypeStringList: `["..."]`, schema.TypeStringMap: `{ name = "..." }`}[a.Type]
		}
	default:
		if example == "" && len(a.OneOf) > 0 {
			example = a.OneOf[0]
		}
		if example == "" {
			example = map[schema.Type]string{schema.TypeDuration: "10m", schema.TypeSize: "64MiB"}[a.Type]
		}
		if example == "" {
			example = "..."
		}
		if !strings.HasPrefix(example, `"`) {
			example = quoted(example)
		}
	}
	return a.Name + " = " + example
}
