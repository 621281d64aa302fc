package cloud

import (
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Complete checks that the chunks, in order of their index, make an object of size bytes; else it is errs.Invalid.
func Complete(chunks []storage.ChunkInfo, chunkSize, size int64) error {
	var sum int64
	for i, c := range chunks {
		if c.Index != i {
			return errs.New(errs.Invalid, "chunk %d has not arrived", i)
		}
		if i < len(chunks)-1 && c.Length != chunkSize {
			return errs.New(errs.Invalid, "chunk %d has %d bytes, not %d, and is not the last", i, c.Length, chunkSize)
		}
		sum += c.Length
	}
	if sum != size {
		return errs.New(errs.Invalid, "%d chunks of %d bytes have arrived, not %d bytes", len(chunks), sum, size)
	}
	return nil
}
