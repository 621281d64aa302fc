package azure

import (
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
	Account   string `hcl:"account" example:"acme" doc:"Name of the storage account."`
	Container string `hcl:"container" example:"backups" doc:"Name of the container. It must exist."`
	Prefix    string `hcl:"prefix,optional" example:"mysql/" doc:"What the names of all blobs begin with, usually with a slash at its end."`
	Endpoint  string `hcl:"endpoint,optional" example:"https://acme.blob.core.usgovcloudapi.net" doc:"Address of the account's blob service, for another cloud than Azure's public one, a private endpoint or a custom domain. Without it https://ACCOUNT.blob.core.windows.net."`

	Credential       string        `hcl:"credential,optional" default:"default" oneof:"default|managed-identity|workload-identity|azure-cli" doc:"Who to be when no account_key, sas_token, connection_string or client_secret is set: default tries the environment (AZURE_CLIENT_ID and the like), workload identity, managed identity and the Azure command line, in this order."`
	AccountKey       schema.Secret `hcl:"account_key,optional" doc:"Access key of the storage account. It may do everything; prefer an identity."`
	SASToken         schema.Secret `hcl:"sas_token,optional" doc:"Shared access signature for the container, as the query string that the portal shows. It needs the permissions read, add, create, write, list and, unless backups are only to be added, delete."`
	ConnectionString schema.Secret `hcl:"connection_string,optional" doc:"Connection string as the portal shows it, with a key or a shared access signature. It also says where the account is, so endpoint is not set besides."`
	TenantID         string        `hcl:"tenant_id,optional" example:"00000000-0000-0000-0000-000000000000" doc:"Tenant (directory) of the application that client_secret or workload identity belong to. Without it AZURE_TENANT_ID."`
	ClientID         string        `hcl:"client_id,optional" example:"00000000-0000-0000-0000-000000000000" doc:"Application that client_secret or workload identity belong to, or the user-assigned managed identity. Without it AZURE_CLIENT_ID, or the host's only identity."`
	ClientSecret     schema.Secret `hcl:"client_secret,optional" doc:"Secret of the application client_id in the tenant tenant_id."`
	TokenFile        string        `hcl:"token_file,optional" example:"/var/run/secrets/azure/tokens/azure-identity-token" doc:"File with the token for workload identity. Without it AZURE_FEDERATED_TOKEN_FILE."`
	AuthorityHost    string        `hcl:"authority_host,optional" example:"https://login.microsoftonline.us" doc:"Where identities are proved, for another cloud than Azure's public one. Without it AZURE_AUTHORITY_HOST, or the public one."`

	Tier            string            `hcl:"tier,optional" oneof:"hot|cool|cold" doc:"Access tier of the backups; without it the account's default. The archive tier cannot be read back, which every backup is; move backups there later with a lifecycle rule."`
	EncryptionScope string            `hcl:"encryption_scope,optional" example:"backups" doc:"Encryption scope whose key encrypts the backups, with a key of your own (customer-managed) if the scope has one."`
	Metadata        map[string]string `hcl:"metadata,optional" doc:"Metadata of every blob. Names are letters, digits and underscores."`
	Tags            map[string]string `hcl:"tags,optional" doc:"Index tags of every blob, at most ten. They need the permission to write tags."`
	RetainFor       time.Duration     `hcl:"retain_for,optional" default:"0" example:"30d" doc:"How long nobody can delete a blob, from its commit. 0 means no such time. Needs a container with version-level immutability."`
	RetainMode      string            `hcl:"retain_mode,optional" default:"unlocked" oneof:"unlocked|locked" doc:"Whether the time of retain_for may be cut short by an administrator (unlocked) or by nobody (locked)."`
	Immutable       bool              `hcl:"immutable,optional" default:"false" doc:"Say that the container has version-level immutability, so that drydock may hold backups there."`
	AbandonedAfter  time.Duration     `hcl:"abandoned_after,optional" default:"7d" doc:"Uploads that got nothing for so long are dropped when the next one begins. The service itself drops them after seven days."`

	transport.Settings
}

// maxTags is how many index tags a blob can have.
const maxTags = 10

// leastAbandoned keeps a running upload of another host from being taken for an abandoned one.
const leastAbandoned = time.Hour

// check reports mistakes, each at its attribute.
func (c *Config) check() error {
	found := []error{cloud.CheckPrefix(c.Prefix), c.checkNames(), c.checkSecrets(), c.checkLabels()}
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" {
			found = append(found, schema.Invalid("endpoint", "not the address of a blob service",
				"Write for example https://acme.blob.core.windows.net, without a signature."))
		}
	}
	if c.AuthorityHost != "" {
		if u, err := url.Parse(c.AuthorityHost); err != nil || u.Host == "" || u.Scheme != "https" {
			found = append(found, schema.Invalid("authority_host", "not an https address", ""))
		}
	}
	if c.AbandonedAfter < leastAbandoned {
		found = append(found, schema.Invalid("abandoned_after", "too short", "Use an hour or more."))
	}
	return errors.Join(found...)
}

func (c *Config) checkNames() error {
	var found []error
	if !regexp.MustCompile(`^[a-z0-9]{3,24}$`).MatchString(c.Account) {
		found = append(found, schema.Invalid("account", fmt.Sprintf("%q is not the name of a storage account", c.Account),
			"It has 3 to 24 lower case letters and digits."))
	}
	name := regexp.MustCompile(`^(\$root|[a-z0-9](-?[a-z0-9])+)$`)
	if len(c.Container) < 3 || len(c.Container) > 63 || !name.MatchString(c.Container) {
		found = append(found, schema.Invalid("container", fmt.Sprintf("%q is not the name of a container", c.Container),
			"It has 3 to 63 lower case letters, digits and single hyphens between them."))
	}
	return errors.Join(found...)
}

// checkSecrets refuses two ways to prove who we are, and half of one.
func (c *Config) checkSecrets() error {
	var set []string
	for _, s := range []struct {
		name  string
		value schema.Secret
	}{{"account_key", c.AccountKey}, {"sas_token", c.SASToken}, {"connection_string", c.ConnectionString},
		{"client_secret", c.ClientSecret}} {
		if s.value != "" {
			set = append(set, s.name)
		}
	}
	if len(set) > 1 {
		return schema.Invalid(set[1], fmt.Sprintf("%s is set as well", set[0]), "Set one of them.")
	}
	if len(set) == 1 && c.Credential != "default" {
		return schema.Invalid("credential", fmt.Sprintf("%s is set as well", set[0]), "Set one of them.")
	}
	if c.ConnectionString != "" && c.Endpoint != "" {
		return schema.Invalid("endpoint", "connection_string is set as well, which holds the address", "Set one of them.")
	}
	if c.ClientSecret != "" && (c.TenantID == "" || c.ClientID == "") {
		return schema.Invalid("client_secret", "needs tenant_id and client_id", "")
	}
	return nil
}

func (c *Config) checkLabels() error {
	var found []error
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for key, value := range c.Metadata {
		if !name.MatchString(key) || strings.EqualFold(key, uploadKey) || strings.EqualFold(key, droppedKey) || !printable(value) {
			found = append(found, invalidAt("metadata", key, "not a name, or not a value of printable ASCII characters"))
		}
	}
	tag := regexp.MustCompile(`^[A-Za-z0-9 +./:=_-]*$`)
	for key, value := range c.Tags {
		if key == "" || len(key) > 128 || len(value) > 256 || !tag.MatchString(key) || !tag.MatchString(value) {
			found = append(found, invalidAt("tags", key, "a tag has letters, digits, spaces and + - . / : = _"))
		}
	}
	if len(c.Tags) > maxTags {
		found = append(found, schema.Invalid("tags", fmt.Sprintf("%d tags: more than %d", len(c.Tags), maxTags), ""))
	}
	return errors.Join(found...)
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}

func invalidAt(attribute, key, summary string) error {
	return &schema.InvalidError{Diagnostics: []schema.Diagnostic{{Path: []string{attribute, key}, Summary: summary}}}
}
