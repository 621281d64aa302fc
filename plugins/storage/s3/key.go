package s3

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// maxKey is the longest key in bytes, prefix and all, that S3 takes.
const maxKey = 1024

// checkKey refuses, as errs.Invalid, what cannot be a key, and returns the whole key in the bucket.
func (s *Storage) checkKey(key string) (string, error) {
	full := s.cfg.Prefix + key
	switch {
	case key == "" || len(full) > maxKey:
		return "", errs.New(errs.Invalid, "key of %d bytes: not 1 to %d", len(full), maxKey-len(s.cfg.Prefix))
	case !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return "", errs.New(errs.Invalid, "key %q holds a control character or is not UTF-8", key)
	case !isRelative(key):
		return "", errs.New(errs.Invalid, `key %q is not a relative path without empty, "." and ".." elements`, key)
	}
	return full, nil
}

func isRelative(key string) bool {
	return key == path.Clean(key) && !strings.HasPrefix(key, "/") && key != "." && key != ".." && !strings.HasPrefix(key, "../")
}

// validPrefix reports whether a key behind the prefix is a key again.
func validPrefix(prefix string) bool {
	return prefix == "" || len(prefix) <= maxKey/2 && utf8.ValidString(prefix) && !strings.ContainsFunc(prefix, unicode.IsControl) &&
		isRelative(prefix+"x")
}
