package hcl

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	hcllib "github.com/hashicorp/hcl/v2"
)

// MaxFileSize is the largest job file that is read, in bytes. Real ones have a few kilobytes.
const MaxFileSize = 1 << 20

// source is the text of one job file: UTF-8 without byte order mark, lines ended by "\n".
type source struct {
	name string
	data []byte
	// broken is set when the text has syntax errors; then secrets are found by the look of a line.
	broken bool
}

// line returns line n without its line break, with the masked ranges starred out.
func (s *source) line(n int, masks []hcllib.Range) string {
	start := 0
	for i := 1; i < n; i++ {
		next := bytes.IndexByte(s.data[start:], '\n')
		if next < 0 {
			return ""
		}
		start += next + 1
	}
	end := len(s.data)
	if next := bytes.IndexByte(s.data[start:], '\n'); next >= 0 {
		end = start + next
	}
	if s.broken {
		return starLikely(string(s.data[start:end]))
	}
	return star(s.data, start, end, masks)
}

// star copies data[start:end] with one star for each masked character.
func star(data []byte, start, end int, masks []hcllib.Range) string {
	var b strings.Builder
	for i := start; i < end; {
		_, size := utf8.DecodeRune(data[i:end])
		masked := slices.ContainsFunc(masks, func(m hcllib.Range) bool { return i >= m.Start.Byte && i < m.End.Byte })
		if masked {
			b.WriteByte('*')
		} else {
			b.Write(data[i : i+size])
		}
		i += size
	}
	return b.String()
}

// starLikely stars out what is assigned to a name that sounds secret.
func starLikely(line string) string {
	for _, m := range assignment().FindAllStringSubmatchIndex(line, -1) {
		if sensitiveName(line[m[2]:m[3]]) {
			head, tail := line[:m[4]], line[m[4]:]
			return head + strings.Repeat("*", utf8.RuneCountInString(tail))
		}
	}
	return line
}

// Source is a job file that has been read already.
type Source struct {
	Name string // the file name that diagnostics show, and against whose directory file() resolves relative paths
	Data []byte
}

// expand turns the paths that a user gave into file names: a directory stands for its *.hcl files, in order of name.
// Names that begin with a dot are left out. A file that is named twice is read once.
func expand(paths []string, r *report) []string {
	var files []string
	seen := map[string]bool{}
	add := func(name string) {
		abs, err := filepath.Abs(name)
		if err != nil {
			abs = name
		}
		if !seen[abs] {
			seen[abs] = true
			files = append(files, name)
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			r.file(path, "cannot read "+quoted(path), fileProblem(err))
		case info.IsDir():
			for _, name := range listDir(path, r) {
				add(name)
			}
		default:
			add(path)
		}
	}
	return files
}

func listDir(dir string, r *report) []string {
	files, err := JobFiles(dir)
	if err != nil {
		r.file(dir, "cannot read directory "+quoted(dir), fileProblem(err))
		return nil
	}
	if len(files) == 0 {
		r.file(dir, "no job files in "+quoted(dir), "Job files have names that end in .hcl; this directory has none.")
	}
	return files
}

// JobFiles lists the job files in a directory, by name: what ends in .hcl and is not hidden.
func JobFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		if filepath.Ext(name) != ".hcl" || strings.HasPrefix(name, ".") {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
			continue
		}
		files = append(files, filepath.Join(dir, name))
	}
	return files, nil
}

// readJobFile reads a whole job file, with the limit on its size.
func readJobFile(name string) ([]byte, error) {
	return readRegular(name, MaxFileSize)
}

// readRegular reads a regular file of at most limit bytes. Devices and pipes are refused before they are opened: they
// could block for ever.
func readRegular(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a regular file (%s)", info.Mode().Type())
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only: nothing can be lost
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %d KiB", limit>>10)
	}
	return data, nil
}
