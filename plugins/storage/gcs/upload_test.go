package gcs_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// piece writes a file that is one chunk.
func piece(t *testing.T, index int, text string) storage.Chunk {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chunk")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return storage.Chunk{Index: index, Length: int64(len(text)), SHA256: sha256.Sum256([]byte(text)), File: file}
}

// store takes an object of n chunks of four bytes the whole way.
func store(t *testing.T, s storage.Storage, key string, n int) string {
	t.Helper()
	token, err := s.Begin(t.Context(), storage.Upload{Key: key, ChunkSize: 4})
	for i := range n {
		if err == nil {
			err = s.PutChunk(t.Context(), token, piece(t, i, fmt.Sprintf("%04d", i)))
		}
	}
	if err == nil {
		err = s.Commit(t.Context(), token, int64(4*n))
	}
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// R4.2: more chunks than can be joined at once are joined in levels, in order, and nothing of them is left.
func TestLevels(t *testing.T) {
	g, account := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	s := open(t, settings(g, account, g.Bucket(t)))
	const n = 70
	store(t, s, "db/Data.zip", n)
	var want, got strings.Builder
	for i := range n {
		fmt.Fprintf(&want, "%04d", i)
	}
	if err := s.ReadRange(t.Context(), "db/Data.zip", 0, 4*n, &got); err != nil || got.String() != want.String() {
		t.Errorf("%q, error %v", got.String(), err)
	}
	files := 0
	err := filepath.WalkDir(g.Data, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, ".drydock-uploads") {
			files++
		}
		return err
	})
	if err != nil || files > 0 {
		t.Errorf("%d files of the upload are left, error %v", files, err)
	}
}

// R5.5: an upload that nobody goes on with is removed in time, one that is under way is not.
func TestAbandoned(t *testing.T) {
	g, account := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	s := open(t, settings(g, account, g.Bucket(t)))
	token, err := s.Begin(t.Context(), storage.Upload{Key: "db/Data.zip", ChunkSize: 4})
	if err == nil {
		err = s.PutChunk(t.Context(), token, piece(t, 0, "text"))
	}
	if err != nil {
		t.Fatal(err)
	}
	s.RemoveAbandoned(t.Context(), time.Now().Add(6*24*time.Hour))
	if chunks, err := s.ListChunks(t.Context(), token); err != nil || len(chunks) != 1 {
		t.Fatalf("after six days: %v %v", chunks, err)
	}
	s.RemoveAbandoned(t.Context(), time.Now().Add(8*24*time.Hour))
	if _, err := s.ListChunks(t.Context(), token); !errs.Is(err, errs.NotFound) {
		t.Errorf("after eight days: %v", err)
	}
}

// A listing goes on past a page.
func TestPages(t *testing.T) {
	g, account := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	s := open(t, settings(g, account, g.Bucket(t)))
	s.SetPage(3)
	for i := range 10 {
		store(t, s, fmt.Sprintf("db/%d", i), 1)
	}
	n := 0
	err := s.List(t.Context(), "db/", func(o storage.Object) error {
		if o.Key != fmt.Sprintf("db/%d", n) {
			t.Errorf("object %d is %q", n, o.Key)
		}
		n++
		return nil
	})
	if err != nil || n != 10 {
		t.Errorf("%d objects, error %v", n, err)
	}
}

// S5: a backup that is retained is shown as such and cannot be deleted.
func TestRetention(t *testing.T) {
	g, account := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	c := settings(g, account, g.Bucket(t))
	c["retain_for"] = "30d"
	s := open(t, c)
	store(t, s, "db/Data.zip", 2)
	o, err := s.Stat(t.Context(), "db/Data.zip")
	if err != nil || !o.Hold.Active(time.Now().Add(29*24*time.Hour)) {
		t.Errorf("%+v, error %v", o, err)
	}
	if err := s.Delete(t.Context(), "db/Data.zip"); !errs.Is(err, errs.Permission) {
		t.Errorf("delete: %v", err)
	}
}
