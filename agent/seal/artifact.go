package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"filippo.io/age"
)

// Artifact is a sealed artifact whose key was found and whose end was proven. Its plaintext is read at any place; a
// segment is proven before a byte of it is given out. It is safe for concurrent use.
type Artifact struct {
	src  io.ReaderAt
	l    layout
	id   [16]byte
	key  *fileKey
	main []byte // of the payload

	// HeaderDamage tells that the header is not as it was written, although the key could be found. What is read is
	// right all the same: it is proven segment by segment.
	HeaderDamage error

	mu      sync.Mutex
	recent  []*segment // the latest that were not read whole, so that small reads in a row open each once
	leads   map[int64]lead
	buffers sync.Pool // of ciphertext: *[]byte
}

// lead is what a chunk's segments are opened with.
type lead struct {
	aead   cipher.AEAD
	prefix [prefixSize]byte
}

type segment struct {
	chunk, index int64
	plain        []byte
	err          error
	ready        chan struct{} // closed when it is opened
}

// keepSegments and keepLeads bound the memory of an Artifact: 8 MiB of plaintext, and the ciphers of a thousand chunks.
const (
	keepSegments = 8
	keepLeads    = 1024
)

// Open reads the header, finds the key with the identities, and proves the end, so that a cut is noticed at once. src must
// allow reads at the same time, as io.ReaderAt promises.
func Open(src io.ReaderAt, size int64, identities ...age.Identity) (*Artifact, error) {
	h, err := readHeader(src, size)
	if err != nil {
		return nil, err
	}
	l := layout{header: h.size, chunk: h.chunk, sealed: size}
	if err := l.check(); err != nil {
		return nil, err
	}
	key, damage, err := h.unlock(identities)
	if err != nil {
		return nil, err
	}
	a := &Artifact{src: src, l: l, id: h.id, key: key, main: key.derive(forPayload), HeaderDamage: damage, leads: map[int64]lead{}}
	return a, a.proveEnd()
}

// proveEnd opens the empty ciphertext at the end. Only the right number of chunks opens it.
func (a *Artifact) proveEnd() error {
	raw := make([]byte, endSize)
	if err := readFull(a.src, raw, a.l.sealed-endSize); err != nil {
		return err
	}
	end, err := a.newLead(raw, a.l.chunks(), true)
	if err != nil {
		return err
	}
	if _, err := end.open(nil, raw[leadSize:], 0, true); err != nil {
		return fmt.Errorf("%w: its end is not where it was: it is cut short, has grown or is altered", ErrDamaged)
	}
	return nil
}

// Size returns the bytes of plaintext.
func (a *Artifact) Size() int64 { return a.l.size() }

// ID returns the artifact's id.
func (a *Artifact) ID() [16]byte { return a.id }

// CheckMAC reports whether a MAC was made by the Writer of this artifact over data. It takes the same time for all MACs.
func (a *Artifact) CheckMAC(data, mac []byte) bool {
	return hmac.Equal(mac, a.key.mac(forManifest, data))
}

// Forget overwrites the key. The artifact is of no use afterwards.
func (a *Artifact) Forget() {
	a.key.forget()
	clear(a.main)
}

// ReadAt implements io.ReaderAt on the plaintext. Segments that p takes whole are opened right into it, a run of them after
// one read of the source.
func (a *Artifact) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("read at %d: negative offset", off)
	}
	for n < len(p) && off < a.Size() {
		c, err := a.read(p[n:], off)
		if err != nil {
			return n, err
		}
		n, off = n+c, off+int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// read gives the bytes from off on, of a run of whole segments of one chunk, or of one that is not needed whole.
func (a *Artifact) read(p []byte, off int64) (int, error) {
	chunk, in := a.l.find(off)
	index, before := int64(0), int64(0)
	if first := int64(SegmentSize - leadSize - tagSize); in >= first {
		index = 1 + (in-first)/(SegmentSize-tagSize)
		before = first + (index-1)*(SegmentSize-tagSize)
	}
	if in == before {
		if last := a.l.whole(chunk, index, int64(len(p))); last > index {
			return a.openRun(p, chunk, index, last)
		}
	}
	plain, err := a.shared(chunk, index)
	return copy(p, plain[min(in-before, int64(len(plain))):]), err
}

// openRun opens the segments from index up to last, which is not one of them, into p.
func (a *Artifact) openRun(p []byte, chunk, index, last int64) (n int, err error) {
	lead, err := a.lead(chunk)
	if err != nil {
		return 0, err
	}
	from, _ := a.l.segment(chunk, index)
	_, to := a.l.segment(chunk, last-1)
	raw := a.buffer(int(to - from))
	defer a.buffers.Put(raw)
	if err := readFull(a.src, *raw, from); err != nil {
		return 0, err
	}
	_, end := a.l.bounds(chunk)
	for ; index < last; index++ {
		begin, stop := a.l.segment(chunk, index)
		plain, err := lead.open(p[n:n], (*raw)[begin-from:stop-from], index, stop == end)
		if err != nil {
			return 0, fmt.Errorf("%w: chunk %d, bytes %d to %d", ErrDamaged, chunk, begin, stop)
		}
		n += len(plain)
	}
	return n, nil
}

// buffer returns room for n bytes of ciphertext.
func (a *Artifact) buffer(n int) *[]byte {
	raw, ok := a.buffers.Get().(*[]byte)
	if !ok || cap(*raw) < n {
		fresh := make([]byte, n)
		return &fresh
	}
	*raw = (*raw)[:n]
	return raw
}

// shared returns a segment that several reads have a part of. It is opened once, while the latest are kept.
func (a *Artifact) shared(chunk, index int64) ([]byte, error) {
	a.mu.Lock()
	for _, s := range a.recent {
		if s.chunk == chunk && s.index == index {
			a.mu.Unlock()
			<-s.ready
			return s.plain, s.err
		}
	}
	s := &segment{chunk: chunk, index: index, ready: make(chan struct{})}
	if len(a.recent) == keepSegments {
		a.recent = append(a.recent[:0], a.recent[1:]...)
	}
	a.recent = append(a.recent, s)
	a.mu.Unlock()
	s.plain, s.err = a.open(chunk, index)
	close(s.ready)
	if s.err != nil {
		a.drop(s)
	}
	return s.plain, s.err
}

// drop forgets a segment that could not be opened: the next read tries again.
func (a *Artifact) drop(s *segment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recent = slices.DeleteFunc(a.recent, func(x *segment) bool { return x == s })
}

// open reads and opens one segment.
func (a *Artifact) open(chunk, index int64) ([]byte, error) {
	lead, err := a.lead(chunk)
	if err != nil {
		return nil, err
	}
	from, to := a.l.segment(chunk, index)
	raw := make([]byte, to-from)
	if err := readFull(a.src, raw, from); err != nil {
		return nil, err
	}
	_, end := a.l.bounds(chunk)
	plain, err := lead.open(raw[:0], raw, index, to == end)
	if err != nil {
		return nil, fmt.Errorf("%w: chunk %d, bytes %d to %d", ErrDamaged, chunk, from, to)
	}
	return plain, nil
}

// lead returns what a chunk's segments are opened with.
func (a *Artifact) lead(chunk int64) (lead, error) {
	a.mu.Lock()
	known, ok := a.leads[chunk]
	a.mu.Unlock()
	if ok {
		return known, nil
	}
	begin, _ := a.l.bounds(chunk)
	raw := make([]byte, leadSize)
	if err := readFull(a.src, raw, begin); err != nil {
		return lead{}, err
	}
	fresh, err := a.newLead(raw, chunk, false)
	if err != nil {
		return lead{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.leads) >= keepLeads {
		clear(a.leads)
	}
	a.leads[chunk] = fresh
	return fresh, nil
}

// newLead derives the key of one ciphertext, as Tink's AES-GCM-HKDF does. Tink itself only reads from front to back.
func (a *Artifact) newLead(raw []byte, chunk int64, end bool) (l lead, err error) {
	if raw[0] != leadSize {
		return l, fmt.Errorf("%w: chunk %d does not begin as one", ErrDamaged, chunk)
	}
	key, err := hkdf.Key(sha256.New, a.main, raw[1:1+saltSize], string(associated(a.id, chunk, end)), keySize)
	if err != nil {
		return l, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return l, err
	}
	l.aead, err = cipher.NewGCM(block)
	copy(l.prefix[:], raw[1+saltSize:])
	return l, err
}

// open opens one segment and appends its plaintext to dst.
func (l lead) open(dst, raw []byte, index int64, last bool) ([]byte, error) {
	if l.aead == nil || index > 1<<32-1 {
		return nil, errors.New("no such segment")
	}
	nonce := binary.BigEndian.AppendUint32(bytes.Clone(l.prefix[:]), uint32(index))
	if last {
		nonce = append(nonce, 1)
	} else {
		nonce = append(nonce, 0)
	}
	return l.aead.Open(dst, nonce, raw, nil)
}
