package spool

import (
	"fmt"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// damaged is the error of a chunk file that does not hold what was written.
func damaged(c Chunk, format string, args ...any) error {
	return errs.New(errs.Corrupt, "chunk %d in the spool is damaged: %s (%s)", c.Index, fmt.Sprintf(format, args...), c.Path)
}

// noSpace is the error of a disk that stayed full. A cause says why waiting did not help.
func noSpace(dir string, index int, needed, free int64, why string, cause error) error {
	return errs.Wrap(errs.NoSpace, fmt.Errorf("%s (%w)", why, cause),
		"write chunk %d to spool %q: disk full: %d more bytes needed for this chunk, %d bytes free: free some space there, or"+
			" set spool_dir to a larger file system", index, dir, needed, free)
}
