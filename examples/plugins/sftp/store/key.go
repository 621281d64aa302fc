package store

import (
	"crypto/rand"
	"encoding/hex"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// staging is the directory that holds uploads.
const staging = ".drydock-uploads"

// Limits of names in bytes: what file systems can keep.
const (
	maxKey     = 2048
	maxElement = 255
)

// checkKey refuses, as errs.Invalid, what cannot be the name of an object.
func checkKey(key string) error {
	switch first, _, _ := strings.Cut(key, "/"); {
	case key == "" || len(key) > maxKey:
		return errs.New(errs.Invalid, "key of %d bytes: not 1 to %d", len(key), maxKey)
	case !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return errs.New(errs.Invalid, "key %q holds a control character or is not UTF-8", key)
	case path.IsAbs(key) || key != path.Clean(key) || first == "." || first == "..":
		return errs.New(errs.Invalid, `key %q is not a relative path without empty, "." and ".." elements`, key)
	case strings.EqualFold(first, staging):
		return errs.New(errs.Invalid, "key %q lies in the directory for uploads", key)
	}
	for element := range strings.SplitSeq(key, "/") {
		if len(element) > maxElement {
			return errs.New(errs.Invalid, "key %q has an element of %d bytes: more than %d", key, len(element), maxElement)
		}
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
