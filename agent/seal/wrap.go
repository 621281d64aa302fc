package seal

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// Holders are who can open an artifact. A host that seals needs only what is public of them, save the passphrase.
type Holders struct {
	Passphrase string          // "" means that none opens it
	Recipients []age.Recipient // public keys
	// WorkFactor is the log2 of scrypt's work for the passphrase, at most 20; 0 means 17, which takes 128 MiB of memory.
	WorkFactor int
}

// Envelope is the key of one artifact that is about to be sealed, wrapped for its holders. To make one takes the time that
// a passphrase's scrypt takes; [NewWriter] then costs nothing.
type Envelope struct {
	id      [16]byte
	key     *fileKey
	wrapped [][]byte
}

// NewEnvelope makes a fresh key and wraps it.
func NewEnvelope(h Holders) (*Envelope, error) {
	e := &Envelope{key: newFileKey()}
	_, _ = rand.Read(e.id[:])
	var err error
	e.wrapped, err = h.wrap(e.key)
	if err == nil {
		_, err = newHeader(e.id, SegmentSize).encodeSlot(1, e.wrapped, e.key) // too many holders are noticed now
	}
	return e, err
}

// MAC authenticates data that belong to the artifact but lie elsewhere, under the artifact's key.
func (e *Envelope) MAC(data []byte) []byte { return e.key.mac(forManifest, data) }

// Forget overwrites the key, when the artifact is finished or given up and MAC is no longer needed.
func (e *Envelope) Forget() { e.key.forget() }

// wrap wraps the key for every holder. A passphrase has an age file of its own: age does not mix it with public keys.
func (h Holders) wrap(key *fileKey) ([][]byte, error) {
	var files [][]byte
	if h.Passphrase != "" {
		r, err := age.NewScryptRecipient(h.Passphrase)
		if err != nil {
			return nil, fmt.Errorf("passphrase: %w", err)
		}
		r.SetWorkFactor(cmp.Or(h.WorkFactor, workFactor))
		file, err := wrapKey(key, r)
		if err != nil {
			return nil, fmt.Errorf("wrap the key for the passphrase: %w", err)
		}
		files = append(files, file)
	}
	for _, group := range alike(h.Recipients) {
		file, err := wrapKey(key, group...)
		if err != nil {
			return nil, fmt.Errorf("wrap the key for the recipients: %w", err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, errors.New("nobody could open it: give a passphrase or a recipient")
	}
	if len(files) > maxHolders {
		return nil, fmt.Errorf("%d kinds of holders, at most %d are possible", len(files), maxHolders)
	}
	return files, nil
}

// alike parts recipients into those that age puts into one file: post-quantum ones are not mixed with others.
func alike(all []age.Recipient) [][]age.Recipient {
	var classic, hybrid []age.Recipient
	for _, r := range all {
		if _, ok := r.(*age.HybridRecipient); ok {
			hybrid = append(hybrid, r)
		} else {
			classic = append(classic, r)
		}
	}
	var groups [][]age.Recipient
	for _, g := range [][]age.Recipient{classic, hybrid} {
		if len(g) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func wrapKey(key *fileKey, to ...age.Recipient) ([]byte, error) {
	var file bytes.Buffer
	w, err := age.Encrypt(&file, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(key.secret[:]); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// unwrapKey opens one age file. A key that does not fit is ErrNoKey, anything else ErrDamaged: none tells of the other.
func unwrapKey(file []byte, identities []age.Identity) (*fileKey, error) {
	if len(identities) == 0 {
		return nil, fmt.Errorf("%w: none was given", ErrNoKey)
	}
	r, err := age.Decrypt(bytes.NewReader(file), identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the wrapped key: %w", ErrDamaged, err)
	}
	secret, err := io.ReadAll(io.LimitReader(r, keySize+1))
	if err != nil || len(secret) != keySize {
		return nil, fmt.Errorf("%w: the wrapped key is altered", ErrDamaged)
	}
	k := &fileKey{}
	copy(k.secret[:], secret)
	clear(secret)
	return k, nil
}
