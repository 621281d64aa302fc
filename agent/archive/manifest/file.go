package manifest

// Type says what an entry is.
type Type string

// The types. Nothing else gets into an archive.
const (
	Regular   Type = "file"
	Directory Type = "dir"
	Symlink   Type = "symlink"
)

// File is one entry. Path uses "/" and is relative to the data directory; its bytes are exactly those on the disk.
type File struct {
	Path      string
	Type      Type
	Size      int64 // bytes of content; of a symlink, of its target
	Allocated int64 // bytes on the disk
	Sparse    bool  // had holes: zero blocks need not be written on restore
	Mode      Mode
	UID, GID  uint32
	User      string // names of the two ids, where the host knew them
	Group     string
	MTime     Time

	SHA256      [32]byte // of the content
	CRC32       uint32   // of the content (IEEE)
	Method      uint16   // zip method: the header's, or 0
	Header      int64    // where the local header begins in the artifact
	Data        int64    // where the data begins
	Packed      int64    // bytes of data: all frames and the trailer
	PackedCRC32 uint32   // of these bytes
	Streamed    bool     // the sizes follow the data
	Frames      Runs     // packed lengths of the frames; nil for method 0, where frames are as long as they are

	Target   string // of a symlink, relative
	SameFile string // path of an earlier entry that was a hard link to the same file
	Followed string // what the symlink said that stood here, and was followed because it left the data directory
	Origin   string // absolute path that the content came from, when that is not Path in the data directory

	Pages *Pages // of a tablespace whose pages were checked; nil otherwise
}

// Pages is what the checksums of a tablespace's pages told.
type Pages struct {
	Checked int64   `json:"checked"`
	Opaque  int64   `json:"opaque,omitempty"` // of these, without a checksum that can be computed
	Damaged int64   `json:"damaged,omitempty"`
	Bad     []int64 `json:"bad,omitempty"` // the first innodb.MaxBad damaged ones, from 0 at the beginning of the file
}

// Run is Count frames, one after the other, of Length packed bytes each.
type Run struct{ Length, Count int64 }

// Runs are the packed frame lengths of a file.
type Runs []Run

// Add appends one frame.
func (r *Runs) Add(length int64) {
	if n := len(*r); n > 0 && (*r)[n-1].Length == length {
		(*r)[n-1].Count++
		return
	}
	*r = append(*r, Run{Length: length, Count: 1})
}

// Totals returns the number of frames and of packed bytes.
func (r Runs) Totals() (count, bytes int64) {
	for _, x := range r {
		count += x.Count
		bytes += x.Count * x.Length
	}
	return count, bytes
}
