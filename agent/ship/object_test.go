package ship_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// ranges is a store whose reads are altered.
type ranges struct {
	dirStore
	read func(ctx context.Context, offset, length int64, w io.Writer) error
}

func (r ranges) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	if r.read != nil {
		return r.read(ctx, offset, length, w)
	}
	return r.dirStore.ReadRange(ctx, key, offset, length, w)
}

// storedObject is a store that holds the artifact.
func storedObject(t *testing.T, n int) (*artifact, dirStore) {
	t.Helper()
	a, s := capture(t, n), newDirStore(t)
	_, results := a.shipAll(t, quick(), target("nas", s))
	if err := a.commit(t, target("nas", s), results[0].Token); err != nil {
		t.Fatal(err)
	}
	return a, s
}

func open(t *testing.T, s storage.Storage) *ship.Object {
	t.Helper()
	o, err := ship.Open(t.Context(), target("nas", s), key, quick())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// An object reads like a file: every range, the end, and beyond.
func TestObjectReadsLikeAFile(t *testing.T) {
	a, s := storedObject(t, 3500)
	o := open(t, s)
	if o.Size() != 3500 {
		t.Errorf("size %d", o.Size())
	}
	if err := iotest.TestReader(io.NewSectionReader(o, 0, o.Size()), a.data); err != nil {
		t.Error(err)
	}
	whole := bytes.NewReader(a.data)
	for _, r := range []struct{ off, n int64 }{
		{0, 0}, {0, 1}, {0, 3500}, {1, 3499}, {999, 2}, {3499, 1}, {3499, 2}, {3500, 0}, {3500, 1}, {9999, 5},
	} {
		got, want := make([]byte, r.n), make([]byte, r.n)
		n, err := o.ReadAt(got, r.off)
		wantN, wantErr := whole.ReadAt(want, r.off)
		if r.n == 0 {
			wantErr = nil // as os.File does
		}
		if n != wantN || !errors.Is(err, wantErr) || !bytes.Equal(got[:n], want[:wantN]) {
			t.Errorf("%d bytes at %d: %d, %v; want %d, %v", r.n, r.off, n, err, wantN, wantErr)
		}
	}
	if _, err := o.ReadAt(make([]byte, 1), -1); !errs.Is(err, errs.Invalid) {
		t.Errorf("negative offset: %v", err)
	}
}

func TestObjectMissing(t *testing.T) {
	_, err := ship.Open(t.Context(), target("nas", newDirStore(t)), key, quick())
	if !errs.Is(err, errs.NotFound) {
		t.Errorf("open: %v", err)
	}
	says(t, err, `target "nas"`, key)
}

// A target that fails for a moment is asked again, from the start of the range; one that sends the wrong number of bytes is
// not believed (R8.3, R8.4).
func TestObjectOfATargetInTrouble(t *testing.T) {
	a, s := storedObject(t, 2500)
	tries := 0
	tests := []struct {
		name string
		read func(ctx context.Context, offset, length int64, w io.Writer) error
		kind errs.Kind // empty: the read succeeds
		says string
	}{
		{"breaks off twice", func(ctx context.Context, offset, length int64, w io.Writer) error {
			if tries++; tries <= 2 {
				_, _ = w.Write([]byte("half of some"))
				return errs.New(errs.Transient, "connection reset")
			}
			return s.ReadRange(ctx, key, offset, length, w)
		}, "", ""},
		{"never answers", func(context.Context, int64, int64, io.Writer) error {
			return errs.New(errs.Transient, "connection refused")
		}, errs.Transient, "5 tries"},
		{"sends too little", func(ctx context.Context, offset, length int64, w io.Writer) error {
			return s.ReadRange(ctx, key, offset, length-1, w)
		}, errs.Corrupt, "1999 bytes came instead of 2000"},
		{"sends too much", func(_ context.Context, _, length int64, w io.Writer) error {
			_, err := w.Write(make([]byte, length+1))
			return err
		}, errs.Permanent, io.ErrShortWrite.Error()},
		{"object is gone", func(context.Context, int64, int64, io.Writer) error {
			return errs.New(errs.NotFound, "gone")
		}, errs.NotFound, "gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t, ranges{s, tt.read})
			p := make([]byte, 2000)
			n, err := o.ReadAt(p, 250)
			if tt.kind == "" {
				if err != nil || !bytes.Equal(p, a.data[250:2250]) {
					t.Errorf("read: %v", err)
				}
				return
			}
			if n != 0 || !errs.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("read %d bytes: %v", n, err)
			}
			says(t, err, `target "nas"`, "read 2000 bytes of "+key+" at 250")
		})
	}
}

// The context that an object was opened with ends its reads.
func TestObjectIsCancelled(t *testing.T) {
	_, s := storedObject(t, 100)
	ctx, cancel := context.WithCancel(t.Context())
	hangs := ranges{s, func(ctx context.Context, _, _ int64, _ io.Writer) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}}
	o, err := ship.Open(ctx, target("nas", hangs), key, quick())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.ReadAt(make([]byte, 10), 0); !errs.Is(err, errs.Canceled) {
		t.Errorf("read: %v", err)
	}
}
