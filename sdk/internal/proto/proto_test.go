package proto_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGeneratedCodeIsFresh compares the .proto files with the digests that were written when the code was generated. It
// needs no tools; generate.sh --check compares the code itself.
func TestGeneratedCodeIsFresh(t *testing.T) {
	files, err := filepath.Glob("drydock/plugin/v1/*.proto")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var now strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&now, "%x  %s\n", sha256.Sum256(text), filepath.ToSlash(f))
	}
	then, err := os.ReadFile("SHA256SUMS")
	if err != nil || string(then) != now.String() {
		t.Errorf("the generated protocol code is stale: run go generate ./sdk/internal/proto (%v)\n%s", err, &now)
	}
}
