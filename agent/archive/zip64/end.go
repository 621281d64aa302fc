package zip64

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// ErrFormat is wrapped by every error about bytes that are not such a Zip64 file.
var ErrFormat = errors.New("not a whole zip64 file")

const (
	sigEnd64   = 0x06064b50
	sigLocator = 0x07064b50
	sigEnd     = 0x06054b50

	end64Size   = 56
	locatorSize = 20
	endSize     = 22
)

// End is what the end of the file says.
type End struct {
	Entries       int64
	CentralOffset int64
	CentralSize   int64
	Comment       string
}

// AppendEnd appends the Zip64 end record, its locator, and the old end record with the comment. All three are always
// written, so the end of a file with a comment of known length has a known length.
func AppendEnd(dst []byte, e End) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, sigEnd64)
	dst = le.AppendUint64(dst, end64Size-12)
	dst = le.AppendUint16(dst, madeByUnix)
	dst = le.AppendUint16(dst, 45)
	dst = append(dst, make([]byte, 8)...) // disk numbers
	dst = le.AppendUint64(dst, uint64(e.Entries))
	dst = le.AppendUint64(dst, uint64(e.Entries))
	dst = le.AppendUint64(dst, uint64(e.CentralSize))
	dst = le.AppendUint64(dst, uint64(e.CentralOffset))

	dst = le.AppendUint32(dst, sigLocator)
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint64(dst, uint64(e.CentralOffset+e.CentralSize))
	dst = le.AppendUint32(dst, 1)

	dst = le.AppendUint32(dst, sigEnd)
	dst = append(dst, make([]byte, 4)...)
	entries := uint16(min(e.Entries, math.MaxUint16))
	dst = le.AppendUint16(dst, entries)
	dst = le.AppendUint16(dst, entries)
	dst = le.AppendUint32(dst, uint32(min(e.CentralSize, math.MaxUint32)))
	dst = le.AppendUint32(dst, uint32(min(e.CentralOffset, math.MaxUint32)))
	dst = le.AppendUint16(dst, uint16(len(e.Comment)))
	return append(dst, e.Comment...)
}

// ReadEnd reads the end of a file of the given size. comment is the length of its comment, which the writer of the
// file fixes. Whatever is not exactly what [AppendEnd] writes, at exactly that place, is an error.
func ReadEnd(r io.ReaderAt, size int64, comment int) (End, error) {
	tail := make([]byte, end64Size+locatorSize+endSize+comment)
	at := size - int64(len(tail))
	if at < 0 {
		return End{}, fmt.Errorf("%w: %d bytes are too few", ErrFormat, size)
	}
	if err := ReadFullAt(r, tail, at); err != nil {
		return End{}, fmt.Errorf("read end of zip: %w", err)
	}
	le := binary.LittleEndian
	if le.Uint32(tail) != sigEnd64 {
		return End{}, fmt.Errorf("%w: no end record where it should be; the end is cut off or altered", ErrFormat)
	}
	e := End{
		Entries:       int64(le.Uint64(tail[24:])),
		CentralSize:   int64(le.Uint64(tail[40:])),
		CentralOffset: int64(le.Uint64(tail[48:])),
		Comment:       string(tail[len(tail)-comment:]),
	}
	if e.CentralSize < 0 || e.CentralOffset < 0 || e.CentralOffset > at || e.CentralSize != at-e.CentralOffset {
		return End{}, fmt.Errorf("%w: the central directory does not end where the end record begins", ErrFormat)
	}
	if e.Entries < 1 || e.Entries > e.CentralSize/centralSize {
		return End{}, fmt.Errorf("%w: %d entries do not fit into the central directory", ErrFormat, e.Entries)
	}
	if !bytes.Equal(AppendEnd(nil, e), tail) {
		return End{}, fmt.Errorf("%w: the end record is altered", ErrFormat)
	}
	return e, nil
}

// ReadFullAt fills p from offset at; fewer bytes than that are io.ErrUnexpectedEOF.
func ReadFullAt(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
