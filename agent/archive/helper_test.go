package archive_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-backup/drydock/agent/archive/tree"
)

func allocated(t *testing.T, p string) int64 {
	t.Helper()
	st, err := tree.Lstat(p)
	if err != nil {
		t.Fatal(err)
	}
	return st.Allocated
}

func sorted() cmp.Option { return cmpopts.SortSlices(func(a, b string) bool { return a < b }) }
