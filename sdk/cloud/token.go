package cloud

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// Token names an upload: a random number, and the key that the object will have. So an upload that has become an object is
// found again by its token alone, with nothing left behind in the store.
type Token struct {
	ID  [16]byte
	Key string
}

// NewToken makes the token of a new upload.
func NewToken(key string) Token {
	t := Token{Key: key}
	_, _ = rand.Read(t.ID[:]) // never fails
	return t
}

// Name is the upload's random number in hexadecimal digits.
func (t Token) Name() string { return hex.EncodeToString(t.ID[:]) }

// String is the token as the agent keeps it.
func (t Token) String() string {
	return t.Name() + "-" + base64.RawURLEncoding.EncodeToString([]byte(t.Key))
}

// ParseToken reads what String wrote. Anything else names no upload: errs.NotFound.
func ParseToken(text string) (Token, error) {
	var t Token
	name, encoded, ok := strings.Cut(text, "-")
	id, errID := hex.DecodeString(name)
	key, errKey := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || errID != nil || errKey != nil || len(id) != len(t.ID) || CheckKey("", string(key)) != nil {
		return t, errs.New(errs.NotFound, "no such upload")
	}
	t.ID, t.Key = [16]byte(id), string(key)
	if t.String() != text {
		return t, errs.New(errs.NotFound, "no such upload")
	}
	return t, nil
}

// TokenOf returns the token of the upload with a name, for a key.
func TokenOf(name, key string) (Token, error) {
	return ParseToken(name + "-" + base64.RawURLEncoding.EncodeToString([]byte(key)))
}
