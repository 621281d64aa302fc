//go:build unix

package pki

import (
	"errors"
	"os"
)

// syncDir flushes a directory, so that the names in it survive.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
