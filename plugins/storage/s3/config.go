package s3

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// Config is the provider's configuration.
type Config struct {
	Bucket    string `hcl:"bucket" example:"acme-backups" doc:"Bucket that holds the backups. It must exist."`
	Prefix    string `hcl:"prefix,optional" example:"mysql/" doc:"Beginning of every key in the bucket. It should be drydock's own: unfinished uploads below it that are older than abandoned_after are aborted."`
	Region    string `hcl:"region,optional" example:"eu-central-1" doc:"Region of the bucket. Without it, AWS_REGION or the profile tells; else us-east-1 is assumed."`
	Endpoint  string `hcl:"endpoint,optional" example:"https://s3.internal:9000" doc:"Address of a service that speaks the S3 protocol. Without it, Amazon's."`
	PathStyle bool   `hcl:"path_style,optional" default:"false" doc:"Put the bucket into the path and not into the host name, as most services other than Amazon's want it."`

	AccessKey    string        `hcl:"access_key,optional" example:"AKIAIOSFODNN7EXAMPLE" doc:"Access key id. Without it, the usual chain is asked: environment, shared files with profile, web identity, container, instance role."`
	SecretKey    schema.Secret `hcl:"secret_key,optional" doc:"Secret access key that goes with access_key."`
	SessionToken schema.Secret `hcl:"session_token,optional" doc:"Session token, for keys that are temporary."`
	Profile      string        `hcl:"profile,optional" example:"backup" doc:"Profile of the shared AWS files, for credentials and region."`
	RoleARN      string        `hcl:"role_arn,optional" example:"arn:aws:iam::111122223333:role/drydock" doc:"Role to assume with the credentials from above."`
	ExternalID   schema.Secret `hcl:"role_external_id,optional" doc:"External id that the role's trust policy asks for."`
	RoleSession  string        `hcl:"role_session_name,optional" default:"drydock" doc:"Name of the role's session in the service's logs."`
	TokenFile    string        `hcl:"web_identity_token_file,optional" example:"/var/run/secrets/token" doc:"File with an OpenID Connect token to assume role_arn with, instead of other credentials. It is read again whenever the role is renewed."`
	STSEndpoint  string        `hcl:"sts_endpoint,optional" example:"https://sts.internal" doc:"Address of the security token service for role_arn, when it is not Amazon's."`

	StorageClass string            `hcl:"storage_class,optional" example:"STANDARD_IA" doc:"Storage class of new objects. Classes that must be restored first (GLACIER, DEEP_ARCHIVE) cannot be read back, so a backup to them would never count: let a lifecycle rule move objects there."`
	Encryption   string            `hcl:"encryption,optional" oneof:"AES256|aws:kms|aws:kms:dsse" example:"aws:kms" doc:"Encryption by the service. Without it, what the bucket says."`
	KMSKey       string            `hcl:"kms_key,optional" example:"alias/backups" doc:"KMS key for encryption with aws:kms or aws:kms:dsse: id, ARN or alias. Without it, the account's default."`
	Tags         map[string]string `hcl:"tags,optional" doc:"Tags of new objects, for lifecycle rules and bills."`
	Metadata     map[string]string `hcl:"metadata,optional" doc:"Metadata of new objects. The name drydock-upload is taken."`

	ObjectLock bool          `hcl:"object_lock,optional" default:"false" doc:"The bucket has Object Lock: tell which objects are held, and refuse to delete those."`
	LockMode   string        `hcl:"lock_mode,optional" oneof:"governance|compliance" default:"governance" doc:"Mode of lock_for. Compliance cannot be lifted by anybody before its time."`
	LockFor    time.Duration `hcl:"lock_for,optional" example:"30d" doc:"How long new objects are locked. Without it, what the bucket says."`
	LegalHold  bool          `hcl:"legal_hold,optional" default:"false" doc:"New objects are held until somebody lifts that."`

	AbandonedAfter time.Duration `hcl:"abandoned_after,optional" default:"30d" doc:"Age from which an unfinished upload below prefix is taken for abandoned and aborted, at least a day; 0 means never. A backup that waits for its target must be shipped within this time."`

	transport.Settings
}

// reserved is the metadata that tells which upload an object was made by.
const reserved = "drydock-upload"

// archived are storage classes that cannot be read at once.
func archived(class string) bool { return class == "GLACIER" || class == "DEEP_ARCHIVE" }

// check reports mistakes that are visible without asking the service.
func (c Config) check() error {
	bad := func(wrong bool, attribute, summary, detail string) error {
		if !wrong {
			return nil
		}
		return schema.Invalid(attribute, summary, detail)
	}
	locks := c.LockFor != 0 || c.LegalHold
	return errors.Join(
		bad(!regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]{1,254}$`).MatchString(c.Bucket), "bucket", "not the name of a bucket", ""),
		cloud.CheckPrefix(c.Prefix),
		bad(c.Endpoint != "" && !isAddress(c.Endpoint), "endpoint", "not an address", "Write scheme and host: https://s3.internal:9000"),
		bad(c.STSEndpoint != "" && !isAddress(c.STSEndpoint), "sts_endpoint", "not an address", "Write scheme and host: https://sts.internal"),
		bad((c.AccessKey == "") != (c.SecretKey == ""), "access_key", "access_key and secret_key go together", ""),
		bad(c.SessionToken != "" && c.AccessKey == "", "session_token", "a session token needs access_key and secret_key", ""),
		bad(c.AccessKey != "" && c.Profile != "", "profile", "either a profile or access_key", ""),
		bad(c.TokenFile != "" && c.RoleARN == "", "web_identity_token_file", "a token needs the role_arn to assume with it", ""),
		bad(c.TokenFile != "" && (c.AccessKey != "" || c.Profile != ""), "web_identity_token_file", "either a token or other credentials", ""),
		bad(archived(c.StorageClass), "storage_class", "objects of this class cannot be read back",
			"A backup counts only after it was read back. Let a lifecycle rule move objects there."),
		bad(c.KMSKey != "" && !strings.HasPrefix(c.Encryption, "aws:kms"), "kms_key", `a KMS key needs encryption "aws:kms" or "aws:kms:dsse"`, ""),
		bad(len(c.Tags) > 10, "tags", "an object has at most 10 tags", ""),
		bad(hasBadTag(c.Tags), "tags", "not a tag",
			"It has letters, digits, spaces and + - = . _ : / @, up to 128 in its name and 256 in its value."),
		bad(hasReserved(c.Metadata), "metadata", "the name "+reserved+" is taken", ""),
		bad(c.LockFor < 0, "lock_for", "negative", ""),
		bad(locks && !c.ObjectLock, "object_lock", "lock_for and legal_hold need object_lock = true", "The bucket must have been made with Object Lock."),
		bad(c.AbandonedAfter != 0 && c.AbandonedAfter < 24*time.Hour, "abandoned_after", "too short", "Use a day or more, or 0 for never."),
	)
}

func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == ""
}

func hasReserved(metadata map[string]string) bool {
	for name := range metadata {
		if strings.EqualFold(name, reserved) {
			return true
		}
	}
	return false
}

// hasBadTag reports a tag that S3 does not take. Names and values may be in any script.
func hasBadTag(tags map[string]string) bool {
	plain := regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	for name, value := range tags {
		if name == "" || utf8.RuneCountInString(name) > 128 || utf8.RuneCountInString(value) > 256 ||
			!plain.MatchString(name) || !plain.MatchString(value) {
			return true
		}
	}
	return false
}
