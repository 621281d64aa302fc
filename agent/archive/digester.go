package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"runtime"

	"github.com/drydock-backup/drydock/sdk/directio"
)

// digester hashes what the disk holds. It is safe for concurrent use.
type digester struct {
	buffers *directio.Buffers
	reads   chan struct{} // of holds
}

func newDigester() digester {
	return digester{directio.NewBuffers(digestRead), make(chan struct{}, readsAtOnce)}
}

const (
	digestRead  = 2 << 20 // bytes that are read at once
	digestAhead = 1       // reads that may be waiting for the hash
	readsAtOnce = 8       // spans that are read back at once
)

// filesAtOnce is how many files are hashed or read back at once.
func filesAtOnce() int { return min(runtime.GOMAXPROCS(0), 8) }

// extent is a piece of a file: bytes, or a hole.
type extent struct {
	data []byte
	hole int64
	from *directio.Buffer
}

// file hashes a file from its beginning to its end.
func (d *digester) file(ctx context.Context, f *os.File) (sum [32]byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	err = d.part(ctx, h, directio.New(f), 0, info.Size())
	return [32]byte(h.Sum(nil)), err
}

// part hashes a part of a file; the disk reads while the processor hashes.
func (d *digester) part(ctx context.Context, h hash.Hash, f *directio.File, off, end int64) (err error) {
	advise(f.File)
	extents := make(chan extent, digestAhead)
	go func() { // ends before part does
		defer close(extents)
		err = d.read(ctx, f, off, end, extents)
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

// read sends a part of a file, piece by piece.
func (d *digester) read(ctx context.Context, f *directio.File, off, end int64, to chan<- extent) error {
	for off < end {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if next := nextData(f.File, off, end); next > off {
			to <- extent{hole: next - off}
			off = next
			continue
		}
		buf := d.buffers.Get()
		n, err := readSome(f, buf.Bytes, off, end)
		if err != nil {
			d.buffers.Put(buf)
			return err
		}
		to <- extent{data: buf.Bytes[:n], from: buf}
		off += int64(n)
	}
	return nil
}

// readSome reads from off, at most to end, into a buffer of whole blocks. A file that ends early is io.ErrUnexpectedEOF.
func readSome(f *directio.File, buf []byte, off, end int64) (int, error) {
	n, err := f.ReadAt(buf[:wholeBlocks(min(int64(len(buf)), end-off))], off)
	if n > 0 {
		return int(min(int64(n), end-off)), nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return 0, err
}

// holds reports whether a file holds what was written to a part of it.
func (d *digester) holds(f *directio.File, s span) (bool, error) {
	if s.hole && nextData(f.File, s.off, s.end()) == s.end() {
		return true, nil
	}
	d.reads <- struct{}{}
	defer func() { <-d.reads }()
	buf := d.buffers.Get()
	defer d.buffers.Put(buf)
	crc := s.crcs[0]
	for off := s.off; off < s.end(); {
		n, err := readSome(f, buf.Bytes, off, s.end())
		if err != nil {
			return false, err
		}
		crc = crc32.Update(crc, crc32.IEEETable, buf.Bytes[:n])
		off += int64(n)
	}
	return crc == s.crcs[1], nil
}

// wholeBlocks rounds up.
func wholeBlocks(n int64) int64 { return (n + directio.Align - 1) / directio.Align * directio.Align }
