package webhook

import (
	"testing"
	"time"
)

// RetryAfter reads a header of that name.
func RetryAfter(text string, now time.Time) (time.Duration, bool) { return retryAfter(text, now) }

// Sign signs as a notifier with the given secret does.
func Sign(t *testing.T, secret, id, timestamp, body string) string {
	t.Helper()
	key, err := parseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return sign(key, id, timestamp, []byte(body))
}
