package hcl_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/hcl"
)

func addSeeds(f *testing.F) {
	f.Helper()
	addFiles(f, "testdata/bad/*.hcl", "testdata/good/*.hcl")
}

func addFiles(f *testing.F, patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
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

// FuzzAgentFile wants no panic for any file, and nothing of a plugin kept that could not be a part of a file name.
func FuzzAgentFile(f *testing.F) {
	addFiles(f, "testdata/agent/bad/*.hcl", "testdata/agent/good/*.hcl", "testdata/bad/*.hcl")
	loader := agentLoader(f)
	loader.ReadFile = func(string) ([]byte, error) { return nil, errors.New("no files here") }
	f.Fuzz(func(t *testing.T, data []byte) {
		file, diags := loader.ParseAgentFile(hcl.Source{Name: "a.hcl", Data: data})
		checkPositions(t, data, diags)
		if err := diags.WriteText(io.Discard, true, 40); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{file.DataDir, file.SpoolDir, file.PluginDir} {
			if dir != "" && !filepath.IsAbs(dir) {
				t.Errorf("directory %q", dir)
			}
		}
		for _, p := range file.Plugins {
			if filepath.Base("drydock-"+p.Kind+"-"+p.Name) != "drydock-"+p.Kind+"-"+p.Name {
				t.Errorf("plugin %+v", p)
			}
		}
	})
}

// FuzzLockFile wants no panic, and that what was accepted is read back the same after it was written.
func FuzzLockFile(f *testing.F) {
	addFiles(f, "testdata/lock/*.hcl", "testdata/agent/good/*.hcl")
	f.Add(hcl.FormatLockFile([]hcl.LockEntry{{Kind: "storage", Name: "sftp", Version: "1.2.3", Constraint: "~> 1.2"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, diags := hcl.ParseLockFile(hcl.Source{Name: "a.hcl", Data: data})
		checkPositions(t, data, diags)
		if diags.HasErrors() {
			return
		}
		again, diags := hcl.ParseLockFile(hcl.Source{Name: "a.hcl", Data: hcl.FormatLockFile(entries)})
		if diff := cmp.Diff(entries, again); diff != "" || len(diags) > 0 {
			t.Errorf("%v %s", diags, diff)
		}
	})
}
