package file

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/sdk/storage"
)

const dirSync = true

func full() []error { return []error{syscall.ENOSPC, syscall.EDQUOT} }

func rename(root *os.Root, from, to string) error { return renameChecked(root, from, to) }

func capacity(root *os.Root) (storage.Capacity, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(root.Name(), &st); err != nil {
		return storage.Capacity{}, &fs.PathError{Op: "statfs", Path: root.Name(), Err: err}
	}
	return storage.Capacity{Free: int64(st.Bavail) * int64(st.Bsize), Total: int64(st.Blocks) * int64(st.Bsize)}, nil
}
