package ship_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// digest is a SHA-256 whose zero value is ready.
type digest struct{ h hash.Hash }

func (d *digest) Write(p []byte) (int, error) {
	if d.h == nil {
		d.h = sha256.New()
	}
	return d.h.Write(p)
}

func (d *digest) sum() [32]byte {
	_, _ = d.Write(nil)
	return [32]byte(d.h.Sum(nil))
}

// describe is the manifest of an artifact of 2500 bytes under a key.
func describe(key string, day int) *manifest.Manifest {
	at := time.Date(2026, 1, day, 2, 30, 0, 0, time.UTC)
	return &manifest.Manifest{
		Backup: "run-" + key, Job: "orders", Key: key, Format: manifest.FormatZip, Created: at, Finished: at.Add(time.Minute),
		Size: 2500, ChunkSize: 1000, Chunks: make([]manifest.Digest, 3), DataBytes: 9000, Compressor: "zstd",
		Restart: "after-ship", Drydock: "0.1.0", Server: json.RawMessage("{}"),
	}
}

func encoded(t *testing.T, m *manifest.Manifest) []byte {
	t.Helper()
	data, err := m.Encode()
	must(t, err)
	return data
}

// R10.3 and the bar "nothing half-written looks like a backup": only what has a manifest counts, and nothing that has one
// is passed over.
func TestBackupsAreListed(t *testing.T) {
	noLeaks(t)
	nas := newDirStore(t)
	put := func(key string, data []byte) { must(t, os.WriteFile(nas.object(key), data, 0o600)) }
	add := func(key string, day int, size int) {
		put(key, make([]byte, size))
		put(manifest.Key(key), encoded(t, describe(key, day)))
	}
	add("db/b/Data.zip", 2, 2500)
	add("db/a/Data.zip", 3, 2500)
	add("other/Data.zip", 1, 2500)
	put("db/half/Data.zip", make([]byte, 2500)) // no manifest: not a backup
	add("db/short/Data.zip", 5, 2499)
	put(manifest.Key("db/lost/Data.zip"), encoded(t, describe("db/lost/Data.zip", 4)))
	put(manifest.Key("db/bad/Data.zip"), []byte("garbage"))
	put(manifest.Key("db/new/Data.zip"), []byte(`{"version": 7}`))
	put(manifest.Key("db/moved/Data.zip"), encoded(t, describe("db/elsewhere/Data.zip", 6)))
	put(manifest.Key("db/huge/Data.zip"), nil)
	must(t, os.Truncate(nas.object(manifest.Key("db/huge/Data.zip")), manifest.MaxSize+1))
	got, err := ship.Backups(t.Context(), target("nas", nas), "db/", quick())
	must(t, err)
	want := []struct {
		key, err string
		kind     errs.Kind
	}{
		{"db/bad/Data.zip", "parse manifest", errs.Corrupt},
		{"db/huge/Data.zip", "a manifest has at most", errs.Corrupt},
		{"db/new/Data.zip", "unknown manifest version", errs.Unsupported},
		{"db/b/Data.zip", "", ""},
		{"db/a/Data.zip", "", ""},
		{"db/lost/Data.zip", "is missing", errs.Corrupt},
		{"db/short/Data.zip", "2499 bytes", errs.Corrupt},
		{"db/moved/Data.zip", "is the manifest of", errs.Corrupt},
	}
	if len(got) != len(want) {
		t.Fatalf("%d backups: %+v", len(got), got)
	}
	for i, w := range want {
		b := got[i]
		if b.Key != w.key || (b.Err == nil) != (w.err == "") || b.Err != nil && !strings.Contains(b.Err.Error(), w.err) {
			t.Errorf("%d: %s %v; expected %+v", i, b.Key, b.Err, w)
		}
		if b.Err != nil && !errs.Is(b.Err, w.kind) {
			t.Errorf("%s: kind %s", b.Key, errs.KindOf(b.Err))
		}
	}
	strays, err := ship.Strays(t.Context(), target("nas", nas), quick())
	if must(t, err); !slices.Equal(strays, []string{"db/half/Data.zip"}) {
		t.Errorf("without a manifest: %v", strays)
	}
}

// A target that cannot be asked is an error, not an empty list; one that stumbles is asked again.
func TestBackupsOfATargetInTrouble(t *testing.T) {
	noLeaks(t)
	nas := newDirStore(t)
	must(t, os.WriteFile(nas.object("a"), make([]byte, 2500), 0o600))
	must(t, os.WriteFile(nas.object(manifest.Key("a")), encoded(t, describe("a", 1)), 0o600))
	calls := 0
	f := faulty{Storage: nas, after: func(_ context.Context, op string, _ int) error {
		if calls++; op == "list" && calls == 1 {
			return errs.New(errs.Transient, "connection reset")
		}
		return nil
	}}
	got, err := ship.Backups(t.Context(), target("nas", f), "", quick())
	if err != nil || len(got) != 1 || got[0].Err != nil {
		t.Errorf("%+v %v", got, err)
	}
	for _, broken := range []string{"list", "read"} {
		f.before, f.after = func(_ context.Context, op string, _ int) error {
			if op == broken {
				return errs.New(errs.Permission, "no access")
			}
			return nil
		}, nil
		if _, err := ship.Backups(t.Context(), target("nas", f), "", quick()); !errs.Is(err, errs.Permission) {
			t.Errorf("%s: %v", broken, err)
		}
	}
}

// A run that died after writing its manifest writes it again, with another time in it.
func TestPutManifestAgain(t *testing.T) {
	noLeaks(t)
	nas, scratch := newDirStore(t), t.TempDir()
	m := describe("a/Data.zip", 1)
	first := encoded(t, m)
	put := func(data []byte) error {
		return ship.PutManifest(t.Context(), target("nas", nas), data, scratch, quick())
	}
	must(t, put(first))
	m.Finished = m.Finished.Add(time.Hour)
	must(t, put(encoded(t, m)))
	untouched(t, nas, manifest.Key("a/Data.zip"), string(first))
	m.Backup = "another run"
	if err := put(encoded(t, m)); !errs.Is(err, errs.Exists) {
		t.Errorf("another backup's: %v", err)
	}
	if err := put([]byte("{}")); !errs.Is(err, errs.Invalid) || errors.Is(err, manifest.ErrVersion) {
		t.Errorf("no manifest: %v", err)
	}
	untouched(t, nas, manifest.Key("a/Data.zip"), string(first))
}
