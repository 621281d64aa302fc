package file_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

func fullHook() func(t storagetest.T) string { return smallFileSystem }

// smallFileSystem mounts a file system of 4 MiB. Without the right to mount, the case that needs it fails and says so.
func smallFileSystem(t storagetest.T) string {
	t.Helper()
	dir := t.TempDir()
	mount(t, dir, 0, "size=4m,mode=0700")
	return dir
}

func mount(t storagetest.T, dir string, flags uintptr, options string) {
	t.Helper()
	err := syscall.Mount("drydock-test", dir, "tmpfs", flags, options)
	if errors.Is(err, os.ErrPermission) {
		t.Fatalf("mount a file system: %v: run this test as root, or in `unshare --user --map-root-user --mount`", err)
	}
	if err != nil {
		t.Fatalf("mount a file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

func TestReadOnlyIsAPermission(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir, syscall.MS_RDONLY, "")
	s := open(t, dir)
	_, errCheck := s.Check(t.Context())
	_, errBegin := s.Begin(t.Context(), storage.Upload{Key: "object", ChunkSize: 1})
	for _, err := range []error{errCheck, errBegin} {
		if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v of kind %q, want permission that names %s", err, errs.KindOf(err), dir)
		}
	}
}

// TestFullDiskNamesPathAndBytes: the message says where, how much was asked for, and how much there is.
func TestFullDiskNamesPathAndBytes(t *testing.T) {
	dir := smallFileSystem(t)
	s := open(t, dir)
	const size = 8 << 20
	token, err := s.Begin(t.Context(), storage.Upload{Key: "object", ChunkSize: size})
	if err != nil {
		t.Fatal(err)
	}
	err = s.PutChunk(t.Context(), token, chunkOf(t, 0, strings.Repeat("x", size)))
	if !errs.Is(err, errs.NoSpace) {
		t.Fatalf("error %v of kind %q, want no-space", err, errs.KindOf(err))
	}
	for _, part := range []string{dir, strconv.Itoa(size), "bytes free"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
	free, err := s.Check(t.Context())
	if err != nil || free.Free < 3<<20 || free.Total != 4<<20 {
		t.Errorf("capacity %+v, error %v: a chunk that was not kept still takes space", free, err)
	}
}

// TestDigestReadsTheDisk: a digest is proof only when the bytes come from the disk (R4.5).
func TestDigestReadsTheDisk(t *testing.T) {
	dir := t.TempDir()
	var fs syscall.Statfs_t
	const tmpfs = 0x01021994
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Type == tmpfs {
		t.Logf("the temporary directory is in memory (%v): there is no disk to read", err)
		return
	}
	s := open(t, dir)
	const size = 8 << 20
	token, err := s.Begin(t.Context(), storage.Upload{Key: "object", ChunkSize: size})
	if err == nil {
		err = s.PutChunk(t.Context(), token, chunkOf(t, 0, strings.Repeat("0123456789abcdef", size/16)))
	}
	if err == nil {
		err = s.Commit(t.Context(), token, size)
	}
	if err != nil {
		t.Fatal(err)
	}
	before := readFromDisk(t)
	if _, err := s.Digest(t.Context(), "object", 0, size); err != nil {
		t.Fatal(err)
	}
	if n := readFromDisk(t) - before; n < size {
		t.Errorf("a digest of %d bytes read %d from the disk", size, n)
	}
}

// readFromDisk returns how many bytes this process had fetched from disks so far.
func readFromDisk(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte("\nread_bytes: "))
	n, err := strconv.ParseInt(strings.Fields(string(rest) + " x")[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNoFileStaysOpen: every call closes what it opened.
func TestNoFileStaysOpen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	round := func(key string) {
		commit(t, s, begun(t, s, key))
		bad := chunkOf(t, 0, "abcd")
		bad.SHA256[0] ^= 1
		token := begun(t, s, key+"-aborted")
		_ = s.PutChunk(t.Context(), token, bad)
		_ = s.Commit(t.Context(), token, 99)
		_, _ = s.ListChunks(t.Context(), token)
		_ = s.Abort(t.Context(), token)
		_, _ = s.Digest(t.Context(), key, 0, 6)
		_ = s.ReadRange(t.Context(), key, 0, 6, &bytes.Buffer{})
		_ = s.List(t.Context(), "", func(storage.Object) error { return nil })
		_, _ = s.Check(t.Context())
		_ = s.Delete(t.Context(), key)
	}
	round("first")
	before := count()
	for i := range 5 {
		round(filepath.Join("dir", strconv.Itoa(i)))
	}
	if after := count(); after > before {
		t.Errorf("%d files are open, %d before", after, before)
	}
}
