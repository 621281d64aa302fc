// Package compress is the contract of a compressor: it turns frames of a file into frames of a zip method.
//
// A frame is a run of 1 byte to MaxFrame bytes of one file. The compressed frames of one file, one after the other and
// followed by the trailer, must form one valid stream of the zip method; each frame can be decompressed by itself.
// Methods may be called from several goroutines at once.
package compress

// MaxFrame is the largest frame in bytes that a compressor is given.
const MaxFrame = 8 << 20

// Compressor is what every compressor implements.
type Compressor interface {
	// Method is the number of the zip compression method (APPNOTE 4.4.5): 0 store, 8 deflate, 93 zstd.
	Method() uint16
	// Bound is the largest number of bytes that Compress makes of n bytes.
	Bound(n int) int
	// Trailer is what closes a file's stream after its last frame; empty for most methods.
	Trailer() []byte
	// Compress appends the compressed frame to dst and returns the longer slice.
	Compress(dst, frame []byte) ([]byte, error)
	// Decompress appends the size bytes of a frame to dst and returns the longer slice. Input that is damaged, cut
	// off, or gives another size is errs.Corrupt. It never allocates more than size bytes for the result.
	Decompress(dst, frame []byte, size int) ([]byte, error)
}

// Limited is optional: SetConcurrency tells, before the first frame, how many frames are in the works at once at most. A
// compressor that keeps a pool of encoders sizes it by this number and starts no more workers than that.
type Limited interface {
	SetConcurrency(n int)
}
