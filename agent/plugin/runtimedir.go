package plugin

import (
	"errors"
	"os"
)

const (
	// maxParent is the longest parent of a runtime directory in bytes: the path of a Unix socket is limited to about 100.
	maxParent = 40
	// dirPrefix begins the name of every runtime directory; os.MkdirTemp adds digits.
	dirPrefix = "drydock-p"
)

// runtimeDir is the private directory of a host, with the sockets of its providers in directories of their own. It is
// locked as long as the host's process lives, which is how the next host knows what it may sweep away.
type runtimeDir struct {
	path string
	lock *os.File // nil where directories cannot be locked
}

// newRuntimeDir makes a directory in parent, or in the system's directory for temporary files when parent is empty or too
// long a path for sockets. It removes the directories in there whose owners were killed.
func newRuntimeDir(parent string) (*runtimeDir, error) {
	for _, p := range []string{parent, os.TempDir(), "/tmp"} {
		if p != "" && len(p) <= maxParent {
			parent = p
			break
		}
	}
	sweep(parent)
	for range 10 { // a sweep of another host can come between the making and the lock
		path, err := os.MkdirTemp(parent, dirPrefix)
		if err != nil {
			return nil, err
		}
		lock, err := lockDir(path)
		if err == nil {
			return &runtimeDir{path: path, lock: lock}, nil
		}
		_ = os.Remove(path)
	}
	return nil, errors.New("no runtime directory in " + parent + " stays")
}

// remove removes the directory with everything in it.
func (d *runtimeDir) remove() error {
	err := os.RemoveAll(d.path)
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}
