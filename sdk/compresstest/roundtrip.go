package compresstest

import (
	"bytes"
	"slices"
	"sync"

	"github.com/drydock-backup/drydock/sdk/errs"
)

func constant(e *env) {
	method, trailer := e.Method(), slices.Clone(e.Trailer())
	if got := e.Trailer(); len(got) > 0 {
		got[0] ^= 0xff
	}
	e.roundTrip("text", []byte("between two looks at method and trailer"))
	if e.Method() != method || !bytes.Equal(e.Trailer(), trailer) {
		e.Errorf("method %d and trailer % x, before %d and % x", e.Method(), e.Trailer(), method, trailer)
	}
}

func emptyFrame(e *env) {
	packed, err := e.Compress(nil, nil)
	if err != nil {
		if !errs.Is(err, errs.Invalid) {
			e.Errorf("compress 0 bytes: error %v of kind %q; want invalid", err, kind(err))
		}
		return
	}
	if got, err := e.Decompress(nil, packed, 0); err != nil || len(got) != 0 {
		e.Errorf("a frame of 0 bytes came back as %d bytes, error %v", len(got), err)
	}
}

func tinyFrames(e *env) {
	for n := 1; n <= 300; n += 1 + n/20 {
		e.roundTrip("random bytes", random(uint64(n), n))
		e.roundTrip("zeros", make([]byte, n))
	}
}

func randomFrame(e *env) {
	e.roundTrip("random bytes", random(1, min(e.s.MaxFrame, 1<<20+17)))
}

func zeroFrame(e *env) {
	n := min(e.s.MaxFrame, 1<<20)
	packed := e.roundTrip("zeros", make([]byte, n))
	if e.Method() != stored && len(packed) > n/20 {
		e.Errorf("%d zeros became %d bytes; want at most a twentieth", n, len(packed))
	}
}

func innodbFrame(e *env) {
	n := min(e.s.MaxFrame, 1<<20)
	packed := e.roundTrip("pages", Pages(1, n/PageSize+1)[:n])
	if e.Method() != stored && len(packed) > n*3/4 {
		e.Errorf("%d bytes of InnoDB pages became %d; want at most three quarters", n, len(packed))
	}
}

func largestFrame(e *env) {
	frame := Pages(2, e.s.MaxFrame/PageSize+1)[:e.s.MaxFrame]
	e.roundTrip("pages", frame)
	e.roundTrip("random bytes", random(2, e.s.MaxFrame))
}

func frameTooLarge(e *env) {
	if _, err := e.Compress(nil, make([]byte, e.s.MaxFrame+1)); !errs.Is(err, errs.Invalid) {
		e.Errorf("compress %d bytes: error %v of kind %q; want invalid", e.s.MaxFrame+1, err, kind(err))
	}
}

func boundHolds(e *env) {
	for name, frame := range samples(e.s.MaxFrame) {
		if packed := e.pack(frame); len(packed) > e.Bound(len(frame)) {
			e.Errorf("%s: %d bytes became %d; the bound is %d", name, len(frame), len(packed), e.Bound(len(frame)))
		}
	}
}

func appendsInPlace(e *env) {
	for name, frame := range samples(e.s.MaxFrame) {
		dst := append(make([]byte, 0, 3+e.Bound(len(frame))), "abc"...)
		packed, err := e.Compress(dst, frame)
		e.inPlace("compress "+name, packed, dst, err)
		room := append(make([]byte, 0, 3+len(frame)), "abc"...)
		got, err := e.Decompress(room, packed[3:], len(frame))
		e.inPlace("decompress "+name, got, room, err)
		if !bytes.Equal(got[3:], frame) {
			e.Errorf("%s came back changed", name)
		}
	}
}

func (e *env) inPlace(what string, got, dst []byte, err error) {
	e.Helper()
	switch {
	case err != nil:
		e.Fatalf("%s: %v", what, err)
	case len(got) < 4 || string(got[:3]) != "abc":
		e.Fatalf("%s: the bytes that dst held are gone", what)
	case &got[0] != &dst[0]:
		e.Errorf("%s: the result is not in dst's memory, although there was room", what)
	}
}

func inputUntouched(e *env) {
	frame := Pages(3, 8)
	before := slices.Clone(frame)
	packed := e.pack(frame)
	packedBefore := slices.Clone(packed)
	if _, err := e.Decompress(nil, packed, len(frame)); err != nil {
		e.Fatalf("decompress: %v", err)
	}
	if !bytes.Equal(frame, before) || !bytes.Equal(packed, packedBefore) {
		e.Errorf("the input was changed")
	}
}

func deterministic(e *env) {
	frame := Pages(4, 40)
	first := e.pack(frame)
	e.pack(random(4, 100_000))
	if !bytes.Equal(e.pack(frame), first) {
		e.Errorf("the same frame gave other bytes the second time")
	}
}

func framesIndependent(e *env) {
	frame := Pages(5, 24)
	cut := []int{0, PageSize, PageSize + 1, 10 * PageSize, len(frame)}
	var packed [][]byte
	for i := range len(cut) - 1 {
		packed = append(packed, e.pack(frame[cut[i]:cut[i+1]]))
	}
	for i := len(packed) - 1; i >= 0; i-- {
		want := frame[cut[i]:cut[i+1]]
		if got, err := e.Decompress(nil, packed[i], len(want)); err != nil || !bytes.Equal(got, want) {
			e.Errorf("frame %d alone: %d bytes, error %v", i, len(got), err)
		}
	}
}

func parallel(e *env) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 6 {
				frame := Pages(uint64(g*100+i), 1+g*3)[i:]
				packed, err := e.Compress(nil, frame)
				if err != nil {
					e.Errorf("goroutine %d: compress: %v", g, err)
					return
				}
				if got, err := e.Decompress(nil, packed, len(frame)); err != nil || !bytes.Equal(got, frame) {
					e.Errorf("goroutine %d: %d bytes came back for %d, error %v", g, len(got), len(frame), err)
				}
			}
		})
	}
	wg.Wait()
}
