package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrFormat is wrapped by every error about text that is not a manifest.
var ErrFormat = errors.New("not a manifest")

// ErrNewer is wrapped by the error about a manifest of a version that only a later drydock reads. It is no ErrFormat.
var ErrNewer = errors.New("a newer format")

// Longest header and longest line of a file in bytes; a line of 64 MiB has room for the frames of a file of 30 TB.
const (
	maxHeader = 64 << 20
	maxFile   = 64 << 20
)

// Reader reads a manifest as a stream.
type Reader struct {
	json   *json.Decoder
	limit  *limited
	header Header
}

// NewReader reads up to the first file. An error that is not an ErrFormat comes from r.
func NewReader(r io.Reader) (*Reader, error) {
	m := &Reader{limit: &limited{r: r, left: maxHeader}}
	m.json = json.NewDecoder(m.limit)
	if err := m.expect(json.Delim('{'), "drydock"); err != nil {
		return nil, err
	}
	if err := m.json.Decode(&m.header); err != nil {
		return nil, m.fail(err)
	}
	if m.header.Version > Version {
		return nil, fmt.Errorf("%w: version %d, this drydock knows %d", ErrNewer, m.header.Version, Version)
	}
	if err := m.header.check(); err != nil {
		return nil, m.fail(err)
	}
	return m, m.expect("files", json.Delim('['))
}

// Header returns the header.
func (m *Reader) Header() Header { return m.header }

// Next returns the next file, io.EOF after the last one when the manifest ends as it should.
func (m *Reader) Next() (File, error) {
	m.limit.left = maxFile
	if !m.json.More() {
		if err := m.expect(json.Delim(']'), json.Delim('}')); err != nil {
			return File{}, err
		}
		return File{}, m.end()
	}
	var f File
	if err := m.json.Decode(&f); err != nil {
		return File{}, m.fail(err)
	}
	if err := f.check(&m.header); err != nil {
		return File{}, m.fail(err)
	}
	return f, nil
}

// end makes sure that nothing follows, and reads the source to its end.
func (m *Reader) end() error {
	_, err := m.json.Token()
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err == nil:
		return m.fail(errors.New("something follows its end"))
	}
	return m.fail(err)
}

func (m *Reader) expect(tokens ...json.Token) error {
	for _, want := range tokens {
		got, err := m.json.Token()
		if err != nil {
			return m.fail(err)
		}
		if got != want {
			return m.fail(fmt.Errorf("found %v instead of %v", got, want))
		}
	}
	return nil
}

// fail tells errors of the source from errors of the text.
func (m *Reader) fail(err error) error {
	if m.limit.err != nil {
		return m.limit.err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}

// limited keeps one value from filling the memory, and remembers an error of the source.
type limited struct {
	r    io.Reader
	left int
	err  error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("one value is too long")
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}
