package innodb

import (
	"sync"
	"sync/atomic"
)

// MaxBad is how many damaged pages of one file are named.
const MaxBad = 100

// Result is what was found in one file.
type Result struct {
	Pages   int64   // looked at
	Opaque  int64   // of these, encrypted or compressed in a way that has no checksum
	Damaged int64   // of these, with a wrong checksum, or in the wrong place, or cut short by the end of the file
	Bad     []int64 // the first hundred damaged ones, counted from the beginning of the file; page 0 is the first
}

// Checker checks the pages of one file. Look may be called by several goroutines; all else by one at a time.
type Checker struct {
	kind  kind
	hints Hints
	size  int64
	found atomic.Pointer[layout] // nil until enough of the file was there
	no    bool                   // the file is no tablespace
	pool  sync.Pool

	off         int64  // of what comes next
	held        []byte // the bytes before off that are not looked at yet: a head or a page that is not complete
	descriptors []byte // of the extents around off
	result      Result
}

// New returns a checker for a file of a data directory, by its name, or path with slashes, and its size in bytes; nil for
// one whose pages need no check: it is no tablespace, or one that the server makes anew.
func New(name string, size int64, h Hints) *Checker {
	k := kindOf(name)
	if k == ignored || k == unlikely && size < 8*minPage {
		return nil
	}
	return &Checker{kind: k, hints: h, size: size, pool: sync.Pool{New: func() any { return new(scratch) }}}
}

// Part is what Look found in one piece of a file. Until it was given to Add it may need the memory of the piece.
type Part struct {
	n      int
	late   []byte // not looked at: Add has to
	pages  int64
	opaque int64
	marks  []mark
}

// mark is a page that Add has to know of, in the order of the file.
type mark struct {
	index       int64
	descriptors []byte // of a page that describes others; nil for a damaged one
}

// Look checks a piece of the file that begins at byte off. It does not change p.
func (c *Checker) Look(off int64, p []byte) Part {
	l := c.found.Load()
	if l == nil || off%int64(l.physical) != 0 || len(p)%l.physical != 0 {
		return Part{n: len(p), late: p}
	}
	return c.scan(l, off, p)
}

// scan looks at whole pages.
func (c *Checker) scan(l *layout, off int64, p []byte) Part {
	s, _ := c.pool.Get().(*scratch)
	defer c.pool.Put(s)
	part := Part{n: len(p), pages: int64(len(p) / l.physical)}
	for index := off / int64(l.physical); len(p) > 0; index++ {
		page, number := p[:l.physical], l.base+uint32(index)
		p = p[l.physical:]
		if l.doublewrite(number) {
			continue
		}
		v := l.check(page, number, s)
		switch v {
		case opaque:
			part.opaque++
		case bad:
			part.marks = append(part.marks, mark{index: index})
		}
		if l.mariadb && l.describes(number) {
			m := mark{index: index, descriptors: []byte{}}
			if v == good {
				m.descriptors = append(m.descriptors, l.descriptors(page)...)
			}
			part.marks = append(part.marks, m)
		}
	}
	return part
}

// Add takes what Look found in the piece that comes next.
func (c *Checker) Add(p Part) {
	switch {
	case p.n == 0:
	case p.late != nil:
		c.take(p.late)
	default:
		c.merge(p)
	}
}

func (c *Checker) merge(p Part) {
	c.off += int64(p.n)
	c.result.Pages += p.pages
	c.result.Opaque += p.opaque
	l := c.found.Load()
	for _, m := range p.marks {
		switch {
		case m.descriptors != nil:
			c.descriptors = m.descriptors
		case !l.mariadb || !l.isFree(c.descriptors, l.base+uint32(m.index)):
			c.damage(m.index)
		}
	}
}

func (c *Checker) damage(index int64) {
	c.result.Damaged++
	if len(c.result.Bad) < MaxBad {
		c.result.Bad = append(c.result.Bad, index)
	}
}

// Write checks what comes next. It never fails.
func (c *Checker) Write(p []byte) (int, error) {
	c.Add(c.Look(c.off+int64(len(c.held)), p))
	return len(p), nil
}

// need is how many bytes have to be there to go on.
func (c *Checker) need() int {
	if l := c.found.Load(); l != nil {
		return l.physical
	}
	return int(min(headSize, max(1, c.size)))
}

// take looks at a piece that may begin and end anywhere.
func (c *Checker) take(p []byte) {
	if c.no {
		return
	}
	for len(c.held) > 0 || len(p) < c.need() {
		n := min(c.need()-len(c.held), len(p))
		c.held, p = append(c.held, p[:n]...), p[n:]
		if len(c.held) < c.need() {
			return
		}
		whole := c.held
		c.held = c.held[:0]
		c.whole(whole)
		if len(p) == 0 || c.no {
			return
		}
	}
	c.whole(p)
}

// whole looks at the whole pages of p, and holds the rest.
func (c *Checker) whole(p []byte) {
	l := c.found.Load()
	if l == nil {
		if l = detect(c.kind, p[:min(len(p), headSize)], c.hints); l == nil {
			c.no = true
			return
		}
		c.found.Store(l)
	}
	n := len(p) / l.physical * l.physical
	c.merge(c.scan(l, c.off, p[:n]))
	c.held = append(c.held[:0], p[n:]...)
}

// Zeros is Write(make([]byte, n)) without the memory.
func (c *Checker) Zeros(n int64) {
	l := c.found.Load()
	if c.no || l != nil && len(c.held) == 0 && n%int64(l.physical) == 0 {
		if !c.no {
			c.hole(l, n)
		}
		return
	}
	block := make([]byte, min(n, headSize))
	for ; n > 0; n -= int64(len(block)) {
		block = block[:min(n, int64(len(block)))]
		c.take(block)
	}
}

// hole counts pages that were never used. A descriptor among them describes nothing.
func (c *Checker) hole(l *layout, n int64) {
	first, pages := c.off/int64(l.physical), n/int64(l.physical)
	number := int64(l.base) + first
	if (number+pages-1)/int64(l.physical) != (number-1)/int64(l.physical) {
		c.descriptors = nil
	}
	c.merge(Part{n: int(n), pages: pages})
}

// Close ends the file; ok is false when it is no tablespace.
func (c *Checker) Close() (r Result, ok bool) {
	if c.found.Load() == nil && !c.no && len(c.held) > 0 { // it became shorter
		whole := c.held
		c.held = nil
		c.whole(whole)
	}
	l := c.found.Load()
	if l == nil {
		return Result{}, false
	}
	if len(c.held) > 0 {
		c.result.Pages++
		c.damage(c.off / int64(l.physical))
	}
	return c.result, true
}
