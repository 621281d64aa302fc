package enroll

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

// Token is what an administrator hands to an agent.
type Token struct {
	Authority [32]byte // SHA-256 of the authority's certificate in DER
	secret    [32]byte
}

// prefix tells what a token is for, and its version.
const prefix = "drydock-enroll-1-"

var errToken = errors.New("this is not a token of drydock-receiver enroll --offer")

// newToken makes a token for an authority whose certificate is der.
func newToken(der []byte) Token {
	t := Token{Authority: sha256.Sum256(der)}
	_, _ = rand.Read(t.secret[:]) // never fails
	return t
}

// Text is how a token is handed over. It is a secret.
func (t Token) Text() string {
	return prefix + base64.RawURLEncoding.EncodeToString(append(t.Authority[:], t.secret[:]...))
}

// ParseToken is the way back. Its error does not quote the text.
func ParseToken(text string) (Token, error) {
	encoded, ok := strings.CutPrefix(text, prefix)
	b, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(b) != 64 || strings.ContainsAny(encoded, "\r\n") {
		return Token{}, errToken
	}
	return Token{Authority: [32]byte(b[:32]), secret: [32]byte(b[32:])}, nil
}

// verifier is what an offer keeps of a token.
type verifier [32]byte

func (t Token) verifier() verifier { return sha256.Sum256(t.secret[:]) }

// accepts reports whether a secret is the token's, in a time that tells nothing.
func (v verifier) accepts(secret []byte) bool {
	sum := sha256.Sum256(secret)
	return subtle.ConstantTimeCompare(sum[:], v[:]) == 1
}
