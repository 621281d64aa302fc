package seal

import (
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// Writer seals what is written to it. Close ends the artifact; without it there is none. It is for one goroutine at a
// time, holds about two segments in memory, and writes in pieces of up to a segment.
type Writer struct {
	to    io.Writer
	aead  *subtle.AESGCMHKDF
	id    [16]byte
	chunk int64

	current io.WriteCloser // of the chunk that is being written; nil between two
	index   int64          // of the next chunk
	room    int64          // plaintext that the current chunk still takes
	err     error          // sticky
}

// NewWriter writes the header to w and returns the writer of the plaintext. chunkSize is a multiple of SegmentSize. An
// envelope is for one artifact.
func NewWriter(w io.Writer, chunkSize int64, e *Envelope) (*Writer, error) {
	if err := CheckChunkSize(chunkSize); err != nil {
		return nil, err
	}
	h := newHeader(e.id, chunkSize)
	first, err := h.encodeSlot(1, e.wrapped, e.key)
	if err != nil {
		return nil, err
	}
	s := &Writer{to: w, id: e.id, chunk: chunkSize}
	if s.aead, err = newAEAD(e.key); err != nil {
		return nil, err
	}
	raw := append(append([]byte{}, h.fixed[:]...), first...)
	if _, err := w.Write(append(raw, make([]byte, h.size-int64(len(raw)))...)); err != nil {
		return nil, fmt.Errorf("write the header: %w", err)
	}
	return s, nil
}

// CheckChunkSize reports why an artifact cannot be sealed in chunks of so many bytes.
func CheckChunkSize(n int64) error {
	if n <= 0 || n%SegmentSize != 0 || n > MaxChunkSize {
		return fmt.Errorf("chunk size %d: a sealed artifact needs a multiple of 1 MiB", n)
	}
	return nil
}

func newAEAD(key *fileKey) (*subtle.AESGCMHKDF, error) {
	return subtle.NewAESGCMHKDF(key.derive(forPayload), "SHA256", keySize, SegmentSize, 0)
}

// Write seals p. An error stays: the artifact is of no use then.
func (s *Writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 && s.err == nil {
		if s.current == nil {
			s.err = s.begin()
			continue
		}
		part := p[:min(int64(len(p)), s.room)]
		var wrote int
		wrote, s.err = s.current.Write(part)
		n, p, s.room = n+wrote, p[wrote:], s.room-int64(wrote)
		if s.err == nil && s.room == 0 {
			s.err = s.end()
		}
	}
	return n, s.err
}

// begin opens the next chunk.
func (s *Writer) begin() (err error) {
	l := layout{header: HeaderSize, chunk: s.chunk}
	s.room = plainSize(s.chunk)
	if s.index == 0 {
		s.room = plainSize(s.chunk - l.header)
	}
	s.current, err = s.aead.NewEncryptingWriter(s.to, associated(s.id, s.index, false))
	s.index++
	return err
}

// end closes the current chunk.
func (s *Writer) end() error {
	err := s.current.Close()
	s.current = nil
	return err
}

// Close writes what is left, and the end of the artifact. It does not close what is below.
func (s *Writer) Close() error {
	if s.err != nil {
		return s.err
	}
	if s.current != nil {
		s.err = s.end()
	}
	if s.err == nil {
		s.err = s.finish()
	}
	err := s.err
	if err == nil {
		s.err = errors.New("seal: the artifact has its end already")
	}
	return err
}

func (s *Writer) finish() error {
	w, err := s.aead.NewEncryptingWriter(s.to, associated(s.id, s.index, true))
	if err != nil {
		return err
	}
	return w.Close()
}
