package archive

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/drydock-backup/drydock/agent/archive/tree"
)

// scratch is a file that is written once, then read, and is gone at the end.
type scratch struct {
	file *os.File
	*bufio.Writer
}

func newScratch(dir, name string) (*scratch, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make scratch directory: %w", err)
		}
	}
	f, err := os.CreateTemp(dir, name+"-*")
	if err != nil {
		return nil, fmt.Errorf("make scratch file: %w", err)
	}
	return &scratch{file: f, Writer: bufio.NewWriterSize(f, 64<<10)}, nil
}

// reader returns the content from its beginning, and how long it is. Nothing may be written any more.
func (s *scratch) reader() (io.Reader, int64, error) {
	if err := s.Flush(); err != nil {
		return nil, 0, fmt.Errorf("write scratch file: %w", err)
	}
	size, err := s.file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, fmt.Errorf("read scratch file: %w", err)
	}
	return bufio.NewReaderSize(io.NewSectionReader(s.file, 0, size), 64<<10), size, nil
}

// remove ends the file. It was only ever private, so an error changes nothing.
func (s *scratch) remove() {
	if s != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}

// nodes is the list of what is to be archived.
type nodes struct {
	*scratch
	enc *gob.Encoder
}

func newNodes(dir string) (*nodes, error) {
	s, err := newScratch(dir, "nodes")
	if err != nil {
		return nil, err
	}
	return &nodes{scratch: s, enc: gob.NewEncoder(s.Writer)}, nil
}

func (l *nodes) add(n tree.Node) error {
	if err := l.enc.Encode(n); err != nil {
		return fmt.Errorf("write scratch file: %w", err)
	}
	return nil
}

// each calls yield for every node, in order.
func (l *nodes) each(yield func(tree.Node) error) error {
	r, _, err := l.reader()
	if err != nil {
		return err
	}
	for dec := gob.NewDecoder(r); ; {
		var n tree.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read scratch file: %w", err)
		}
		if err := yield(n); err != nil {
			return err
		}
	}
}
