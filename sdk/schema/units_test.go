package schema_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/schema"
)

func TestParseSize(t *testing.T) {
	good := map[string]int64{
		"0": 0, "512": 512, "512B": 512, "10KB": 10_000, "10kb": 10_000, "64MiB": 64 << 20, " 64 mib ": 64 << 20, "1.5GiB": 3 << 29,
		"2TiB": 2 << 40, "1PB": 1e15, "7EiB": 7 << 60, "0.5KiB": 512, "0.1KiB": 102, "9223372036854775807": math.MaxInt64,
		"0000000001MB": 1e6,
	}
	for text, want := range good {
		if got, err := schema.ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	bad := map[string]string{
		"": "not valid", "MiB": "not valid", "-1KB": "negative", "- 1": "negative", "+1KB": "not valid", "1.KiB": "not valid", ".5KiB": "not valid",
		"1..5KB": "not valid", "1e3": "not valid", "64M": "not valid", "64 M B": "not valid", "0x10": "not valid", "8EiB": "too large",
		"99999999999999999999999999999999EB": "too large", strings.Repeat("9", 41): "not valid", "١KB": "not valid", "1KB1KB": "not valid",
	}
	for text, want := range bad {
		if got, err := schema.ParseSize(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d, %v, want an error with %q", text, got, err, want)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1: "1B", 1023: "1023B", 1024: "1KiB", 1536: "1.5KiB", 64 << 20: "64MiB", 64<<20 + 1: "64MiB", 1 << 40: "1TiB",
		math.MaxInt64: "8EiB", -1: "-1B", -2048: "-2KiB", math.MinInt64: "-8EiB", 1<<20 - 1: "1MiB",
	} {
		if got := schema.FormatSize(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if got := schema.Size(3 << 29).String(); got != "1.5GiB" {
		t.Error(got)
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	good := map[string]time.Duration{
		"0": 0, "0s": 0, "90s": 90 * time.Second, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "1d": day,
		"1d12h": 36 * time.Hour, "2w": 14 * day, "1w1d1h1m1s1ms1us1ns": 8*day + time.Hour + time.Minute + time.Second + 1001001,
		"0.5d": 12 * time.Hour, " 5m ": 5 * time.Minute, "5µs": 5 * time.Microsecond, "12h1d": 36 * time.Hour, "106751d": 106751 * day,
	}
	for text, want := range good {
		if got, err := schema.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	bad := map[string]string{
		"": "not valid", "10": "not valid", "-5m": "negative", "+5m": "not valid", "m": "not valid", "5 m": "not valid", "5y": "not valid",
		"1.d": "not valid", "1d-2h": "not valid", "1e3s": "not valid", "106752d": "too long", "99999999999w": "too long",
		"106751d24h": "too long", "99999999999999999999h": "too long", "5M": "not valid", "1d 2h": "not valid",
	}
	for text, want := range bad {
		if got, err := schema.ParseDuration(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s, %v, want an error with %q", text, got, err, want)
		}
	}
}

// FuzzParseSize never panics, never returns a negative number, and says what is right when it refuses.
func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"", "64MiB", "1.5GiB", "-1", "9e9", "8EiB", "1KB ", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := schema.ParseSize(text)
		if n < 0 || (err != nil && (n != 0 || !strings.Contains(err.Error(), "size"))) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
		if err == nil {
			if again, err := schema.ParseSize(schema.FormatSize(n)); err == nil && n < 1024 && again != n {
				t.Errorf("%d comes back as %d", n, again)
			}
		}
	})
}

// FuzzParseDuration never panics, never returns a negative duration, and agrees with time.ParseDuration where both accept.
func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"", "0", "10m", "1d12h", "2w", "-1h", "1.5d", "106752d", "1µs", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := schema.ParseDuration(text)
		if d < 0 || (err != nil && d != 0) {
			t.Fatalf("%q: %s, %v", text, d, err)
		}
		if want, e := time.ParseDuration(text); e == nil && err == nil {
			if diff := d - want; diff < -1000 || diff > 1000 { // parts are rounded one by one
				t.Errorf("%q: %s, time.ParseDuration says %s", text, d, want)
			}
		}
	})
}
