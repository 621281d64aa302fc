package azure

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/drydock-backup/drydock/sdk/cloud"
)

// The kinds of blocks.
const (
	begunBlock   = 'b'
	chunkBlock   = 'c'
	abortedBlock = 'a'
)

const idSize = 63 // bytes; the service takes 64 before they are encoded

// block is what the id of a staged block says, and its size.
type block struct {
	kind   byte
	upload [16]byte
	index  uint32
	sent   time.Time
	sha256 [32]byte // of a chunk
	size   int64    // bytes: of the chunk, or the chunk size that the upload was begun with
	id     string   // as the service keeps it
}

func (b block) encode() string {
	raw := make([]byte, idSize)
	raw[0] = b.kind
	copy(raw[1:], b.upload[:])
	binary.BigEndian.PutUint32(raw[17:], b.index)
	binary.BigEndian.PutUint64(raw[21:], uint64(b.sent.UnixNano()))
	if b.kind == chunkBlock {
		copy(raw[29:], b.sha256[:])
	} else {
		binary.BigEndian.PutUint64(raw[29:], uint64(b.size))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// decodeBlock reads an id. ok is false for a block that somebody else has staged.
func decodeBlock(id string, size int64) (b block, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil || len(raw) != idSize || raw[61] != 0 || raw[62] != 0 {
		return block{}, false
	}
	b = block{kind: raw[0], upload: [16]byte(raw[1:17]), index: binary.BigEndian.Uint32(raw[17:]), size: size, id: id}
	b.sent = time.Unix(0, int64(binary.BigEndian.Uint64(raw[21:])))
	switch b.kind {
	case chunkBlock:
		copy(b.sha256[:], raw[29:])
	case begunBlock, abortedBlock:
		b.size = int64(binary.BigEndian.Uint64(raw[29:]))
	default:
		return block{}, false
	}
	return b, b.size >= 0
}

// staged is what the uncommitted blocks of one blob say about one upload.
type staged struct {
	begun     bool
	aborted   bool
	chunkSize int64
	chunks    map[uint32]block // the youngest of each index
	last      time.Time        // when the youngest block was sent
}

// open reports whether chunks can be put.
func (s staged) open() bool { return s.begun && !s.aborted }

// uploadsOf sorts the uncommitted blocks of a blob by upload. Blocks of other programs are those of an upload "".
func uploadsOf(blocks []block) map[string]staged {
	all := map[string]staged{}
	for _, b := range blocks {
		name := ""
		if b.kind != 0 {
			name = cloud.Token{ID: b.upload}.Name()
		}
		s := all[name]
		s.add(b)
		all[name] = s
	}
	return all
}

func (s *staged) add(b block) {
	if b.sent.After(s.last) {
		s.last = b.sent
	}
	switch b.kind {
	case begunBlock:
		s.begun, s.chunkSize = true, b.size
	case abortedBlock:
		s.aborted = true
	case chunkBlock:
		if s.chunks == nil {
			s.chunks = map[uint32]block{}
		}
		if old, ok := s.chunks[b.index]; !ok || b.sent.After(old.sent) {
			s.chunks[b.index] = b
		}
	}
}
