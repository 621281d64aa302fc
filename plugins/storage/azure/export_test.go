package azure

import (
	"context"
	"time"
)

// SetPage sets how many blobs of a listing are asked for at once.
func (s *Storage) SetPage(n int32) { s.page = n }

// DropAbandoned does what the first Begin of a process does, as if it were another time.
func (s *Storage) DropAbandoned(ctx context.Context, now time.Time) {
	s.now = func() time.Time { return now }
	s.dropAbandoned(ctx)
	s.now = time.Now
}

// DecodeBlock reads the id of a block, and encodes it again.
func DecodeBlock(id string) (again string, ok bool) {
	b, ok := decodeBlock(id, 1)
	if !ok {
		return "", false
	}
	return b.encode(), true
}
