package archive_test

import (
	"context"
	"io"
	"os"
	"testing"

	"github.com/drydock-backup/drydock/agent/archive"
)

// BenchmarkWrite archives the directory that DRYDOCK_BENCH_DATA names, or a made one of 128 MiB, with every codec.
func BenchmarkWrite(b *testing.B) {
	root := os.Getenv("DRYDOCK_BENCH_DATA")
	if root == "" {
		root = b.TempDir()
		for _, name := range []string{"a", "b", "c", "d"} {
			put(b, root, name, pages(32<<20))
		}
	}
	for _, name := range []string{"store", "zstd", "deflate"} {
		b.Run(name, func(b *testing.B) {
			f := newFrames(b, name, 4<<20, 4)
			for b.Loop() {
				s, err := archive.Write(context.Background(), io.Discard, f, archive.Options{Root: root, Scratch: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(s.Bytes)
			}
		})
	}
}
