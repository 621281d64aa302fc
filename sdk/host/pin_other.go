//go:build !linux

package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// runsDescriptors: there is no way to execute an open file here.
const runsDescriptors = false

// pinnedPath is what the child executes: a copy in the private directory, digested as it is written. It goes with the
// directory.
func pinnedPath(f *os.File, c Command, _ int, dir string) (string, error) {
	path := filepath.Join(dir, "provider"+filepath.Ext(c.Path))
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("read %s: %w", c.Path, err)
	}
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return "", err
	}
	err = checkDigest(io.TeeReader(f, to), c.Path, c.SHA256)
	return path, errors.Join(err, to.Close())
}
