package store

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"
)

// record says that a chunk has arrived. Record i lies at i times recordSize of the file chunks, a line of text that ends
// with the CRC-32 of what comes before it; anything else in its place (zeros, a part of a line) means that chunk i has not
// arrived:
//
//	12 digits   index
//	19 digits   length in bytes
//	64 digits   SHA-256 of the chunk, in hexadecimal
//	8 digits    CRC-32 (IEEE), in hexadecimal
type record struct {
	index, length int64
	sha256        [32]byte
}

const (
	recordSize = 12 + 1 + 19 + 1 + 64 + 1 + 8 + 1
	maxChunks  = 1 << 24
)

func (r record) encode() []byte {
	line := fmt.Sprintf("%012d %019d %x ", r.index, r.length, r.sha256)
	return fmt.Appendf(nil, "%s%08x\n", line, crc32.ChecksumIEEE([]byte(line)))
}

// decodeRecord returns the record of the chunk of an index.
func decodeRecord(b []byte, index int64) (r record, ok bool) {
	if len(b) != recordSize {
		return record{}, false
	}
	var err error
	if r.length, err = strconv.ParseInt(string(b[13:32]), 10, 64); err != nil || r.length < 0 {
		return record{}, false
	}
	if _, err := hex.Decode(r.sha256[:], b[33:97]); err != nil {
		return record{}, false
	}
	r.index = index
	return r, string(r.encode()) == string(b)
}

// decodeRecords returns the chunks that have arrived, by index.
func decodeRecords(b []byte) []record {
	var all []record
	for i := 0; (i+1)*recordSize <= len(b); i++ {
		if r, ok := decodeRecord(b[i*recordSize:(i+1)*recordSize], int64(i)); ok {
			all = append(all, r)
		}
	}
	return all
}
