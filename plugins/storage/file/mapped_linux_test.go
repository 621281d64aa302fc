package file_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-backup/drydock/plugins/storage/file"
)

// The pages of a file are handed out in order, and a file that is cut off meanwhile is an error, not a crash.
func TestEachMapped(t *testing.T) {
	const from, length = 4096, 9<<20 + 17
	data := bytes.Repeat([]byte("0123456789abcdef!"), (from+length)/17+1)[:from+length]
	f, err := os.Create(filepath.Join(t.TempDir(), "chunk"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	collect := func(b []byte) error { got.Write(b); return nil }
	if mapped, err := file.EachMapped(t.Context(), f, from, length, collect); !mapped || err != nil {
		t.Fatalf("mapped: %v, %v", mapped, err)
	}
	if !bytes.Equal(got.Bytes(), data[from:]) {
		t.Error("other bytes")
	}
	for name, part := range map[string][2]int64{"not aligned": {17, 1}, "past the end": {from, length + 1}} {
		if mapped, err := file.EachMapped(t.Context(), f, part[0], part[1], collect); mapped || err != nil {
			t.Errorf("%s: %v, %v", name, mapped, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = file.EachMapped(ctx, f, from, length, func([]byte) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	mapped, err := file.EachMapped(t.Context(), f, from, length, func(b []byte) error {
		err := f.Truncate(from)
		got.Write(b)
		return err
	})
	if !mapped || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v, %v", mapped, err)
	}
}
