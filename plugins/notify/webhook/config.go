package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/drydock-backup/drydock/sdk/schema"
)

// parseURL checks an address. Its diagnostics never quote it: it often carries a token.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, schema.Invalid("url", "not a web address", "Write for example https://hooks.example.com/drydock.")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, schema.Invalid("url", fmt.Sprintf("scheme %q is not http or https", u.Scheme), "")
	}
	u.Fragment = ""
	return u, nil
}

// parseSecret returns the key for signatures, nil for none.
func parseSecret(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	encoded, ok := strings.CutPrefix(text, "whsec_")
	if !ok {
		return []byte(text), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, schema.Invalid("secret", "what follows whsec_ is not base64", "")
	}
	return key, nil
}

// sign returns a signature as Standard Webhooks has it.
func sign(key []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + timestamp + ".")) // never fails
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// parseHeaders checks the configured headers. A header of ours, or one that frames the request, is refused.
func parseHeaders(m map[string]schema.Secret) (http.Header, error) {
	headers := http.Header{}
	for name, value := range m {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			return nil, invalidHeader(name, "not the name of a header")
		case !isHeaderValue(value.Reveal()):
			return nil, invalidHeader(name, "value holds a control character")
		case strings.HasPrefix(canonical, "Webhook-") || reserved(canonical):
			return nil, invalidHeader(name, "this header is set by drydock")
		}
		headers[canonical] = append(headers[canonical], value.Reveal())
	}
	return headers, nil
}

func reserved(canonical string) bool {
	switch canonical {
	case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Idempotency-Key":
		return true
	}
	return false
}

func invalidHeader(name, summary string) error {
	return &schema.InvalidError{Diagnostics: []schema.Diagnostic{{Path: []string{"headers", name}, Summary: summary}}}
}

// isToken reports whether s is a token of RFC 9110, 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// isHeaderValue reports whether s can be the value of a header (RFC 9110, 5.5).
func isHeaderValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < 0x20 && r != '\t') || r == 0x7f })
}

// newTransport returns the connections of one notifier. It trusts the certificates of a file besides the system's.
func newTransport(caFile string) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 2,
	}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, schema.Invalid("ca_file", "cannot be read", err.Error())
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, schema.Invalid("ca_file", "holds no PEM certificate", caFile)
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}
