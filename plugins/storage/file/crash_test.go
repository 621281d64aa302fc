package file_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// TestCommitAfterACrashInCommit: the name was given, and then the process died (R5.2, R10.3).
func TestCommitAfterACrashInCommit(t *testing.T) {
	for name, publish := range map[string]func(from, to string) error{"link": os.Link, "rename": os.Rename} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			token := begun(t, open(t, dir), "object")
			if err := publish(filepath.Join(dir, ".drydock-uploads", token, "data"), filepath.Join(dir, "object")); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir)
			for range 2 {
				commit(t, s, token)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "object")); err != nil || string(got) != "abcdef" {
				t.Errorf("object %q, error %v", got, err)
			}
			if err := s.Commit(t.Context(), token, 7); !errs.Is(err, errs.Invalid) {
				t.Errorf("commit with another size: error %v, want invalid", err)
			}
		})
	}
}

// TestNamesAreNeverReplaced: also not on file systems without hard links (R10.3).
func TestNamesAreNeverReplaced(t *testing.T) {
	for name, rename := range map[string]func(*os.Root, string, string) error{"one step": file.Rename, "two": file.RenameChecked} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			for _, f := range []string{"new", "taken"} {
				if err := root.WriteFile(f, []byte(f), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := root.Mkdir("dir", 0o700); err != nil {
				t.Fatal(err)
			}
			if err := rename(root, "new", "taken"); !errors.Is(err, fs.ErrExist) {
				t.Errorf("rename to a name that is taken: %v", err)
			}
			if err := rename(root, "new", "dir/free"); err != nil {
				t.Errorf("rename to a free name: %v", err)
			}
			wantTree(t, dir, "dir/free", "taken")
		})
	}
}

// TestTruthAfterACrash: whatever the disk holds after a crash, only chunks that are there are listed as they are (R5.4).
func TestTruthAfterACrash(t *testing.T) {
	one := func(r file.Record) storage.ChunkInfo {
		return storage.ChunkInfo{Index: int(r.Index), Length: r.Length, SHA256: r.SHA256}
	}
	good := []storage.ChunkInfo{
		{Index: 0, Length: 4, SHA256: chunkOf(t, 0, "abcd").SHA256}, {Index: 1, Length: 2, SHA256: chunkOf(t, 1, "ef").SHA256},
	}
	tests := []struct {
		name   string
		damage func(up string) error
		want   []storage.ChunkInfo
	}{
		{"nothing", func(string) error { return nil }, good},
		{"data cut off", func(up string) error { return os.Truncate(up+"/data", 5) }, good[:1]},
		{"data empty", func(up string) error { return os.Truncate(up+"/data", 0) }, []storage.ChunkInfo{}},
		{"records cut off", func(up string) error { return os.Truncate(up+"/chunks", 100) }, good[:1]},
		{"record torn", func(up string) error { return poke(up+"/chunks", 64+30, 'x') }, good[:1]},
		{"record of another place", func(up string) error {
			return os.WriteFile(up+"/chunks", file.Record{Index: 1, Length: 2}.Encode(), 0o600)
		}, []storage.ChunkInfo{}},
		{"bytes changed", func(up string) error { return poke(up+"/data", 5, 'X') },
			[]storage.ChunkInfo{good[0], one(file.Record{Index: 1, Length: 2, SHA256: chunkOf(t, 1, "eX").SHA256})}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			token := begun(t, open(t, dir), "object")
			if err := tt.damage(filepath.Join(dir, ".drydock-uploads", token)); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir)
			got, err := s.ListChunks(t.Context(), token)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("error %v, chunks (-want +got):\n%s", err, diff)
			}
			for i, data := range []string{"abcd", "ef"} {
				if err := s.PutChunk(t.Context(), token, chunkOf(t, i, data)); err != nil {
					t.Fatal(err)
				}
			}
			commit(t, s, token)
			if got, err := os.ReadFile(filepath.Join(dir, "object")); err != nil || string(got) != "abcdef" {
				t.Errorf("object %q, error %v", got, err)
			}
		})
	}
}

func poke(name string, at int64, b byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteAt([]byte{b}, at)
	return err
}

func TestDamagedUploadIsCorrupt(t *testing.T) {
	for _, text := range []string{"", "{", "{}", `{"key":"../x","chunk_size":4}`, `{"key":"x","chunk_size":0}`} {
		dir := t.TempDir()
		s := open(t, dir)
		token := begun(t, s, "object")
		name := filepath.Join(dir, ".drydock-uploads", token, "upload.json")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), token, 6); !errs.Is(err, errs.Corrupt) {
			t.Errorf("%q: error %v, want corrupt", text, err)
		}
		if err := s.Abort(t.Context(), token); err != nil {
			t.Errorf("%q: abort: %v", text, err)
		}
		wantTree(t, dir)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(file.Record{Index: 3, Length: 9}.Encode(), int64(3))
	f.Add(make([]byte, 64), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, index int64) {
		r, ok := file.DecodeRecord(b, index)
		if !ok {
			return
		}
		again, ok := file.DecodeRecord(r.Encode(), index)
		if !ok || again != r || r.Index != index || r.Length < 0 {
			t.Errorf("%x decodes to %+v, which comes back as %+v", b, r, again)
		}
	})
}

func FuzzKey(f *testing.F) {
	for _, key := range []string{"a/b", "", "/", "..", "a/../b", ".drydock-uploads/x", "a\x00", "a//b", "日本", `a\b`, "c:x", "NUL"} {
		f.Add(key)
	}
	dir := f.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		f.Fatal(err)
	}
	defer root.Close()
	f.Fuzz(func(t *testing.T, key string) {
		err := file.CheckKey(key)
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: error %v, want invalid", key, err)
		}
		if err == nil && (!filepath.IsLocal(key) || filepath.ToSlash(filepath.Clean(key)) != key) {
			t.Errorf("%q is accepted", key)
		}
		if _, err := root.Lstat(key); file.CheckKey(key) == nil && err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Logf("%q: %v", key, err) // longer than the system takes
		}
	})
}
