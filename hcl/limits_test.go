package hcl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/hcl"
)

// Files that would exhaust the stack or the memory of a recursive parser are refused, quickly.
func TestDangerousFiles(t *testing.T) {
	const n = 30_000
	deep := func(open, end string) string { return strings.Repeat(open, n) + "1" + strings.Repeat(end, n) }
	for name, value := range map[string]string{
		"lists":       deep("[", "]"),
		"parentheses": deep("(", ")"),
		"maps":        deep("{a=", "}"),
		"calls":       deep("f(", ")"),
		"templates":   deep(`"${`, `}"`),
		"open only":   strings.Repeat("[", n),
		"not":         strings.Repeat("!", n) + "true",
		"minus":       strings.Repeat("-", n) + "1",
		"sums":        strings.Repeat("1+", n) + "1",
		"conditions":  strings.Repeat("true?1:", n) + "1",
		"indexes":     "run" + strings.Repeat("[0]", n),
		"attributes":  "run" + strings.Repeat(".a", n),
		"splats":      "run" + strings.Repeat("[*]", n),
		"huge number": `"${1e999999999}"`,
		"long number": strings.Repeat("9", n),
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			src := hcl.Source{Name: "a.hcl", Data: []byte("x = " + value + "\n")}
			_, diags := testLoader(t, nil).Load(t.Context(), src)
			if !diags.HasErrors() || (diags[0].Summary != "file is too complex" && diags[0].Summary != "number is out of range") {
				t.Errorf("diagnostics: %.200s", diags.Error())
			}
			if _, diags = hcl.Format(src.Data, "a.hcl"); !diags.HasErrors() {
				t.Error("Format takes it")
			}
			if took := time.Since(started); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	// Just below the limits everything works, as deep as it goes.
	for name, value := range map[string]string{
		"lists": strings.Repeat("[", 90) + strings.Repeat("]", 90), "not": strings.Repeat("!", 15_000) + "true",
		"sums": strings.Repeat("1+", 15_000) + "1", "indexes": `"a"` + strings.Repeat("[0]", 9_000),
	} {
		src := strings.Replace(goodJob, "BODY", "restart = "+value, 1)
		_, diags := testLoader(t, nil).Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(src)})
		if !diags.HasErrors() || diags[0].Summary == "file is too complex" {
			t.Errorf("%s: diagnostics: %.200s", name, diags.Error())
		}
	}
}
