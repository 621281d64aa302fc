package store_test

import (
	"errors"
	"os"
	"syscall"

	"github.com/drydock-backup/drydock/sdk/storagetest"
)

func fullHook() func(t storagetest.T) string { return smallDisk }

// smallDisk mounts a file system of 4 MiB. Without the right to mount, the case that needs it fails and says so.
func smallDisk(t storagetest.T) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("drydock-test", dir, "tmpfs", 0, "size=4m,mode=0700")
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
	return dir
}
