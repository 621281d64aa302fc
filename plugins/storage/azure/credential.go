package azure

import (
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/transport"
)

// doer sends requests for the SDK. What it returns never quotes an address, which may hold a shared access signature.
type doer struct{ client *http.Client }

// Do sends one request.
func (d doer) Do(r *http.Request) (*http.Response, error) {
	answer, err := d.client.Do(r)
	return answer, transport.Bare(err)
}

// options are the SDK's for every client. It never tries again: only the agent does.
func options(rt *transport.Transport) policy.ClientOptions {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Transport: rt, CheckRedirect: stay}
	return policy.ClientOptions{
		Transport: doer{client},
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{ApplicationID: "drydock"},
	}
}

// newClient returns the client of the container.
func newClient(c *Config, rt *transport.Transport) (*container.Client, error) {
	o := &container.ClientOptions{ClientOptions: options(rt)}
	if c.ConnectionString != "" {
		client, err := container.NewClientFromConnectionString(c.ConnectionString.Reveal(), c.Container, o)
		if err != nil { // the cause could quote the key
			return nil, schema.Invalid("connection_string", "not a connection string",
				"It is DefaultEndpointsProtocol=https;AccountName=...")
		}
		return client, nil
	}
	endpoint := c.Endpoint
	if endpoint == "" {
		endpoint = "https://" + c.Account + ".blob.core.windows.net"
	}
	address := strings.TrimRight(endpoint, "/") + "/" + c.Container
	switch {
	case c.AccountKey != "":
		key, err := container.NewSharedKeyCredential(c.Account, c.AccountKey.Reveal())
		if err != nil {
			return nil, schema.Invalid("account_key", "not an access key", "It is base64, as the portal shows it.")
		}
		return container.NewClientWithSharedKeyCredential(address, key, o)
	case c.SASToken != "":
		token := strings.TrimPrefix(c.SASToken.Reveal(), "?")
		if values, err := url.ParseQuery(token); err != nil || values.Get("sig") == "" {
			return nil, schema.Invalid("sas_token", "not a shared access signature", "It is a query string with sv=, sp= and sig=.")
		}
		return container.NewClientWithNoCredential(address+"?"+token, o)
	}
	if strings.HasPrefix(address, "http://") {
		return nil, schema.Invalid("endpoint", "an identity is proved over https only", "")
	}
	identity, err := newIdentity(c, rt)
	if err != nil {
		return nil, err
	}
	return container.NewClient(address, identity, o)
}

// newIdentity returns the identity that the configuration asks for.
func newIdentity(c *Config, rt *transport.Transport) (azcore.TokenCredential, error) {
	o := options(rt)
	o.Retry = policy.RetryOptions{MaxRetries: 2} // an identity service that has a hiccup is not worth a failed chunk
	if c.AuthorityHost != "" {
		o.Cloud = azcloud.Configuration{ActiveDirectoryAuthorityHost: c.AuthorityHost}
	}
	// Azure Stack and private clouds are not known to the public directory of clouds.
	private := c.AuthorityHost != "" || os.Getenv("AZURE_AUTHORITY_HOST") != ""
	var identity azcore.TokenCredential
	var err error
	attribute := "credential"
	switch {
	case c.ClientSecret != "":
		attribute = "client_secret"
		identity, err = azidentity.NewClientSecretCredential(c.TenantID, c.ClientID, c.ClientSecret.Reveal(),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
	case c.Credential == "managed-identity":
		managed := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o}
		if c.ClientID != "" {
			managed.ID = azidentity.ClientID(c.ClientID)
		}
		identity, err = azidentity.NewManagedIdentityCredential(managed)
	case c.Credential == "workload-identity":
		identity, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: o, ClientID: c.ClientID, TenantID: c.TenantID, TokenFilePath: c.TokenFile, DisableInstanceDiscovery: private,
		})
	case c.Credential == "azure-cli":
		identity, err = azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: c.TenantID})
	default:
		identity, err = azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: o, TenantID: c.TenantID, DisableInstanceDiscovery: private,
		})
	}
	if err != nil {
		return nil, schema.Invalid(attribute, "the identity cannot be used", cloud.OneLine(err.Error()))
	}
	return identity, nil
}
