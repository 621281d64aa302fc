package ship

import "time"

// Ended returns a channel that is closed when every target has all chunks or has failed, so that Wait would not wait.
func (s *Shipment) Ended() <-chan struct{} { return s.ended }

// FailingSince returns since when no target has got anything done: every one that still lacks chunks has met nothing but
// errors since then, and is being tried again. It is zero as long as one of them works, however slowly.
func (s *Shipment) FailingSince() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	var since time.Time
	for _, l := range s.lanes {
		if l.err != nil || s.finished && len(l.has) == len(s.chunks) {
			continue // it is done with, one way or the other
		}
		if l.failing.IsZero() {
			return time.Time{}
		}
		if l.failing.After(since) {
			since = l.failing
		}
	}
	return since
}

// answered notes how one try of a call to the target has ended.
func (l *lane) answered(err error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	switch {
	case err == nil:
		l.failing = time.Time{}
	case l.failing.IsZero():
		l.failing = time.Now()
	}
}
