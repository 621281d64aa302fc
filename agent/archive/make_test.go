package archive_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// pages makes n bytes that compress about as well as InnoDB pages do.
func pages(n int) []byte {
	out := make([]byte, n)
	x := uint64(n) + 88172645463325252
	for i := 0; i+8 <= n; i += 8 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		if i%32 < 16 {
			binary.LittleEndian.PutUint64(out[i:], x)
		} else {
			binary.LittleEndian.PutUint32(out[i:], uint32(i/4096))
		}
	}
	return out
}

// put makes a file, and the directories above it.
func put(tb testing.TB, root, name string, data []byte) {
	tb.Helper()
	p := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(p, data, 0o640); err != nil {
		tb.Fatal(err)
	}
}
