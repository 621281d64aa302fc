package state_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
)

// sound makes a file with something in it and returns its bytes.
func sound(t testing.TB, path string) []byte {
	t.Helper()
	s := open(t, path)
	for _, id := range []string{"r1", "r2", "r3"} {
		must(t, s.CreateRun(run(id, day)))
		j := s.Journal(id)
		must(t, j.StepDone(context.Background(), "capture"))
		must(t, j.UploadBegun("nas", "token"))
		var chunks []spool.Chunk
		for i := range 200 {
			chunks = append(chunks, spool.Chunk{Index: i, Length: 9, SHA256: [32]byte{byte(i)}, Path: "/var/spool/x"})
		}
		must(t, s.SetWhole(id, state.Artifact{Key: "k"}, chunks))
	}
	must(t, s.Close())
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// edit changes the file with bbolt itself.
func edit(t *testing.T, path string, f func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(f))
	must(t, db.Close())
}

func set(bucket []string, key, value string) func(tx *bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket[0]))
		for _, name := range bucket[1:] {
			b = b.Bucket([]byte(name))
		}
		return b.Put([]byte(key), []byte(value))
	}
}

// A damaged file is called that, says what to do, and is not touched: it may be the only record that a server is down.
func TestDamagedFilesAreRefused(t *testing.T) {
	write := func(data string) func(*testing.T, string, []byte) {
		return func(t *testing.T, path string, _ []byte) { must(t, os.WriteFile(path, []byte(data), 0o600)) }
	}
	cut := func(keep func(n int) int) func(*testing.T, string, []byte) {
		return func(t *testing.T, path string, sound []byte) { must(t, os.Truncate(path, int64(keep(len(sound))))) }
	}
	edited := func(f func(tx *bolt.Tx) error) func(*testing.T, string, []byte) {
		return func(t *testing.T, path string, _ []byte) { edit(t, path, f) }
	}
	zeroed := func(from, to int) func(*testing.T, string, []byte) {
		return func(t *testing.T, path string, sound []byte) {
			clear(sound[from:min(to, len(sound))])
			must(t, os.WriteFile(path, sound, 0o600))
		}
	}
	cases := map[string]struct {
		spoil func(t *testing.T, path string, sound []byte)
		want  string
	}{
		"empty":            {write(""), "the file is empty"},
		"text":             {write("hello"), "invalid database"},
		"long text":        {write(strings.Repeat("hello", 10000)), "invalid database"},
		"one page":         {cut(func(int) int { return 4096 }), ""},
		"half":             {cut(func(n int) int { return n / 2 }), ""},
		"zeros":            {zeroed(0, 1<<30), "invalid database"},
		"both metas gone":  {zeroed(0, 8192), "invalid database"},
		"all but metas":    {zeroed(8192, 1<<30), ""},
		"another database": {edited(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("meta")) }), "not a drydock state file"},
		"no version":       {edited(set([]string{"meta"}, "format", "")), `format version ""`},
		"version is text":  {edited(set([]string{"meta"}, "format", "one")), `format version "one"`},
		"no runs":          {edited(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("runs")) }), "no bucket runs"},
		"run is no JSON":   {edited(set([]string{"runs", "r2"}, "run", "{")), `run "r2"`},
		"run has surprises": {edited(set([]string{"runs", "r2"}, "run", `{"id":"r2","status":"done","x":1}`)),
			`unknown field "x"`},
		"run of another name": {edited(set([]string{"runs", "r2"}, "run", `{"id":"r3","status":"done"}`)), `it calls itself "r3"`},
		"status":              {edited(set([]string{"runs", "r2"}, "run", `{"id":"r2","status":"odd"}`)), `status "odd"`},
		"step":                {edited(set([]string{"runs", "r2", "steps"}, "stop", "7")), "decode *state.Step"},
		"chunk": {edited(set([]string{"runs", "r2", "chunks"}, "abcd", `{"length":1,"sha256":"00","path":""}`)),
			"decode chunk"},
		"chunk key": {edited(set([]string{"runs", "r2", "chunks"}, "abc", `{}`)), "index key of 3 bytes"},
		"target":    {edited(set([]string{"runs", "r2", "targets", "nas"}, "target", "[]")), "decode *state.Target"},
		"arrival": {edited(set([]string{"runs", "r2", "targets", "nas", "arrived"}, "x", "")),
			"index key of 1 bytes"},
		"stray key":         {edited(set([]string{"runs"}, "x", "y")), `key "x" among the runs`},
		"listed, not there": {edited(set([]string{"order"}, "12345678r9", "")), `run "r9" is listed and not there`},
		"there, not listed": {edited(func(tx *bolt.Tx) error {
			k, _ := tx.Bucket([]byte("order")).Cursor().First()
			return tx.Bucket([]byte("order")).Delete(k)
		}), "is not listed"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			path := path(t)
			tc.spoil(t, path, sound(t, path))
			before, err := os.ReadFile(path)
			must(t, err)
			for _, open := range []func(context.Context, string) (*state.Store, error){state.Open, state.OpenReadOnly} {
				_, err = open(t.Context(), path)
				if !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("%v", err)
				}
				for _, part := range []string{path, "move the file aside", "database server is up"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q does not say %q", err, part)
					}
				}
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file was changed (%v)", err)
			}
			if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
				t.Errorf("files beside it: %v %v", entries, err)
			}
		})
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	path := path(t)
	sound(t, path)
	edit(t, path, set([]string{"meta"}, "format", "2"))
	before, err := os.ReadFile(path)
	must(t, err)
	_, err = state.Open(t.Context(), path)
	if !errors.Is(err, state.ErrNewer) || errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("%v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// Spoiled anywhere, the file is either refused or read; nothing ends the process.
func TestRandomDamageNeverEndsTheProcess(t *testing.T) {
	path := path(t)
	good := sound(t, path)
	rnd := rand.New(rand.NewPCG(7, 7))
	refused := 0
	for range 300 {
		bad := bytes.Clone(good)
		for range 1 + rnd.IntN(4) {
			at := rnd.IntN(len(bad))
			for i := at; i < min(len(bad), at+1+rnd.IntN(64)); i++ {
				bad[i] = byte(rnd.Uint32())
			}
		}
		must(t, os.WriteFile(path, bad, 0o600))
		s, err := state.Open(t.Context(), path)
		if err != nil {
			refused++
			if !errors.Is(err, state.ErrDamaged) && !errors.Is(err, state.ErrNewer) {
				t.Errorf("%v", err)
			}
			continue
		}
		_ = s.CreateRun(run("r4", day)) // may find the damage; must not panic
		must(t, s.Close())
	}
	if refused == 0 || refused == 300 {
		t.Errorf("%d of 300 were refused", refused)
	}
}

func FuzzDecode(f *testing.F) {
	full := run("r1", day)
	full.Artifact, full.Intent = &state.Artifact{Key: "k", Size: 1}, &state.Intent{WasRunning: true, Start: []string{"mysqld"}}
	for _, v := range []any{full, state.Step{Name: "stop", Begun: time.Now()}, state.Target{Label: "nas", Token: "t"}} {
		data, err := state.Encode(v)
		must(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"length":7,"sha256":"` + strings.Repeat("ab", 32) + `","path":"/x"}`))
	f.Add([]byte(`{} {}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := state.DecodeRun(data); err == nil {
			again, err := state.Encode(r)
			must(t, err)
			back, err := state.DecodeRun(again)
			if err != nil || !cmp.Equal(r, back, compact) {
				t.Errorf("%v: %s", err, cmp.Diff(r, back, compact))
			}
		}
		if c, err := state.DecodeChunk([]byte{0, 0, 0, 1}, data); err == nil && (c.Index != 1 || c.Length <= 0) {
			t.Errorf("%+v", c)
		}
		for _, v := range []any{&state.Step{}, &state.Target{}} {
			if state.Decode(data, v) == nil {
				if _, err := state.Encode(v); err != nil {
					t.Errorf("%+v: %v", v, err)
				}
			}
		}
	})
}

// compact makes raw JSON comparable.
var compact = cmp.Transformer("compact", func(r json.RawMessage) string {
	out, err := json.Marshal(r)
	if err != nil {
		return "bad: " + err.Error()
	}
	return string(out)
})
