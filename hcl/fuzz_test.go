package hcl_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-backup/drydock/hcl"
)

func addSeeds(f *testing.F) {
	f.Helper()
	for _, pattern := range []string{"testdata/bad/*.hcl", "testdata/good/*.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// FuzzLoad wants no panic for any file, diagnostics that can be printed, and positions inside the file.
func FuzzLoad(f *testing.F) {
	addSeeds(f)
	loader := testLoader(f, map[string]string{"A": "b"})
	loader.ReadFile = func(string) ([]byte, error) { return nil, errors.New("no files here") }
	f.Fuzz(func(t *testing.T, data []byte) {
		result, diags := loader.Load(t.Context(), hcl.Source{Name: "a.hcl", Data: data})
		checkPositions(t, data, diags)
		for _, width := range []int{0, 1, 40} {
			if err := diags.WriteText(io.Discard, true, width); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := json.Marshal(diags); err != nil {
			t.Fatal(err)
		}
		if len(diags) == 0 && len(result.Jobs) == 0 {
			t.Fatal("no job and no diagnostic")
		}
		for _, j := range result.Jobs {
			if name, err := j.Artifact.Name(someVars()); err == nil && name == "" {
				t.Fatal("empty artifact name")
			}
		}
	})
}

// FuzzFormat wants formatted files to mean the same and to stay as they are when they are formatted again.
func FuzzFormat(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkFormat(t, data) })
}
