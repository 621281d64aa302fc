package seal

import (
	"fmt"
	"math"
)

// Sizes of the format, in bytes.
const (
	// HeaderSize is the size of the header that is written; readers take what the header says.
	HeaderSize = 64 << 10
	// SegmentSize is the size of a segment of ciphertext, and what a chunk's size is a multiple of.
	SegmentSize = 1 << 20
	// MaxChunkSize bounds what a header may say.
	MaxChunkSize = 1 << 40

	saltSize   = 32
	prefixSize = 7
	tagSize    = 16
	// leadSize is what Tink writes in front of the first segment: its own length, the salt, the nonce prefix.
	leadSize = 1 + saltSize + prefixSize
	// endSize is the ciphertext of nothing, which ends an artifact.
	endSize = leadSize + tagSize
)

// layout tells where what lies in a sealed artifact. Chunk i begins at i × chunk, save chunk 0, which begins after the
// header; the last chunk and then the end follow without a gap.
type layout struct {
	header int64
	chunk  int64
	sealed int64 // bytes of the whole artifact
}

// chunks returns how many chunks of data there are.
func (l layout) chunks() int64 {
	data := l.sealed - endSize
	if data <= l.header {
		return 0
	}
	return (data + l.chunk - 1) / l.chunk
}

// bounds returns where chunk i begins and ends.
func (l layout) bounds(i int64) (begin, end int64) {
	return max(i*l.chunk, l.header), min((i+1)*l.chunk, l.sealed-endSize)
}

// segment returns where a segment of chunk i begins and ends; the first one begins after the lead.
func (l layout) segment(i, index int64) (from, to int64) {
	begin, end := l.bounds(i)
	from, to = begin+index*SegmentSize, min(begin+(index+1)*SegmentSize, end)
	if index == 0 {
		from += leadSize
	}
	return from, to
}

// whole returns the first segment of chunk i, from index on, that n bytes of plaintext do not hold whole.
func (l layout) whole(i, index, n int64) int64 {
	_, end := l.bounds(i)
	for {
		from, to := l.segment(i, index)
		if n -= to - from - tagSize; to <= from || n < 0 {
			return index
		}
		index++
		if to == end {
			return index
		}
	}
}

// plain returns the bytes of plaintext in chunk i.
func (l layout) plain(i int64) int64 {
	begin, end := l.bounds(i)
	return plainSize(end - begin)
}

// plainBefore returns the bytes of plaintext before chunk i.
func (l layout) plainBefore(i int64) int64 {
	if i == 0 {
		return 0
	}
	return plainSize(l.chunk-l.header) + (i-1)*plainSize(l.chunk)
}

// find returns the chunk that holds the plaintext at off, and where in the chunk it is.
func (l layout) find(off int64) (chunk, within int64) {
	first := plainSize(l.chunk - l.header)
	if off < first {
		return 0, off
	}
	each := plainSize(l.chunk)
	return 1 + (off-first)/each, (off - first) % each
}

// size returns the bytes of plaintext in all.
func (l layout) size() int64 {
	n := l.chunks()
	if n == 0 {
		return 0
	}
	return l.plainBefore(n-1) + l.plain(n-1)
}

// check refuses a size that no artifact has.
func (l layout) check() error {
	if l.sealed < l.header+endSize {
		return fmt.Errorf("%w: it has %d bytes, its header and its end alone have %d: it is cut short", ErrDamaged, l.sealed, l.header+endSize)
	}
	n := l.chunks()
	if n > math.MaxInt32 {
		return fmt.Errorf("%w: %d chunks", ErrDamaged, n)
	}
	if n > 0 && l.plain(n-1) < 1 {
		return fmt.Errorf("%w: it has %d bytes, which no artifact has: it is cut short or has grown", ErrDamaged, l.sealed)
	}
	return nil
}

// plainSize returns the plaintext of n bytes of ciphertext.
func plainSize(n int64) int64 {
	segments := (n + SegmentSize - 1) / SegmentSize
	return n - leadSize - segments*tagSize
}
