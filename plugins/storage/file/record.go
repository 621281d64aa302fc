package file

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// record says that a chunk has arrived. Record i lies at i × recordSize of the file chunks; zeros mean that chunk i has
// not. 64 bytes at a multiple of 64 never straddle a disk sector, so a record is written whole or not at all:
//
//	0  4  "DDC1"
//	4  4  CRC-32 (IEEE) of the 60 other bytes, big endian like all numbers
//	8  8  index
//	16 8  length in bytes
//	24 32 SHA-256 of the chunk
//	56 8  zero
type record struct {
	index  int64
	length int64
	sha256 [32]byte
}

const (
	recordSize  = 64
	recordMagic = "DDC1"
	maxChunks   = 1 << 24 // keeps the file chunks under 1 GiB
)

func (r record) encode() []byte {
	b := make([]byte, recordSize)
	copy(b, recordMagic)
	binary.BigEndian.PutUint64(b[8:], uint64(r.index))
	binary.BigEndian.PutUint64(b[16:], uint64(r.length))
	copy(b[24:], r.sha256[:])
	binary.BigEndian.PutUint32(b[4:], recordSum(b))
	return b
}

// decodeRecord returns the record in b, which is for the chunk of the given index. What is not such a record is none.
func decodeRecord(b []byte, index int64) (r record, ok bool) {
	if len(b) != recordSize || string(b[:4]) != recordMagic || binary.BigEndian.Uint32(b[4:]) != recordSum(b) {
		return record{}, false
	}
	r.index = int64(binary.BigEndian.Uint64(b[8:]))
	r.length = int64(binary.BigEndian.Uint64(b[16:]))
	copy(r.sha256[:], b[24:])
	return r, r.index == index && r.length >= 0
}

func recordSum(b []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(b[:4]), crc32.IEEETable, b[8:recordSize])
}

// get returns the record of an index, and whether there is one: whether the chunk has arrived.
func get(f *os.File, index int64) (record, bool, error) {
	b := make([]byte, recordSize)
	_, err := f.ReadAt(b, index*recordSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return record{}, false, err
	}
	r, ok := decodeRecord(b, index)
	return r, ok, nil
}

// put writes a record and flushes it.
func put(f *os.File, r record) error {
	if _, err := f.WriteAt(r.encode(), r.index*recordSize); err != nil {
		return err
	}
	return datasync(f)
}

// forget removes the record of a chunk and flushes that.
func forget(f *os.File, index int64) error {
	if _, err := f.WriteAt(make([]byte, recordSize), index*recordSize); err != nil {
		return err
	}
	return datasync(f)
}

// eachRecord calls yield for every record of f, by index, until yield returns an error.
func eachRecord(ctx context.Context, f *os.File, yield func(record) error) error {
	b := make([]byte, 1024*recordSize)
	for index := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.ReadAt(b, index*recordSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for at := 0; at+recordSize <= n; at += recordSize {
			if r, ok := decodeRecord(b[at:at+recordSize], index); ok {
				if err := yield(r); err != nil {
					return err
				}
			}
			index++
		}
		if err != nil {
			return nil
		}
	}
}

// complete checks that all chunks of an object of size bytes have arrived, and no others.
func complete(ctx context.Context, f *os.File, chunkSize, size int64) error {
	var next, sum int64
	err := eachRecord(ctx, f, func(r record) error {
		if r.index != next {
			return errs.New(errs.Invalid, "chunk %d has not arrived", next)
		}
		if sum != r.index*chunkSize {
			return errs.New(errs.Invalid, "chunk %d has not %d bytes and is not the last", r.index-1, chunkSize)
		}
		next++
		sum += r.length
		return nil
	})
	if err == nil && sum != size {
		err = errs.New(errs.Invalid, "%d chunks of %d bytes have arrived, not %d bytes", next, sum, size)
	}
	return err
}
