package azure

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
)

// identity says in whose name requests are sent, for errors: never a secret.
func (s *Storage) identity() string {
	c := &s.cfg
	switch {
	case c.AccountKey != "":
		return "the key of account " + c.Account
	case c.SASToken != "":
		return signature(c.SASToken.Reveal(), s.now())
	case c.ConnectionString != "":
		return "what connection_string holds"
	case c.ClientSecret != "":
		return fmt.Sprintf("application %s of tenant %s", c.ClientID, c.TenantID)
	case c.Credential == "managed-identity" && c.ClientID != "":
		return "managed identity " + c.ClientID
	case c.Credential == "managed-identity":
		return "the managed identity of this machine"
	case c.Credential == "workload-identity":
		return strings.TrimSpace("the workload's identity " + c.ClientID)
	case c.Credential == "azure-cli":
		return "the person whom the Azure command line knows"
	}
	return "what the default chain of identities finds"
}

// signature describes a shared access signature: what it allows, and until when.
func signature(token string, now time.Time) string {
	values, err := url.ParseQuery(strings.TrimPrefix(token, "?"))
	if err != nil {
		return "a shared access signature"
	}
	text := fmt.Sprintf("a shared access signature with the permissions %q", values.Get("sp"))
	switch until := values.Get("se"); {
	case expired(token, now):
		return text + ", which has expired on " + until
	case until != "":
		return text + ", valid until " + until
	}
	return text
}

// expired reports whether the time of a shared access signature is over.
func expired(token string, now time.Time) bool {
	values, err := url.ParseQuery(strings.TrimPrefix(token, "?"))
	if err != nil {
		return false
	}
	until, err := time.Parse(time.RFC3339, values.Get("se"))
	return err == nil && until.Before(now)
}

// unproved reports whether it is not a permission that is missing: the service, or the identity's, does not believe who we are.
func unproved(err error) bool {
	var refused *azidentity.AuthenticationFailedError
	return errors.As(err, &refused) || is(err, bloberror.AuthenticationFailed,
		bloberror.InvalidAuthenticationInfo, bloberror.NoAuthenticationInformation)
}
