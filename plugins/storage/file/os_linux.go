package file

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// dirSync: directories can be flushed.
const dirSync = true

// readsFromDisk: pages in memory can be left out, or dropped, before what was written is read back.
const readsFromDisk = true

// full returns the errors that mean a full disk or a used-up quota.
func full() []error { return []error{unix.ENOSPC, unix.EDQUOT} }

// datasync flushes a file's bytes and what is needed to find them.
func datasync(f *os.File) error {
	return ignoringEINTR(func() error { return unix.Fdatasync(int(f.Fd())) })
}

// startWriteback asks for a range to be written to the disk and does not wait. It is a hint: errors show in datasync.
func startWriteback(f *os.File, offset, length int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, length, unix.SYNC_FILE_RANGE_WRITE)
}

// awaitWriteback waits until a range was written to the disk.
func awaitWriteback(f *os.File, offset, length int64) {
	const wait = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	_ = unix.SyncFileRange(int(f.Fd()), offset, length, wait)
}

// discard gives the space of a range back, which reads as zeros then, and reports whether the file system can.
func discard(f *os.File, offset, length int64) bool {
	const punch = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	return length > 0 && ignoringEINTR(func() error { return unix.Fallocate(int(f.Fd()), punch, offset, length) }) == nil
}

// dropCache drops a range of a flushed file from the page cache.
func dropCache(f *os.File, offset, length int64) {
	page := int64(os.Getpagesize())
	from := offset / page * page
	to := (offset + length + page - 1) / page * page
	if to > from { // a length of 0 would mean the whole file
		_ = unix.Fadvise(int(f.Fd()), from, to-from, unix.FADV_DONTNEED)
	}
}

// rename moves a file to a name that is free. A name that is taken is fs.ErrExist.
func rename(root *os.Root, from, to string) error {
	a, err := root.Open(path.Dir(from))
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := root.Open(path.Dir(to))
	if err != nil {
		return err
	}
	defer b.Close()
	err = unix.Renameat2(int(a.Fd()), path.Base(from), int(b.Fd()), path.Base(to), unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return renameChecked(root, from, to)
	}
	if err != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: err}
	}
	return nil
}

func capacity(root *os.Root) (storage.Capacity, error) {
	d, err := root.Open(".")
	if err != nil {
		return storage.Capacity{}, err
	}
	defer d.Close()
	var st unix.Statfs_t
	if err := ignoringEINTR(func() error { return unix.Fstatfs(int(d.Fd()), &st) }); err != nil {
		return storage.Capacity{}, &fs.PathError{Op: "statfs", Path: root.Name(), Err: err}
	}
	block := st.Frsize
	if block == 0 {
		block = st.Bsize
	}
	return storage.Capacity{Free: int64(st.Bavail) * block, Total: int64(st.Blocks) * block}, nil
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
