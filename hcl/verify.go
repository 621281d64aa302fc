package hcl

import (
	"fmt"
	"strings"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// verify decodes how drills are made.
func (d *decoder) verify(e *evaluator, b *hclsyntax.Block) job.Verify {
	var v job.Verify
	f := e.check(b, verifySpec(), "verify")
	if g := e.get(f, "mysqld"); g != nil {
		v.Server, _ = g.absolute()
	}
	if g := e.get(f, "scratch_dir"); g != nil {
		v.Scratch, _ = g.absolute()
	}
	if g := e.get(f, "timeout"); g != nil {
		v.Timeout, _ = g.duration(leastTimeout, mostTimeout)
	}
	names := map[string]*hclsyntax.Block{}
	for _, b := range f.blocks["query"] {
		d.uniqueQuery(b, names)
		v.Queries = append(v.Queries, e.query(b))
	}
	return v
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
