package directio

import (
	"runtime"
	"sync"
	"unsafe"
)

// large is the size of the system's large pages on the machines that we know, in bytes.
const large = 2 << 20

// Buffers are memory for whole blocks that is used again and again. It lies in large pages where the system has some to
// spare: a disk moves a piece of memory at once, and gives a buffer of small pages in hundreds of pieces, at half the speed.
// It is safe for concurrent use. Buffers that nobody has asked for in a while are given back to the system.
type Buffers struct {
	size int
	pool sync.Pool // of *Buffer
}

// Buffer is one of the buffers. Bytes may be used as long as the Buffer is held.
type Buffer struct {
	Bytes []byte
	slab  *slab
}

// slab is memory that several buffers share.
type slab struct{ memory []byte }

// NewBuffers returns buffers of size bytes, a multiple of Align. None of them is there yet.
func NewBuffers(size int) *Buffers { return &Buffers{size: size} }

// Get returns a buffer, with anything in it.
func (b *Buffers) Get() *Buffer {
	if got, ok := b.pool.Get().(*Buffer); ok {
		return got
	}
	all := newSlab(b.size, max(1, large/b.size))
	for _, more := range all[1:] {
		b.pool.Put(more)
	}
	return all[0]
}

// Put takes a buffer back, which the caller must not touch any more.
func (b *Buffers) Put(one *Buffer) { b.pool.Put(one) }

// newSlab makes n buffers. Their memory goes when nobody holds any of them.
func newSlab(size, n int) []*Buffer {
	s := &slab{mapLarge(n*size + large)}
	var bytes []byte
	if s.memory == nil {
		bytes = aligned(make([]byte, n*size+Align), n*size, Align)
	} else {
		runtime.AddCleanup(s, unmap, s.memory)
		bytes = aligned(s.memory, n*size, large)
		adviseLarge(bytes)
	}
	all := make([]*Buffer, n)
	for i := range all {
		all[i] = &Buffer{Bytes: bytes[i*size:][:size:size], slab: s}
	}
	return all
}

// aligned returns the first n bytes of b at an address that is a multiple of align.
func aligned(b []byte, n, align int) []byte {
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % uintptr(align)
	return b[skip:][:n:n]
}
