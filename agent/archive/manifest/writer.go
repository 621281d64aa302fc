package manifest

import (
	"encoding/json"
	"fmt"
	"io"
)

// Encode writes the manifest: the header, then the lines that [AppendLine] made, which lines gives back.
func Encode(w io.Writer, h *Header, lines io.Reader) error {
	head, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode manifest header: %w", err)
	}
	if len(head) > maxHeader {
		return fmt.Errorf("encode manifest header: %d bytes are more than a reader takes", len(head))
	}
	if _, err := fmt.Fprintf(w, "{\"drydock\":%s,\n\"files\":[\n", head); err != nil {
		return err
	}
	if _, err := io.Copy(w, lines); err != nil {
		return err
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// AppendLine appends one file to the lines. first is true for the first one, which no comma precedes.
func AppendLine(dst []byte, f *File, first bool) ([]byte, error) {
	line, err := f.MarshalJSON()
	if err != nil {
		return dst, fmt.Errorf("encode manifest entry %q: %w", f.Path, err)
	}
	if len(line) > maxFile {
		return dst, fmt.Errorf("encode manifest entry %q: %d bytes are more than a reader takes; use larger frames", f.Path, len(line))
	}
	if !first {
		dst = append(dst, ',')
	}
	return append(append(dst, line...), '\n'), nil
}
