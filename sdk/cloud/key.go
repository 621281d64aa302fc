package cloud

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// Staging is the first element of the names below which a provider keeps what is no object yet.
const Staging = ".drydock-uploads"

// MaxName is the longest name that an object can have in the stores that are in use, in bytes, prefix included.
const MaxName = 1024

// CheckKey refuses, as errs.Invalid, what cannot be the key of an object below a prefix.
func CheckKey(prefix, key string) error {
	if key == "" || len(prefix)+len(key) > MaxName {
		return errs.New(errs.Invalid, "key of %d bytes: not 1 to %d", len(key), MaxName-len(prefix))
	}
	if !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) {
		return errs.New(errs.Invalid, "key %q holds a control character or is not UTF-8", key)
	}
	if key != path.Clean(key) || path.IsAbs(key) || key == "." || key == ".." || strings.HasPrefix(key, "../") {
		return errs.New(errs.Invalid, `key %q is not a relative path without empty, "." and ".." elements`, key)
	}
	if first, _, _ := strings.Cut(key, "/"); first == Staging {
		return errs.New(errs.Invalid, "key %q lies where uploads are kept", key)
	}
	return nil
}

// CheckPrefix refuses a configured prefix that no key can follow. A prefix usually ends in a slash; it need not.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	if len(prefix) > MaxName/2 {
		return schema.Invalid("prefix", "prefix is longer than 512 bytes", "")
	}
	if err := CheckKey("", strings.TrimSuffix(prefix, "/")); err != nil {
		return schema.Invalid("prefix", err.Error(), `Write for example "mysql/".`)
	}
	return nil
}
