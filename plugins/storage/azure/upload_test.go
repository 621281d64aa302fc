package azure_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/azure"
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

func begin(t *testing.T, s storage.Storage, key string) string {
	t.Helper()
	token, err := s.Begin(t.Context(), storage.Upload{Key: key, ChunkSize: 100})
	if err == nil {
		err = s.PutChunk(t.Context(), token, piece(t, 0, "text"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// R5.5: an upload that nobody goes on with is dropped in time, one that is under way is not.
func TestAbandoned(t *testing.T) {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	s := open(t, settings(a, container))
	token := begin(t, s, "db/Data.zip")
	s.DropAbandoned(t.Context(), time.Now().Add(6*24*time.Hour))
	if chunks, err := s.ListChunks(t.Context(), token); err != nil || len(chunks) != 1 {
		t.Fatalf("after six days: %v %v", chunks, err)
	}
	s.DropAbandoned(t.Context(), time.Now().Add(8*24*time.Hour))
	if _, err := s.ListChunks(t.Context(), token); !errs.Is(err, errs.NotFound) {
		t.Errorf("after eight days: %v", err)
	}
	if _, err := s.Stat(t.Context(), "db/Data.zip"); !errs.Is(err, errs.NotFound) {
		t.Errorf("what dropped it can be seen: %v", err)
	}
}

// An abort leaves another upload for the same key alone.
func TestAbortBesideAnother(t *testing.T) {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	s := open(t, settings(a, container))
	one, two := begin(t, s, "db/Data.zip"), begin(t, s, "db/Data.zip")
	if err := s.Abort(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ListChunks(t.Context(), one); !errs.Is(err, errs.NotFound) {
		t.Errorf("the aborted upload: %v", err)
	}
	if err := s.Commit(t.Context(), two, 4); err != nil {
		t.Errorf("the other upload: %v", err)
	}
}

// A listing goes on past a page.
func TestPages(t *testing.T) {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	s := open(t, settings(a, container))
	s.SetPage(3)
	for i := range 10 {
		if err := s.Commit(t.Context(), begin(t, s, fmt.Sprintf("db/%d", i)), 4); err != nil {
			t.Fatal(err)
		}
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

// A blob has so many blocks and no more: a chunk beyond is refused for what it is.
func TestTooManyChunks(t *testing.T) {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	s := open(t, settings(a, container))
	token := begin(t, s, "db/Data.zip")
	if err := s.PutChunk(t.Context(), token, piece(t, 50000, "text")); !errs.Is(err, errs.Invalid) {
		t.Errorf("chunk 50000: %v", err)
	}
	if _, err := s.Begin(t.Context(), storage.Upload{Key: "x", ChunkSize: 4001 << 20}); !errs.Is(err, errs.Invalid) {
		t.Errorf("chunks of 4001 MiB: %v", err)
	}
}

// FuzzBlock reads the ids of other people's blocks.
func FuzzBlock(f *testing.F) {
	for _, id := range []string{"", "AAAA", "Ym9n", "not base64", "YmFk" + string(make([]byte, 80))} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if again, ok := azure.DecodeBlock(id); ok {
			if twice, ok := azure.DecodeBlock(again); !ok || twice != again {
				t.Errorf("%q becomes %q and then %q", id, again, twice)
			}
		}
	})
}
