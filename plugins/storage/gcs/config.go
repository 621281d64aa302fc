package gcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// Config is the provider's configuration.
type Config struct {
	Bucket   string `hcl:"bucket" example:"acme-backups" doc:"Name of the bucket. It must exist."`
	Prefix   string `hcl:"prefix,optional" example:"mysql/" doc:"What the names of all objects begin with, usually with a slash at its end."`
	Endpoint string `hcl:"endpoint,optional" example:"https://storage-acme.p.googleapis.com" doc:"Address of the service, for a private endpoint. Without it https://storage.googleapis.com."`

	CredentialsFile string        `hcl:"credentials_file,optional" example:"/etc/drydock/gcs.json" doc:"JSON file of a service account, or of workload identity federation. Without it and credentials, application default credentials count: GOOGLE_APPLICATION_CREDENTIALS, gcloud's, then those of the machine."`
	Credentials     schema.Secret `hcl:"credentials,optional" doc:"The text of such a file."`
	Impersonate     string        `hcl:"impersonate,optional" example:"backup@acme.iam.gserviceaccount.com" doc:"Service account to act as. The credentials need the role Service Account Token Creator on it."`
	Delegates       []string      `hcl:"delegates,optional" doc:"Service accounts between the credentials and impersonate, each of which may create tokens for the next."`
	UserProject     string        `hcl:"user_project,optional" example:"acme-backup" doc:"Project that pays for the requests, for a bucket whose requester pays."`

	StorageClass   string            `hcl:"storage_class,optional" oneof:"STANDARD|NEARLINE|COLDLINE|ARCHIVE" doc:"Storage class of the backups; without it the bucket's default. Every backup is read back once, which the colder classes charge for."`
	KMSKey         string            `hcl:"kms_key,optional" example:"projects/acme/locations/eu/keyRings/backup/cryptoKeys/mysql" doc:"Key of Cloud KMS that encrypts the backups; without it the bucket's default."`
	Metadata       map[string]string `hcl:"metadata,optional" doc:"Metadata of every object."`
	RetainFor      time.Duration     `hcl:"retain_for,optional" default:"0" example:"30d" doc:"How long nobody can delete an object, from its commit. 0 means no such time. Needs a bucket with object retention."`
	RetainMode     string            `hcl:"retain_mode,optional" default:"unlocked" oneof:"unlocked|locked" doc:"Whether the time of retain_for may be cut short by an administrator (unlocked) or by nobody (locked)."`
	Holds          bool              `hcl:"holds,optional" default:"false" doc:"Say that drydock may hold backups here: temporary holds, and retention where the bucket has object retention."`
	AbandonedAfter time.Duration     `hcl:"abandoned_after,optional" default:"7d" doc:"Uploads that got nothing for so long are removed when the next one begins."`

	transport.Settings
}

// leastAbandoned keeps a running upload of another host from being taken for an abandoned one.
const leastAbandoned = time.Hour

// check reports mistakes, each at its attribute.
func (c *Config) check() error {
	found := []error{cloud.CheckPrefix(c.Prefix), c.checkCredentials()}
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`).MatchString(c.Bucket) {
		found = append(found, schema.Invalid("bucket", fmt.Sprintf("%q is not the name of a bucket", c.Bucket),
			"It has 3 or more lower case letters, digits, hyphens, underscores and dots."))
	}
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" {
			found = append(found, schema.Invalid("endpoint", "not the address of a service",
				"Write for example https://storage.googleapis.com."))
		}
	}
	key := regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$`)
	if c.KMSKey != "" && !key.MatchString(c.KMSKey) {
		found = append(found, schema.Invalid("kms_key", "not the name of a key",
			"It is projects/PROJECT/locations/PLACE/keyRings/RING/cryptoKeys/KEY."))
	}
	for key := range c.Metadata {
		if key == "" || strings.HasPrefix(strings.ToLower(key), "drydock-") {
			found = append(found, &schema.InvalidError{Diagnostics: []schema.Diagnostic{{Path: []string{"metadata", key},
				Summary: "empty, or one of drydock's own names"}}})
		}
	}
	if c.AbandonedAfter < leastAbandoned {
		found = append(found, schema.Invalid("abandoned_after", "too short", "Use an hour or more."))
	}
	return errors.Join(found...)
}

func (c *Config) checkCredentials() error {
	var found []error
	if c.CredentialsFile != "" && c.Credentials != "" {
		found = append(found, schema.Invalid("credentials", "credentials_file is set as well", "Set one of them."))
	}
	if c.Credentials != "" && !json.Valid([]byte(c.Credentials.Reveal())) {
		found = append(found, schema.Invalid("credentials", "not the text of a credentials file", "It is a JSON object."))
	}
	for _, account := range append([]string{c.Impersonate}, c.Delegates...) {
		if account != "" && !strings.Contains(account, "@") {
			found = append(found, schema.Invalid("impersonate", fmt.Sprintf("%q is not the address of a service account", account), ""))
		}
	}
	if len(c.Delegates) > 0 && c.Impersonate == "" {
		found = append(found, schema.Invalid("delegates", "nobody is impersonated", "Set impersonate as well."))
	}
	return errors.Join(found...)
}
