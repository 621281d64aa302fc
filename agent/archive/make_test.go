package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/tree"
)

// pages makes n bytes that compress about as well as InnoDB pages do.
func pages(n int) []byte {
	out := make([]byte, n)
	x := uint64(n) + 88172645463325252
	for i := 0; i+8 <= n; i += 8 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		if i%32 < 16 {
			binary.LittleEndian.PutUint64(out[i:], x)
		} else {
			binary.LittleEndian.PutUint32(out[i:], uint32(i/4096))
		}
	}
	return out
}

// put makes a file, and the directories above it.
func put(tb testing.TB, root, name string, data []byte) {
	tb.Helper()
	p := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(p, data, 0o640); err != nil {
		tb.Fatal(err)
	}
}

// makeDir makes a directory, and those above it.
func makeDir(tb testing.TB, root, name string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Join(root, name), 0o750); err != nil {
		tb.Fatal(err)
	}
}

// link makes a symlink.
func link(tb testing.TB, root, name, target string) {
	tb.Helper()
	if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
		tb.Fatal(err)
	}
}

// putSparse makes a file of a size that holds data only where it is named.
func putSparse(tb testing.TB, root, name string, size int64, data map[int64][]byte) {
	tb.Helper()
	put(tb, root, name, nil)
	f, err := os.OpenFile(filepath.Join(root, name), os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		tb.Fatal(err)
	}
	for off, d := range data {
		if _, err := f.WriteAt(d, off); err != nil {
			tb.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

// look sets what a restore must give back.
func look(tb testing.TB, root, name string, mode os.FileMode, mtime time.Time) {
	tb.Helper()
	p := filepath.Join(root, name)
	if err := os.Chmod(p, mode); err != nil {
		tb.Fatal(err)
	}
	if err := os.Chtimes(p, mtime, mtime); err != nil {
		tb.Fatal(err)
	}
}

// pack archives root into memory.
func pack(tb testing.TB, f archive.Frames, o archive.Options) (*bytes.Reader, archive.Summary) {
	tb.Helper()
	if o.Scratch == "" {
		o.Scratch = tb.TempDir()
	}
	var out bytes.Buffer
	s, err := archive.Write(tb.Context(), &out, f, o)
	if err != nil {
		tb.Fatal(err)
	}
	left, err := os.ReadDir(o.Scratch)
	if err != nil || len(left) != 0 {
		tb.Fatalf("scratch files are left: %v, %v", left, err)
	}
	return bytes.NewReader(out.Bytes()), s
}

// list returns the manifest's entries by path.
func list(tb testing.TB, src archive.Source) map[string]archive.File {
	tb.Helper()
	r, err := archive.Open(tb.Context(), src)
	if err != nil {
		tb.Fatal(err)
	}
	files := map[string]archive.File{}
	if err := r.Files(tb.Context(), func(f archive.File) error { files[f.Path] = f; return nil }); err != nil {
		tb.Fatal(err)
	}
	return files
}

// seen is what a restore must give back of one path.
type seen struct {
	Mode     os.FileMode
	UID, GID uint32
	MTime    time.Time
	Content  string // digest, or target of a link
}

// survey looks at everything below root. Times of symlinks are not restored.
func survey(tb testing.TB, root string) map[string]seen {
	tb.Helper()
	all := map[string]seen{}
	err := filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		st, err := tree.Lstat(p)
		if err != nil {
			return err
		}
		s := seen{Mode: info.Mode(), MTime: info.ModTime(), UID: st.UID, GID: st.GID}
		switch info.Mode().Type() {
		case 0:
			s.Content = digestOf(tb, p)
		case fs.ModeSymlink:
			s.MTime = time.Time{}
			s.Content, err = os.Readlink(p)
		}
		rel, _ := filepath.Rel(root, p)
		all[rel] = s
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func digestOf(tb testing.TB, p string) string {
	tb.Helper()
	f, err := os.Open(p)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		tb.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func remove(t *testing.T, root, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(root, name)); err != nil {
		t.Fatal(err)
	}
}
