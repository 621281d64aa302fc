package seal

import (
	"fmt"
	"io"

	"filippo.io/age"
)

// File is a sealed artifact that can be written at any place and made durable: *os.File is one.
type File interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// Rewrap makes the artifact open for the new holders, and no longer for those before. It rewrites the wrapped key alone.
// At every moment one slot of the header is sound, so a crash loses nothing. Whoever has kept the old header, or the file
// key, can still open what lies elsewhere.
func Rewrap(f File, size int64, holders Holders, identities ...age.Identity) error {
	h, err := readHeader(f, size)
	if err != nil {
		return err
	}
	key, _, err := h.unlock(identities)
	if err != nil {
		return err
	}
	defer key.forget()
	wrapped, err := holders.wrap(key)
	if err != nil {
		return err
	}
	keep := h.sound(key)
	if keep < 0 {
		return fmt.Errorf("%w: no slot of the header is sound", ErrDamaged)
	}
	fresh, err := h.encodeSlot(h.slots[keep].generation+1, wrapped, key)
	if err != nil {
		return err
	}
	for _, w := range []struct {
		slot int
		raw  []byte
	}{{1 - keep, fresh}, {keep, make([]byte, h.slotSize())}} {
		if _, err := f.WriteAt(w.raw, h.slotOffset(w.slot)); err != nil {
			return fmt.Errorf("write the header: %w", err)
		}
		if err := f.Sync(); err != nil {
			return fmt.Errorf("write the header: %w", err)
		}
	}
	return nil
}

// sound returns the latest slot that is as it was written, -1 when there is none.
func (h *header) sound(key *fileKey) int {
	_ = h.inspect(key) // notes what is wrong in each slot
	for _, i := range h.byAge() {
		if h.slots[i].err == nil {
			return i
		}
	}
	return -1
}
