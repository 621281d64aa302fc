package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
)

// What keys are derived for. The names are part of the format.
const (
	forPayload  = "drydock sealed v1: payload"
	forHeader   = "drydock sealed v1: header"
	forManifest = "drydock sealed v1: manifest"
)

const keySize = 32

// fileKey is the secret of one artifact. It prints as nothing of use, and lives as long as its artifact is read or written.
type fileKey struct{ secret [keySize]byte }

func newFileKey() *fileKey {
	k := &fileKey{}
	_, _ = rand.Read(k.secret[:]) // never fails: see crypto/rand
	return k
}

// String hides the key from fmt.
func (*fileKey) String() string { return "[redacted]" }

// GoString hides the key from fmt's %#v.
func (*fileKey) GoString() string { return "[redacted]" }

// derive returns the key for one purpose.
func (k *fileKey) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.secret[:], nil, purpose, keySize)
	if err != nil {
		panic("seal: derive a key of a fixed size: " + err.Error())
	}
	return key
}

// mac authenticates data for one purpose.
func (k *fileKey) mac(purpose string, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, k.derive(purpose))
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// forget overwrites the key. What was derived of it lives until the garbage collector comes.
func (k *fileKey) forget() { clear(k.secret[:]) }

// associated are the associated data of a chunk: artifact id, index, and whether it is the end.
func associated(id [16]byte, index int64, end bool) []byte {
	b := binary.BigEndian.AppendUint64(append(make([]byte, 0, 25), id[:]...), uint64(index))
	if end {
		return append(b, 1)
	}
	return append(b, 0)
}
