package ship

import "github.com/drydock-backup/drydock/agent/spool"

// InFlight returns the number of chunks that a target which has not failed still lacks: those that are going to be
// released by themselves.
func (s *Shipment) InFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range s.chunks {
		for _, l := range s.lanes {
			if l.err == nil && !l.has[i] {
				n++
				break
			}
		}
	}
	return n
}

// DropKept gives up what failed targets lack: those chunks are released now and later, as without Options.Keep. It
// returns how many chunks that released. Call it when the disk is full and a live target can still be served.
func (s *Shipment) DropKept() int {
	s.mu.Lock()
	s.keep = false
	n := len(s.chunks)
	s.mu.Unlock()
	return s.release(0, n)
}

// MakeRoom is for a spool whose disk is full (spool.Spool.InFlight): it returns how many chunks are going to be released
// by themselves. When there are none, and a live target could still be served, it gives up what is kept for the failed
// ones: one backup somewhere is worth more than none everywhere.
func (s *Shipment) MakeRoom() int {
	n := s.InFlight()
	if n > 0 {
		return n
	}
	s.mu.Lock()
	nobodyLeft := s.allFailed() != nil
	s.mu.Unlock()
	if !nobodyLeft {
		s.DropKept()
	}
	return 0
}

// release hands back those of the chunks from index to end that no target needs any more, and returns how many.
func (s *Shipment) release(index, end int) int {
	var free []spool.Chunk
	s.mu.Lock()
	for i := index; i < min(end, len(s.chunks)); i++ {
		if !s.released[i] && !s.needed(i) {
			s.released[i] = true
			free = append(free, s.chunks[i])
		}
	}
	s.mu.Unlock()
	for _, c := range free {
		if s.o.Release != nil {
			s.o.Release(c)
		}
	}
	return len(free)
}

// needed reports whether some target still wants chunk i from the disk. s.mu is held.
func (s *Shipment) needed(i int) bool {
	for _, l := range s.lanes {
		if !l.has[i] && (l.err == nil || s.keep) {
			return true
		}
	}
	return false
}
