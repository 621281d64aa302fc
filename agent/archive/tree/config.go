package tree

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

// Config says what to walk and how.
type Config struct {
	Root           string   // the data directory; may be a symlink to it
	Exclude        []string // doublestar patterns on paths in the archive, or on absolute paths when they begin with "/"
	Keyrings       []string // absolute, or relative to Root
	IncludeKeyring bool
	Outside        []string // absolute paths that belong to the data directory
	Live           bool     // the server is running: files may come and go
}

// Result is what a walk found.
type Result struct {
	RootPath     string // the data directory with all symlinks resolved
	Root         Stat
	Totals       manifest.Totals
	Refused      []Refused
	Skipped      []Skipped // the first MaxSkipped
	SkippedCount int64
	Keyrings     []manifest.KeyringFile
	Outside      []manifest.OutsidePath
}

// MaxSkipped is how many things that were left out are kept by name.
const MaxSkipped = 1000

// CheckPatterns reports a pattern that is not a doublestar pattern.
func CheckPatterns(patterns []string) error {
	for _, p := range patterns {
		if !doublestar.ValidatePattern(p) {
			return fmt.Errorf("exclude pattern %q is not valid", p)
		}
	}
	return nil
}

// excluded returns the first pattern that matches. A directory is also matched by the pattern for all that is in it, so
// `dir/**` leaves out dir itself.
func excluded(patterns []string, archived, real string) (string, bool) {
	for _, p := range patterns {
		name := archived
		if strings.HasPrefix(p, "/") {
			name = filepath.ToSlash(real)
		}
		if doublestar.MatchUnvalidated(p, name) {
			return p, true
		}
	}
	return "", false
}

// within reports whether p is dir or lies in it; both are absolute and clean.
func within(dir, p string) bool {
	if dir == p {
		return true
	}
	if !strings.HasSuffix(dir, string(filepath.Separator)) {
		dir += string(filepath.Separator)
	}
	return strings.HasPrefix(p, dir)
}

// relative returns the slash path of p in dir.
func relative(dir, p string) string {
	rel, err := filepath.Rel(dir, p)
	if err != nil {
		return "."
	}
	return path.Clean(filepath.ToSlash(rel))
}
