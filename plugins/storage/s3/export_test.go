package s3

import (
	"context"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// AbortAbandoned does what the first Begin of a process does, at another time.
func (s *Storage) AbortAbandoned(ctx context.Context, now time.Time) { s.abortAbandoned(ctx, now) }

// ParseToken parses a token and encodes it again.
func ParseToken(text string) (string, error) {
	t, err := parseToken(text)
	if err != nil {
		return "", err
	}
	return t.encode()
}

// KindOf classifies an error code and a status.
func KindOf(code string, status int) errs.Kind { return kindOf(code, status) }
