package file

import "os"

// CheckKey refuses what cannot be a key.
func CheckKey(key string) error { return checkKey(key) }

// Rename moves a file to a free name: the way of publishing without hard links.
func Rename(root *os.Root, from, to string) error { return rename(root, from, to) }

// RenameChecked is the same on file systems that cannot do it in one step.
func RenameChecked(root *os.Root, from, to string) error { return renameChecked(root, from, to) }

// Record is what the file chunks says about a chunk.
type Record struct {
	Index, Length int64
	SHA256        [32]byte
}

// Encode returns the 64 bytes of a record.
func (r Record) Encode() []byte {
	return record{index: r.Index, length: r.Length, sha256: r.SHA256}.encode()
}

// DecodeRecord is the way back.
func DecodeRecord(b []byte, index int64) (Record, bool) {
	r, ok := decodeRecord(b, index)
	return Record{Index: r.index, Length: r.length, SHA256: r.sha256}, ok
}
