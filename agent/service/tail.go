package service

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// tailBytes bounds what Tail reads of a file, however long it is.
const tailBytes = 64 << 10

// Tail returns the last n lines of a text file, or fewer when they are longer than 64 KiB.
func Tail(path string, n int) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read end of log: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil { // it is shorter
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return "", fmt.Errorf("read end of log: %w", err)
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read end of log: %w", err)
	}
	return lastLines(strings.ToValidUTF8(string(b), "?"), n), nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
