package s3_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/s3"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// policy is the one in the documentation.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid, Effect string
	Action      []string
	Resource    string
}

// documented reads the policy that the documentation gives, for another bucket; with locked, that for tags and Object Lock too.
func documented(t *testing.T, bucket string, locked bool) policy {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "admin", "storage-s3.md"))
	if err != nil {
		t.Fatal(err)
	}
	var p policy
	var more []statement
	for i, into := range []any{&p, &more} {
		parts := strings.SplitN(string(page), "```json\n", 3)
		text, _, _ := strings.Cut(parts[i+1], "```")
		if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "acme-backups", bucket)), into); err != nil {
			t.Fatalf("the policy in the documentation: %v\n%s", err, text)
		}
	}
	if len(p.Statement) != 2 || len(more) != 2 {
		t.Fatalf("the policies in the documentation: %+v, %+v", p, more)
	}
	if locked {
		p.Statement = append(p.Statement, more...)
	}
	return p
}

// without returns the policy without one action.
func (p policy) without(action string) policy {
	q := policy{Version: p.Version}
	for _, s := range p.Statement {
		s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool { return a == action })
		if len(s.Action) > 0 {
			q.Statement = append(q.Statement, s)
		}
	}
	return q
}

// limited returns temporary keys that may do what the policy says, and no more.
func limited(t *testing.T, server *testenv.S3, p policy) testenv.RoleKeys {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return server.RoleKeys(t, string(text))
}

func (p policy) open(t *testing.T, server *testenv.S3, bucket string, more map[string]any) storage.Storage {
	t.Helper()
	c := limited(t, server, p)
	settings := map[string]any{"prefix": "mysql/", "access_key": c.AccessKey, "secret_key": c.SecretKey,
		"session_token": c.SessionToken}
	maps.Copy(settings, more)
	return open(t, config(server, bucket, settings))
}

func checkOf(t *testing.T, s storage.Storage) (storage.Capacity, error) {
	t.Helper()
	return s.(storage.Checker).Check(t.Context())
}

// The documented policy is enough for everything, and not one action of it is too many: what is missing is named, before
// MySQL is stopped.
func TestLeastPrivilege(t *testing.T) {
	server := testenv.MinIO(t)
	bucket := server.Bucket(t, false)
	whole := documented(t, bucket, false)
	t.Run("whole", func(t *testing.T) {
		store := whole.open(t, server, bucket, nil)
		c, err := checkOf(t, store)
		if err != nil || len(c.Notes) > 0 || c.Limits.MaxChunks != 10_000 {
			t.Fatalf("check: %+v, %v", c, err)
		}
		if err := put(t, store, "db/object"); err != nil {
			t.Error(err)
		}
		token, err := store.Begin(t.Context(), storage.Upload{Key: "db/other", ChunkSize: partSize})
		if err == nil {
			_, err = store.ListChunks(t.Context(), token)
		}
		if err == nil {
			err = store.Abort(t.Context(), token)
		}
		if err == nil {
			err = store.Delete(t.Context(), "db/object")
		}
		if err != nil {
			t.Error(err)
		}
	})
	for action, optional := range map[string]bool{
		"s3:ListBucket": false, "s3:GetObject": false, "s3:PutObject": false, "s3:ListMultipartUploadParts": false,
		"s3:AbortMultipartUpload": false, "s3:ListBucketMultipartUploads": true, "s3:DeleteObject": true,
	} {
		t.Run(action, func(t *testing.T) { whole.wantNamed(t, server, bucket, action, optional, nil) })
	}
}

// wantNamed fails the test unless the check names the action that is taken away: as an error, or as a note when a run can do
// without it.
func (p policy) wantNamed(t *testing.T, server *testenv.S3, bucket, action string, optional bool, settings map[string]any) {
	t.Helper()
	c, err := checkOf(t, p.without(action).open(t, server, bucket, settings))
	if optional {
		if err != nil || !strings.Contains(strings.Join(c.Notes, "\n"), action) {
			t.Errorf("notes %q, error %v", c.Notes, err)
		}
		return
	}
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), action) ||
		!strings.Contains(err.Error(), "asked as access key ") {
		t.Errorf("error %v does not name the permission", err)
	}
}

// The same with tags and Object Lock.
func TestLeastPrivilegeToLock(t *testing.T) {
	server := testenv.MinIO(t)
	bucket := server.Bucket(t, true)
	whole := documented(t, bucket, true)
	settings := map[string]any{"object_lock": true, "lock_for": "2h", "legal_hold": true, "tags": map[string]string{"team": "dba"}}
	store := whole.open(t, server, bucket, settings)
	if c, err := checkOf(t, store); err != nil || len(c.Notes) > 0 {
		t.Fatalf("check: %+v, %v", c, err)
	}
	if err := put(t, store, "db/object"); err != nil {
		t.Fatal(err)
	}
	if o, err := store.Stat(t.Context(), "db/object"); err != nil || !o.Hold.Legal || !o.Hold.Active(time.Now().Add(time.Hour)) {
		t.Errorf("stat: %+v, error %v", o, err)
	}
	err := store.Delete(t.Context(), "db/object")
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "legal hold") {
		t.Errorf("delete: %v", err)
	}
	// MinIO does not ask for s3:PutObjectTagging when an upload begins; Amazon does.
	for action, optional := range map[string]bool{"s3:GetObjectRetention": false, "s3:GetObjectLegalHold": false,
		"s3:PutObjectRetention": false, "s3:PutObjectLegalHold": false, "s3:GetBucketObjectLockConfiguration": true} {
		t.Run(action, func(t *testing.T) { whole.wantNamed(t, server, bucket, action, optional, settings) })
	}
}

// R2.4: what is wrong with a target shows before the stop, in words.
func TestCheckRefuses(t *testing.T) {
	testenv.EachS3(t, func(t *testing.T, start func(testing.TB) *testenv.S3) {
		server := start(t)
		bucket := server.Bucket(t, false)
		for name, tc := range map[string]struct {
			change map[string]any
			kind   errs.Kind
			text   string
		}{
			"no such bucket": {map[string]any{"bucket": "there-is-no-such-bucket"}, errs.Permanent, "NoSuchBucket"},
			"unknown key":    {map[string]any{"access_key": "nobody-knows-me"}, errs.Permission, "InvalidAccessKeyId"},
			"wrong secret":   {map[string]any{"secret_key": "not-the-secret"}, errs.Permission, "SignatureDoesNotMatch"},
			"no Object Lock": {map[string]any{"object_lock": true}, errs.Invalid, "has no Object Lock"},
			"nobody there":   {map[string]any{"endpoint": "http://127.0.0.1:1"}, errs.Transient, "refused"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := checkOf(t, open(t, config(server, bucket, tc.change)))
				if !errs.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.text) {
					t.Errorf("error %v of kind %q; want %q and %q", err, errs.KindOf(err), tc.kind, tc.text)
				}
				if err != nil && strings.Contains(err.Error(), "not-the-secret") {
					t.Errorf("the error shows the secret: %v", err)
				}
			})
		}
	})
}

// A check leaves nothing behind, no unfinished upload and no delete marker either.
func TestCheckLeavesNothing(t *testing.T) {
	testenv.EachS3(t, func(t *testing.T, start func(testing.TB) *testenv.S3) {
		server := start(t)
		for _, lock := range []bool{false, true} {
			bucket := server.Bucket(t, lock)
			if _, err := checkOf(t, open(t, config(server, bucket, map[string]any{"object_lock": lock}))); err != nil {
				t.Fatal(err)
			}
			uploads, err := server.Client().ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: &bucket})
			if err != nil || len(uploads.Uploads) > 0 {
				t.Errorf("unfinished uploads: %+v, error %v", uploads, err)
			}
			versions, err := server.Client().ListObjectVersions(t.Context(), &awss3.ListObjectVersionsInput{Bucket: &bucket})
			if err != nil || len(versions.Versions)+len(versions.DeleteMarkers) > 0 {
				t.Errorf("object lock %v: versions %+v, error %v", lock, versions, err)
			}
		}
	})
}

// Clocks that differ are told, and named as the cause when the service refuses for them.
func TestClockSkew(t *testing.T) {
	server := testenv.VersityGW(t)
	front := testenv.NewFront(t, server.Addr)
	store := open(t, config(server.Behind(front.Addr), server.Bucket(t, false), nil))
	date := func(ago time.Duration) string { return time.Now().Add(-ago).UTC().Format(http.TimeFormat) }
	front.After = func(answer *http.Response) { answer.Header.Set("Date", date(10*time.Minute)) }
	c, err := checkOf(t, store)
	if err != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "clock differs from the service's by 10m") {
		t.Errorf("notes %q, error %v", c.Notes, err)
	}
	front.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Date", date(20*time.Minute))
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>`))
		return true
	}
	_, err = checkOf(t, store)
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "clock is 20m") || !strings.Contains(err.Error(), "ahead") {
		t.Errorf("error %v", err)
	}
}

// R8.3: what the service asks for reaches the agent, which alone tries again.
func TestThrottled(t *testing.T) {
	server := testenv.VersityGW(t)
	front := testenv.NewFront(t, server.Addr)
	store := open(t, config(server.Behind(front.Addr), server.Bucket(t, false), nil))
	for _, tc := range []struct {
		status int
		body   string
		kind   errs.Kind
		after  time.Duration
	}{
		{503, `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`, errs.Throttled, 7 * time.Second},
		{503, ``, errs.Throttled, 7 * time.Second},
		{429, ``, errs.Throttled, 7 * time.Second},
		{500, `<Error><Code>InternalError</Code></Error>`, errs.Transient, 7 * time.Second},
		{502, `<html>bad gateway</html>`, errs.Transient, 7 * time.Second},
	} {
		asked := 0
		front.Before = func(w http.ResponseWriter, _ *http.Request) bool {
			asked++
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(tc.status)
			_, _ = w.Write([]byte(tc.body))
			return true
		}
		err := store.List(t.Context(), "", func(storage.Object) error { return nil })
		after, again := errs.Retryable(err)
		if !errs.Is(err, tc.kind) || after != tc.after || !again || asked != 1 {
			t.Errorf("%d %s: error %v of kind %q, after %s, asked %d times", tc.status, tc.body, err, errs.KindOf(err), after, asked)
		}
	}
}

// An upload that nobody goes on with is found and aborted when it is old enough; others and other prefixes are left alone.
// MinIO is not asked: it lists unfinished uploads under their exact keys only, and drops them by itself.
func TestAbandoned(t *testing.T) {
	server := testenv.VersityGW(t)
	bucket := server.Bucket(t, false)
	mine := open(t, config(server, bucket, map[string]any{"prefix": "mysql/", "abandoned_after": "24h"}))
	others := open(t, config(server, bucket, map[string]any{"prefix": "other/"}))
	begin := func(s storage.Storage) string {
		token, err := s.Begin(t.Context(), storage.Upload{Key: "db/Data.zip", ChunkSize: partSize})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	old, foreign := begin(mine), begin(others)
	sweep := func(in time.Duration) { mine.(*s3.Storage).AbortAbandoned(t.Context(), time.Now().Add(in)) }
	sweep(23 * time.Hour)
	if _, err := mine.ListChunks(t.Context(), old); err != nil {
		t.Errorf("an upload of today: %v", err)
	}
	sweep(25 * time.Hour)
	if _, err := mine.ListChunks(t.Context(), old); !errs.Is(err, errs.NotFound) {
		t.Errorf("an abandoned upload: %v", err)
	}
	if _, err := others.ListChunks(t.Context(), foreign); err != nil {
		t.Errorf("an upload below another prefix: %v", err)
	}
}
