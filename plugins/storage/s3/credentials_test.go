package s3_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// identities is a MinIO that knows tokens of an issuer, and a bucket.
type identities struct {
	server *testenv.S3
	issuer *testenv.Issuer
	bucket string
}

const (
	audience = "drydock-backup"
	roleARN  = "arn:aws:iam::111122223333:role/drydock"
)

// bare configures the bucket without any credentials.
func (i identities) bare(more map[string]any) map[string]any {
	c := map[string]any{"endpoint": i.server.Endpoint, "path_style": true, "bucket": i.bucket}
	maps.Copy(c, more)
	return c
}

// file writes a file of its own.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// token writes a token that MinIO trades for keys which may do everything.
func (i identities) token(t *testing.T, valid time.Duration) string {
	t.Helper()
	return file(t, i.issuer.Token(t, audience, valid, map[string]any{"policy": "readwrite"}))
}

// environment is what an identity finds there: nothing of this machine's own.
func environment(t *testing.T, more map[string]string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	values := map[string]string{"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none,
		"HOME": t.TempDir()}
	maps.Copy(values, more)
	for name, value := range values {
		t.Setenv(name, value)
	}
}

// S3: credentials come from wherever users of the cloud keep them. Each way ends at a real MinIO, which checks every signature
// and made the temporary keys itself.
func TestCredentials(t *testing.T) {
	issuer := testenv.NewIssuer(t)
	i := identities{issuer: issuer, server: testenv.MinIOWith(t, false, "MINIO_IDENTITY_OPENID_CLIENT_ID="+audience,
		"MINIO_IDENTITY_OPENID_CONFIG_URL="+issuer.URL+"/.well-known/openid-configuration")}
	i.bucket = i.server.Bucket(t, false)
	keys := fmt.Sprintf("aws_access_key_id = %s\naws_secret_access_key = %s\n", i.server.AccessKey, i.server.SecretKey)
	temporary := i.temporary(t)
	machine := testenv.NewMetadata(t, "backup-host", func() testenv.RoleKeys { return temporary })
	process := fmt.Sprintf(`{"Version": 1, "AccessKeyId": %q, "SecretAccessKey": %q}`, i.server.AccessKey, i.server.SecretKey)
	for name, c := range map[string]struct {
		environment map[string]string
		config      map[string]any
	}{
		"environment": {map[string]string{"AWS_ACCESS_KEY_ID": i.server.AccessKey, "AWS_SECRET_ACCESS_KEY": i.server.SecretKey}, nil},
		"profile": {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file(t, "[backup]\n"+keys)},
			map[string]any{"profile": "backup"}},
		"default profile": {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file(t, "[default]\n"+keys)}, nil},
		"profile of the environment": {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file(t, "[backup]\n"+keys),
			"AWS_PROFILE": "backup"}, nil},
		"profile with a process": {map[string]string{"AWS_CONFIG_FILE": file(t, "[profile backup]\ncredential_process = cat "+
			file(t, process)+"\n")}, map[string]any{"profile": "backup"}},
		"profile with a role": {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file(t, "[owner]\n"+keys),
			"AWS_CONFIG_FILE":      file(t, "[profile backup]\nrole_arn = "+roleARN+"\nsource_profile = owner\nregion = us-east-1\n"),
			"AWS_ENDPOINT_URL_STS": i.server.Endpoint}, map[string]any{"profile": "backup"}},
		"role": {nil, map[string]any{"access_key": i.server.AccessKey, "secret_key": i.server.SecretKey,
			"role_arn": roleARN, "role_external_id": "shared-word", "sts_endpoint": i.server.Endpoint}},
		"web identity": {nil, map[string]any{"role_arn": roleARN, "web_identity_token_file": i.token(t, time.Hour),
			"sts_endpoint": i.server.Endpoint}},
		"web identity of the environment": {map[string]string{"AWS_ROLE_ARN": roleARN, "AWS_ENDPOINT_URL_STS": i.server.Endpoint,
			"AWS_WEB_IDENTITY_TOKEN_FILE": i.token(t, time.Hour), "AWS_REGION": "us-east-1"}, nil},
		"instance": {map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": machine.URL}, nil},
		"container": {map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": machine.URL + "/container",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file(t, machine.Token)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.environment)
			if _, err := checkOf(t, open(t, i.bare(c.config))); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("refused", func(t *testing.T) { i.refused(t, keys) })
}

// temporary returns keys of a role that may do everything, from MinIO's token service.
func (i identities) temporary(t *testing.T) testenv.RoleKeys {
	t.Helper()
	everything := statement{Effect: "Allow", Action: []string{"s3:*"}, Resource: "arn:aws:s3:::*"}
	p := policy{Version: "2012-10-17", Statement: []statement{everything}}
	return limited(t, i.server, p)
}

// refused: what does not work says who was asked for and why, and shows nothing that is secret (R2.4).
func (i identities) refused(t *testing.T, keys string) {
	wrong := i.temporary(t)
	wrong.SessionToken = "token-that-is-not-good"
	machine := testenv.NewMetadata(t, "backup-host", func() testenv.RoleKeys { return wrong })
	const secret = "not-the-secret"
	for name, c := range map[string]struct {
		environment map[string]string
		config      map[string]any
		says        []string
	}{
		"none": {nil, nil, []string{"find credentials and sign the request"}},
		"unknown key": {nil, map[string]any{"access_key": "nobody-knows-me", "secret_key": secret},
			[]string{"does not know this access key", "access key nobody-knows-me of the job"}},
		"wrong secret": {map[string]string{"AWS_ACCESS_KEY_ID": i.server.AccessKey, "AWS_SECRET_ACCESS_KEY": secret}, nil,
			[]string{"the secret key is not the one", "access key " + i.server.AccessKey + " of the environment"}},
		"wrong secret of a profile": {map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file(t, "[backup]\n"+
			strings.Replace(keys, i.server.SecretKey, secret, 1))}, map[string]any{"profile": "backup"},
			[]string{"the secret key is not the one", `of profile "backup"`}},
		"role that is refused": {nil, map[string]any{"access_key": i.server.AccessKey, "secret_key": secret, "role_arn": roleARN,
			"sts_endpoint": i.server.Endpoint}, []string{"sts:AssumeRole", "role " + roleARN}},
		"web identity that has expired": {nil, map[string]any{"role_arn": roleARN, "web_identity_token_file": i.token(t, -time.Minute),
			"sts_endpoint": i.server.Endpoint}, []string{"expired", "trust policy", "role " + roleARN}},
		"web identity without a file": {nil, map[string]any{"role_arn": roleARN, "web_identity_token_file": "/no/such/token",
			"sts_endpoint": i.server.Endpoint}, []string{"find credentials for role " + roleARN, "/no/such/token"}},
		"instance with a bad token": {map[string]string{"AWS_EC2_METADATA_DISABLED": "false",
			"AWS_EC2_METADATA_SERVICE_ENDPOINT": machine.URL}, nil, []string{wrong.AccessKey + " of the instance's role"}},
		"container that may not": {map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": machine.URL + "/container",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN": "not-the-word"}, nil, []string{"find credentials and sign the request"}},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.environment)
			_, err := checkOf(t, open(t, i.bare(c.config)))
			if !errs.Is(err, errs.Permission) {
				t.Fatalf("error %v of kind %q", err, errs.KindOf(err))
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %v does not say %q", err, text)
				}
			}
			for _, hidden := range []string{secret, wrong.SessionToken, "eyJ"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}

// Keys that end are replaced by new ones of the same source while the provider lives, without a failure.
func TestCredentialsAreRenewed(t *testing.T) {
	i := identities{server: testenv.MinIO(t)}
	i.bucket = i.server.Bucket(t, false)
	asked := 0
	machine := testenv.NewMetadata(t, "backup-host", func() testenv.RoleKeys {
		asked++
		k := i.temporary(t)
		k.Expires = time.Now().Add(time.Second) // said to end at once, so that each use asks again
		return k
	})
	environment(t, map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": machine.URL})
	store := open(t, i.bare(nil))
	for range 2 {
		if _, err := checkOf(t, store); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond) // longer than the keys are said to live
	}
	if asked < 2 {
		t.Errorf("the machine was asked %d times", asked)
	}
}
