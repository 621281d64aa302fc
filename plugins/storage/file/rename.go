package file

import (
	"io/fs"
	"os"
)

// renameChecked is the last resort, for file systems that know neither hard links nor a rename that replaces nothing: it
// looks before it renames. Between the two, another program could still take the name; another upload of this provider
// could too, if it commits the same key in another process at that very moment.
func renameChecked(root *os.Root, from, to string) error {
	if _, err := root.Lstat(to); err == nil {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	return root.Rename(from, to)
}
