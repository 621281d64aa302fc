package compresstest

import (
	"bytes"
	"runtime"
	"slices"
)

func garbage(e *env) {
	for n := 1; n < 5000; n = n*3 + 1 {
		e.corrupt("random bytes", random(uint64(n), n), n+1)
	}
	e.corrupt("nothing at all", nil, 10)
}

func flippedBytes(e *env) {
	frame := Pages(6, 4)
	packed := e.pack(frame)
	for i := 0; i < len(packed); i += 1 + i/8 {
		damaged := slices.Clone(packed)
		damaged[i] ^= 0x55
		got, err := e.Decompress(nil, damaged, len(frame))
		if err == nil && len(got) != len(frame) {
			e.Errorf("byte %d of %d flipped: %d bytes instead of %d, and no error", i, len(packed), len(got), len(frame))
		}
	}
}

func truncated(e *env) {
	for _, frame := range [][]byte{Pages(7, 3), random(7, 5000), make([]byte, 70_000), []byte("x")} {
		packed := e.pack(frame)
		for n := 0; n < len(packed); n += 1 + n/10 {
			e.corrupt("a frame that is cut off", packed[:n], len(frame))
		}
		for n := max(0, len(packed)-8); n < len(packed); n++ {
			e.corrupt("a frame without its last bytes", packed[:n], len(frame))
		}
	}
}

func trailingBytes(e *env) {
	frame := Pages(8, 2)
	for _, more := range []string{"\x00", "\xff", "abcd", "\x00\x00\x00\x00\x00"} {
		e.corrupt("a frame followed by other bytes", append(e.pack(frame), more...), len(frame))
	}
}

func wrongSize(e *env) {
	for _, frame := range [][]byte{Pages(9, 2), random(9, 1000), make([]byte, 200_000), []byte("ab")} {
		packed := e.pack(frame)
		for _, size := range []int{1, len(frame) - 1, len(frame) + 1, 2 * len(frame)} {
			e.corrupt("a frame with another size", packed, size)
		}
	}
}

func worksAfterErrors(e *env) {
	frame := Pages(10, 4)
	packed := e.pack(frame)
	for range 5 {
		_, _ = e.Decompress(nil, packed[:len(packed)/2], len(frame))
		_, _ = e.Decompress(nil, random(10, 1000), 2000)
		got, err := e.Decompress(nil, packed, len(frame))
		if err != nil || !bytes.Equal(got, frame) {
			e.Fatalf("a good frame after two bad ones: %d bytes, error %v", len(got), err)
		}
	}
}

// What the suite allows: growth over many frames, and the cost of refusing a bomb. Both leave room for the noise of a
// garbage collector.
const (
	growthLimit = 24 << 20
	bombLimit   = 4 << 20
)

func boundedMemory(e *env) {
	n := min(e.s.MaxFrame, 1<<20)
	frame := Pages(11, n/PageSize+1)[:n]
	bomb := e.pack(make([]byte, e.s.MaxFrame))
	dst, out := make([]byte, 0, e.Bound(n)), make([]byte, 0, n)
	work := func(rounds int) {
		for range rounds {
			packed, err := e.Compress(dst, frame)
			if err == nil {
				_, err = e.Decompress(out, packed, n)
			}
			if err != nil {
				e.Fatalf("round trip: %v", err)
			}
		}
	}
	work(4)
	before := e.memory()
	work(40)
	if grown := e.memory() - before; grown > growthLimit {
		e.Errorf("memory grew by %d bytes over 40 frames of %d", grown, n)
	}
	before = e.memory()
	for range 8 {
		e.corrupt("a frame larger than asked for", bomb, 1000)
	}
	if grown := e.memory() - before; grown > bombLimit {
		e.Errorf("refusing 8 frames that were larger than asked for took %d bytes", grown)
	}
}

// memory returns what the subject holds, or all that this process has ever allocated, which is stricter.
func (e *env) memory() int64 {
	if e.s.Memory != nil {
		return e.s.Memory(e.T)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}
