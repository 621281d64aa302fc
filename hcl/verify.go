package hcl

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

const (
	leastDrill = time.Hour
	mostDrill  = 366 * day
	day        = 24 * time.Hour
)

// verify decodes how drills are made, and how often.
func (d *decoder) verify(e *evaluator, b *hclsyntax.Block, enc *job.Encrypt) job.Verify {
	var v job.Verify
	f := e.check(b, verifySpec(), "verify")
	if g := e.get(f, "drill"); g != nil {
		v.Drill = g.often()
		d.canOpen(g, v.Drill, enc)
	}
	if g := e.get(f, "mysqld"); g != nil {
		v.Server, _ = g.absolute()
	}
	if g := e.get(f, "scratch_dir"); g != nil {
		v.Scratch, _ = g.absolute()
	}
	if g := e.get(f, "timeout"); g != nil {
		v.Timeout, _ = g.duration(leastTimeout, mostTimeout)
	}
	if g := e.get(f, "keyring"); g != nil {
		parts, _ := g.elements()
		for _, p := range parts {
			file, _ := p.absolute()
			v.Keyring = append(v.Keyring, file)
		}
	}
	names := map[string]*hclsyntax.Block{}
	for _, b := range f.blocks["query"] {
		d.uniqueQuery(b, names)
		v.Queries = append(v.Queries, e.query(b))
	}
	return v
}

// often is the value as how old a proof may get: a word, or a duration.
func (g *given) often() time.Duration {
	words := []string{"never", "always", "daily", "weekly", "monthly"}
	lengths := []time.Duration{0, job.DrillAlways, day, 7 * day, 30 * day}
	takes := "It takes " + alternatives(words) + `, or a duration such as "14d".`
	if g.val.IsNull() || g.val.Type() != cty.String {
		g.bad(fmt.Sprintf("%s must be %s", g.title(), wantText), takes)
		return 0
	}
	s := g.val.AsString()
	if i := slices.Index(words, s); i >= 0 {
		return lengths[i]
	}
	if s == "" || !strings.Contains("0123456789", s[:1]) {
		g.bad(fmt.Sprintf("unknown value%s for %s", g.show(s), g.title()), g.guess(s, words)+takes)
		return 0
	}
	often, _ := g.duration(leastDrill, mostDrill)
	return often
}

// canOpen refuses drills of backups that the host which makes them cannot open.
func (d *decoder) canOpen(g *given, often time.Duration, enc *job.Encrypt) {
	if often == 0 || enc == nil || enc.Passphrase != "" || len(enc.Recipients) == 0 {
		return
	}
	g.bad("a drill could not open the backup", "The backups are encrypted for recipients alone, and their keys are not on this host: that is "+
		"what recipients are for. Make drills where a key is, with drydock verify --drill --identity, and remove the line; or give the "+
		"encrypt block a passphrase as well.")
}

// uniqueQuery wants names that tell queries apart.
func (d *decoder) uniqueQuery(b *hclsyntax.Block, names map[string]*hclsyntax.Block) {
	name, at := b.Labels[0], b.LabelRanges[0]
	first := names[name]
	switch {
	case strings.TrimSpace(name) == "":
		d.err(at, "query without a name", "The name says what the query is to show, such as \"orders of yesterday\".")
	case first != nil:
		d.err(at, fmt.Sprintf("second query %q", name), fmt.Sprintf("There is a query of this name at %s already. Give each a name of its own.",
			place(first.DefRange())))
	default:
		names[name] = b
	}
}

func (e *evaluator) query(b *hclsyntax.Block) job.Query {
	q := job.Query{Name: b.Labels[0]}
	f := e.check(b, querySpec(), fmt.Sprintf("query %q", q.Name))
	if g := e.get(f, "sql"); g != nil {
		q.SQL, _ = g.nonEmpty()
	}
	if g := e.get(f, "expect"); g != nil {
		q.Expect, _ = g.text()
	}
	return q
}
