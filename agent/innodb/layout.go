package innodb

import (
	"encoding/binary"
	"path"
	"strings"
)

// Where the fields of a page are that both servers have, in bytes.
const (
	atChecksum = 0
	atNumber   = 4
	atLSN      = 16
	atType     = 24
	atFlushLSN = 26 // 8 bytes that no checksum covers: MariaDB's key version, MySQL's facts about compression
	atSpace    = 34
	atBody     = 38
	atSpaceID  = 38 // in the first page only: the header of the tablespace
	atFlags    = 54 // likewise
	trailer    = 8  // checksum, and the lower half of the LSN once more
)

// Sizes of pages in bytes.
const (
	minPage     = 4 << 10
	maxPage     = 64 << 10
	minZip      = 1 << 10
	maxZip      = 16 << 10
	defaultPage = 16 << 10
	// headSize is how much of a file New's Checker looks at to find out how its pages are made: two of the largest.
	headSize = 2 * maxPage
)

// typeHeader is the type of a tablespace's first page.
const typeHeader = 8

// Hints are what is known about the server that a file belongs to. They decide where a file does not tell by itself.
type Hints struct {
	PageSize int  // innodb_page_size in bytes; 0 when not known
	MariaDB  bool // false: MySQL, or not known
}

// layout is how the pages of one file are made.
type layout struct {
	physical int  // bytes of a page in the file
	logical  int  // bytes of a page in memory: may be more than physical when zip
	zip      bool // ROW_FORMAT=COMPRESSED
	full     bool // checksums are MariaDB's full_crc32
	mariadb  bool // rules of MariaDB for what the formats do not tell apart
	packed   bool // MariaDB: pages may be compressed
	crypt    bool // MariaDB: pages may be encrypted
	hidden   bool // MySQL: pages may be encrypted
	numbered bool // base is known
	base     uint32
	named    bool // space is known
	space    uint32
}

// extent is the number of pages that a tablespace grows by.
func (l *layout) extent() int { return max(64, 1<<20/l.logical) }

// doublewrite reports whether a page is part of the doublewrite buffer in the system tablespace: copies of pages of any
// tablespace.
func (l *layout) doublewrite(number uint32) bool {
	e := uint32(l.extent())
	return l.system() && number >= e && number < 3*e
}

// system reports whether the file is known to belong to the system tablespace.
func (l *layout) system() bool { return l.named && l.space == 0 }

// Bits of a tablespace's flags.
const (
	flagFull      = 1 << 4  // MariaDB: full_crc32, and the bits below and above mean something else
	flagHidden    = 1 << 13 // MySQL: encrypted
	flagPacked    = 1 << 16 // MariaDB: page_compressed
	flagsKnown    = 1<<17 - 1
	fullPackShift = 5 // full_crc32: which library compresses
)

// parseFlags reads the flags of a tablespace; ok is false when no server writes such.
func parseFlags(flags uint32) (l layout, ok bool) {
	size := func(bits uint32) int { return 512 << (bits & 15) }
	if flags&flagFull != 0 {
		l = layout{physical: size(flags), full: true, mariadb: true, packed: flags>>fullPackShift&7 != 0}
		l.logical = l.physical
		return l, flags>>8 == 0 && l.physical >= minPage && l.physical <= maxPage
	}
	l.logical = defaultPage
	if ssize := flags >> 6 & 15; ssize != 0 {
		l.logical = size(ssize)
	}
	l.physical = l.logical
	if zip := flags >> 1 & 15; zip != 0 {
		l.physical, l.zip = size(zip), true
		ok = l.physical >= minZip && l.physical <= min(maxZip, l.logical)
	} else {
		ok = true
	}
	l.hidden, l.packed = flags&flagHidden != 0, flags&flagPacked != 0
	l.mariadb = l.packed
	return l, ok && flags&^flagsKnown == 0 && l.logical >= minPage && l.logical <= maxPage
}

// kind is what the name of a file tells.
type kind int

const (
	unlikely  kind = iota // a tablespace only if it looks exactly like the system tablespace
	ignored               // nobody needs its pages: it is made anew, or holds copies
	headed                // a tablespace whose first page is its header
	continued             // ibdata1 and its continuations, which have no header
)

// kindOf looks at the name. A system tablespace can have any name.
func kindOf(name string) kind {
	base := path.Base(name)
	switch ext := path.Ext(base); {
	case ext == ".ibd", ext == ".ibu":
		return headed
	case ext == ".ibt", ext == ".dblwr", ext == ".bdblwr", strings.HasPrefix(base, "ibtmp"):
		return ignored
	case numbered(base, "ibdata"):
		return continued
	case numbered(strings.Replace(base, "_", "", 1), "undo"):
		return headed
	}
	return unlikely
}

// numbered reports whether a name is prefix and digits.
func numbered(name, prefix string) bool {
	digits, ok := strings.CutPrefix(name, prefix)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

func be16(p []byte, at int) uint16 { return binary.BigEndian.Uint16(p[at:]) }
func be32(p []byte, at int) uint32 { return binary.BigEndian.Uint32(p[at:]) }
func be64(p []byte, at int) uint64 { return binary.BigEndian.Uint64(p[at:]) }
