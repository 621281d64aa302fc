package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// limitNames are the attributes of a client, and of the block "limits", which holds for every client.
func limitNames() []string {
	return []string{"append_only", "connections", "group", "quota", "rate", "retention_floor", "transfers"}
}

// language is what a file may hold: the attributes of each block.
func language() map[string][]string {
	return map[string][]string{
		"receiver": {"listen", "root", "layout", "max_connections", "max_transfers", "max_chunk", "partial_ttl", "stall_timeout",
			"drain_timeout"},
		"tls":     {"ca_file", "cert_file", "key_file", "revoked_file"},
		"limits":  limitNames(),
		"client":  limitNames(),
		"metrics": {"listen"},
		"log":     {"level", "access"},
	}
}

// required are the attributes that a block cannot do without.
func required() map[string][]string {
	return map[string][]string{"receiver": {"root"}, "tls": {"ca_file", "cert_file", "key_file"}, "metrics": {"listen"}}
}

// blocks is the file's blocks by type.
type blocks struct {
	d   *decoder
	all map[string][]*section
}

// blocks reads the outline of a file: which blocks there are, and which attributes are in them.
func (d *decoder) blocks(body hcl.Body) *blocks {
	var outline hcl.BodySchema
	for name := range language() {
		h := hcl.BlockHeaderSchema{Type: name}
		if name == "client" {
			h.LabelNames = []string{"name"}
		}
		outline.Blocks = append(outline.Blocks, h)
	}
	slices.SortFunc(outline.Blocks, func(a, b hcl.BlockHeaderSchema) int { return strings.Compare(a.Type, b.Type) })
	content, diags := body.Content(&outline)
	d.diags = append(d.diags, diags...)
	b := &blocks{d: d, all: map[string][]*section{}}
	for _, block := range content.Blocks {
		b.all[block.Type] = append(b.all[block.Type], d.section(block))
	}
	for name, found := range b.all {
		if name != "client" && len(found) > 1 {
			d.wrong(found[1].at, "Block twice", "There is one block %q; the first one is at line %d.", name, found[0].at.Start.Line)
		}
	}
	for _, name := range []string{"receiver", "tls"} {
		if len(b.all[name]) == 0 {
			d.wrong(body.MissingItemRange(), "Missing block", "A block %q is needed.", name)
		}
	}
	return b
}

func (d *decoder) section(block *hcl.Block) *section {
	var wanted hcl.BodySchema
	for _, name := range language()[block.Type] {
		wanted.Attributes = append(wanted.Attributes, hcl.AttributeSchema{
			Name: name, Required: slices.Contains(required()[block.Type], name),
		})
	}
	content, diags := block.Body.Content(&wanted)
	d.diags = append(d.diags, diags...)
	s := &section{d: d, at: block.DefRange, attrs: content.Attributes}
	if len(block.Labels) > 0 {
		s.label, s.at = block.Labels[0], block.LabelRanges[0]
	}
	return s
}

// one returns a block of which there is one; an empty one when there is none.
func (b *blocks) one(name string) *section {
	if found := b.all[name]; len(found) > 0 {
		return found[0]
	}
	return &section{d: b.d, at: hcl.Range{Filename: fmt.Sprintf("block %s", name), Start: hcl.InitialPos, End: hcl.InitialPos}}
}
