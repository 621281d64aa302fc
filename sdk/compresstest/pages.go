package compresstest

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
)

// PageSize is the size in bytes of InnoDB's default page.
const PageSize = 16 << 10

// Offsets within a page of InnoDB (storage/innobase/include/fil0types.h and page0types.h).
const (
	filPrev, filNext, filLSN, filType, filSpace = 8, 12, 16, 24, 34
	pageHeader                                  = 38
	records                                     = 120 // after the system records infimum and supremum
	trailer                                     = PageSize - 8
	typeIndex                                   = 17855 // FIL_PAGE_INDEX
)

// Pages returns n index pages as InnoDB leaves them on disk: headers, rows in the compact format, the page directory
// and checksums. They compress about as well as the pages of an orders table. The same seed gives the same pages.
func Pages(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 16384))
	out := make([]byte, n*PageSize)
	id := uint32(r.IntN(1 << 20))
	for i := range n {
		id = fillPage(out[i*PageSize:(i+1)*PageSize], r, uint32(i), id)
	}
	return out
}

// fillPage makes one page whose first row has the given id, and returns the id after its last row.
func fillPage(p []byte, r *rand.Rand, number, id uint32) uint32 {
	be := binary.BigEndian
	lsn := 19_000_000 + uint64(number)*9_000 + uint64(r.IntN(4_000))
	be.PutUint32(p[4:], number)
	be.PutUint32(p[filPrev:], number-1)
	be.PutUint32(p[filNext:], number+1)
	be.PutUint64(p[filLSN:], lsn)
	be.PutUint16(p[filType:], typeIndex)
	be.PutUint32(p[filSpace:], 7)
	copy(p[94:], "\x01\x00\x02\x00\x1cinfimum\x00\x05\x00\x0b\x00\x00supremum")
	fill := PageSize * (70 + r.IntN(25)) / 100
	at, rows, slot := records, 0, trailer
	for at < fill {
		if rows%6 == 0 {
			slot -= 2
			be.PutUint16(p[slot:], uint16(at))
		}
		at += fillRow(p[at:], r, id, rows)
		id++
		rows++
	}
	be.PutUint16(p[pageHeader:], uint16((trailer-slot)/2))
	be.PutUint16(p[pageHeader+2:], uint16(at))
	be.PutUint16(p[pageHeader+4:], uint16(rows+2)|0x8000)
	be.PutUint16(p[pageHeader+16:], uint16(rows))
	sum := crc32.Checksum(p[4:26], crc32.MakeTable(crc32.Castagnoli)) ^
		crc32.Checksum(p[38:trailer], crc32.MakeTable(crc32.Castagnoli))
	be.PutUint32(p, sum)
	be.PutUint32(p[trailer:], sum)
	be.PutUint32(p[trailer+4:], uint32(lsn))
	return id
}

// fillRow writes one row (id, transaction, roll pointer, customer, amount, time, state, comment) and returns its length.
func fillRow(p []byte, r *rand.Rand, id uint32, heap int) int {
	words := []string{"paid", "shipped", "returned", "open", "blue", "large", "urgent", "gift", "invoice", "pallet", "spare"}
	comment := make([]byte, 0, 160)
	for range 2 + r.IntN(14) {
		comment = append(append(comment, words[r.IntN(len(words))]...), ' ')
	}
	be := binary.BigEndian
	head := []byte{byte(len(comment)), 0x06, 0x00, 0x00, byte(heap + 2), 0x00, byte(30 + len(comment))}
	n := copy(p, head)
	be.PutUint32(p[n:], id|1<<31)
	be.PutUint64(p[n+4:], 0x0000000519<<32|uint64(id/40)<<16)
	be.PutUint64(p[n+9:], 0x82000001<<24|uint64(id)<<4)
	be.PutUint32(p[n+17:], uint32(r.IntN(50_000))|1<<31)
	be.PutUint32(p[n+21:], uint32(r.IntN(1_000_000))|1<<31)
	be.PutUint32(p[n+25:], 0x99b2_0000+id/7)
	p[n+29] = byte(r.IntN(4))
	return n + 30 + copy(p[n+30:], comment)
}
