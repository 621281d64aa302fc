package compresstest_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/compresstest"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// good is a compressor that keeps every promise.
type good struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newGood(t conformance.T) *good {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	if err != nil {
		t.Fatalf("%v", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return &good{enc, dec}
}

func (g *good) Method() uint16  { return 93 }
func (g *good) Bound(n int) int { return n + n>>10 + 64 }
func (g *good) Trailer() []byte { return nil }

func (g *good) Compress(dst, frame []byte) ([]byte, error) {
	if len(frame) == 0 || len(frame) > compress.MaxFrame {
		return dst, errs.New(errs.Invalid, "size")
	}
	return g.enc.EncodeAll(frame, dst), nil
}

func (g *good) Decompress(dst, frame []byte, size int) ([]byte, error) {
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	got, err := g.dec.DecodeAll(frame, dst[len(dst):len(dst):len(dst)+size])
	if err != nil || len(got) != size {
		return dst, errs.New(errs.Corrupt, "%d bytes, %v", len(got), err)
	}
	return dst[:len(dst)+size], nil
}

// broken is a good compressor with some methods replaced.
type broken struct {
	*good
	method     func() uint16
	bound      func(n int) int
	trailer    func() []byte
	compress   func(dst, frame []byte) ([]byte, error)
	decompress func(dst, frame []byte, size int) ([]byte, error)
}

func (b *broken) Method() uint16 {
	if b.method != nil {
		return b.method()
	}
	return b.good.Method()
}

func (b *broken) Bound(n int) int {
	if b.bound != nil {
		return b.bound(n)
	}
	return b.good.Bound(n)
}

func (b *broken) Trailer() []byte {
	if b.trailer != nil {
		return b.trailer()
	}
	return b.good.Trailer()
}

func (b *broken) Compress(dst, frame []byte) ([]byte, error) {
	if b.compress != nil {
		return b.compress(dst, frame)
	}
	return b.good.Compress(dst, frame)
}

func (b *broken) Decompress(dst, frame []byte, size int) ([]byte, error) {
	if b.decompress != nil {
		return b.decompress(dst, frame, size)
	}
	return b.good.Decompress(dst, frame, size)
}

func TestGoodCompressorPasses(t *testing.T) {
	compresstest.Run(t, compresstest.Subject{Open: func(t compresstest.T) compress.Compressor { return newGood(t) }})
}

// TestBrokenCompressorsFail breaks one promise at a time; the case that guards it must notice.
func TestBrokenCompressorsFail(t *testing.T) {
	var mu sync.Mutex
	var kept [][]byte
	shared := []byte{1, 2, 3}
	calls := 0
	tests := map[string]func(g *good, b *broken){
		"method-and-trailer": func(_ *good, b *broken) { b.trailer = func() []byte { return shared } },
		"empty-frame": func(g *good, b *broken) {
			b.compress = func(dst, frame []byte) ([]byte, error) {
				if len(frame) == 0 {
					return append(dst, "garbage"...), nil
				}
				return g.Compress(dst, frame)
			}
		},
		"tiny-frames": func(g *good, b *broken) {
			b.decompress = func(dst, frame []byte, size int) ([]byte, error) {
				got, err := g.Decompress(dst, frame, size)
				if size < 10 && err == nil {
					got[len(got)-1] ^= 1
				}
				return got, err
			}
		},
		"random-frame": func(g *good, b *broken) {
			b.compress = func(dst, frame []byte) ([]byte, error) { return g.Compress(dst, frame[:len(frame)*15/16+1]) }
		},
		"zero-frame":   func(_ *good, b *broken) { b.compress, b.decompress = identity, back },
		"innodb-frame": func(_ *good, b *broken) { b.compress, b.decompress = identity, back },
		"largest-frame": func(g *good, b *broken) {
			b.compress = func(dst, frame []byte) ([]byte, error) {
				if len(frame) > 4<<20 {
					return dst, errs.New(errs.Invalid, "too large")
				}
				return g.Compress(dst, frame)
			}
		},
		"frame-too-large": func(g *good, b *broken) {
			b.compress = func(dst, frame []byte) ([]byte, error) { return g.enc.EncodeAll(frame, dst), nil }
		},
		"bound-holds": func(_ *good, b *broken) { b.bound = func(n int) int { return n } },
		"appends-in-place": func(g *good, b *broken) {
			b.compress = func(dst, frame []byte) ([]byte, error) {
				got, err := g.Compress(nil, frame)
				return append(bytes.Clone(dst), got...), err
			}
		},
		"input-untouched": func(g *good, b *broken) {
			b.compress = func(dst, frame []byte) ([]byte, error) {
				got, err := g.Compress(dst, frame)
				frame[0] ^= 1
				return got, err
			}
		},
		"deterministic": func(g *good, b *broken) {
			b.compress = func(dst, frame []byte) ([]byte, error) {
				calls++
				return g.Compress(append(dst, byte(calls)), frame)
			}
		},
		"frames-independent": func(g *good, b *broken) {
			b.decompress = func(dst, frame []byte, size int) ([]byte, error) {
				mu.Lock()
				defer mu.Unlock()
				kept = append(kept, frame)
				return g.Decompress(dst, kept[0], size)
			}
		},
		"one-valid-stream": func(_ *good, b *broken) { b.trailer = func() []byte { return []byte("tail") } },
		"empty-stream":     func(_ *good, b *broken) { b.trailer = func() []byte { return []byte("tail") } },
		"parallel": func(g *good, b *broken) {
			var last []byte
			b.compress = func(dst, frame []byte) ([]byte, error) {
				mu.Lock()
				defer mu.Unlock()
				got, err := g.Compress(nil, frame)
				other := last
				last = got
				if other == nil {
					other = got
				}
				return append(dst, other...), err // of another call
			}
		},
		"garbage": func(_ *good, b *broken) {
			b.decompress = func(dst, _ []byte, size int) ([]byte, error) { return append(dst, make([]byte, size)...), nil }
		},
		"flipped-bytes": func(g *good, b *broken) {
			b.decompress = func(dst, frame []byte, _ int) ([]byte, error) {
				got, err := g.dec.DecodeAll(frame, append([]byte(nil), dst...))
				return got, errs.Wrap(errs.Corrupt, ignore(err), "x")
			}
		},
		"truncated": func(g *good, b *broken) {
			b.decompress = func(dst, frame []byte, size int) ([]byte, error) {
				got, err := g.Decompress(dst, frame, size)
				if err != nil && len(frame) > 4 {
					return append(dst, make([]byte, size)...), nil
				}
				return got, err
			}
		},
		"trailing-bytes": func(g *good, b *broken) {
			b.decompress = func(dst, frame []byte, size int) ([]byte, error) {
				for n := len(frame); n > len(frame)-8 && n > 0; n-- {
					if got, err := g.Decompress(dst, frame[:n], size); err == nil {
						return got, nil
					}
				}
				return dst, errs.New(errs.Corrupt, "bad")
			}
		},
		"wrong-size": func(g *good, b *broken) {
			b.decompress = func(dst, frame []byte, _ int) ([]byte, error) {
				got, err := g.dec.DecodeAll(frame, make([]byte, 0, 8<<20))
				return append(dst, got...), errs.Wrap(errs.Corrupt, err, "x")
			}
		},
		"works-after-errors": func(g *good, b *broken) {
			failed := false
			b.decompress = func(dst, frame []byte, size int) ([]byte, error) {
				got, err := g.Decompress(dst, frame, size)
				if failed = failed || err != nil; failed {
					return dst, errs.New(errs.Corrupt, "still bad")
				}
				return got, err
			}
		},
		"bounded-memory": func(g *good, b *broken) {
			b.compress = func(dst, frame []byte) ([]byte, error) {
				kept = append(kept, bytes.Clone(frame))
				return g.Compress(dst, frame)
			}
		},
	}
	for name, breakIt := range tests {
		t.Run(name, func(t *testing.T) {
			mustFail(t, name, func(t compresstest.T) compress.Compressor {
				b := &broken{good: newGood(t)}
				breakIt(b.good, b)
				return b
			})
		})
	}
	if all := compresstest.Cases(compresstest.Subject{}); len(all) != len(tests) {
		t.Errorf("%d of %d cases are proved able to fail", len(tests), len(all))
	}
}

func ignore(err error) error {
	if err != nil {
		return nil
	}
	return err
}

func identity(dst, frame []byte) ([]byte, error) { return append(dst, frame...), nil }

func back(dst, frame []byte, _ int) ([]byte, error) { return append(dst, frame...), nil }

func mustFail(t *testing.T, name string, open func(compresstest.T) compress.Compressor) {
	t.Helper()
	for _, c := range compresstest.Cases(compresstest.Subject{Open: open}) {
		if c.Name != name {
			continue
		}
		if r := conformance.Run(t.Context(), c, time.Minute); r.Passed {
			t.Errorf("the case passes a compressor that breaks the promise: %s", c.Doc)
		}
		return
	}
	t.Errorf("there is no case of that name")
}
