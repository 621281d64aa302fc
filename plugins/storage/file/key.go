package file

import (
	"crypto/rand"
	"encoding/hex"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// staging is the directory that holds uploads.
const staging = ".drydock-uploads"

// Limits of names: what the file systems in use can keep.
const (
	maxKey     = 2048 // bytes
	maxElement = 255  // bytes
)

// checkKey refuses, as errs.Invalid, what cannot be the name of an object here.
func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return errs.New(errs.Invalid, "key of %d bytes: not 1 to %d", len(key), maxKey)
	}
	if !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) {
		return errs.New(errs.Invalid, "key %q holds a control character or is not UTF-8", key)
	}
	if key != path.Clean(key) || !filepath.IsLocal(filepath.FromSlash(key)) || key == "." || filepath.ToSlash(key) != key {
		return errs.New(errs.Invalid, `key %q is not a relative path without empty, "." and ".." elements`, key)
	}
	for element := range strings.SplitSeq(key, "/") {
		if len(element) > maxElement {
			return errs.New(errs.Invalid, "key %q has an element of %d bytes: more than %d", key, len(element), maxElement)
		}
	}
	if first, _, _ := strings.Cut(key, "/"); strings.EqualFold(first, staging) {
		return errs.New(errs.Invalid, "key %q lies in the directory for uploads", key)
	}
	return nil
}

// newToken returns the name of a new upload: 128 random bits in hexadecimal.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// isToken reports whether newToken can have made s.
func isToken(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16 && strings.ToLower(s) == s
}
