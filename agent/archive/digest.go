package archive

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"hash/crc32"
)

// digest sums up one file: its content, and the data that the content was packed into.
type digest struct {
	sha         hash.Hash
	crc, packed uint32
}

func newDigest() *digest { return &digest{sha: sha256.New()} }

func (d *digest) content(p []byte) {
	_, _ = d.sha.Write(p) // never fails
	d.crc = crc32.Update(d.crc, crc32.IEEETable, p)
}

// zeros is content(make([]byte, n)) without the memory; block is some zeros.
func (d *digest) zeros(n int, block []byte) {
	for n > 0 {
		k := min(n, len(block))
		d.content(block[:k])
		n -= k
	}
}

func (d *digest) data(p []byte) { d.packed = crc32.Update(d.packed, crc32.IEEETable, p) }

func (d *digest) sum() (sum [32]byte) {
	d.sha.Sum(sum[:0])
	return sum
}

// isZero reports whether p holds nothing but zeros. It ends early when it does not.
func isZero(p []byte) bool {
	return len(p) == 0 || p[0] == 0 && bytes.Equal(p[:len(p)-1], p[1:])
}
