package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProviderDocsAreFresh: what is in docs/providers is what the providers say of themselves now. On Linux, since
// some of their abilities are those of the system.
func TestProviderDocsAreFresh(t *testing.T) {
	fresh := t.TempDir()
	drydock(t, "plugin", "docs", "--write", fresh).want(t, exitDone)
	want, got := readAll(t, fresh), readAll(t, docsDir)
	if d := cmp.Diff(want, got); d != "" || len(want) != len(providers())+1 {
		t.Errorf("docs/providers is stale: run make generate (-want +got):\n%s", d)
	}
}
