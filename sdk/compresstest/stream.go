package compresstest

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"io"

	kzstd "github.com/klauspost/compress/zstd"
)

// zstdMethod is zip's method number for Zstandard, which archive/zip does not know by itself.
const zstdMethod = 93

func oneStream(e *env) {
	var file, stream []byte
	for i := range 7 {
		frame := Pages(uint64(i), 3+i)[i*100:]
		if i%3 == 1 {
			frame = random(uint64(i), 70_001)
		}
		file = append(file, frame...)
		stream = append(stream, e.pack(frame)...)
	}
	e.readsAs(append(stream, e.Trailer()...), file)
}

func emptyStream(e *env) {
	e.readsAs(e.Trailer(), nil)
}

// readsAs demands that an independent reader of zip files, handed stream as the data of an entry, gives file.
func (e *env) readsAs(stream, file []byte) {
	e.Helper()
	known := map[uint16]bool{zip.Store: true, zip.Deflate: true, zstdMethod: true}
	if !known[e.Method()] {
		e.Logf("no reader for method %d here: the stream was not read", e.Method())
		return
	}
	got, err := readZip(e.Method(), stream, file)
	if err != nil {
		e.Fatalf("read a zip entry of method %d made of the frames: %v", e.Method(), err)
	}
	if !bytes.Equal(got, file) {
		e.Errorf("a zip entry made of the frames has %d bytes that differ from the file's %d", len(got), len(file))
	}
}

// readZip puts stream into a zip file as the raw data of an entry and reads that entry with archive/zip, which also
// compares size and CRC-32.
func readZip(method uint16, stream, file []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	entry, err := w.CreateRaw(&zip.FileHeader{Name: "file", Method: method, CRC32: crc32.ChecksumIEEE(file),
		CompressedSize64: uint64(len(stream)), UncompressedSize64: uint64(len(file))})
	if err != nil {
		return nil, err
	}
	if _, err := entry.Write(stream); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	r, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		return nil, err
	}
	r.RegisterDecompressor(zstdMethod, kzstd.ZipDecompressor())
	f, err := r.File[0].Open()
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return got, f.Close()
}
