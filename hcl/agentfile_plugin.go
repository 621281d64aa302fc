package hcl

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxConstraint is the longest version or constraint in bytes.
const maxConstraint = 200

func providerKinds() []string { return []string{KindStorage, KindCompress, KindNotify} }

// plugins decodes the plugin blocks of the agent file.
func (d *agentDecoder) plugins(blocks []*hclsyntax.Block) []Plugin {
	var all []Plugin
	seen := map[[2]string]*hclsyntax.Block{}
	for _, b := range blocks {
		kind, name := b.Labels[0], b.Labels[1]
		f := d.check(b, pluginSpec(), fmt.Sprintf("plugin %q", name))
		p := Plugin{Kind: kind, Name: name, Constraint: d.constraint(d.get(f, "version"))}
		if !d.checkPlugin(b, seen) {
			continue
		}
		if d.builtin != nil && d.builtin(kind, name) {
			d.err(b.LabelRanges[1], fmt.Sprintf("%s provider %q is built in", kind, name),
				"A provider that is part of drydock cannot be replaced. Remove the block, or give the third-party provider another name.")
			continue
		}
		all = append(all, p)
	}
	return all
}

// checkPlugin checks the labels of a plugin block, of an agent file or a lock file, and that there is no second one.
func (r *report) checkPlugin(b *hclsyntax.Block, seen map[[2]string]*hclsyntax.Block) bool {
	kind, name := b.Labels[0], b.Labels[1]
	if !slices.Contains(providerKinds(), kind) {
		r.err(b.LabelRanges[0], fmt.Sprintf("unknown kind of provider %q", kind),
			didYouMean(kind, providerKinds())+"It is "+alternatives(providerKinds())+".")
		return false
	}
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`).MatchString(name) {
		r.err(b.LabelRanges[1], "bad name for a provider", "It is a part of a file name: it begins with a small letter or a digit, "+
			`goes on with small letters, digits, "_" or "-", and has at most 64 characters.`)
		return false
	}
	if first := seen[[2]string{kind, name}]; first != nil {
		r.err(b.DefRange(), fmt.Sprintf("second plugin %q %q", kind, name),
			fmt.Sprintf("There is one at %s already. Keep one of the two.", place(first.DefRange())))
		return false
	}
	seen[[2]string{kind, name}] = b
	return true
}

// constraint is the value as a version constraint, or "" after a report.
func (e *evaluator) constraint(g *given) string {
	if g == nil {
		return ""
	}
	s, ok := g.nonEmpty()
	if !ok {
		return ""
	}
	if _, err := version.NewConstraint(s); err != nil || len(s) > maxConstraint {
		g.bad(fmt.Sprintf("%s is not a version constraint", g.title()),
			`It is one or more of =, !=, >, >=, <, <= and ~> with a version, joined by commas, such as "~> 1.2" (1.2 or later, `+
				`but below 2), ">= 1.2, < 1.5" or "1.2.3".`)
		return ""
	}
	return s
}
