package plugin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// CheckTrusted refuses a file that anybody but root and the user who runs drydock could change or replace: one in a
// directory, or below one, or with a mode or an owner that lets them. The error has a Hint. On Windows, where modes say
// nothing, it accepts every file: there the access lists of the directory decide.
func CheckTrusted(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	_, err = trusted(abs)
	return err
}

// trustedExecutable returns the real path of an executable in dir. Only root and our own user can change or replace it.
func trustedExecutable(dir, path string) (string, error) {
	if !filepath.IsAbs(dir) {
		return "", &reason{fmt.Sprintf("the plugin directory %s is a relative path", dir), "write it from the root on"}
	}
	home, err := trusted(dir)
	if err != nil {
		return "", err
	}
	if err := closedDir(home); err != nil {
		return "", err
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(file, home+string(filepath.Separator)) {
		return "", &reason{
			fmt.Sprintf("%s is a link to %s, outside of the plugin directory", path, file),
			"copy the executable into the plugin directory; a link may only lead to a file in it",
		}
	}
	if file, err = trusted(path); err != nil {
		return "", err
	}
	return file, executable(file)
}

// executable wants a file that can be run.
func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &reason{
			fmt.Sprintf("%s is not a regular file (%s)", path, info.Mode().Type()), "install an executable under this name",
		}
	case !canExecute(info):
		return &reason{fmt.Sprintf("%s is not executable (%s)", path, info.Mode()), "run chmod 0755 " + path}
	}
	return nil
}
