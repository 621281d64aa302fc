package host

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
)

const (
	tailLines = 12   // lines kept
	tailWidth = 400  // bytes kept of a line
	lineLimit = 8192 // bytes after which a line without an end is taken as one
)

// tail keeps the last lines of standard error; once a panic has begun, its first lines, since those name the reason.
type tail struct {
	mu    sync.Mutex
	part  []byte
	kept  []string
	panic bool
}

// Write takes standard error in pieces.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		t.part = append(t.part, line...)
		p = rest
		if ended || len(t.part) > lineLimit {
			t.add(string(t.part))
			t.part = t.part[:0]
		}
	}
	return n, nil
}

func (t *tail) add(line string) {
	line = strings.TrimRight(logText(line), " \r\t")
	if line == "" {
		return
	}
	if len(line) > tailWidth {
		line = line[:tailWidth] + " ..."
	}
	if !t.panic && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		t.panic, t.kept = true, nil
	}
	if len(t.kept) == tailLines {
		if t.panic {
			return
		}
		t.kept = t.kept[1:]
	}
	t.kept = append(t.kept, line)
}

// logText returns the message of a log line that is a warning or worse, nothing of other log lines, and everything else
// as it is.
func logText(line string) string {
	if !strings.HasPrefix(line, "{") {
		return line
	}
	var entry struct {
		Level   string `json:"@level"`
		Message string `json:"@message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Level == "" {
		return line
	}
	switch {
	case entry.Level != "warn" && entry.Level != "error":
		return ""
	case entry.Error != "":
		return entry.Message + ": " + entry.Error
	}
	return entry.Message
}

// lines returns what was kept.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.part) > 0 {
		t.add(string(t.part))
		t.part = nil
	}
	return append([]string(nil), t.kept...)
}

// lineWriter cuts a stream into lines.
type lineWriter struct {
	part []byte
	emit func(line string)
}

// Write takes the stream in pieces; one goroutine at a time.
func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		w.part = append(w.part, line...)
		p = rest
		if ended || len(w.part) > lineLimit {
			w.emit(strings.ToValidUTF8(string(w.part), "?"))
			w.part = w.part[:0]
		}
	}
	return n, nil
}
