//go:build unix

package plugin

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	othersWrite = 0o022 // group and world
	maxLinks    = 40    // as the kernel's own limit
)

// trusted follows an absolute path from the root on and returns where it leads. Every directory and link on the way, and
// the file itself, must belong to root or to our own user, and nobody else may write them. A directory with the sticky
// bit (/tmp) may be written by others: what is in it stays its owner's.
func trusted(path string) (string, error) { return trustedBy(path, os.Geteuid()) }

func trustedBy(path string, uid int) (string, error) {
	at, rest := "/", elements(path)
	if err := checkOwner(at, uid); err != nil {
		return "", err
	}
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		if err := checkOwner(next, uid); err != nil {
			return "", err
		}
		target, err := os.Readlink(next)
		if err != nil {
			at = next // no link
			continue
		}
		if links++; links > maxLinks {
			return "", &reason{path + " leads through too many links", "make it a real path"}
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(elements(target), rest...)
	}
	return at, nil
}

// elements are the parts of a path that lead anywhere.
func elements(path string) []string {
	return strings.FieldsFunc(filepath.ToSlash(path), func(r rune) bool { return r == '/' })
}

// checkOwner looks at one file, directory or link.
func checkOwner(path string, uid int) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 && int64(stat.Uid) != int64(uid) {
		return &reason{
			fmt.Sprintf("%s belongs to user %d, who is neither root nor the user %d that runs drydock", path, stat.Uid, uid),
			"run chown root " + path,
		}
	}
	sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if info.Mode()&fs.ModeSymlink == 0 && !sticky {
		return checkMode(path, info)
	}
	return nil
}

func checkMode(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&othersWrite == 0 {
		return nil
	}
	return &reason{fmt.Sprintf("%s can be written by others (%s)", path, info.Mode()), "run chmod go-w " + path}
}

// closedDir wants a directory that others cannot write, sticky bit or not.
func closedDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return &reason{"the plugin directory " + dir + " is not a directory", "correct the plugin directory"}
	}
	return checkMode(dir, info)
}

func canExecute(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }
