package wire

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// HeaderDigest is the header with the digest of a chunk, as RFC 9530 has it.
const HeaderDigest = "Content-Digest"

// FormatDigest returns the value of the header: `sha-256=:BASE64:`.
func FormatDigest(sum [32]byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// ParseDigest reads the header. Digests of other algorithms may stand beside SHA-256, and are not looked at.
func ParseDigest(value string) ([32]byte, error) {
	var found [][32]byte
	for part := range strings.SplitSeq(value, ",") {
		name, text, _ := strings.Cut(strings.Trim(part, " \t"), "=")
		if name != "sha-256" {
			continue
		}
		inner, ok := strings.CutPrefix(text, ":")
		inner, ok2 := strings.CutSuffix(inner, ":")
		sum, err := base64.StdEncoding.Strict().DecodeString(inner)
		if !ok || !ok2 || err != nil || len(sum) != 32 || strings.ContainsAny(inner, "\r\n") {
			return [32]byte{}, errs.New(errs.Invalid, "header %s: not sha-256=:BASE64: of 32 bytes", HeaderDigest)
		}
		found = append(found, [32]byte(sum))
	}
	if len(found) != 1 {
		return [32]byte{}, errs.New(errs.Invalid, "header %s: one sha-256 is needed", HeaderDigest)
	}
	return found[0], nil
}

// ParseSHA256 reads a digest in hexadecimal.
func ParseSHA256(text string) ([32]byte, error) {
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != 32 {
		return [32]byte{}, errs.New(errs.Corrupt, "digest %.80q has not 64 hexadecimal digits", text)
	}
	return [32]byte(sum), nil
}

// ParseNumber reads a number from 0 to most in plain decimal digits: no sign, no space, no leading zero.
func ParseNumber(what, text string, most int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most || strconv.FormatInt(n, 10) != text {
		return 0, errs.New(errs.Invalid, "%s %.40q is not a number from 0 to %d", what, text, most)
	}
	return n, nil
}
