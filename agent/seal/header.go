package seal

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

const (
	// Magic begins every sealed artifact.
	Magic = "DRYDOCKS"
	// Version is the format that is written, and the latest that is read.
	Version = 1

	fixedSize = 64 // magic to reserved
	macSize   = 32
	// smallest and largest header that is read.
	minHeader, maxHeader = 8 << 10, 1 << 20
	maxHolders           = 16 // age files in a slot
)

// header is what lies in front of the chunks.
//
//	 0  8  magic
//	 8  4  version
//	12  4  size of the header
//	16 16  artifact id
//	32  8  chunk size
//	40  4  segment size
//	44 20  zero
//	64     slot 0; slot 1 begins in the middle of what is left
//
// Numbers are big-endian. A slot that was never written, and what is left of one, is zero.
type header struct {
	size  int64
	id    [16]byte
	chunk int64
	fixed [fixedSize]byte
	slots [2]slot
}

// slot holds the wrapped key.
//
//	0 4  generation; the higher one counts
//	4 4  bytes of the age files, each with its length in front
//	8    age files, each with its length (4 bytes) in front
//	     HMAC-SHA-256 under the file key over magic to reserved, and the slot up to here
type slot struct {
	generation uint32
	holders    [][]byte // age files
	signed     []byte   // what the MAC is over
	mac        []byte
	err        error // why it is neither empty nor sound
}

func (s *slot) empty() bool { return s.generation == 0 && s.err == nil }

func newHeader(id [16]byte, chunk int64) *header {
	h := &header{size: HeaderSize, id: id, chunk: chunk}
	copy(h.fixed[:], Magic)
	binary.BigEndian.PutUint32(h.fixed[8:], Version)
	binary.BigEndian.PutUint32(h.fixed[12:], uint32(h.size))
	copy(h.fixed[16:], id[:])
	binary.BigEndian.PutUint64(h.fixed[32:], uint64(chunk))
	binary.BigEndian.PutUint32(h.fixed[40:], SegmentSize)
	return h
}

// slotSize is the room of one slot.
func (h *header) slotSize() int64 { return (h.size - fixedSize) / 2 }

// slotOffset is where a slot begins.
func (h *header) slotOffset(i int) int64 { return fixedSize + int64(i)*h.slotSize() }

// encodeSlot makes the bytes of a slot, padded to its room.
func (h *header) encodeSlot(generation uint32, holders [][]byte, key *fileKey) ([]byte, error) {
	var files []byte
	for _, f := range holders {
		files = append(binary.BigEndian.AppendUint32(files, uint32(len(f))), f...)
	}
	b := binary.BigEndian.AppendUint32(nil, generation)
	b = binary.BigEndian.AppendUint32(b, uint32(len(files)))
	b = append(b, files...)
	b = append(b, key.mac(forHeader, h.fixed[:], b)...)
	if int64(len(b)) > h.slotSize() {
		return nil, fmt.Errorf("the wrapped key has %d bytes, and the header has room for %d: use fewer recipients", len(b), h.slotSize())
	}
	return append(b, make([]byte, h.slotSize()-int64(len(b)))...), nil
}

// readHeader reads and parses the header of an artifact.
func readHeader(src io.ReaderAt, size int64) (*header, error) {
	h := &header{}
	if size < fixedSize {
		return nil, fmt.Errorf("%w: it has only %d bytes", ErrNotSealed, size)
	}
	if err := readFull(src, h.fixed[:], 0); err != nil {
		return nil, err
	}
	if err := h.parseFixed(); err != nil {
		return nil, err
	}
	if size < h.size {
		return nil, fmt.Errorf("%w: it has %d bytes, its header alone has %d: it is cut short", ErrDamaged, size, h.size)
	}
	for i := range h.slots {
		raw := make([]byte, h.slotSize())
		if err := readFull(src, raw, h.slotOffset(i)); err != nil {
			return nil, err
		}
		h.slots[i] = parseSlot(raw)
	}
	if h.slots[0].empty() && h.slots[1].empty() {
		return nil, fmt.Errorf("%w: the header holds no key", ErrDamaged)
	}
	return h, nil
}

func (h *header) parseFixed() error {
	f := h.fixed[:]
	if string(f[:8]) != Magic {
		return ErrNotSealed
	}
	if v := binary.BigEndian.Uint32(f[8:]); v > Version {
		return fmt.Errorf("%w: format %d, this version knows %d", ErrNewer, v, Version)
	} else if v < Version {
		return fmt.Errorf("%w: format %d", ErrDamaged, v)
	}
	h.size = int64(binary.BigEndian.Uint32(f[12:]))
	copy(h.id[:], f[16:])
	chunk := binary.BigEndian.Uint64(f[32:])
	switch {
	case h.size < minHeader || h.size > maxHeader || h.size%2 != 0:
		return fmt.Errorf("%w: a header of %d bytes", ErrDamaged, h.size)
	case chunk == 0 || chunk > MaxChunkSize || chunk%SegmentSize != 0 || int64(chunk) <= h.size+endSize:
		return fmt.Errorf("%w: chunks of %d bytes", ErrDamaged, chunk)
	case binary.BigEndian.Uint32(f[40:]) != SegmentSize:
		return fmt.Errorf("%w: segments of %d bytes", ErrDamaged, binary.BigEndian.Uint32(f[40:]))
	case !zero(f[44:]):
		return fmt.Errorf("%w: the header is altered", ErrDamaged)
	}
	h.chunk = int64(chunk)
	return nil
}

// parseSlot takes a slot apart. It believes nothing: the MAC is checked once the key is known.
func parseSlot(raw []byte) slot {
	if zero(raw) {
		return slot{}
	}
	s := slot{generation: binary.BigEndian.Uint32(raw)}
	length := int64(binary.BigEndian.Uint32(raw[4:]))
	if s.generation == 0 || length > int64(len(raw))-8-macSize {
		s.err = errors.New("a slot of the header is altered")
		return s
	}
	files, rest := raw[8:8+length], raw[8+length:]
	s.signed, s.mac = raw[:8+length], rest[:macSize]
	if !zero(rest[macSize:]) {
		s.err = errors.New("a slot of the header is altered")
	}
	for len(files) > 0 {
		if len(files) < 4 || int64(binary.BigEndian.Uint32(files)) > int64(len(files)-4) || len(s.holders) == maxHolders {
			s.err = errors.New("a slot of the header is altered")
			return s
		}
		n := binary.BigEndian.Uint32(files)
		s.holders = append(s.holders, files[4:4+n])
		files = files[4+n:]
	}
	return s
}

// unlock finds the file key with the first identity that fits. damage tells what of the header is not as it was
// written, although the key could be found: an interrupted rewrap leaves such a slot, and so does a flipped bit.
func (h *header) unlock(identities []age.Identity) (key *fileKey, damage, err error) {
	var tried []error
	for _, i := range h.byAge() {
		key, err := h.slots[i].unwrap(identities)
		if err != nil {
			tried = append(tried, err)
			continue
		}
		return key, h.inspect(key), nil
	}
	return nil, nil, errors.Join(tried...)
}

// byAge returns the slots that are in use, the latest first.
func (h *header) byAge() []int {
	var used []int
	for i := range h.slots {
		if !h.slots[i].empty() {
			used = append(used, i)
		}
	}
	if len(used) == 2 && h.slots[1].generation > h.slots[0].generation {
		return []int{1, 0}
	}
	return used
}

// unwrap tries every holder of a slot.
func (s *slot) unwrap(identities []age.Identity) (*fileKey, error) {
	var failed error
	for _, file := range s.holders {
		key, err := unwrapKey(file, identities)
		if err == nil {
			return key, nil
		}
		if failed == nil || !errors.Is(err, ErrNoKey) {
			failed = err
		}
	}
	if failed == nil {
		failed = fmt.Errorf("%w: the header holds no wrapped key", ErrDamaged)
	}
	return nil, failed
}

// inspect checks every slot against the key and notes in it what is wrong; it returns the first of that.
func (h *header) inspect(key *fileKey) (damage error) {
	for i := range h.slots {
		s := &h.slots[i]
		if s.empty() {
			continue
		}
		if s.err == nil && !hmac.Equal(s.mac, key.mac(forHeader, h.fixed[:], s.signed)) {
			s.err = errors.New("the header is altered")
		}
		if s.err != nil && damage == nil {
			damage = fmt.Errorf("%w: %w", ErrDamaged, s.err)
		}
	}
	return damage
}

func zero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// readFull reads exactly len(p) bytes; bytes that are not there are damage.
func readFull(src io.ReaderAt, p []byte, off int64) error {
	n, err := src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it ends at byte %d: it is cut short", ErrDamaged, off+int64(n))
	}
	return fmt.Errorf("read %d bytes at %d: %w", len(p), off, err)
}
