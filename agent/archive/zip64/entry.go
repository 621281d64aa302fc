package zip64

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"
)

// Zip methods that are used (APPNOTE 4.4.5).
const (
	Store   = 0
	Deflate = 8
	Zstd    = 93
)

// MaxName is the longest name of an entry in bytes.
const MaxName = math.MaxUint16

const (
	sigLocal      = 0x04034b50
	sigDescriptor = 0x08074b50
	sigCentral    = 0x02014b50

	localSize      = 30
	centralSize    = 46
	descriptorSize = 24

	flagStreamed = 1 << 3
	flagUTF8     = 1 << 11

	extraZip64 = 0x0001
	extraTime  = 0x5455
	extraOwner = 0x7875

	madeByUnix = 3<<8 | 45

	typeMask = 0o170000
	typeDir  = 0o040000
)

// Entry is everything that the headers of one entry say.
type Entry struct {
	Name     string // raw bytes; a directory ends in "/"
	Method   uint16
	Mode     uint32 // st_mode of unix: type and permissions
	ModTime  int64  // seconds since 1970
	UID, GID uint32
	Offset   int64 // of the local header
	Size     int64 // of the content
	Packed   int64 // of the data in the file
	CRC32    uint32
	Streamed bool // sizes and CRC follow the data
	Wide     bool // the central record has 64-bit fields even where 32 bits would do, so its length is fixed
}

// AppendLocal appends the local header.
func AppendLocal(dst []byte, e *Entry) []byte {
	le := binary.LittleEndian
	extra := appendCommonExtra(nil, e)
	size, packed, crc := uint32(e.Size), uint32(e.Packed), e.CRC32
	if e.Streamed {
		size, packed, crc = math.MaxUint32, math.MaxUint32, 0
		extra = le.AppendUint16(extra, extraZip64)
		extra = le.AppendUint16(extra, 16)
		extra = append(extra, make([]byte, 16)...)
	}
	dst = le.AppendUint32(dst, sigLocal)
	dst = appendShared(dst, e, crc, packed, size, len(extra))
	dst = append(dst, e.Name...)
	return append(dst, extra...)
}

// AppendDescriptor appends what follows the data: nothing for a known entry.
func AppendDescriptor(dst []byte, e *Entry) []byte {
	if !e.Streamed {
		return dst
	}
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, sigDescriptor)
	dst = le.AppendUint32(dst, e.CRC32)
	dst = le.AppendUint64(dst, uint64(e.Packed))
	return le.AppendUint64(dst, uint64(e.Size))
}

// AppendCentral appends the central record.
func AppendCentral(dst []byte, e *Entry) []byte {
	le := binary.LittleEndian
	extra := appendCommonExtra(nil, e)
	size, packed, offset := uint32(e.Size), uint32(e.Packed), uint32(e.Offset)
	if e.wide() {
		size, packed, offset = math.MaxUint32, math.MaxUint32, math.MaxUint32
		extra = le.AppendUint16(extra, extraZip64)
		extra = le.AppendUint16(extra, 24)
		extra = le.AppendUint64(extra, uint64(e.Size))
		extra = le.AppendUint64(extra, uint64(e.Packed))
		extra = le.AppendUint64(extra, uint64(e.Offset))
	}
	dst = le.AppendUint32(dst, sigCentral)
	dst = le.AppendUint16(dst, madeByUnix)
	dst = appendShared(dst, e, e.CRC32, packed, size, len(extra))
	dst = append(dst, make([]byte, 6)...) // comment length, disk, internal attributes
	dst = le.AppendUint32(dst, e.externalAttributes())
	dst = le.AppendUint32(dst, offset)
	dst = append(dst, e.Name...)
	return append(dst, extra...)
}

// LocalSize returns the length of the local header, DescriptorSize that of the descriptor.
func LocalSize(e *Entry) int64 {
	n := localSize + len(e.Name) + commonExtraSize(e)
	if e.Streamed {
		n += 20
	}
	return int64(n)
}

// DescriptorSize returns the length of what follows the data: 0 for a known entry.
func DescriptorSize(e *Entry) int64 {
	if e.Streamed {
		return descriptorSize
	}
	return 0
}

// appendShared appends the run of fields that local header and central record have in common.
func appendShared(dst []byte, e *Entry, crc, packed, size uint32, extra int) []byte {
	le := binary.LittleEndian
	date, clock := dosTime(e.ModTime)
	dst = le.AppendUint16(dst, versionNeeded(e.Method))
	dst = le.AppendUint16(dst, e.flags())
	dst = le.AppendUint16(dst, e.Method)
	dst = le.AppendUint16(dst, clock)
	dst = le.AppendUint16(dst, date)
	dst = le.AppendUint32(dst, crc)
	dst = le.AppendUint32(dst, packed)
	dst = le.AppendUint32(dst, size)
	dst = le.AppendUint16(dst, uint16(len(e.Name)))
	return le.AppendUint16(dst, uint16(extra))
}

// appendCommonExtra appends the time and owner fields of Info-ZIP. A time that does not fit into 32 bits is left out.
func appendCommonExtra(dst []byte, e *Entry) []byte {
	le := binary.LittleEndian
	if timeFits(e.ModTime) {
		dst = le.AppendUint16(dst, extraTime)
		dst = le.AppendUint16(dst, 5)
		dst = append(dst, 1)
		dst = le.AppendUint32(dst, uint32(int32(e.ModTime)))
	}
	dst = le.AppendUint16(dst, extraOwner)
	dst = le.AppendUint16(dst, 11)
	dst = append(dst, 1, 4)
	dst = le.AppendUint32(dst, e.UID)
	dst = append(dst, 4)
	return le.AppendUint32(dst, e.GID)
}

func commonExtraSize(e *Entry) int {
	if timeFits(e.ModTime) {
		return 9 + 15
	}
	return 15
}

func timeFits(sec int64) bool { return sec == int64(int32(sec)) }

func (e *Entry) wide() bool {
	return e.Wide || e.Size >= math.MaxUint32 || e.Packed >= math.MaxUint32 || e.Offset >= math.MaxUint32
}

// flags sets the UTF-8 bit only where it says something: names that are not ASCII but are valid UTF-8.
func (e *Entry) flags() uint16 {
	var f uint16
	if e.Streamed {
		f |= flagStreamed
	}
	if utf8.ValidString(e.Name) && utf8.RuneCountInString(e.Name) != len(e.Name) {
		f |= flagUTF8
	}
	return f
}

func (e *Entry) externalAttributes() uint32 {
	attr := e.Mode << 16
	if e.Mode&typeMask == typeDir {
		attr |= 0x10
	}
	return attr
}

func versionNeeded(method uint16) uint16 {
	if method == Zstd {
		return 63
	}
	return 45
}

// dosTime gives the two old time fields in UTC, kept within the years that they can say.
func dosTime(sec int64) (date, clock uint16) {
	t := time.Unix(sec, 0).UTC()
	switch {
	case t.Year() < 1980:
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 2107:
		t = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	date = uint16(t.Day() | int(t.Month())<<5 | (t.Year()-1980)<<9)
	clock = uint16(t.Second()/2 | t.Minute()<<5 | t.Hour()<<11)
	return date, clock
}
