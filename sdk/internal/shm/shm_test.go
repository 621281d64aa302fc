//go:build linux

package shm_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/drydock-backup/drydock/sdk/internal/shm"
)

// TestRegions maps the same memory twice, as two processes do, in every way there is.
func TestRegions(t *testing.T) {
	const size = 3 * shm.Align
	dir := t.TempDir()
	for name, create := range map[string]func() (*shm.Region, error){
		"memfd": func() (*shm.Region, error) { return shm.Create(size) },
		"file":  func() (*shm.Region, error) { return shm.CreateFile(dir, size) },
	} {
		t.Run(name, func(t *testing.T) {
			ours, err := create()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := shm.Open(ours.Path(), size+1); err == nil {
				t.Error("a region of another size was mapped")
			}
			theirs, err := shm.Open(ours.Path(), size)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(ours.Path()); name == "file" && (err != nil || info.Mode().Perm() != 0o600) {
				t.Errorf("file mode %v, %v", info.Mode(), err)
			}
			if err := ours.Unlink(); err != nil {
				t.Error(err)
			}
			copy(ours.Bytes()[size-5:], "there")
			if got := theirs.Bytes()[size-5:]; !bytes.Equal(got, []byte("there")) || len(theirs.Bytes()) != size {
				t.Errorf("the other side sees %q in %d bytes", got, len(theirs.Bytes()))
			}
			for _, r := range []*shm.Region{theirs, ours} {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files left: %v %v", left, err)
	}
}

// TestSealed shows that the other side cannot cut the memory off under us.
func TestSealed(t *testing.T) {
	r, err := shm.Create(shm.Align)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, size := range []int64{0, shm.Align - 1, 2 * shm.Align} {
		if err := os.Truncate(r.Path(), size); err == nil {
			t.Errorf("truncated to %d bytes", size)
		}
	}
}

func TestRoundUp(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: shm.Align, shm.Align: shm.Align, shm.Align + 1: 2 * shm.Align} {
		if got := shm.RoundUp(n); got != want {
			t.Errorf("%d becomes %d, want %d", n, got, want)
		}
	}
}
