// Package store is the compressor that does not compress: frames go into the zip as they are (method 0).
//
// It is for data that another layer compresses already, and for hosts where CPU time is dearer than space.
package store

import (
	"context"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Method is zip's number for stored entries.
const Method = 0

// Config is the provider's configuration: there is nothing to choose.
type Config struct{}

// Provider returns the compressor "store".
func Provider() compress.Provider {
	return compress.NewProvider("store", "1.0.0",
		"Stores files without compressing them. Every zip program reads the result; it is as large as the data directory.",
		func(context.Context, *Config) (compress.Compressor, error) { return New(), nil })
}

// Compressor passes frames through. It has no state and is safe for concurrent use.
type Compressor struct{}

// New returns the compressor.
func New() Compressor { return Compressor{} }

// Method is 0, stored.
func (Compressor) Method() uint16 { return Method }

// Bound is n itself.
func (Compressor) Bound(n int) int { return n }

// Trailer is empty.
func (Compressor) Trailer() []byte { return nil }

// Compress appends the frame to dst. A frame that is empty or longer than compress.MaxFrame is errs.Invalid.
func (Compressor) Compress(dst, frame []byte) ([]byte, error) {
	if len(frame) == 0 || len(frame) > compress.MaxFrame {
		return dst, errs.New(errs.Invalid, "store a frame of %d bytes: not 1 to %d", len(frame), compress.MaxFrame)
	}
	return append(dst, frame...), nil
}

// Decompress appends the frame to dst. A frame of another length than size is errs.Corrupt.
func (Compressor) Decompress(dst, frame []byte, size int) ([]byte, error) {
	if len(frame) != size || size == 0 {
		return dst, errs.New(errs.Corrupt, "read a stored frame: %d bytes instead of %d", len(frame), size)
	}
	return append(dst, frame...), nil
}
