package hcl

import (
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/zclconf/go-cty/cty"
)

// nonEmpty is the value as text with something in it that can be printed on one line.
func (g *given) nonEmpty() (string, bool) {
	s, ok := g.text()
	if !ok {
		return "", false
	}
	switch {
	case strings.TrimSpace(s) == "":
		g.bad(fmt.Sprintf("%s is empty", g.title()), "Give it a value, or remove the line if it is optional.")
	case strings.ContainsFunc(s, unicode.IsControl):
		g.bad(fmt.Sprintf("%s holds a control character", g.title()), "Line breaks, tabs and the like have no place here.")
	default:
		return s, true
	}
	return "", false
}

// absolute is the value as an absolute path, cleaned.
func (g *given) absolute() (string, bool) {
	s, ok := g.nonEmpty()
	if !ok {
		return "", false
	}
	if !filepath.IsAbs(s) {
		g.bad(fmt.Sprintf("%s must be an absolute path", g.title()),
			"A relative path would depend on the directory that drydock is started in. Write the path from the root on.")
		return "", false
	}
	return filepath.Clean(s), true
}

// duration is the value as a length of time between two bounds.
func (g *given) duration(least, most time.Duration) (time.Duration, bool) {
	s, ok := g.quotedAmount("a duration", `"10m" or "1h30m" (units: s, m, h, d, w)`)
	if !ok {
		return 0, false
	}
	d, err := schema.ParseDuration(s)
	if err != nil {
		g.unparsable("a duration", err)
		return 0, false
	}
	if d < least || d > most {
		g.bad(fmt.Sprintf("%s is out of range", g.title()),
			fmt.Sprintf("It can be between %s and %s.", quoted(shortDuration(least)), quoted(shortDuration(most))))
		return 0, false
	}
	return d, true
}

// size is the value as a number of bytes between two bounds.
func (g *given) size(least, most int64) (int64, bool) {
	s, ok := g.quotedAmount("a size", `"64MiB" or "1GB" (units: KB, MB, GB, TB of 1000; KiB, MiB, GiB, TiB of 1024)`)
	if !ok {
		return 0, false
	}
	n, err := schema.ParseSize(s)
	if err != nil {
		g.unparsable("a size", err)
		return 0, false
	}
	if n < least || n > most {
		g.bad(fmt.Sprintf("%s is out of range", g.title()),
			fmt.Sprintf("It can be between %s and %s.", quoted(schema.FormatSize(least)), quoted(schema.FormatSize(most))))
		return 0, false
	}
	return n, true
}

// quotedAmount wants text and says how amounts are written if it gets something else.
func (g *given) quotedAmount(what, examples string) (string, bool) {
	if !g.val.IsNull() && g.val.Type() == cty.String {
		return g.val.AsString(), true
	}
	if number := g.amount(what); number != "" {
		examples = number
	}
	g.bad(fmt.Sprintf("%s must be %s", g.title(), what),
		fmt.Sprintf("This is %s. Write %s in quotes and with its unit, such as %s.", typeName(g.val), what, examples))
	return "", false
}

// amount is how a plain number would be written as a duration of seconds or as a size of bytes, or "".
func (g *given) amount(what string) string {
	if g.secret || g.val.IsNull() || g.val.Type() != cty.Number {
		return ""
	}
	n, accuracy := g.val.AsBigFloat().Int64()
	if accuracy != big.Exact || n < 0 {
		return ""
	}
	if what == "a duration" {
		return fmt.Sprintf(`"%ds", if seconds are meant`, n)
	}
	text := schema.FormatSize(n)
	if back, err := schema.ParseSize(text); err != nil || back != n {
		text = fmt.Sprint(n)
	}
	return quoted(text)
}

// unparsable reports a bad duration or size in the words of the parser, or without them when the value is secret: the
// parser quotes it.
func (g *given) unparsable(what string, err error) {
	detail := sentence(err.Error())
	if _, help, ok := strings.Cut(err.Error(), "; "); g.secret {
		detail = "Its value comes from outside the file and is not shown."
		if ok {
			detail += " " + sentence(help)
		}
	}
	g.bad(fmt.Sprintf("%s is not %s", g.title(), what), detail)
}

// shortDuration is 10m0s without the zero parts: "10m".
func shortDuration(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	s := d.String()
	s = strings.TrimSuffix(s, "m0s") + strings.Repeat("m", strings.Count(s, "m0s"))
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
