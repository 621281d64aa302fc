package archive

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"sync"

	"github.com/drydock-backup/drydock/sdk/directio"
)

// digester hashes what the disk holds. It is safe for concurrent use.
type digester struct {
	buffers sync.Pool // of *[]byte
}

const (
	digestRead  = 1 << 20 // bytes that are read at once
	digestAhead = 2       // reads that may be waiting for the hash
)

// extent is a piece of a file: bytes, or a hole.
type extent struct {
	data []byte
	hole int64
	from *[]byte // the buffer
}

// file hashes a file from its beginning to its end.
func (d *digester) file(f *os.File) (sum [32]byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	err = d.part(h, directio.New(f), 0, info.Size())
	return [32]byte(h.Sum(nil)), err
}

// part hashes a part of a file; the disk reads while the processor hashes.
func (d *digester) part(h hash.Hash, f *directio.File, off, end int64) (err error) {
	advise(f.File)
	extents := make(chan extent, digestAhead)
	go func() { // ends before part does
		defer close(extents)
		err = d.read(f, off, end, extents)
	}()
	var zeros []byte
	for e := range extents {
		if e.hole > 0 && zeros == nil {
			zeros = make([]byte, zeroBlock)
		}
		for ; e.hole > 0; e.hole -= min(e.hole, zeroBlock) {
			_, _ = h.Write(zeros[:min(e.hole, zeroBlock)])
		}
		_, _ = h.Write(e.data)
		if e.from != nil {
			d.buffers.Put(e.from)
		}
	}
	return err
}

// read sends a part of a file, piece by piece. A file that ends early is io.ErrUnexpectedEOF.
func (d *digester) read(f *directio.File, off, end int64, to chan<- extent) error {
	for off < end {
		if next := nextData(f.File, off, end); next > off {
			to <- extent{hole: next - off}
			off = next
			continue
		}
		buf := d.buffer()
		n, err := f.ReadAt((*buf)[:wholeBlocks(min(digestRead, end-off))], off)
		if n == 0 && err != nil {
			d.buffers.Put(buf)
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		n = int(min(int64(n), end-off))
		to <- extent{data: (*buf)[:n], from: buf}
		off += int64(n)
	}
	return nil
}

// wholeBlocks rounds up.
func wholeBlocks(n int64) int64 { return (n + directio.Align - 1) / directio.Align * directio.Align }

func (d *digester) buffer() *[]byte {
	if b, ok := d.buffers.Get().(*[]byte); ok {
		return b
	}
	b := directio.Buffer(digestRead)
	return &b
}
