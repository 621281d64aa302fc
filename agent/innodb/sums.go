package innodb

import (
	"encoding/binary"
	"hash/crc32"
)

func crc32c(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

// pageCRC is the checksum of algorithm crc32: of header and body without what is written after the checksum.
func pageCRC(page []byte) uint32 {
	return crc32c(page[atNumber:atFlushLSN]) ^ crc32c(page[atBody:len(page)-trailer])
}

// zipCRC is that of a ROW_FORMAT=COMPRESSED page.
func zipCRC(page []byte) uint32 {
	return crc32c(page[atNumber:atLSN]) ^ crc32c(page[atType:atFlushLSN]) ^ crc32c(page[atSpace:])
}

// zipAdler is what such a page has with algorithm innodb: Adler-32 that begins with 0 instead of 1.
func zipAdler(page []byte) uint32 {
	var a, b uint32
	for _, part := range [][]byte{page[atNumber:atLSN], page[atType:atFlushLSN], page[atSpace:]} {
		for len(part) > 0 {
			n := min(len(part), 5552) // as many bytes as the sums have room for
			for _, c := range part[:n] {
				a += uint32(c)
				b += a
			}
			a, b, part = a%65521, b%65521, part[n:]
		}
	}
	return b<<16 | a
}

// fold is InnoDB's own hash, which algorithm innodb is made of.
func fold(p []byte) (f uint32) {
	const mask, mask2 = 1463735687, 1653893711
	for _, c := range p {
		f = ((f^uint32(c)^mask2)<<8 + f) ^ mask + uint32(c)
	}
	return f
}

// bigEndianCRC is what crc32 was on machines with the other byte order before MySQL 5.7: aligned words went in backwards.
func bigEndianCRC(page []byte) uint32 {
	return swappedCRC(page, atNumber, atFlushLSN) ^ swappedCRC(page, atBody, len(page)-trailer)
}

func bigEndianZipCRC(page []byte) uint32 {
	return swappedCRC(page, atNumber, atLSN) ^ swappedCRC(page, atType, atFlushLSN) ^ swappedCRC(page, atSpace, len(page))
}

func swappedCRC(page []byte, from, to int) uint32 {
	p := append([]byte(nil), page[from:to]...)
	for at := (8 - from%8) % 8; at+8 <= len(p); at += 8 {
		binary.LittleEndian.PutUint64(p[at:], binary.BigEndian.Uint64(p[at:]))
	}
	return crc32c(p)
}
