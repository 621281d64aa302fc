package manifest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MarshalText writes `812,409x5000,77`: one frame of 812 bytes, 5000 of 409, one of 77.
func (r Runs) MarshalText() ([]byte, error) {
	out := make([]byte, 0, 8*len(r))
	for i, x := range r {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, x.Length, 10)
		if x.Count != 1 {
			out = append(out, 'x')
			out = strconv.AppendInt(out, x.Count, 10)
		}
	}
	return out, nil
}

// UnmarshalText reads what MarshalText writes; lengths and counts are at least 1 and their sum fits into 63 bits.
func (r *Runs) UnmarshalText(text []byte) error {
	*r = nil
	if len(text) == 0 {
		return nil
	}
	var sum int64
	for part := range strings.SplitSeq(string(text), ",") {
		length, count, many := strings.Cut(part, "x")
		x := Run{Count: 1}
		var err error
		if x.Length, err = parsePositive(length); err != nil {
			return err
		}
		if many {
			if x.Count, err = parsePositive(count); err != nil {
				return err
			}
		}
		if x.Length > (math.MaxInt64-sum)/x.Count {
			return fmt.Errorf("frames %q: too many bytes", part)
		}
		sum += x.Length * x.Count
		*r = append(*r, x)
	}
	return nil
}

func parsePositive(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || s[0] == '+' || s[0] == '0' {
		return 0, fmt.Errorf("frame length %q is not a number above 0", s)
	}
	return n, nil
}
