package instance

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// tryLock locks a file in the system's temporary directory that is named after the data directory.
func tryLock(dir string) (func() error, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("drydock-%x.lock", sha256.Sum256([]byte(abs)))
	l := flock.New(filepath.Join(os.TempDir(), name))
	ok, err := l.TryLock()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrLocked
	}
	return l.Unlock, nil
}
