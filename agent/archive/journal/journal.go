package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-backup/drydock/agent/durable"
)

// Version is the format that is written, and the only one that is read.
const Version = 1

// maxSize bounds what is read: some millions of files.
const maxSize = 1 << 30

// ErrFormat is in the chain when a file is no journal.
var ErrFormat = errors.New("its journal cannot be read")

// Identity says what is restored and how. A restore is gone on with only by one of the same identity.
type Identity struct {
	Backup   string
	Manifest string // SHA-256 of the manifest in the artifact, hexadecimal
	Only     []string
	Delta    bool
}

func (i Identity) same(o Identity) bool {
	return i.Backup == o.Backup && i.Manifest == o.Manifest && i.Delta == o.Delta && slices.Equal(i.Only, o.Only)
}

// OtherError says that a journal is of another restore.
type OtherError struct{ Identity Identity }

// Error names the backup and how it was restored.
func (e *OtherError) Error() string {
	text := "of backup " + strconv.Quote(e.Identity.Backup)
	if len(e.Identity.Only) > 0 {
		text += fmt.Sprintf(", only %q", e.Identity.Only)
	}
	if e.Identity.Delta {
		text += ", with --delta"
	}
	return text
}

// Progress is how much of a file is on the disk: its first Done bytes.
type Progress struct {
	Path string
	Done int64
}

// record is a line. Version tells the first one from the others.
type record struct {
	Version  int      `json:"version,omitempty"`
	Backup   string   `json:"backup,omitempty"`
	Manifest string   `json:"manifest,omitempty"`
	Only     []string `json:"only,omitempty"`
	Delta    bool     `json:"delta,omitempty"`
	Path     []byte   `json:"path,omitempty"`
	Done     int64    `json:"done,omitempty"`
	Placing  bool     `json:"placing,omitempty"`
}

// Journal is an open journal. It is for one goroutine at a time.
type Journal struct {
	file    *os.File
	done    map[string]int64
	placing bool
}

// Create makes a journal, durably. note is for people. A file that exists is an error.
func Create(path, note string, id Identity) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	text := "# " + strings.ReplaceAll(note, "\n", "\n# ") + "\n"
	line, err := encode(record{Version: Version, Backup: id.Backup, Manifest: id.Manifest, Only: id.Only, Delta: id.Delta})
	if err == nil {
		_, err = f.WriteString(text + string(line))
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = durable.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return &Journal{file: f, done: map[string]int64{}}, nil
}

// Open reads a journal and makes ready to append to it. One of another restore is an *OtherError, a file that is none is
// ErrFormat, one that does not exist is fs.ErrNotExist.
func Open(path string, id Identity) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	j := &Journal{file: f}
	if err := j.read(id); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

func (j *Journal) read(id Identity) error {
	data, err := io.ReadAll(io.LimitReader(j.file, maxSize))
	if err != nil {
		return err
	}
	is, done, placing, good, err := parse(data)
	if err != nil {
		return err
	}
	if !is.same(id) {
		return &OtherError{is}
	}
	j.done, j.placing = done, placing
	if err := j.file.Truncate(int64(good)); err != nil {
		return err
	}
	_, err = j.file.Seek(int64(good), io.SeekStart)
	return err
}

// parse reads lines until one is not whole; good is how many bytes those take that are.
func parse(data []byte) (id Identity, done map[string]int64, placing bool, good int, err error) {
	done = map[string]int64{}
	begun := false
	for line := range bytes.Lines(data) {
		if line[0] == '#' && !begun {
			good += len(line)
			continue
		}
		r, ok := decode(line)
		if !ok || begun == (r.Version != 0) {
			break
		}
		good += len(line)
		switch {
		case r.Version != 0 && r.Version != Version:
			return id, done, false, 0, fmt.Errorf("%w: version %d is not known here", ErrFormat, r.Version)
		case r.Version != 0:
			begun, id = true, Identity{Backup: r.Backup, Manifest: r.Manifest, Only: r.Only, Delta: r.Delta}
		case r.Placing:
			placing = true
		default:
			done[string(r.Path)] = r.Done
		}
	}
	if !begun {
		return id, done, false, 0, fmt.Errorf("%w: it does not say what is restored", ErrFormat)
	}
	return id, done, placing, good, nil
}

const sumSize = 9 // hex digits and a space

func encode(r record) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(text), text), nil
}

func decode(line []byte) (r record, ok bool) {
	text, whole := bytes.CutSuffix(line, []byte("\n"))
	if !whole || len(text) < sumSize {
		return r, false
	}
	sum, text := string(text[:sumSize]), text[sumSize:]
	if sum != fmt.Sprintf("%08x ", crc32.ChecksumIEEE(text)) {
		return r, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(&r) != nil || r.Done < 0 || r.Version < 0 {
		return r, false
	}
	return r, true
}

// Done returns how much of each file an earlier session brought to the disk.
func (j *Journal) Done() map[string]int64 { return j.done }

// Placing reports whether every file was proven, and the files were on the way to their places.
func (j *Journal) Placing() bool { return j.placing }

// Append notes progress, durably. What it speaks of must be on the disk already.
func (j *Journal) Append(all []Progress) error {
	var text []byte
	for _, p := range all {
		line, err := encode(record{Path: []byte(p.Path), Done: p.Done})
		if err != nil {
			return err
		}
		text = append(text, line...)
	}
	return j.write(text)
}

// Place notes that every file is proven, durably.
func (j *Journal) Place() error {
	line, err := encode(record{Placing: true})
	if err != nil {
		return err
	}
	j.placing = true
	return j.write(line)
}

func (j *Journal) write(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if _, err := j.file.Write(text); err != nil {
		return err
	}
	return j.file.Sync()
}

// Close closes the file, which stays.
func (j *Journal) Close() error { return j.file.Close() }
