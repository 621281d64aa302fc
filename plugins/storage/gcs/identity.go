package gcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// identity says in whose name requests are sent, for errors: never a secret.
func (c *Config) identity() string {
	who := c.source()
	if c.Impersonate != "" {
		return fmt.Sprintf("%s, impersonated by %s", c.Impersonate, who)
	}
	return who
}

// source is whose credentials the configuration holds.
func (c *Config) source() string {
	text := []byte(c.Credentials.Reveal())
	if c.CredentialsFile != "" {
		text, _ = os.ReadFile(c.CredentialsFile) // it was read before
	}
	if len(text) == 0 {
		return "application default credentials"
	}
	var file struct {
		Type     string `json:"type"`
		Email    string `json:"client_email"`
		Audience string `json:"audience"`
	}
	switch err := json.Unmarshal(text, &file); {
	case err != nil:
		return "what the credentials hold"
	case file.Email != "":
		return "service account " + file.Email
	case file.Audience != "":
		return "a workload of " + file.Audience
	}
	return "credentials of the type " + file.Type
}

// unproved reports whether it is not a permission that is missing: the service, or the one for tokens, does not believe who we
// are.
func unproved(err error) bool {
	var token *tokenError
	return errors.As(err, &token) || status(err) == http.StatusUnauthorized
}
