package hcl

import (
	"fmt"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// fields is a block whose names have been checked: only known attributes and blocks, each at most as often as allowed.
type fields struct {
	spec   *blockSpec
	in     language
	header hcllib.Range // the block's type and labels
	where  string       // how messages name the block: `mysql`, `target "nas"`
	attrs  map[string]*hclsyntax.Attribute
	blocks map[string][]*hclsyntax.Block
	// present says which blocks were written at all, also those that were too broken to keep.
	present map[string]bool
}

// check holds a block against the language. Names that are unknown, missing or too many are reported; what is left is
// returned. A nil body (a block that is not there) gives empty fields without a report.
func (r *report) check(b *hclsyntax.Block, spec *blockSpec, where string) *fields {
	f := &fields{spec: spec, in: r.language, where: where, attrs: map[string]*hclsyntax.Attribute{},
		blocks: map[string][]*hclsyntax.Block{}, present: map[string]bool{}}
	if b == nil {
		return f
	}
	f.header = b.DefRange()
	r.checkAttrs(b.Body, f)
	r.checkBlocks(b.Body, f)
	r.checkMissing(f)
	return f
}

func (r *report) checkAttrs(body *hclsyntax.Body, f *fields) {
	for name, attr := range body.Attributes {
		switch spec := f.spec.attr(name); {
		case spec != nil:
			f.attrs[name] = attr
			if spec.sensitive {
				r.mask(attr.Expr)
			}
		case r.refuse(f.spec.name+"."+name, attr.NameRange, fmt.Sprintf("the %s attribute", name)):
		case f.spec.block(name) != nil:
			f.present[name] = true
			r.err(attr.NameRange, fmt.Sprintf("%q is a block", name),
				fmt.Sprintf("Write it without the equals sign:\n    %s", f.spec.block(name).example))
		default:
			r.maskUnknown(name, attr.Expr, f.spec)
			r.err(attr.NameRange, fmt.Sprintf("unknown attribute %q", name), unknownDetail(name, f))
		}
	}
}

// maskUnknown hides the value of an attribute that is secret by what its name was meant to be.
func (r *report) maskUnknown(name string, expr hclsyntax.Expression, spec *blockSpec) {
	if meant := spec.attr(nearest(name, spec.attrNames())); meant != nil && meant.sensitive {
		r.mask(expr)
	}
}

func (r *report) checkBlocks(body *hclsyntax.Body, f *fields) {
	for _, b := range body.Blocks {
		spec := f.spec.block(b.Type)
		f.present[b.Type] = true
		switch {
		case spec == nil && r.refuse(f.spec.name+"."+b.Type, b.DefRange(), fmt.Sprintf("the %s block", b.Type)):
		case spec == nil:
			r.unknownBlock(b, f)
		case !r.checkLabels(b, spec.blockSpec): // has been reported
		case !spec.many && len(f.blocks[b.Type]) > 0:
			r.duplicateBlock(b, f.blocks[b.Type][0])
		default:
			f.blocks[b.Type] = append(f.blocks[b.Type], b)
		}
	}
}

func (r *report) duplicateBlock(b, first *hclsyntax.Block) {
	r.err(b.DefRange(), fmt.Sprintf("second %s block", b.Type),
		fmt.Sprintf("There can be only one, and there is one at %s already. Keep one of the two.", place(first.DefRange())))
}

func (r *report) unknownBlock(b *hclsyntax.Block, f *fields) {
	if a := f.spec.attr(b.Type); a != nil {
		r.err(b.DefRange(), fmt.Sprintf("%q is an attribute", b.Type), "Write it with an equals sign:\n    "+a.example)
		return
	}
	r.err(b.DefRange(), fmt.Sprintf("unknown block %q", b.Type), unknownDetail(b.Type, f))
}

// unknownDetail says what a name may have been meant to be, and what would be right here.
func unknownDetail(name string, f *fields) string {
	near := nearest(name, append(f.spec.attrNames(), f.spec.blockNames()...))
	home := f.in.root.home(name)
	hint := ""
	switch {
	case near != "" && fold(near) == fold(name), near != "" && home == "":
		hint = fmt.Sprintf("Did you mean %q? ", near)
	case home != "" && home != f.spec.name:
		return fmt.Sprintf("It belongs in %s.", f.in.block(home))
	}
	return hint + f.known()
}

// known lists what a block can hold.
func (f *fields) known() string {
	attrs, blocks := f.spec.attrNames(), f.spec.blockNames()
	switch {
	case f.spec == f.in.root && len(attrs) == 0:
		return fmt.Sprintf("%s has %s.", upperFirst(article(f.in.noun)), counted("block", blocks))
	case len(attrs) == 0 && len(blocks) == 0:
		return fmt.Sprintf("The %s block takes no attributes.", f.where)
	case len(blocks) == 0:
		return fmt.Sprintf("The %s block has %s.", f.where, counted("attribute", attrs))
	}
	return fmt.Sprintf("The %s block has %s, and %s.", f.where, counted("attribute", attrs), counted("block", blocks))
}

func counted(noun string, names []string) string {
	if len(names) == 1 {
		return fmt.Sprintf("the %s %s", noun, names[0])
	}
	return fmt.Sprintf("the %ss %s", noun, listed(names))
}

// checkLabels wants as many labels as the block takes, none of them empty.
func (r *report) checkLabels(b *hclsyntax.Block, spec *blockSpec) bool {
	if len(b.Labels) < len(spec.labels) {
		missing := spec.labels[len(b.Labels)]
		r.err(b.DefRange(), fmt.Sprintf("%s block without %s", b.Type, article(missing)),
			fmt.Sprintf("The block takes %s in quotes:\n    %s", labelList(spec.labels), spec.example))
		return false
	}
	if len(b.Labels) > len(spec.labels) {
		takes := "no label"
		if len(spec.labels) > 0 {
			takes = labelList(spec.labels) + " and nothing more"
		}
		r.err(b.LabelRanges[len(spec.labels)], fmt.Sprintf("%s block with too many labels", b.Type),
			fmt.Sprintf("The block takes %s:\n    %s", takes, spec.example))
		return false
	}
	return true
}

func labelList(labels []string) string {
	return article(joined(labels[:1])) + strings.Join(append([]string{""}, labels[1:]...), " and a ")
}

func (r *report) checkMissing(f *fields) {
	for _, a := range f.spec.attrs {
		if a.required && f.attrs[a.name] == nil {
			r.missingAttr(f, a, f.header)
		}
	}
	for _, b := range f.spec.blocks {
		if b.required && !f.present[b.name] {
			r.err(f.header, fmt.Sprintf("missing %s block", b.name),
				fmt.Sprintf("The %s block needs %s block:\n    %s", f.where, article(b.name), b.example))
		}
	}
}

// missingAttr reports a required attribute that is not there, or null.
func (r *report) missingAttr(f *fields, a attrSpec, at hcllib.Range) {
	detail := fmt.Sprintf("The %s block needs it", f.where)
	if a.doc != "" {
		detail += ": " + sentence(a.doc)
	}
	r.err(at, fmt.Sprintf("missing attribute %q", a.name),
		fmt.Sprintf("%s Write, for example:\n    %s", sentence(detail), a.example))
}

// one returns the only block of a name, or nil.
func (f *fields) one(name string) *hclsyntax.Block {
	if len(f.blocks[name]) == 0 {
		return nil
	}
	return f.blocks[name][0]
}
