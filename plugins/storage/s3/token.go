package s3

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// token is everything that finds an upload again. It travels as base64 of JSON.
type token struct {
	Key       string `json:"k"` // without the prefix
	ChunkSize int64  `json:"c"`
	Upload    string `json:"u"` // the service's id
	ID        string `json:"i"` // ours, in the object's metadata
}

const maxToken = 8 << 10

func newID() string { return rand.Text() }

func (t token) encode() (string, error) {
	b, err := json.Marshal(t)
	return base64.RawURLEncoding.EncodeToString(b), err
}

// parseToken returns errs.NotFound for what encode has not made: such an upload cannot exist.
func parseToken(text string) (token, error) {
	var t token
	unknown := errs.New(errs.NotFound, "no such upload")
	if len(text) > maxToken {
		return t, unknown
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &t) != nil || t.Key == "" || t.Upload == "" || t.ID == "" || t.ChunkSize < 1 {
		return token{}, unknown
	}
	return t, nil
}
