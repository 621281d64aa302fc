package client_test

import (
	"os"
	"syscall"

	"github.com/drydock-backup/drydock/sdk/storagetest"
)

// small mounts a file system of 4 MiB. Without the right to mount, the case that needs it fails and says so.
func small(t storagetest.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatalf("make a directory: %v", err)
	}
	if err := syscall.Mount("drydock-test", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Fatalf("mount a file system (run this test as root, or in `unshare --user --map-root-user --mount`): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}
