package archive

import (
	"fmt"
	"strings"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/innodb"
)

// pageCheck checks the pages of one file while its content goes by. The zero value checks nothing.
type pageCheck struct{ *innodb.Checker }

func newPageCheck(f *File, h *innodb.Hints) pageCheck {
	if h == nil || f.Type != manifest.Regular || f.Size == 0 {
		return pageCheck{}
	}
	return pageCheck{innodb.New(f.Path, f.Size, *h)}
}

// look is for any goroutine.
func (c pageCheck) look(off int64, content []byte) innodb.Part {
	if c.Checker == nil {
		return innodb.Part{}
	}
	return c.Look(off, content)
}

// add takes what look has found, and the zeros that follow, in order.
func (c pageCheck) add(found innodb.Part, zeros int64) {
	if c.Checker == nil {
		return
	}
	c.Add(found)
	if zeros > 0 {
		c.Zeros(zeros)
	}
}

// result ends the file; nil: it has no pages.
func (c pageCheck) result() *manifest.Pages {
	if c.Checker == nil {
		return nil
	}
	r, ok := c.Close()
	if !ok {
		return nil
	}
	return &manifest.Pages{Checked: r.Pages, Opaque: r.Opaque, Damaged: r.Damaged, Bad: r.Bad}
}

// namedPages is how many pages String names.
const namedPages = 8

// String names the file and its first damaged pages.
func (d DamagedPages) String() string {
	first := d.First[:min(namedPages, len(d.First))]
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(first), " ", ", "), "[]")
	if int64(len(first)) < d.Count {
		text += fmt.Sprintf(" and %d more", d.Count-int64(len(first)))
	}
	return fmt.Sprintf("%q page %s", d.Path, text)
}

// pageSums adds up the files.
type pageSums struct {
	totals  *innodb.Totals // nil: pages are not checked
	damaged []DamagedPages
}

func newPageSums(h *innodb.Hints) pageSums {
	if h == nil {
		return pageSums{}
	}
	return pageSums{totals: &innodb.Totals{}}
}

func (s *pageSums) add(path string, p *manifest.Pages) {
	if p == nil {
		return
	}
	s.totals.Add(innodb.Result{Pages: p.Checked, Opaque: p.Opaque, Damaged: p.Damaged})
	if p.Damaged > 0 && len(s.damaged) < maxDamagedFiles {
		s.damaged = append(s.damaged, DamagedPages{Path: path, Count: p.Damaged, First: p.Bad})
	}
}
