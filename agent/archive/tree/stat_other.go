//go:build !unix

package tree

import (
	"io/fs"
	"os"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

// Lstat looks at a path without following a link at its end.
func Lstat(path string) (Stat, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Stat{}, err
	}
	return convert(info), nil
}

// Fstat looks at an open file.
func Fstat(f *os.File) (Stat, error) {
	info, err := f.Stat()
	if err != nil {
		return Stat{}, err
	}
	return convert(info), nil
}

// Open opens a file for reading.
func Open(path string) (*os.File, error) { return os.Open(path) }

func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

func convert(info fs.FileInfo) Stat {
	mode := uint32(info.Mode().Perm())
	switch info.Mode().Type() {
	case 0:
		mode |= TypeRegular
	case fs.ModeDir:
		mode |= TypeDir
	case fs.ModeSymlink:
		mode |= TypeLink
	}
	t := manifest.TimeOf(info.ModTime())
	return Stat{Mode: mode, Size: info.Size(), Allocated: info.Size(), MTime: t, CTime: t, Links: 1}
}
