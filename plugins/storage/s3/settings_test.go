package s3_test

import (
	"bytes"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// kmsKey is the only key that the MinIO of these tests has.
const kmsKey = "key-of-the-backups"

// secureMinIO speaks HTTPS, and encrypts.
func secureMinIO(t *testing.T) *testenv.S3 {
	t.Helper()
	secret := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))
	return testenv.MinIOWith(t, true, "MINIO_KMS_SECRET_KEY="+kmsKey+":"+secret)
}

// put takes an object the whole way, and reads it back.
func put(t *testing.T, s storage.Storage, key string) error {
	t.Helper()
	return ship.PutSmall(t.Context(), ship.Target{Label: "offsite", Storage: s}, key, []byte("content"), t.TempDir(), ship.Options{})
}

// S3: what a job sets for its objects is what the service has of them, over HTTPS with an authority of one's own.
func TestObjectSettings(t *testing.T) {
	server := secureMinIO(t)
	bucket := server.Bucket(t, false)
	for name, c := range map[string]struct {
		set  map[string]any
		want func(*awss3.HeadObjectOutput) bool
	}{
		"nothing": {nil, func(o *awss3.HeadObjectOutput) bool { return o.ServerSideEncryption == "" && o.StorageClass == "" }},
		"key of the service": {map[string]any{"encryption": "AES256"},
			func(o *awss3.HeadObjectOutput) bool {
				return o.ServerSideEncryption == types.ServerSideEncryptionAes256
			}},
		"key of one's own": {map[string]any{"encryption": "aws:kms", "kms_key": kmsKey}, func(o *awss3.HeadObjectOutput) bool {
			return o.ServerSideEncryption == types.ServerSideEncryptionAwsKms && strings.HasSuffix(aws.ToString(o.SSEKMSKeyId), kmsKey)
		}},
		"storage class": {map[string]any{"storage_class": "REDUCED_REDUNDANCY"},
			func(o *awss3.HeadObjectOutput) bool { return o.StorageClass == types.StorageClassReducedRedundancy }},
		"metadata": {map[string]any{"metadata": map[string]string{"owner": "dba", "note": "a b"}},
			func(o *awss3.HeadObjectOutput) bool {
				return o.Metadata["owner"] == "dba" && o.Metadata["note"] == "a b"
			}},
		"tags": {map[string]any{"tags": map[string]string{"cost": "backup + more: a=b/c@d", "team": "dba"}},
			func(o *awss3.HeadObjectOutput) bool { return aws.ToInt32(o.TagCount) == 2 }},
		"bandwidth": {map[string]any{"bandwidth": "100MiB"}, func(*awss3.HeadObjectOutput) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			settings := map[string]any{"ca_file": server.CAFile}
			maps.Copy(settings, c.set)
			store := open(t, config(server, bucket, settings))
			if _, err := checkOf(t, store); err != nil {
				t.Fatal(err)
			}
			key := "db/" + name
			if err := put(t, store, key); err != nil {
				t.Fatal(err)
			}
			o, err := server.Client().HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: &bucket, Key: &key})
			if err != nil || !c.want(o) {
				t.Errorf("the service has %+v, error %v", o, err)
			}
		})
	}
	ask := &awss3.GetObjectTaggingInput{Bucket: &bucket, Key: aws.String("db/tags")}
	tags, err := server.Client().GetObjectTagging(t.Context(), ask)
	if err != nil || !slices.ContainsFunc(tags.TagSet, func(tag types.Tag) bool {
		return aws.ToString(tag.Key) == "cost" && aws.ToString(tag.Value) == "backup + more: a=b/c@d"
	}) {
		t.Errorf("tags: %+v, error %v", tags, err)
	}
}

// R2.4: what the service cannot do shows before the stop.
func TestObjectSettingsRefused(t *testing.T) {
	server := secureMinIO(t)
	bucket := server.Bucket(t, false)
	for name, c := range map[string]struct {
		set  map[string]any
		kind errs.Kind
		says string
	}{
		"no such key": {map[string]any{"ca_file": server.CAFile, "encryption": "aws:kms", "kms_key": "nobody-has-it"},
			errs.Permanent, "nobody-has-it"},
		"unknown authority": {nil, errs.Permanent, "certificate"},
		"storage class of none": {map[string]any{"ca_file": server.CAFile, "storage_class": "NOT_A_CLASS"},
			errs.Invalid, "InvalidStorageClass"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checkOf(t, open(t, config(server, bucket, c.set)))
			if !errs.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v of kind %q; want %q and %q", err, errs.KindOf(err), c.kind, c.says)
			}
		})
	}
}

// R2.2: all requests go through the proxy that the job names, and its password is not shown.
func TestProxy(t *testing.T) {
	server, proxy := secureMinIO(t), testenv.NewWebProxy(t)
	bucket := server.Bucket(t, false)
	settings := map[string]any{"ca_file": server.CAFile, "proxy": proxy.URL}
	if err := put(t, open(t, config(server, bucket, settings)), "db/object"); err != nil {
		t.Fatal(err)
	}
	if asked := proxy.Asked(); len(asked) == 0 || slices.ContainsFunc(asked, func(a string) bool { return a != server.Addr }) {
		t.Errorf("the proxy was asked for %v", asked)
	}
	settings["proxy"] = strings.Replace(proxy.URL, "word@", "other-word@", 1)
	if _, err := checkOf(t, open(t, config(server, bucket, settings))); err == nil || strings.Contains(err.Error(), "other-word") ||
		!strings.Contains(err.Error(), "Proxy Authentication Required") {
		t.Errorf("with another password: %v", err)
	}
}
