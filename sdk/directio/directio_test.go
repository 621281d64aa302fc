package directio_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"github.com/drydock-backup/drydock/sdk/directio"
)

// open makes a file in dir that goes past the page cache, if the file system can.
func open(t *testing.T, dir string) *directio.File {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	plain, err := root.OpenFile("f", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f := directio.New(plain)
	f.Bypass(root, "f")
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// block returns n bytes at an address that blocks may have.
func block(t *testing.T, n int) []byte {
	t.Helper()
	buffers := directio.NewBuffers(max(1, (n+directio.Align-1)/directio.Align) * directio.Align)
	b := buffers.Get()
	t.Cleanup(func() { buffers.Put(b) })
	return b.Bytes[:n]
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := block(t, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

// What is written at any offset and of any length, from any address, is what the file holds, and what is read from it.
func TestFile(t *testing.T) {
	const size = 5*directio.Align + 77
	for _, tt := range []struct {
		name               string
		address, off, size int
	}{
		{"whole blocks", 0, 0, 4 * directio.Align},
		{"blocks in the middle", 0, directio.Align, 2 * directio.Align},
		{"a last block that is not whole", 0, 0, size},
		{"less than a block", 0, 2 * directio.Align, 100},
		{"not at a block", 0, 100, 3 * directio.Align},
		{"from an odd address", 1, 0, 3 * directio.Align},
		{"nothing", 0, directio.Align, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			f := open(t, dir)
			if err := f.Truncate(size); err != nil {
				t.Fatal(err)
			}
			data := random(t, tt.address+tt.size)[tt.address:]
			if n, err := f.WriteAt(data, int64(tt.off)); n != len(data) || err != nil {
				t.Fatalf("%d of %d bytes, %v", n, len(data), err)
			}
			want := make([]byte, size)
			copy(want[tt.off:], data)
			if got, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes that are not those, %v", len(got), err)
			}
			got := block(t, tt.address+tt.size)[tt.address:]
			if n, err := f.ReadAt(got, int64(tt.off)); n != len(data) || err != nil {
				t.Fatalf("read %d of %d bytes, %v", n, len(data), err)
			}
			if !bytes.Equal(got, data) {
				t.Error("other bytes come back")
			}
		})
	}
}

// At the end of the file a read ends as io.ReaderAt says, wherever the end lies.
func TestReadAtEnd(t *testing.T) {
	for _, size := range []int{0, 1, directio.Align - 1, directio.Align, directio.Align + 1, 3 * directio.Align} {
		f := open(t, t.TempDir())
		data := random(t, size)
		if _, err := f.WriteAt(data, 0); err != nil {
			t.Fatal(err)
		}
		got := block(t, 4*directio.Align)
		n, err := f.ReadAt(got, 0)
		if n != size || !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], data) {
			t.Errorf("a file of %d bytes gives %d, %v", size, n, err)
		}
	}
}

// What one side has written, the other reads.
func TestBothSides(t *testing.T) {
	f := open(t, t.TempDir())
	data := random(t, 2*directio.Align)
	if _, err := f.File.WriteAt(data, 0); err != nil { // stays in memory
		t.Fatal(err)
	}
	got := block(t, len(data))
	if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, data) {
		t.Errorf("past the page cache come other bytes, %v", err)
	}
	data[0]++
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.File.ReadAt(got, 0); err != nil || !bytes.Equal(got, data) {
		t.Errorf("through the page cache come other bytes, %v", err)
	}
}

// Reserve neither changes nor shortens what is there.
func TestReserve(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	data := random(t, directio.Align)
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(8 * directio.Align); err != nil {
		t.Fatal(err)
	}
	if _, err := directio.Reserve(f.File, 0, 8*directio.Align); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "f"))
	if err != nil || !bytes.Equal(got, append(bytes.Clone(data), make([]byte, 7*directio.Align)...)) {
		t.Errorf("%d bytes, others than before: %v", len(got), err)
	}
}

// Buffers do not overlap, are where blocks may be, and keep what is in them while they are held, whatever else comes and goes.
func TestBuffers(t *testing.T) {
	for _, size := range []int{directio.Align, 1 << 20, 2 << 20, 5 << 20} {
		buffers := directio.NewBuffers(size)
		var held []*directio.Buffer
		for i := range 9 {
			b := buffers.Get()
			if len(b.Bytes) != size || cap(b.Bytes) != size || uintptr(unsafe.Pointer(&b.Bytes[0]))%directio.Align != 0 {
				t.Fatalf("%d of %d bytes at %p", len(b.Bytes), size, b.Bytes)
			}
			fill(b.Bytes, byte(i))
			held = append(held, b)
		}
		for range 3 { // gives back what nobody holds
			buffers.Put(buffers.Get())
			runtime.GC()
		}
		for i, b := range held {
			if want := bytes.Repeat([]byte{byte(i)}, size); !bytes.Equal(b.Bytes, want) {
				t.Errorf("buffer %d of %d bytes holds something else", i, size)
			}
			buffers.Put(b)
		}
	}
}

func fill(p []byte, with byte) {
	for i := range p {
		p[i] = with
	}
}
