package schema

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Size is a number of bytes. In a configuration it is a string such as "64MiB"; see [ParseSize].
type Size int64

// String returns the size as FormatSize does.
func (s Size) String() string { return FormatSize(int64(s)) }

const sizeHelp = `a size is a number and a unit, such as "512", "10KB" (1000 bytes each), "64MiB" or "1.5GiB" (1024 bytes each)`

// unitSize returns the number of bytes of a unit in lower case.
func unitSize(unit string) (int64, bool) {
	size, ok := map[string]int64{
		"": 1, "b": 1,
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15, "eb": 1e18,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40, "pib": 1 << 50, "eib": 1 << 60,
	}[unit]
	return size, ok
}

// ParseSize reads a number of bytes: digits, perhaps with a fraction, and a unit. KB, MB, GB, TB, PB and EB count in
// thousands; KiB, MiB, GiB, TiB, PiB and EiB in 1024s; no unit or B means bytes. Case does not matter and a space may
// stand before the unit. Fractions of a byte are dropped. Errors say what is right.
func ParseSize(s string) (int64, error) {
	text := strings.TrimSpace(s)
	end := len(text)
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); i >= 0 {
		end = i
	}
	number, unit := text[:end], strings.ToLower(strings.TrimSpace(text[end:]))
	if strings.HasPrefix(unit, "-") {
		return 0, fmt.Errorf("size %q is negative; %s", s, sizeHelp)
	}
	factor, ok := unitSize(unit)
	if !ok || !validNumber(number) {
		return 0, fmt.Errorf("size %q is not valid; %s", s, sizeHelp)
	}
	value, _ := new(big.Rat).SetString(number)
	value.Mul(value, new(big.Rat).SetInt64(factor))
	whole := new(big.Int).Quo(value.Num(), value.Denom())
	if !whole.IsInt64() {
		return 0, fmt.Errorf("size %q is too large; the largest is %s", s, FormatSize(math.MaxInt64))
	}
	return whole.Int64(), nil
}

// validNumber accepts 1, 1.5 and nothing else: no sign, no exponent, no lone dot, no absurd length.
func validNumber(s string) bool {
	before, after, fraction := strings.Cut(s, ".")
	digits := func(part string) bool { return part != "" && strings.Trim(part, "0123456789") == "" }
	return len(s) <= 40 && digits(before) && (!fraction || digits(after))
}

// FormatSize returns n bytes in the largest unit of 1024 that fits, with one decimal where the number is not whole:
// "0B", "512B", "1.5KiB", "64MiB".
func FormatSize(n int64) string {
	const names = "KMGTPE"
	sign, left := "", uint64(n)
	if n < 0 {
		sign, left = "-", -left
	}
	if left < 1024 {
		return sign + strconv.FormatUint(left, 10) + "B"
	}
	shift := 10
	for float64(left)/float64(uint64(1)<<shift) >= 1023.95 { // would be shown as 1024
		shift += 10
	}
	text := strconv.FormatFloat(float64(left)/float64(uint64(1)<<shift), 'f', 1, 64)
	return sign + strings.TrimSuffix(text, ".0") + names[shift/10-1:shift/10] + "iB"
}
