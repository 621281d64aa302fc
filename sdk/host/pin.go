package host

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// DigestError says that an executable is not the one that was pinned.
type DigestError struct {
	Path       string
	Have, Want []byte // SHA-256
}

// Error returns both digests.
func (e *DigestError) Error() string {
	return fmt.Sprintf("%s has changed: its SHA-256 is %x, pinned is %x", e.Path, e.Have, e.Want)
}

// openPinned opens an executable and checks its digest, anew for every launch. The bytes that are digested must be the bytes
// that run, whatever happens to the name in between: see pinnedPath.
func openPinned(path string, want []byte) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would block the open
		return nil, fmt.Errorf("%s is not a regular file (%s)", path, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := checkDigest(f, path, want); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func checkDigest(r io.Reader, path string, want []byte) error {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if have := h.Sum(nil); !bytes.Equal(have, want) {
		return &DigestError{Path: path, Have: have, Want: want}
	}
	return nil
}
