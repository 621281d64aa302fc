// Package storage is the contract of a storage provider: a place that keeps backups.
//
// A provider keeps objects under slash-separated keys. An object is written once, chunk by chunk, and becomes visible
// whole or not at all; nothing is ever overwritten. Bytes do not ride on the control plane: a chunk is named by file,
// offset, length and digest, and the provider reads the file itself.
//
// Every method may be called from several goroutines at once, must return soon after its context ends, and classifies
// its errors with package errs. Only the agent retries.
package storage

import (
	"context"
	"io"
	"os"
	"time"
)

// Storage is what every storage provider implements.
type Storage interface {
	Uploader
	Objects
}

// Uploader takes objects in.
//
//	Begin ── PutChunk (any order, in parallel, repeatable) ── Commit
//	                     └───────────── Abort
type Uploader interface {
	// Begin opens an upload for key and returns its token, which names the upload also after both processes were
	// restarted. An object that exists under key already is errs.Exists.
	Begin(ctx context.Context, up Upload) (token string, err error)
	// PutChunk stores one chunk. The same chunk may be sent again and replaces itself. Bytes that do not match the
	// chunk's digest are errs.Corrupt and are not kept. When it returns, the chunk is on the store.
	PutChunk(ctx context.Context, token string, c Chunk) error
	// ListChunks returns the chunks that have arrived, by index. An unknown token is errs.NotFound.
	ListChunks(ctx context.Context, token string) ([]ChunkInfo, error)
	// Commit makes the object visible under its key, durably. All chunks must have arrived and sum up to size; else
	// errs.Invalid, and the upload stays open. A key that was taken meanwhile is errs.Exists. A second Commit of
	// the same upload succeeds.
	Commit(ctx context.Context, token string, size int64) error
	// Abort drops the upload and all that it stored. An unknown token is no error.
	Abort(ctx context.Context, token string) error
}

// Objects reads and manages what is stored.
type Objects interface {
	// ReadRange writes length bytes of the object from offset to w. A range that goes past the end is errs.Invalid.
	ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error
	// Stat describes one object; errs.NotFound when there is none.
	Stat(ctx context.Context, key string) (Object, error)
	// List calls yield for every object whose key starts with prefix, in lexical order of keys, until yield returns an
	// error, which List returns. Uploads that were not committed are never listed.
	List(ctx context.Context, prefix string, yield func(Object) error) error
	// Delete removes one object. An object that does not exist is no error, one that is held is errs.Permission.
	Delete(ctx context.Context, key string) error
}

// FileSender is what the writer of ReadRange may be as well: one that takes a part of a file without copying it. A file that
// ends before is io.ErrUnexpectedEOF.
type FileSender interface {
	SendFile(f *os.File, offset, n int64) error
}

// Checker is optional: it tries what a run will need (reach, write, free space) without leaving anything behind. It is
// asked before MySQL is stopped.
type Checker interface {
	Check(ctx context.Context) (Capacity, error)
}

// Digester is optional: it digests a part of an object where the object is, which spares the way of the bytes. It must
// read the bytes back from the store for every call; remembered digests prove nothing, since a backup counts only after
// its bytes were read back.
type Digester interface {
	// Digest returns the SHA-256 of length bytes of the object from offset. A range that goes past the end is
	// errs.Invalid, an object that does not exist errs.NotFound.
	Digest(ctx context.Context, key string, offset, length int64) ([32]byte, error)
}

// ReadBacker is optional: a provider whose PutChunk does not trust what it has written. It flushes the chunk, reads it
// back from the store itself (not from memory or a cache), and compares it with the digest before it returns. Objects
// of such a provider need not be read a second time after Commit.
type ReadBacker interface {
	ReadsBack() bool
}

// ReadsBack reports whether chunks that s has taken were read back from the store.
func ReadsBack(s Storage) bool {
	r, ok := s.(ReadBacker)
	return ok && r.ReadsBack()
}

// Holder is optional: a store that can keep objects from being deleted, whoever asks (object lock, retention, legal hold).
type Holder interface {
	// Holds reports whether the store can, as it is configured: many can only in buckets that were made for it. It does
	// not ask the store.
	Holds() bool
	// Hold sets the hold of an object. Until may be set later but not earlier, and not be taken away: errs.Permission.
	// Legal may be set and lifted. An object that does not exist is errs.NotFound; a hold of a kind that the store lacks is
	// errs.Unsupported.
	Hold(ctx context.Context, key string, h Hold) error
}

// HolderOf returns the store as a Holder, if it can hold objects as it is configured.
func HolderOf(s Storage) (Holder, bool) {
	h, ok := s.(Holder)
	return h, ok && h.Holds()
}

// Hold says how an object is kept from being deleted. The zero value is no hold.
type Hold struct {
	Until time.Time // the store refuses to delete it before then; zero when there is no such time
	Legal bool      // held without an end, until somebody lifts it
}

// Active reports whether the object is held at the time now.
func (h Hold) Active(now time.Time) bool { return h.Legal || now.Before(h.Until) }

// Capacity is what a store tells of itself when it is checked.
type Capacity struct {
	Free   int64 // bytes; -1 when unknown or without limit
	Total  int64 // bytes; -1 when unknown or without limit
	Limits Limits
	Notes  []string // what an admin should know and may have meant: it cannot delete, its clock is off
}

// Limits is what a store can take of one object. 0 means that there is no limit. The agent chooses the chunk size of an
// artifact so that it fits.
type Limits struct {
	MinChunk  int64 // bytes of every chunk but the last, at least
	MaxChunk  int64 // bytes of a chunk, at most
	MaxChunks int64
	MaxObject int64 // bytes
}

// Upload describes an object that is to be written.
type Upload struct {
	Key       string // slash-separated, relative, no empty, "." or ".." element
	ChunkSize int64  // bytes; every chunk but the last has this length
}

// Chunk is one piece of an upload. Its bytes lie in File at FileOffset.
type Chunk struct {
	Index      int      // from 0; the chunk's place in the object is Index × ChunkSize
	Length     int64    // bytes
	SHA256     [32]byte // digest of the chunk's bytes
	File       string   // path of a local file that the provider may read
	FileOffset int64
}

// ChunkInfo describes a chunk that has arrived. SHA256 is of the bytes that the store holds now.
type ChunkInfo struct {
	Index  int
	Length int64
	SHA256 [32]byte
}

// Object describes a stored object.
type Object struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
	Hold     Hold // told by Stat; a List need not know it
}
