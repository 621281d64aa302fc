package archive_test

import (
	"fmt"
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
				s, err := archive.Write(b.Context(), io.Discard, f, archive.Options{Root: root, Scratch: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(s.Bytes)
			}
		})
	}
}

// BenchmarkVerify reads back what BenchmarkWrite writes.
func BenchmarkVerify(b *testing.B) {
	root := b.TempDir()
	put(b, root, "a", pages(64<<20))
	f := newFrames(b, "zstd", 4<<20, 4)
	src, s := pack(b, f, archive.Options{Root: root})
	b.SetBytes(s.Bytes)
	for b.Loop() {
		report, err := archive.Verify(b.Context(), src, f, archive.VerifyOptions{})
		if err != nil || !report.OK() {
			b.Fatal(err, report)
		}
	}
}

// BenchmarkTinyFiles shows what a file costs that has next to no content.
func BenchmarkTinyFiles(b *testing.B) {
	root := b.TempDir()
	for i := range 1000 {
		put(b, root, fmt.Sprintf("f%d", i), pages(2000))
	}
	f := newFrames(b, "zstd", 4<<20, 4)
	for b.Loop() {
		if _, err := archive.Write(b.Context(), io.Discard, f, archive.Options{Root: root, Scratch: b.TempDir()}); err != nil {
			b.Fatal(err)
		}
	}
}
