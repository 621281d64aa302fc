package schema

import (
	"fmt"
	"math"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

const durationHelp = `a duration is numbers with units such as "90s", "10m", "1h30m", "1d12h" or "2w"`

// ParseDuration reads a duration as time.ParseDuration does, and knows two more units: d is 24 hours and w is seven
// days. Units may be mixed in any order ("1d12h"). A duration is never negative. Errors say what is right.
func ParseDuration(s string) (time.Duration, error) {
	text := strings.TrimSpace(s)
	if text == "0" {
		return 0, nil
	}
	if strings.HasPrefix(text, "-") {
		return 0, fmt.Errorf("duration %q is negative; %s", s, durationHelp)
	}
	var total time.Duration
	for rest := text; rest != "" || text == ""; {
		var part time.Duration
		var ok bool
		if part, rest, ok = leadingDuration(rest); !ok {
			return 0, fmt.Errorf("duration %q is not valid; %s", s, durationHelp)
		}
		if part < 0 || part > math.MaxInt64-total {
			return 0, fmt.Errorf("duration %q is too long; %s", s, durationHelp)
		}
		total += part
	}
	return total, nil
}

// leadingDuration takes the first number and unit off s. A negative part stands for one that is too long.
func leadingDuration(s string) (part time.Duration, rest string, ok bool) {
	number := s[:len(s)-len(strings.TrimLeft(s, "0123456789."))]
	unit := s[len(number):]
	if i := strings.IndexAny(unit, "0123456789."); i >= 0 {
		unit = unit[:i]
	}
	rest = s[len(number)+len(unit):]
	if !validNumber(number) {
		return 0, "", false
	}
	switch unit {
	case "d":
		return times(number, day), rest, true
	case "w":
		return times(number, week), rest, true
	case "ns", "us", "µs", "μs", "ms", "s", "m", "h":
		return times(number+unit, 1), rest, true
	}
	return 0, "", false
}

// times returns unit as often as text says; text is a number, or a duration in Go's syntax for a unit of 1. It returns
// -1 when that is too long.
func times(text string, unit time.Duration) time.Duration {
	if unit > 1 {
		text += "h"
		unit /= time.Hour
	}
	d, err := time.ParseDuration(text)
	if err != nil || d > math.MaxInt64/unit {
		return -1
	}
	return d * unit
}
