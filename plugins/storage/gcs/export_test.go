package gcs

import (
	"context"
	"time"
)

// SetPage sets how many objects of a listing are asked for at once.
func (s *Storage) SetPage(n int64) { s.page = n }

// RemoveAbandoned does what the first Begin of a process does, as if it were another time.
func (s *Storage) RemoveAbandoned(ctx context.Context, now time.Time) {
	s.now = func() time.Time { return now }
	s.removeAbandoned(ctx)
	s.now = time.Now
}
