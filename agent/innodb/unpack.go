package innodb

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/zlib"
	"github.com/pierrec/lz4/v4"
)

// Where MySQL's transparent compression notes what it did: in the bytes that no checksum covers.
const (
	atPackVersion   = 26
	atPackAlgorithm = 27
	atOriginalType  = 28
	atOriginalSize  = 30
	atPackedSize    = 32
)

// Its algorithms.
const (
	packZlib = 1
	packLZ4  = 2
)

// scratch is memory for one goroutine.
type scratch struct {
	page []byte
	zlib io.ReadCloser
	in   bytes.Reader
}

// unpack gives back the page that a compressed one was made of, valid until the next call.
func (s *scratch) unpack(page []byte) ([]byte, bool) {
	size, packed := int(be16(page, atOriginalSize)), int(be16(page, atPackedSize))
	version := page[atPackVersion]
	if version < 1 || version > 2 || atBody+size != len(page) || atBody+packed > len(page) {
		return nil, false
	}
	if s.page == nil {
		s.page = make([]byte, maxPage)
	}
	out := s.page[:len(page)]
	copy(out, page[:atBody])
	copy(out[atType:], page[atOriginalType:atOriginalSize])
	in := page[atBody : atBody+packed]
	switch page[atPackAlgorithm] {
	case packZlib:
		return out, s.inflate(out[atBody:], in)
	case packLZ4:
		n, err := lz4.UncompressBlock(in, out[atBody:])
		return out, err == nil && n == size
	}
	return nil, false
}

// inflate fills out exactly.
func (s *scratch) inflate(out, in []byte) bool {
	s.in.Reset(in)
	var err error
	if reset, ok := s.zlib.(zlib.Resetter); ok {
		err = reset.Reset(&s.in, nil)
	} else {
		s.zlib, err = zlib.NewReader(&s.in)
	}
	if err != nil {
		return false
	}
	if _, err := io.ReadFull(s.zlib, out); err != nil {
		return false
	}
	n, err := s.zlib.Read(make([]byte, 1)) // the end, with its own checksum
	return n == 0 && errors.Is(err, io.EOF)
}
