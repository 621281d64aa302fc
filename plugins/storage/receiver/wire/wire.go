package wire

import "time"

// The paths of the protocol, in the notation of http.ServeMux.
const (
	PathCheck   = "/v1/check"
	PathUploads = "/v1/uploads"
	PathChunks  = "/v1/uploads/{token}/chunks"
	PathChunk   = "/v1/uploads/{token}/chunks/{index}"
	PathCommit  = "/v1/uploads/{token}/commit"
	PathUpload  = "/v1/uploads/{token}"
	PathObjects = "/v1/objects"
	PathObject  = "/v1/object"
	PathContent = "/v1/object/content"
	PathDigest  = "/v1/object/digest"
	PathHealth  = "/v1/health"
)

// Media types.
const (
	JSON   = "application/json"
	Stream = "application/x-ndjson"
	Bytes  = "application/octet-stream"
)

// Limits that both sides know.
const (
	MaxBody   = 64 << 10 // bytes of a JSON body
	MaxHeader = 16 << 10 // bytes of a request's header
	MaxIndex  = 1<<24 - 1
)

// Heartbeat is how often a server that works or lets a client wait says so. A client that has heard nothing for several
// of them may give up.
const Heartbeat = 5 * time.Second

// Begin is the body of a request for a new upload.
type Begin struct {
	Key       string `json:"key"`
	ChunkSize int64  `json:"chunk_size"` // bytes
}

// Begun is its answer.
type Begun struct {
	Token string `json:"token"`
}

// Commit is the body of a commit.
type Commit struct {
	Size int64 `json:"size"` // bytes of the whole object
}

// Check is what a client may know about its place.
type Check struct {
	Client        string `json:"client"`         // the name in the client's certificate
	Free          int64  `json:"free"`           // bytes left, of the disk or the quota; -1: unknown
	Total         int64  `json:"total"`          // bytes; -1: unknown
	Used          int64  `json:"used"`           // bytes of the client's objects and unfinished uploads
	AppendOnly    bool   `json:"append_only"`    // objects cannot be deleted
	RetainSeconds int64  `json:"retain_seconds"` // objects that are younger cannot be deleted
	MaxChunk      int64  `json:"max_chunk"`      // bytes of the largest chunk
}

// Chunk is a chunk that has arrived.
type Chunk struct {
	Index  int64  `json:"index"`
	Length int64  `json:"length"` // bytes
	SHA256 string `json:"sha256"` // hexadecimal, of what the disk holds now
}

// Object is a stored object.
type Object struct {
	Key      string    `json:"key"`
	Size     int64     `json:"size"` // bytes
	Modified time.Time `json:"modified"`
}

// Digest is the digest of a part of an object.
type Digest struct {
	SHA256 string `json:"sha256"` // hexadecimal
}

// Health says that the server is there.
type Health struct {
	Status string `json:"status"` // "ok", or "draining" when the server is about to end
}

// Line is one line of a stream. At most one of Chunk, Object and Digest is set.
type Line struct {
	Chunk  *Chunk  `json:"chunk,omitempty"`
	Object *Object `json:"object,omitempty"`
	Digest *Digest `json:"digest,omitempty"`
	Error  *Error  `json:"error,omitempty"` // the stream ends here, and what it said so far is not all
	End    bool    `json:"end,omitempty"`   // the last line of a whole stream
}
