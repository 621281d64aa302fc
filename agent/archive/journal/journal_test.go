package journal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/archive/journal"
)

var id = journal.Identity{Backup: "01J", Manifest: "ab", Only: []string{"shop/*"}}

// write makes a journal with some progress and returns its path.
func write(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "j")
	j, err := journal.Create(path, "two\nlines", id)
	if err != nil {
		tb.Fatal(err)
	}
	err = errors.Join(j.Append([]journal.Progress{{"ibdata1", 5}, {"latin1-\xe9\n", 7}}), j.Append(nil),
		j.Append([]journal.Progress{{"ibdata1", 12}}), j.Place(), j.Close())
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestThereAndBack(t *testing.T) {
	path := write(t)
	for range 2 {
		j, err := journal.Open(path, id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int64{"ibdata1": 12, "latin1-\xe9\n": 7}, j.Done()); diff != "" || !j.Placing() {
			t.Errorf("%s; placing %v", diff, j.Placing())
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := journal.Create(path, "", id); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create once more: %v", err)
	}
	if _, err := journal.Open(path+"x", id); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open nothing: %v", err)
	}
	var other *journal.OtherError
	if _, err := journal.Open(path, journal.Identity{Backup: "01J", Manifest: "ab"}); !errors.As(err, &other) {
		t.Errorf("open another's: %v", err)
	}
}

// Cut short at any byte, it says less, never anything else, and can be appended to.
func TestCutShort(t *testing.T) {
	whole, err := os.ReadFile(write(t))
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for n := range whole {
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := journal.Open(path, id)
		if err != nil {
			if !errors.Is(err, journal.ErrFormat) {
				t.Fatalf("cut at %d: %v", n, err)
			}
			continue
		}
		opened++
		for p, done := range j.Done() {
			if p == "ibdata1" && done != 5 && done != 12 || p == "latin1-\xe9\n" && done != 7 {
				t.Fatalf("cut at %d: %q %d", n, p, done)
			}
		}
		if err := errors.Join(j.Append([]journal.Progress{{"more", 1}}), j.Close()); err != nil {
			t.Fatal(err)
		}
		if j, err = journal.Open(path, id); err != nil || j.Done()["more"] != 1 {
			t.Fatalf("cut at %d, after appending: %v", n, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if opened == 0 {
		t.Error("none could be opened")
	}
}

func TestBad(t *testing.T) {
	tests := map[string]string{
		"empty":         "",
		"words":         "drydock is restoring backup x here\n",
		"only comments": "# a\n# b\n",
		"wrong sum":     "# a\n00000000 {\"version\":1,\"backup\":\"01J\"}\n",
		"no json":       "2144df1c hello\n",
		"progress only": "# a\n5d2d2b7c {\"path\":\"YQ==\",\"done\":1}\n",
		"short":         "0000",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := journal.Open(path, id); !errors.Is(err, journal.ErrFormat) {
				t.Errorf("%v", err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("it was changed: %q, %v", got, err)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	whole, err := os.ReadFile(write(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("# x\n00000000 {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var other *journal.OtherError
		j, err := journal.Open(path, id)
		if err != nil {
			if !errors.Is(err, journal.ErrFormat) && !errors.As(err, &other) {
				t.Fatal(err)
			}
			return
		}
		for p, done := range j.Done() {
			if done < 0 {
				t.Errorf("%q: %d", p, done)
			}
		}
		if err := errors.Join(j.Append([]journal.Progress{{"more", 1}}), j.Close()); err != nil {
			t.Fatal(err)
		}
		if j, err = journal.Open(path, id); err != nil || j.Done()["more"] != 1 {
			t.Fatalf("after appending: %v", err)
		}
		_ = j.Close()
	})
}
