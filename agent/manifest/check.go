package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxText = 256  // bytes of an id, a name or a version
	maxKey  = 1024 // bytes, as S3 has it
)

// check holds for every manifest that is written or read.
func (m *Manifest) check() error {
	return errors.Join(
		text("backup", m.Backup), text("job", m.Job), text("compressor", m.Compressor), text("restart", m.Restart),
		text("drydock", m.Drydock), checkKey(m.Key), m.checkFormat(), m.checkTimes(), m.checkSizes(), checkServer(m.Server),
		m.checkPages(),
	)
}

func text(name, value string) error {
	switch {
	case value == "":
		return fmt.Errorf("%q is empty", name)
	case len(value) > maxText:
		return fmt.Errorf("%q has %d bytes, %d are the most", name, len(value), maxText)
	case !printable(value):
		return fmt.Errorf("%q holds control characters: %.80q", name, value)
	}
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func checkKey(key string) error {
	bad := func(element string) bool { return element == "" || element == "." || element == ".." }
	if len(key) > maxKey || !printable(key) || slices.ContainsFunc(strings.Split(key, "/"), bad) {
		return fmt.Errorf(`"key" is not a relative, slash-separated path: %.80q`, key)
	}
	return nil
}

func (m *Manifest) checkFormat() error {
	if m.Format != FormatZip {
		return fmt.Errorf(`"format" is %.80q; %q was expected`, m.Format, FormatZip)
	}
	if m.Sealed != (m.MAC != nil) {
		return errors.New(`"mac" belongs to a sealed artifact, and to none else`)
	}
	return nil
}

func (m *Manifest) checkTimes() error {
	var errs []error
	if y := m.Created.Year(); m.Created.IsZero() || y < 1 || y > 9999 {
		errs = append(errs, errors.New(`"created" is no time`))
	}
	if y := m.Finished.Year(); m.Finished.IsZero() || y < 1 || y > 9999 {
		errs = append(errs, errors.New(`"finished" is no time`))
	}
	if !(m.Downtime >= 0) || math.IsInf(m.Downtime, 0) {
		errs = append(errs, fmt.Errorf(`"downtime_seconds" is %g`, m.Downtime))
	}
	return errors.Join(errs...)
}

func (m *Manifest) checkSizes() error {
	switch {
	case m.Size < 0 || m.DataBytes < 0:
		return fmt.Errorf(`"size" is %d, "data_bytes" is %d`, m.Size, m.DataBytes)
	case m.ChunkSize <= 0:
		return fmt.Errorf(`"chunk_size" is %d`, m.ChunkSize)
	case len(m.Chunks) > MaxChunks:
		return fmt.Errorf(`"chunks" has %d digests, %d are the most: a larger chunk_size is needed`, len(m.Chunks), MaxChunks)
	}
	want := m.Size / m.ChunkSize
	if m.Size%m.ChunkSize != 0 {
		want++
	}
	if int64(len(m.Chunks)) != want {
		return fmt.Errorf(`"chunks" has %d digests: %d bytes in chunks of %d make %d`, len(m.Chunks), m.Size, m.ChunkSize, want)
	}
	return nil
}

func (m *Manifest) checkPages() error {
	switch {
	case m.Pages == nil:
		return nil
	case m.version() < firstPages:
		return fmt.Errorf(`"pages" are not known to version %d`, m.version())
	}
	return m.Pages.Check()
}

func checkServer(raw json.RawMessage) error {
	if t := bytes.TrimSpace(raw); len(t) == 0 || t[0] != '{' || !json.Valid(t) {
		return errors.New(`"server" is not a JSON object`)
	}
	v, err := decodeAny(raw)
	if err != nil {
		return fmt.Errorf(`"server": %w`, err)
	}
	found := ""
	dropPaths(v, func(path string) { found = path })
	if found != "" {
		return fmt.Errorf(`"server" holds a path: %.80q`, found)
	}
	return nil
}

// WithoutPaths returns a JSON value without the strings in it that are absolute paths, alone or in lists: what a
// server tells about itself names files of the database, and a manifest names none.
func WithoutPaths(raw json.RawMessage) (json.RawMessage, error) {
	v, err := decodeAny(raw)
	if err != nil {
		return nil, fmt.Errorf("server facts: %w", err)
	}
	return json.Marshal(dropPaths(v, func(string) {}))
}

// decodeAny keeps numbers as they are written.
func decodeAny(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// dropPaths takes paths out of the lists and objects in v, in place, and tells of each. A path at the top becomes nil.
func dropPaths(v any, tell func(string)) any {
	switch v := v.(type) {
	case string:
		if isPath(v) {
			tell(v)
			return nil
		}
	case []any:
		kept := v[:0]
		for _, e := range v {
			s, ok := e.(string)
			if e = dropPaths(e, tell); !ok || e != nil || !isPath(s) {
				kept = append(kept, e)
			}
		}
		return kept
	case map[string]any:
		for k, e := range v {
			s, ok := e.(string)
			if e = dropPaths(e, tell); ok && isPath(s) {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
	}
	return v
}

// isPath reports whether a string is an absolute path, of Unix or Windows, and of more than the root.
func isPath(s string) bool {
	if len(s) > 1 && s[0] == '/' || strings.HasPrefix(s, `\\`) {
		return true
	}
	letter := len(s) > 2 && (s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z')
	return letter && s[1] == ':' && (s[2] == '/' || s[2] == '\\')
}
