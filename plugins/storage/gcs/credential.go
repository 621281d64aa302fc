package gcs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/credentials/impersonate"
	"google.golang.org/api/option"
	api "google.golang.org/api/storage/v1"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/transport"
)

const defaultEndpoint = "https://storage.googleapis.com"

// newService returns the service's client. Nothing is asked of the network yet.
func newService(ctx context.Context, c *Config, rt *transport.Transport) (*api.Service, error) {
	endpoint := c.Endpoint
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	client := &http.Client{Transport: &signer{base: rt, cfg: c}}
	return api.NewService(ctx, option.WithHTTPClient(client), option.WithEndpoint(strings.TrimRight(endpoint, "/")+"/storage/v1/"))
}

// signer adds the access token to requests.
type signer struct {
	base *transport.Transport
	cfg  *Config
	lazy lazy
}

// RoundTrip sends one request.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := s.token(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // what a RoundTripper owes its client
		}
		return nil, err
	}
	signed := r.Clone(r.Context())
	signed.Header.Set("Authorization", token.Type+" "+token.Value)
	return s.base.RoundTrip(signed)
}

// token returns an access token that is valid for a while.
func (s *signer) token(ctx context.Context) (*auth.Token, error) {
	creds, err := s.lazy.get(func() (*auth.Credentials, error) { return newCredentials(s.cfg, s.base) })
	if err != nil {
		return nil, err
	}
	token, err := creds.Token(ctx)
	if err != nil {
		return nil, &tokenError{err}
	}
	return token, nil
}

// newCredentials returns who the configuration says that we are. The machine may be asked who it is.
func newCredentials(c *Config, rt *transport.Transport) (*auth.Credentials, error) {
	client := &http.Client{Transport: rt}
	o := &credentials.DetectOptions{Scopes: []string{api.DevstorageFullControlScope}, Client: client}
	if c.Impersonate != "" {
		o.Scopes = []string{api.CloudPlatformScope}
	}
	creds, err := sourceCredentials(c, o)
	if err != nil {
		return nil, errs.Wrap(errs.Permission, err, "find the credentials")
	}
	if c.Impersonate == "" {
		return creds, nil
	}
	creds, err = impersonate.NewCredentials(&impersonate.CredentialsOptions{
		TargetPrincipal: c.Impersonate, Delegates: c.Delegates, Scopes: []string{api.DevstorageFullControlScope},
		Client: &http.Client{Transport: &signer{base: rt, lazy: lazy{creds: creds}}},
	})
	if err != nil {
		return nil, errs.Wrap(errs.Permission, err, "impersonate %s", c.Impersonate)
	}
	return creds, nil
}

// sourceCredentials are those of the configuration, or the application default ones.
func sourceCredentials(c *Config, o *credentials.DetectOptions) (*auth.Credentials, error) {
	text := []byte(c.Credentials.Reveal())
	if c.CredentialsFile != "" {
		var err error
		if text, err = os.ReadFile(c.CredentialsFile); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return credentials.DetectDefault(o)
	}
	kind, err := credentialType(text)
	if err != nil {
		return nil, err
	}
	return credentials.NewCredentialsFromJSON(kind, text, o)
}

// credentialType reads which kind of credentials a file holds. The person who wrote the job file chose it, so every kind is
// as good as another.
func credentialType(text []byte) (credentials.CredType, error) {
	var file struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return "", fmt.Errorf("not a JSON object") // the cause could quote the key
	}
	switch kind := credentials.CredType(file.Type); kind {
	case credentials.ServiceAccount, credentials.AuthorizedUser, credentials.ImpersonatedServiceAccount, credentials.ExternalAccount:
		return kind, nil
	}
	return "", fmt.Errorf("credentials of the type %q are not known", file.Type)
}

// checkFile tells early of a credentials file that cannot be read.
func (c *Config) checkFile() error {
	if c.CredentialsFile == "" {
		return nil
	}
	text, err := os.ReadFile(c.CredentialsFile)
	if err != nil {
		return schema.Invalid("credentials_file", "cannot be read", err.Error())
	}
	if _, err := credentialType(text); err != nil {
		return schema.Invalid("credentials_file", err.Error(),
			"It is the JSON file of a service account or of workload identity federation.")
	}
	return nil
}
