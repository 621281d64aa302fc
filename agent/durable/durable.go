package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// MkdirAll makes a directory with its missing parents, as os.MkdirAll does, and brings the names of all that it made to
// the disk. The directory's own name is synced also when somebody else has made it.
func MkdirAll(dir string, mode os.FileMode) error {
	dir = filepath.Clean(dir)
	missing := missing(dir)
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	for _, made := range missing {
		if err := SyncDir(filepath.Dir(made)); err != nil {
			return err
		}
	}
	return nil
}

// missing lists dir and those of its parents that do not exist, the highest first.
func missing(dir string) []string {
	all := []string{dir}
	for up := filepath.Dir(dir); up != filepath.Dir(up); up = filepath.Dir(up) {
		if _, err := os.Lstat(up); err == nil {
			break
		}
		all = append([]string{up}, all...)
	}
	return all
}

// WriteFile replaces a file in one step: after a crash it holds what it held before, or all of data.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncDir(dir)
}
