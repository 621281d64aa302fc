package s3_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/plugins/storage/s3"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// R2.4: each mistake is reported at its attribute, before anything is asked over the network, and quotes no secret.
func TestBadConfig(t *testing.T) {
	const secret = "do-not-show-me"
	for _, tc := range []struct {
		attribute, config string
	}{
		{"bucket", `{}`},
		{"bucket", `{"bucket": ""}`},
		{"bucket", `{"bucket": "a b"}`},
		{"bucket", `{"bucket": "../x"}`},
		{"prefix", `{"bucket": "bucket", "prefix": "/abs"}`},
		{"prefix", `{"bucket": "bucket", "prefix": "a//b"}`},
		{"prefix", `{"bucket": "bucket", "prefix": "../a/"}`},
		{"prefix", `{"bucket": "bucket", "prefix": "a\nb"}`},
		{"endpoint", `{"bucket": "bucket", "endpoint": "s3.internal:9000"}`},
		{"endpoint", `{"bucket": "bucket", "endpoint": "ftp://s3.internal"}`},
		{"endpoint", `{"bucket": "bucket", "endpoint": "https://user:do-not-show-me@s3.internal"}`},
		{"sts_endpoint", `{"bucket": "bucket", "sts_endpoint": "sts"}`},
		{"access_key", `{"bucket": "bucket", "access_key": "x"}`},
		{"access_key", `{"bucket": "bucket", "secret_key": "do-not-show-me"}`},
		{"session_token", `{"bucket": "bucket", "session_token": "do-not-show-me"}`},
		{"profile", `{"bucket": "bucket", "access_key": "x", "secret_key": "do-not-show-me", "profile": "p"}`},
		{"profile", `{"bucket": "bucket", "profile": "there-is-no-such-profile"}`},
		{"web_identity_token_file", `{"bucket": "bucket", "web_identity_token_file": "/token"}`},
		{"web_identity_token_file", `{"bucket": "bucket", "web_identity_token_file": "/token", "role_arn": "r", "profile": "p"}`},
		{"storage_class", `{"bucket": "bucket", "storage_class": "DEEP_ARCHIVE"}`},
		{"encryption", `{"bucket": "bucket", "encryption": "rot13"}`},
		{"kms_key", `{"bucket": "bucket", "kms_key": "k"}`},
		{"kms_key", `{"bucket": "bucket", "kms_key": "k", "encryption": "AES256"}`},
		{"tags", `{"bucket": "bucket", "tags": {"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","10":"","11":""}}`},
		{"tags", `{"bucket": "bucket", "tags": {"team": "dba & more"}}`},
		{"tags", `{"bucket": "bucket", "tags": {"": "x"}}`},
		{"metadata", `{"bucket": "bucket", "metadata": {"Drydock-Upload": "x"}}`},
		{"object_lock", `{"bucket": "bucket", "lock_for": "30d"}`},
		{"object_lock", `{"bucket": "bucket", "legal_hold": true}`},
		{"lock_for", `{"bucket": "bucket", "object_lock": true, "lock_for": "-1h"}`},
		{"lock_mode", `{"bucket": "bucket", "object_lock": true, "lock_mode": "strict"}`},
		{"abandoned_after", `{"bucket": "bucket", "abandoned_after": "1h"}`},
		{"bandwidth", `{"bucket": "bucket", "bandwidth": "100KiB"}`},
		{"ca_file", `{"bucket": "bucket", "ca_file": "/no/such/file"}`},
		{"proxy", `{"bucket": "bucket", "proxy": "do-not-show-me"}`},
	} {
		_, diags, err := s3.Provider().Open(t.Context(), []byte(tc.config))
		if err != nil || len(diags) != 1 || strings.Join(diags[0].Path, ".") != tc.attribute {
			t.Errorf("%s: %v %v; want one diagnostic at %s", tc.config, diags, err, tc.attribute)
		}
		for _, d := range diags {
			if strings.Contains(d.Error(), secret) {
				t.Errorf("%s: the diagnostic shows a secret: %v", tc.config, d)
			}
		}
	}
}

func TestGoodConfig(t *testing.T) {
	for _, config := range []string{
		`{"bucket": "bucket"}`,
		`{"bucket": "arn:aws:s3:eu-central-1:111122223333:accesspoint/backups"}`,
		`{"bucket": "bucket", "prefix": "no-slash-at-the-end"}`,
		`{"bucket": "bucket", "prefix": "a/b/", "encryption": "aws:kms", "kms_key": "alias/backups", "storage_class": "STANDARD_IA"}`,
		`{"bucket": "bucket", "object_lock": true, "lock_for": "30d", "lock_mode": "compliance", "legal_hold": true}`,
		`{"bucket": "bucket", "role_arn": "arn:aws:iam::111122223333:role/drydock", "web_identity_token_file": "/token"}`,
		`{"bucket": "bucket", "abandoned_after": "0s", "bandwidth": "10MiB", "proxy": "http://proxy:3128"}`,
	} {
		if _, diags, err := s3.Provider().Open(t.Context(), []byte(config)); err != nil || len(diags) > 0 {
			t.Errorf("%s: %v %v", config, diags, err)
		}
	}
}

// What is no token names an upload that does not exist; what is one comes back as it was.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{
		`{"k":"a/b","c":1,"u":"x","i":"y"}`, `{"k":"","c":1,"u":"x","i":"y"}`, `{"k":"a","c":-1,"u":"x","i":"y"}`, `{}`, `[]`, `{"c":1e99}`,
	} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(seed)))
	}
	f.Add("0123456789abcdef")
	f.Add("../x")
	f.Add(strings.Repeat("A", 9000))
	f.Fuzz(func(t *testing.T, text string) {
		again, err := s3.ParseToken(text)
		if err != nil {
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if twice, err := s3.ParseToken(again); err != nil || twice != again {
			t.Errorf("%q: %q, then %q, error %v", text, again, twice, err)
		}
		if b, err := base64.RawURLEncoding.DecodeString(again); err != nil || !json.Valid(b) {
			t.Errorf("%q became %q", text, b)
		}
	})
}

func TestKindOf(t *testing.T) {
	for _, tc := range []struct {
		code   string
		status int
		want   errs.Kind
	}{
		{"NoSuchKey", 404, errs.NotFound}, {"NotFound", 404, errs.NotFound}, {"NoSuchUpload", 404, errs.NotFound},
		{"NoSuchBucket", 404, errs.Permanent}, {"InvalidObjectState", 403, errs.Permanent},
		{"PreconditionFailed", 412, errs.Exists}, {"ConditionalRequestConflict", 409, errs.Transient},
		{"SlowDown", 503, errs.Throttled}, {"status 503", 503, errs.Throttled}, {"TooManyRequests", 429, errs.Throttled},
		{"InternalError", 500, errs.Transient}, {"RequestTimeout", 400, errs.Transient}, {"whatever", 502, errs.Transient},
		{"BadDigest", 400, errs.Corrupt},
		{"kms:KeyNotFound", 404, errs.Permanent}, {"KMS.DisabledException", 400, errs.Permanent},
		{"XAmzContentSHA256Mismatch", 400, errs.Corrupt},
		{"XMinioStorageFull", 507, errs.NoSpace}, {"QuotaExceeded", 403, errs.NoSpace},
		{"AccessDenied", 403, errs.Permission}, {"Forbidden", 403, errs.Permission}, {"ExpiredToken", 400, errs.Permission},
		{"RequestTimeTooSkewed", 403, errs.Permission}, {"InvalidAccessKeyId", 403, errs.Permission},
		{"EntityTooSmall", 400, errs.Invalid}, {"InvalidPart", 400, errs.Invalid}, {"MovedPermanently", 301, errs.Invalid},
		{"InvalidRange", 416, errs.Invalid}, {"NotImplemented", 501, errs.Unsupported},
	} {
		if got := s3.KindOf(tc.code, tc.status); got != tc.want {
			t.Errorf("%s with status %d: %q, want %q", tc.code, tc.status, got, tc.want)
		}
	}
}
