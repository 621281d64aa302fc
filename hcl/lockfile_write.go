package hcl

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

const lockHead = `# Written by "drydock plugin lock". Each third-party provider runs only while its executable has this SHA-256.
# Keep the file with your configuration, and let only those write it who may install providers.
`

// FormatLockFile is the text of a lock file. ParseLockFile reads it back.
func FormatLockFile(entries []LockEntry) []byte {
	entries = slices.Clone(entries)
	sortLock(entries)
	b := bytes.NewBufferString(lockHead)
	for _, e := range entries {
		fmt.Fprintf(b, "\nplugin %s %s {\n  version = %s\n", literal(e.Kind), literal(e.Name), literal(e.Version))
		if e.Constraint != "" {
			fmt.Fprintf(b, "  constraint = %s\n", literal(e.Constraint))
		}
		fmt.Fprintf(b, "  sha256 = \"%x\"\n}\n", e.SHA256)
	}
	return hclwrite.Format(b.Bytes())
}

// literal is s as it is written in HCL, quotes and all.
func literal(s string) string { return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()) }

// WriteLockFile replaces a lock file: after a crash there is either the old one or the new one, whole. It can be read by
// everyone, because the user that runs the backups may be another one than the one that installs providers.
func WriteLockFile(path string, entries []LockEntry) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	_, err = temp.Write(FormatLockFile(entries))
	if err == nil {
		err = temp.Chmod(0o644)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write lock file: %w", err), os.Remove(temp.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename survive. Windows has no such call for directories.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory of the lock file: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory of the lock file: %w", err)
	}
	return nil
}
