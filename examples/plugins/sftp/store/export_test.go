package store

// Record is what the file chunks says about a chunk.
type Record struct {
	Index, Length int64
	SHA256        [32]byte
}

// RecordSize is the length of a record in bytes.
const RecordSize = recordSize

// Encode returns the line of a record.
func (r Record) Encode() []byte {
	return record{index: r.Index, length: r.Length, sha256: r.SHA256}.encode()
}

// DecodeRecords is the way back.
func DecodeRecords(b []byte) []Record {
	var all []Record
	for _, r := range decodeRecords(b) {
		all = append(all, Record{Index: r.index, Length: r.length, SHA256: r.sha256})
	}
	return all
}

// CheckKey refuses what cannot be a key.
func CheckKey(key string) error { return checkKey(key) }
