package archive

import "sync"

// span is a part of a file that was written, and is to be read back.
type span struct {
	off, size int64
	crcs      [2]uint32 // CRC-32 of the file up to the span, and with it
	hole      bool      // all zeros, and not written
}

func (s span) end() int64 { return s.off + s.size }

// spans are those of a file that were written and not read back yet, in order. They are safe for concurrent use.
type spans struct {
	mu  sync.Mutex
	all []span
}

func (s *spans) add(one span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, one)
}

// take returns them and forgets them.
func (s *spans) take() []span {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}
