package file_test

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// tree returns the files and empty directories below dir, tokens written as TOKEN.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	found := []string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		parts := strings.Split(filepath.ToSlash(rel), "/")
		if parts[0] == ".drydock-uploads" && len(parts) > 1 {
			parts[1] = "TOKEN"
		}
		if entries, _ := os.ReadDir(path); !d.IsDir() || len(entries) == 0 {
			found = append(found, strings.Join(parts, "/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantTree(t *testing.T, dir string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func chunkOf(t *testing.T, index int, data string) storage.Chunk {
	t.Helper()
	name := filepath.Join(t.TempDir(), "chunk")
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return storage.Chunk{Index: index, Length: int64(len(data)), SHA256: sha256.Sum256([]byte(data)), File: name}
}

// begun opens an upload with chunks of 4 bytes, of which two have arrived: "abcdef".
func begun(t *testing.T, s storage.Storage, key string) string {
	t.Helper()
	token, err := s.Begin(t.Context(), storage.Upload{Key: key, ChunkSize: 4})
	for i, data := range []string{"abcd", "ef"} {
		if err == nil {
			err = s.PutChunk(t.Context(), token, chunkOf(t, i, data))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func commit(t *testing.T, s storage.Storage, token string) {
	t.Helper()
	if err := s.Commit(t.Context(), token, 6); err != nil {
		t.Fatal(err)
	}
}

func TestFilesOnTheWay(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const up = ".drydock-uploads/TOKEN/"
	token := begun(t, s, "a/b/object")
	wantTree(t, dir, up+"chunks", up+"data", up+"upload.json")
	if err := s.Abort(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir)
	token = begun(t, s, "a/b/object")
	commit(t, s, token)
	wantTree(t, dir, up+"upload.json", "a/b/object")
	if err := s.Delete(t.Context(), "a/b/object"); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, up+"upload.json")
	if err := s.Commit(t.Context(), token, 6); !errs.Is(err, errs.NotFound) {
		t.Errorf("second commit of an object that was deleted: error %v, want not-found", err)
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no such modes
	}
	dir := t.TempDir()
	s, err := file.New(file.Config{Path: dir, Mode: "0646", DirMode: "0757"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commit(t, s, begun(t, s, "d1/d2/object"))
	for name, want := range map[string]fs.FileMode{"d1": 0o757, "d1/d2": 0o757, "d1/d2/object": 0o646, ".drydock-uploads": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, error %v; want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestMissingPathIsNotCreated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not-mounted")
	s := open(t, dir)
	_, errCheck := s.Check(t.Context())
	_, errBegin := s.Begin(t.Context(), storage.Upload{Key: "object", ChunkSize: 1})
	for _, err := range []error{errCheck, errBegin} {
		if !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v of kind %q; want not-found that names %s", err, errs.KindOf(err), dir)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory was created")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Check(t.Context()); err != nil {
		t.Errorf("check after the directory came: %v", err)
	}
}

func TestPathThatIsAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, name).Check(t.Context()); !errs.Is(err, errs.Invalid) {
		t.Errorf("error %v of kind %q, want invalid", err, errs.KindOf(err))
	}
}

func TestBadConfiguration(t *testing.T) {
	for config, path := range map[string]string{
		`{}`:                               "path",
		`{"path": ""}`:                     "path",
		`{"path": "backups"}`:              "path",
		`{"path": "/x", "mode": "rw"}`:     "mode",
		`{"path": "/x", "mode": "0800"}`:   "mode",
		`{"path": "/x", "mode": "1777"}`:   "mode",
		`{"path": "/x", "dir_mode": "-1"}`: "dir_mode",
		`{"path": "/x", "paht": "y"}`:      "paht",
	} {
		_, diags, err := file.Provider().Open(t.Context(), []byte(config))
		if err != nil || len(diags) != 1 || len(diags[0].Path) != 1 || diags[0].Path[0] != path {
			t.Errorf("%s: diagnostics %v, error %v; want one at %s", config, diags, err, path)
		}
	}
}

func TestSymlinksDoNotLeadOut(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"out": outside, "secret": filepath.Join(outside, "secret")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir)
	for _, key := range []string{"out/secret", "secret"} {
		var got bytes.Buffer
		if err := s.ReadRange(t.Context(), key, 0, 6, &got); err == nil || got.Len() > 0 {
			t.Errorf("read %q: %q, error %v", key, got.String(), err)
		}
		if _, err := s.Stat(t.Context(), key); err == nil {
			t.Errorf("stat %q: no error", key)
		}
		_ = s.Delete(t.Context(), key)
	}
	if token, err := s.Begin(t.Context(), storage.Upload{Key: "out/new", ChunkSize: 4}); err == nil {
		t.Errorf("begin below a link that leads out: no error")
		_ = s.Commit(t.Context(), token, 0)
	}
	if err := s.List(t.Context(), "", func(o storage.Object) error { t.Errorf("%q is listed", o.Key); return nil }); err != nil {
		t.Error(err)
	}
	wantTree(t, outside, "secret")
}

func TestRemainsArePruned(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	done, open1 := begun(t, s, "done"), begun(t, s, "unfinished")
	commit(t, s, done)
	old := time.Now().Add(-8 * 24 * time.Hour)
	for _, token := range []string{done, open1} {
		if err := os.Chtimes(filepath.Join(dir, ".drydock-uploads", token), old, old); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, dir)
	begun(t, again, "next")
	if _, err := os.Stat(filepath.Join(dir, ".drydock-uploads", done)); !os.IsNotExist(err) {
		t.Errorf("the remains of a commit a week ago are still there")
	}
	if _, err := again.ListChunks(t.Context(), open1); err != nil {
		t.Errorf("an unfinished upload was pruned: %v", err)
	}
}
