package zip64

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// WideCentralSize returns the length of the central record of an entry that is Wide.
func WideCentralSize(name string) int { return centralSize + len(name) + 9 + 15 + 28 }

// ParseWide parses the central record of a streamed, wide entry whose name is known. Anything that [AppendCentral]
// would not write for such an entry is an error.
func ParseWide(raw []byte, name string) (Entry, error) {
	if len(raw) != WideCentralSize(name) || binary.LittleEndian.Uint32(raw) != sigCentral {
		return Entry{}, fmt.Errorf("%w: no central record of %q where it should be", ErrFormat, name)
	}
	le := binary.LittleEndian
	extra := raw[centralSize+len(name):]
	e := Entry{
		Name: name, Streamed: true, Wide: true,
		Method:  le.Uint16(raw[10:]),
		CRC32:   le.Uint32(raw[16:]),
		Mode:    le.Uint32(raw[38:]) >> 16,
		ModTime: int64(int32(le.Uint32(extra[5:]))),
		UID:     le.Uint32(extra[15:]),
		GID:     le.Uint32(extra[20:]),
		Size:    int64(le.Uint64(extra[28:])),
		Packed:  int64(le.Uint64(extra[36:])),
		Offset:  int64(le.Uint64(extra[44:])),
	}
	if e.Size < 0 || e.Packed < 0 || e.Offset < 0 || !bytes.Equal(AppendCentral(nil, &e), raw) {
		return Entry{}, fmt.Errorf("%w: the central record of %q is altered", ErrFormat, name)
	}
	return e, nil
}
