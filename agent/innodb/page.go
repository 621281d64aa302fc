package innodb

import "bytes"

// verdict is what can be said about a page.
type verdict uint8

const (
	good   verdict = iota // its checksum is right, or it was never used
	opaque                // it has no checksum that can be computed without the server's keys
	bad
)

// Types of pages that are stored in another way.
const (
	mysqlCompressed               = 14
	mysqlEncrypted                = 15
	mysqlPackedEncrypted          = 16
	mysqlEncryptedRTree           = 17
	mariadbPacked                 = 34354
	mariadbPackedEncrypted        = 37401
	fullPackedBit                 = 1 << 15 // full_crc32: the page is compressed, to the type's other bits × 256 bytes
	fullPackedUnit                = 256
	fullChecksum                  = 4 // bytes at the end of a page
	fullMinimum                   = atBody + trailer
	noChecksum             uint32 = 0xdeadbeef
)

// check judges one page, physical bytes long, that should have the number.
func (l *layout) check(page []byte, number uint32, s *scratch) verdict {
	if l.displaced(page, number) && (l.mariadb || !unused(page)) {
		return verdictOf(isZero(page))
	}
	if l.full {
		return verdictOf(l.checkFull(page))
	}
	switch t := be16(page, atType); {
	case t == mariadbPacked && l.packed, t == mariadbPackedEncrypted && (l.packed || l.crypt):
		return opaque
	case l.mariadb:
	case t == mysqlEncrypted, t == mysqlPackedEncrypted, t == mysqlEncryptedRTree:
		if l.hidden {
			return opaque
		}
		return bad
	case t == mysqlCompressed && !l.system() && !l.zip:
		unpacked, ok := s.unpack(page)
		return verdictOf(ok && checkPlain(unpacked))
	}
	if l.crypt && be32(page, atFlushLSN) != 0 && l.checkEncrypted(page) {
		return good
	}
	if l.zip {
		return verdictOf(checkZip(page))
	}
	return verdictOf(checkPlain(page))
}

func verdictOf(ok bool) verdict {
	if ok {
		return good
	}
	return bad
}

// displaced reports whether a page does not say that it belongs where it is. Only MariaDB holds a page of another
// tablespace against it, and cannot where the field is encrypted.
func (l *layout) displaced(page []byte, number uint32) bool {
	if l.numbered && be32(page, atNumber) != number {
		return true
	}
	readable := !l.full || !l.crypt && !l.packed
	return l.mariadb && l.named && readable && be32(page, atSpace) != l.space
}

// unused reports whether a page says nothing of itself: MySQL has its own rules for what may be in one.
func unused(page []byte) bool {
	return isZero(page[atNumber:atLSN]) && be16(page, atType) == 0 && isZero(page[atBody:len(page)-trailer])
}

// checkFull checks a page of full_crc32. A compressed one is shorter than its place in the file.
func (l *layout) checkFull(page []byte) bool {
	size, packed := len(page), false
	if t := int(be16(page, atType)); t&fullPackedBit != 0 {
		packed = true
		if size = (t &^ fullPackedBit) * fullPackedUnit; size >= len(page) || size < fullMinimum {
			return false
		}
	}
	sum := be32(page, size-fullChecksum)
	if sum == 0 && !packed && isZero(page) {
		return true
	}
	if sum != crc32c(page[:size-fullChecksum]) {
		return false
	}
	encrypted := be32(page, 0) != 0
	return packed || encrypted || be32(page, atLSN+4) == be32(page, size-trailer)
}

// checkEncrypted checks what MariaDB has encrypted, by the checksum that it adds afterwards.
func (l *layout) checkEncrypted(page []byte) bool {
	stored := be32(page, atFlushLSN+4)
	if l.zip {
		return stored == zipCRC(page)
	}
	return stored == pageCRC(page)
}

// checkPlain checks a page as it is in memory. All algorithms are tried, for a tablespace may hold pages of each.
func checkPlain(page []byte) bool {
	end := len(page) - trailer
	if be32(page, atLSN+4) != be32(page, end+4) {
		return false
	}
	first, last := be32(page, atChecksum), be32(page, end)
	if first == 0 && last == 0 && be64(page, atLSN) == 0 {
		return isZero(page[:atFlushLSN]) && isZero(page[atSpace:])
	}
	if first == last && (first == pageCRC(page) || first == noChecksum) {
		return true
	}
	return checkLegacy(page, first, last) || first == last && first == bigEndianCRC(page)
}

// checkLegacy checks the algorithm "innodb". The very first versions stored no checksums, but the tablespace's id, always
// 0, and the upper half of the LSN.
func checkLegacy(page []byte, first, last uint32) bool {
	if last != be32(page, atLSN) && last != fold(page[:atFlushLSN]) {
		return false
	}
	return first == 0 || first == fold(page[atNumber:atFlushLSN])+fold(page[atBody:len(page)-trailer])
}

// checkZip checks a ROW_FORMAT=COMPRESSED page, which has nothing at its end.
func checkZip(page []byte) bool {
	stored := be32(page, atChecksum)
	if stored == 0 && be64(page, atLSN) == 0 {
		return isZero(page)
	}
	return stored == zipCRC(page) || stored == noChecksum || stored == zipAdler(page) || stored == bigEndianZipCRC(page)
}

// isZero reports whether p holds nothing but zeros. It ends early when it does not.
func isZero(p []byte) bool {
	return len(p) == 0 || p[0] == 0 && bytes.Equal(p[:len(p)-1], p[1:])
}
