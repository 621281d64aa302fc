//go:build !unix

package plugin

import (
	"io/fs"
	"os"
	"path/filepath"
)

// trusted only follows the links: access lists decide who may write, and modes do not show them.
func trusted(path string) (string, error) { return filepath.EvalSymlinks(path) }

func closedDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return &reason{"the plugin directory " + dir + " is not a directory", "correct the plugin directory"}
	}
	return err
}

func canExecute(fs.FileInfo) bool { return true }
