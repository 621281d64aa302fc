package spool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/fault"
)

const (
	marker      = "drydock-spool" // the file that says that a directory is a spool
	chunkSuffix = ".chunk"
	partSuffix  = ".part"

	dirMode  = 0o700
	fileMode = 0o600
)

// DefaultSpaceWait is how long a Writer waits on a full disk for the next chunk to be removed.
const DefaultSpaceWait = 10 * time.Minute

// Chunk is one piece of an artifact. All chunks of an artifact have the same length but the last, which may be
// shorter and is never empty.
type Chunk struct {
	Index  int      // from 0
	Length int64    // bytes
	SHA256 [32]byte // digest of the chunk's bytes
	Path   string   // the chunk's file, which holds nothing else
}

// Spool is the directory of one artifact's chunks. Its methods may be called from several goroutines at once.
type Spool struct {
	// InFlight is asked when the disk is full: how many chunks on the disk are going to be removed without the writer's
	// help, because they are on their way to a target. 0 ends the wait. It may remove chunks itself. Nil counts every
	// complete chunk that has not been removed. Set it before the first Writer.
	InFlight func() int
	// SpaceWait bounds the wait for one more chunk to be removed when the disk is full; 0 means DefaultSpaceWait.
	// Set it before the first Writer.
	SpaceWait time.Duration

	dir string

	mu      sync.Mutex
	present map[int]bool  // complete chunks on the disk
	freed   chan struct{} // closed, and made anew, whenever a chunk is removed
}

// Create makes the directory of a new spool, and its parent where that is missing. A dir that exists is an error
// (fs.ErrExist): no two runs share a spool.
func Create(dir string) (*Spool, error) {
	if err := durable.MkdirAll(filepath.Dir(dir), dirMode); err != nil {
		return nil, fmt.Errorf("create spool: %w", err)
	}
	if err := os.Mkdir(dir, dirMode); err != nil {
		return nil, fmt.Errorf("create spool: %w", err)
	}
	err := fault.Around("spool.create", func() error {
		f, err := os.OpenFile(filepath.Join(dir, marker), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
		if err == nil {
			err = f.Close()
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create spool: %w", err), os.RemoveAll(dir))
	}
	return newSpool(dir), nil
}

// Open opens the spool of an earlier process, to ship what is left of it or to remove it. A directory that is not a
// spool is an error.
func Open(dir string) (*Spool, error) {
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil {
		return nil, fmt.Errorf("open spool %q: %w", dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s := newSpool(dir)
	for _, e := range entries {
		if index, ok := chunkIndex(e.Name()); ok {
			s.present[index] = true
		}
	}
	return s, nil
}

func newSpool(dir string) *Spool {
	return &Spool{dir: dir, present: map[int]bool{}, freed: make(chan struct{})}
}

// chunkIndex reads the index out of a complete chunk's file name.
func chunkIndex(name string) (int, bool) {
	digits, ok := strings.CutSuffix(name, chunkSuffix)
	if !ok {
		return 0, false
	}
	index, err := strconv.Atoi(digits)
	return index, err == nil && index >= 0
}

// Dir returns the spool's directory.
func (s *Spool) Dir() string { return s.dir }

// Path returns the path of a chunk's file, whether it is there or not.
func (s *Spool) Path(index int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%08d%s", index, chunkSuffix))
}

// Has reports whether a complete chunk is on the disk.
func (s *Spool) Has(index int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.present[index]
}

// Len returns the number of complete chunks on the disk.
func (s *Spool) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.present)
}

// Remove deletes a chunk's file and lets a Writer that waits for room go on. A chunk that is gone already is no error.
func (s *Spool) Remove(index int) error {
	err := fault.Around("spool.remove", func() error { return os.Remove(s.Path(index)) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove chunk %d from spool: %w", index, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.present, index)
	close(s.freed)
	s.freed = make(chan struct{})
	return nil
}

// added notes a complete chunk.
func (s *Spool) added(index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.present[index] = true
}

// nextFreed returns a channel that is closed when the next chunk is removed.
func (s *Spool) nextFreed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.freed
}

// inFlight is how many chunks may yet be removed.
func (s *Spool) inFlight() int {
	if s.InFlight != nil {
		return s.InFlight()
	}
	return s.Len()
}

// Free returns the bytes that an unprivileged process may still write to the spool's file system.
func (s *Spool) Free() (int64, error) { return FreeSpace(s.dir) }

// Verify reads a chunk's file again and compares length and digest: for a spool that a crash or a power cut left.
func Verify(ctx context.Context, c Chunk) error {
	f, err := os.Open(c.Path)
	if err != nil {
		return fmt.Errorf("verify spooled chunk %d: %w", c.Index, err)
	}
	defer func() { _ = f.Close() }() // only read from
	h := sha256.New()
	n, err := io.CopyBuffer(h, readerUntil{ctx, f}, make([]byte, bufferSize))
	switch {
	case err != nil:
		return fmt.Errorf("verify spooled chunk %d: %w", c.Index, err)
	case n != c.Length:
		return damaged(c, "%d bytes instead of %d", n, c.Length)
	case [32]byte(h.Sum(nil)) != c.SHA256:
		return damaged(c, "its SHA-256 is not the one that was recorded")
	}
	return nil
}

// readerUntil stops reading when its context ends.
type readerUntil struct {
	ctx context.Context
	r   io.Reader
}

func (r readerUntil) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
