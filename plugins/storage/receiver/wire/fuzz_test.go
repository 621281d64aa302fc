package wire_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
)

func FuzzDigest(f *testing.F) {
	good := wire.FormatDigest([32]byte{1, 2, 3})
	for _, text := range []string{
		good, "sha-512=:AAAA:, " + good, good + "," + good, "sha-256=:AAAA:", "sha-256=" + strings.Trim(good[8:], ":"), "", ",", "=::",
		strings.ToUpper(good), good + " ", "sha-256=:\n:", good[:len(good)-2] + ":",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sum, err := wire.ParseDigest(text)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%q: error %v, want invalid", text, err)
			}
			return
		}
		again, err := wire.ParseDigest(wire.FormatDigest(sum))
		if err != nil || again != sum || !strings.Contains(text, wire.FormatDigest(sum)) {
			t.Errorf("%q is read as %x, which comes back as %x, %v", text, sum, again, err)
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, text := range []string{
		"0", "7", "01", "+1", "-1", "-0", " 1", "1_0", "0x1", "1e3", "9223372036854775807", "9223372036854775808", "",
	} {
		f.Add(text, int64(1<<24))
	}
	f.Fuzz(func(t *testing.T, text string, most int64) {
		n, err := wire.ParseNumber("index", text, most)
		if err == nil && (n < 0 || n > most || strconv.FormatInt(n, 10) != text) {
			t.Errorf("%q is read as %d; the most is %d", text, n, most)
		}
		if want, e := strconv.ParseUint(text, 10, 63); e == nil && want <= math.MaxInt64 && err != nil && int64(want) <= most &&
			strconv.FormatUint(want, 10) == text {
			t.Errorf("%q is refused: %v", text, err)
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add(404, `{"kind":"not-found","message":"stat \"x\": no such object"}`)
	f.Add(429, `{"kind":"throttled","message":"slow down","retry_after":9223372036854775807}`)
	f.Add(429, `{"kind":"throttled","message":"slow down","retry_after":-5}`)
	f.Add(500, `{"kind":"of tomorrow","message":"x"}`)
	f.Add(502, "<html>")
	f.Add(99, "null")
	f.Fuzz(func(t *testing.T, status int, body string) {
		err := wire.ReadError(status, strings.NewReader(body))
		if err == nil {
			t.Fatal("an answer that is no success is no error")
		}
		e := wire.ErrorOf(err)
		if e.RetryAfter < 0 || e.RetryAfter > 24*3600 {
			t.Errorf("retry after %d s", e.RetryAfter)
		}
		if e.Err() == nil || wire.StatusOf(e.Kind) < 400 {
			t.Errorf("kind %q, status %d", e.Kind, wire.StatusOf(e.Kind))
		}
	})
}
