package compresstest

import (
	"bytes"
	"math/rand/v2"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// stored is zip's method number for entries that are not compressed.
const stored = 0

// env is what a case works with.
type env struct {
	T
	compress.Compressor
	s Subject
}

// pack compresses a frame or ends the case.
func (e *env) pack(frame []byte) []byte {
	e.Helper()
	out, err := e.Compress(nil, frame)
	if err != nil {
		e.Fatalf("compress %d bytes: %v", len(frame), err)
	}
	return out
}

// roundTrip compresses a frame, decompresses it again, and returns the compressed bytes.
func (e *env) roundTrip(what string, frame []byte) []byte {
	e.Helper()
	packed := e.pack(frame)
	got, err := e.Decompress(nil, packed, len(frame))
	if err != nil {
		e.Fatalf("decompress %s of %d bytes: %v", what, len(frame), err)
	}
	if !bytes.Equal(got, frame) {
		e.Fatalf("%s of %d bytes came back changed", what, len(frame))
	}
	return packed
}

// corrupt demands that a frame is refused as corrupt.
func (e *env) corrupt(what string, packed []byte, size int) {
	e.Helper()
	if _, err := e.Decompress(nil, packed, size); !errs.Is(err, errs.Corrupt) {
		e.Errorf("decompress %s: error %v of kind %q; want corrupt", what, err, kind(err))
	}
}

func kind(err error) errs.Kind {
	if err == nil {
		return ""
	}
	return errs.KindOf(err)
}

// random returns n bytes that nothing can compress, the same for the same seed.
func random(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

// samples are frames of every kind and of sizes around the borders that formats have.
func samples(maxFrame int) map[string][]byte {
	m := map[string][]byte{}
	for name, n := range map[string]int{"1": 1, "15": 15, "255": 255, "64K-1": 65535, "64K": 65536, "64K+1": 65537,
		"128K": 128 << 10, "128K+1": 128<<10 + 1, "1M": 1 << 20} {
		if n > maxFrame {
			continue
		}
		m["random "+name] = random(uint64(n), n)
		m["zero "+name] = make([]byte, n)
		m["pages "+name] = Pages(uint64(n), n/PageSize+1)[:n]
	}
	return m
}
