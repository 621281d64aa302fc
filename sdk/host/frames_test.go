package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
)

// startFrames returns the frames of a spawned compressor.
func startFrames(t testing.TB, config string, o host.FrameOptions) (*host.Process, *host.Frames) {
	t.Helper()
	p := start(t, command(t, "compress", "compress", "flate"))
	configure(t, p, config)
	f, err := p.Frames(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, f
}

// TestFrames sends frames of many sizes through a compressor in parallel, over shared memory and inside messages.
func TestFrames(t *testing.T) {
	for _, inline := range []bool{false, true} {
		t.Run(fmt.Sprintf("inline=%v", inline), func(t *testing.T) {
			const size = 256 << 10
			_, f := startFrames(t, `{}`, host.FrameOptions{FrameSize: size, Slots: 3, Inline: inline})
			if f.Method() != 8 || f.FrameSize() != size || !bytes.Equal(f.Trailer(), []byte{3, 0, 3}) || f.Shared() == inline {
				t.Errorf("method %d, frame size %d, trailer %x, shared %v", f.Method(), f.FrameSize(), f.Trailer(), f.Shared())
			}
			var all sync.WaitGroup
			for i, n := range []int{0, 1, 2, 4095, 65536, size - 1, size} {
				for _, data := range [][]byte{make([]byte, n), randomBytes(n), bytes.Repeat([]byte("drydock"), n/7+1)[:n]} {
					all.Go(func() {
						if err := roundTrip(t.Context(), f, data); err != nil {
							t.Errorf("frame %d of %d bytes: %v", i, n, err)
						}
					})
				}
			}
			all.Wait()
		})
	}
}

func roundTrip(ctx context.Context, f *host.Frames, data []byte) error {
	s, err := f.Slot(ctx)
	if err != nil {
		return err
	}
	packed, err := s.Compress(ctx, copy(s.In(), data))
	packed = bytes.Clone(packed)
	s.Release()
	s.Release() // harmless
	if err != nil {
		return err
	}
	if s, err = f.Slot(ctx); err != nil {
		return err
	}
	defer s.Release()
	got, err := s.Decompress(ctx, copy(s.In(), packed), len(data))
	if err == nil && !bytes.Equal(got, data) {
		err = errors.New("the bytes differ")
	}
	return err
}

// TestFramesLargest uses the largest frames that there are.
func TestFramesLargest(t *testing.T) {
	for _, inline := range []bool{false, true} {
		_, f := startFrames(t, `{"do": "identity"}`, host.FrameOptions{FrameSize: 8 << 20, Slots: 1, Inline: inline})
		if err := roundTrip(t.Context(), f, randomBytes(8<<20)); err != nil {
			t.Errorf("inline %v: %v", inline, err)
		}
	}
}

// TestFrameErrors shows what damaged or refused frames give, and that the slot stays usable.
func TestFrameErrors(t *testing.T) {
	const size = 64 << 10
	tests := []struct {
		do   string
		call func(context.Context, *host.Slot) error
		want errs.Kind
	}{
		{"", func(ctx context.Context, s *host.Slot) error {
			_, err := s.Decompress(ctx, copy(s.In(), "damaged"), 99)
			return err
		},
			errs.Corrupt},
		{"", func(ctx context.Context, s *host.Slot) error { _, err := s.Compress(ctx, size+1); return err }, errs.Invalid},
		{"", func(ctx context.Context, s *host.Slot) error { _, err := s.Compress(ctx, -1); return err }, errs.Invalid},
		{"", func(ctx context.Context, s *host.Slot) error { _, err := s.Decompress(ctx, 1, size+1); return err }, errs.Invalid},
		{"identity", func(ctx context.Context, s *host.Slot) error { _, err := s.Decompress(ctx, 5, 6); return err }, errs.Corrupt},
		{"fail", func(ctx context.Context, s *host.Slot) error { _, err := s.Compress(ctx, 5); return err }, errs.Transient},
		{"overflow", func(ctx context.Context, s *host.Slot) error { _, err := s.Compress(ctx, 5); return err }, errs.Permanent},
	}
	for i, tt := range tests {
		_, f := startFrames(t, fmt.Sprintf(`{"do": %q}`, tt.do), host.FrameOptions{FrameSize: size, Slots: 1})
		for range 2 {
			s, err := f.Slot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.call(t.Context(), s); err == nil || errs.KindOf(err) != tt.want {
				t.Errorf("%d: %v (%s), want %s", i, err, errs.KindOf(err), tt.want)
			}
			s.Release()
		}
	}
}

// TestFramesHang shows that a compressor that hangs holds nobody up, and that its memory is not used again.
func TestFramesHang(t *testing.T) {
	_, f := startFrames(t, `{"do": "hang"}`, host.FrameOptions{FrameSize: 1 << 10, Slots: 2})
	for range 2 {
		s, err := f.Slot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		if _, err := s.Compress(ctx, 5); !errs.Is(err, errs.Canceled) || time.Since(began) > 20*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		cancel()
		s.Release()
	}
	if _, err := f.Slot(t.Context()); !errs.Is(err, errs.Transient) {
		t.Errorf("no slot is left, yet: %v", err)
	}
}

// TestFramesClose closes frames while a slot is out: its memory stays until it is released.
func TestFramesClose(t *testing.T) {
	p, f := startFrames(t, `{}`, host.FrameOptions{FrameSize: 1 << 10, Slots: 2, StopOnClose: true})
	s, err := f.Slot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	copy(s.In(), "still there")
	s.Release()
	if _, err := f.Slot(t.Context()); err == nil {
		t.Error("a slot after close")
	}
}

// TestFrameOptions refuses what is out of range, and providers of other kinds.
func TestFrameOptions(t *testing.T) {
	p := start(t, command(t, "compress", "compress", "flate"))
	configure(t, p, `{}`)
	for _, o := range []host.FrameOptions{{}, {FrameSize: 1}, {Slots: 1}, {FrameSize: 8<<20 + 1, Slots: 1}, {FrameSize: 1, Slots: 1025}} {
		if _, err := p.Frames(t.Context(), o); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	other, _ := startStorage(t, t.TempDir())
	if _, err := other.Frames(t.Context(), host.FrameOptions{FrameSize: 1, Slots: 1}); !errs.Is(err, errs.Invalid) {
		t.Errorf("frames of a storage provider: %v", err)
	}
}
