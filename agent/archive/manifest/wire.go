package manifest

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// wire is File in JSON. A text that is not UTF-8 stands twice: readable, and exact in base64.
type wire struct {
	Path        string `json:"path"`
	PathBytes   []byte `json:"path_base64,omitempty"`
	Type        Type   `json:"type"`
	Size        int64  `json:"size"`
	Allocated   int64  `json:"allocated"`
	Sparse      bool   `json:"sparse,omitempty"`
	Mode        Mode   `json:"mode"`
	UID         uint32 `json:"uid"`
	GID         uint32 `json:"gid"`
	User        string `json:"user,omitempty"`
	Group       string `json:"group,omitempty"`
	MTime       Time   `json:"mtime"`
	SHA256      string `json:"sha256,omitempty"`
	CRC32       string `json:"crc32,omitempty"`
	Method      uint16 `json:"method"`
	Header      int64  `json:"header"`
	Data        int64  `json:"data"`
	Packed      int64  `json:"packed"`
	PackedCRC32 string `json:"packed_crc32,omitempty"`
	Streamed    bool   `json:"streamed,omitempty"`
	Frames      Runs   `json:"frames,omitempty"`
	Target      string `json:"target,omitempty"`
	TargetBytes []byte `json:"target_base64,omitempty"`
	Same        string `json:"same_file,omitempty"`
	SameBytes   []byte `json:"same_file_base64,omitempty"`
	Followed    string `json:"followed,omitempty"`
	FollowBytes []byte `json:"followed_base64,omitempty"`
	Origin      string `json:"origin,omitempty"`
	OriginBytes []byte `json:"origin_base64,omitempty"`
	Pages       *Pages `json:"pages,omitempty"`
}

// MarshalJSON writes the file as docs/formats/data-zip.md says.
func (f *File) MarshalJSON() ([]byte, error) {
	w := wire{
		Type: f.Type, Size: f.Size, Allocated: f.Allocated, Sparse: f.Sparse, Mode: f.Mode, UID: f.UID, GID: f.GID,
		User: f.User, Group: f.Group, MTime: f.MTime, Method: f.Method, Header: f.Header, Data: f.Data, Packed: f.Packed,
		Streamed: f.Streamed, Frames: f.Frames, Pages: f.Pages,
	}
	if f.Type != Directory {
		w.SHA256 = hex.EncodeToString(f.SHA256[:])
		w.CRC32 = fmt.Sprintf("%08x", f.CRC32)
		w.PackedCRC32 = fmt.Sprintf("%08x", f.PackedCRC32)
	}
	w.Path, w.PathBytes = split(f.Path)
	w.Target, w.TargetBytes = split(f.Target)
	w.Same, w.SameBytes = split(f.SameFile)
	w.Followed, w.FollowBytes = split(f.Followed)
	w.Origin, w.OriginBytes = split(f.Origin)
	return json.Marshal(&w)
}

// UnmarshalJSON reads it; whether the values are possible is for [Reader] to check.
func (f *File) UnmarshalJSON(data []byte) error {
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*f = File{
		Type: w.Type, Size: w.Size, Allocated: w.Allocated, Sparse: w.Sparse, Mode: w.Mode, UID: w.UID, GID: w.GID,
		User: w.User, Group: w.Group, MTime: w.MTime, Method: w.Method, Header: w.Header, Data: w.Data, Packed: w.Packed,
		Streamed: w.Streamed, Frames: w.Frames, Pages: w.Pages,
		Path: join(w.Path, w.PathBytes), Target: join(w.Target, w.TargetBytes), SameFile: join(w.Same, w.SameBytes),
		Followed: join(w.Followed, w.FollowBytes), Origin: join(w.Origin, w.OriginBytes),
	}
	if w.Type == Directory {
		return nil
	}
	if n, err := hex.Decode(f.SHA256[:], []byte(w.SHA256[:min(64, len(w.SHA256))])); err != nil || n != 32 || len(w.SHA256) != 64 {
		return fmt.Errorf("sha256 %.80q of %.200q is not 64 hexadecimal digits", w.SHA256, w.Path)
	}
	var err error
	if f.CRC32, err = parseCRC(w.CRC32); err != nil {
		return err
	}
	f.PackedCRC32, err = parseCRC(w.PackedCRC32)
	return err
}

func parseCRC(s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil || len(s) != 8 {
		return 0, fmt.Errorf("crc32 %.20q is not 8 hexadecimal digits", s)
	}
	return uint32(v), nil
}

func split(s string) (string, []byte) {
	if utf8.ValidString(s) {
		return s, nil
	}
	return s, []byte(s) // encoding/json replaces what is not UTF-8
}

func join(s string, exact []byte) string {
	if exact != nil {
		return string(exact)
	}
	return s
}
