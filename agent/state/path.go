package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	suffix  = ".db"
	maxName = 180 // bytes of an escaped name; file systems end at 255, and the holder file needs some
)

// Path returns the file of a job under the agent's data directory: <dataDir>/state/<job>.db. Two names never share a
// file, not even where the file system ignores case: all bytes but a-z, 0-9, "-" and "_" are written as %XX. A name
// that gets too long for a file name is cut and ends in "%." and its digest.
func Path(dataDir, job string) string { return filepath.Join(dataDir, "state", escape(job)+suffix) }

func escape(job string) string {
	var b strings.Builder
	for i, c := range []byte(job) {
		plain := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
		if plain && (i > 0 || !reserved(job)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() <= maxName && b.Len() > 0 {
		return b.String()
	}
	sum := sha256.Sum256([]byte(job))
	return b.String()[:min(b.Len(), maxName/2)] + "%." + hex.EncodeToString(sum[:16])
}

// reserved reports whether Windows takes a file of this name for a device.
func reserved(job string) bool {
	if slices.Contains([]string{"con", "prn", "aux", "nul"}, job) {
		return true
	}
	return len(job) == 4 && (job[:3] == "com" || job[:3] == "lpt")
}

// Files lists the state files under the agent's data directory. No directory means no files.
func Files(dataDir string) ([]string, error) {
	dir := filepath.Join(dataDir, "state")
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list state files: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), suffix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}
