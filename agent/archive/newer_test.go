package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// S2: an artifact of a later version is called that, not damaged, and nothing of it is restored.
func TestNewerFormat(t *testing.T) {
	f := newForged().add(manifest.File{Path: "a"}, "good")
	f.header.Version = manifest.Version + 1
	src := f.build(t, nil)
	to := filepath.Join(t.TempDir(), "to")
	_, restoreErr := archive.Restore(t.Context(), src, nil, archive.RestoreOptions{To: to})
	_, verifyErr := archive.Verify(t.Context(), src, nil, archive.VerifyOptions{})
	for what, err := range map[string]error{"Restore": restoreErr, "Verify": verifyErr} {
		if !errors.Is(err, archive.ErrNewer) || errs.Is(err, errs.Corrupt) || !strings.Contains(err.Error(), "version 2, this drydock knows 1") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("something was restored")
	}
}
