package seal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// ParseRecipient reads one public key: age1..., age1pq... (post-quantum), ssh-ed25519 ... or ssh-rsa ....
func ParseRecipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	var r age.Recipient
	var err error
	switch {
	case strings.HasPrefix(text, "ssh-"):
		r, err = agessh.ParseRecipient(text)
	case strings.HasPrefix(text, "age1pq1"):
		r, err = age.ParseHybridRecipient(text)
	case strings.HasPrefix(text, "age1"):
		r, err = age.ParseX25519Recipient(text)
	case strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-"), strings.HasPrefix(text, "-----BEGIN"):
		return nil, errors.New("this is a secret key; a recipient is the public one, which begins with age1 or ssh-")
	default:
		return nil, errors.New("not a public key: it must begin with age1, ssh-ed25519 or ssh-rsa")
	}
	if err != nil {
		return nil, fmt.Errorf("not a public key: %w", err)
	}
	return r, nil
}

// ParseIdentities reads secret keys: lines as `drydock keygen` and age-keygen write them, or one SSH key as PEM, without a
// passphrase. Its errors quote nothing of the text.
func ParseIdentities(text []byte) ([]age.Identity, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		id, err := agessh.ParseIdentity(text)
		if err != nil {
			return nil, errors.New("not an SSH key that can be used: ed25519 and rsa keys without a passphrase are")
		}
		return []age.Identity{id}, nil
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("holds no secret keys: each line must be an AGE-SECRET-KEY-1... or a comment")
	}
	return ids, nil
}

// PassphraseIdentity opens what was sealed for a passphrase.
func PassphraseIdentity(passphrase string) (age.Identity, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	return id, nil
}

const (
	// workFactor is the log2 of scrypt's work: 128 MiB of memory and some tenths of a second, what OWASP recommends.
	workFactor = 17
	// maxWorkFactor bounds what a hostile header can ask for: 1 GiB of memory and some seconds.
	maxWorkFactor = 20
)

// KeyPair is a fresh secret key with its public one, as text.
type KeyPair struct {
	Secret    string
	Recipient string
}

// GenerateKey makes a key pair: X25519, or the post-quantum hybrid.
func GenerateKey(hybrid bool) (KeyPair, error) {
	if hybrid {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			return KeyPair{}, err
		}
		return KeyPair{id.String(), id.Recipient().String()}, nil
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return KeyPair{}, err
	}
	return KeyPair{id.String(), id.Recipient().String()}, nil
}

// String hides the secret from fmt.
func (k KeyPair) String() string { return k.Recipient }

// GoString hides the secret from fmt's %#v.
func (k KeyPair) GoString() string { return k.Recipient }
