package conformance

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// How long a provider may take.
const (
	healthBound = time.Second
	stopBound   = 4 * time.Second // after that the agent does not wait for an answer any more
	orphanBound = 5 * time.Second
)

// launch starts the process and does not configure it.
func (s *subject) launch() *host.Process {
	s.Helper()
	return launch(s.T, s.Binary(s.T), nil)
}

// configured starts the process and configures it.
func (s *subject) configured() *host.Process {
	s.Helper()
	return Start(s.T, s.Binary(s.T), s.Config(s.T))
}

func cleanStdout(s *subject) {
	b := s.Binary(s.T)
	p, err := host.Start(s.Context(), host.Command{
		Kind: b.Kind, Name: b.Name, Path: b.Path, Args: b.Args, Env: b.Env, SocketDir: socketDir(s.T),
	})
	if err != nil {
		s.Fatalf("%v\nThe first line on standard output must be the handshake. What is meant for people goes to standard error.", err)
	}
	s.Cleanup(func() { stop(s.T, p) })
}

func described(s *subject) {
	d := s.launch().Description()
	if !regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`).MatchString(d.Version) {
		s.Errorf("version %q is no semantic version such as 1.0.0", d.Version)
	}
	if strings.TrimSpace(d.Doc) == "" {
		s.Errorf("the provider has no documentation")
	}
	for _, a := range d.Schema.Attributes {
		if strings.TrimSpace(a.Doc) == "" {
			s.Errorf("attribute %q has no documentation", a.Name)
		}
		if soundsSecret(a.Name) && !a.Sensitive {
			s.Errorf("attribute %q sounds like a secret and is not marked as sensitive: its value would show in logs", a.Name)
		}
	}
	s.Logf("%s provider %q %s: %s", d.Kind, d.Name, d.Version, d.Doc)
}

// soundsSecret reports whether a name says that the value is a secret. The path of a file that holds one is none.
func soundsSecret(name string) bool {
	for _, end := range []string{"_file", "_path", "_dir", "_id", "_length", "_timeout", "_ttl"} {
		if strings.HasSuffix(name, end) {
			return false
		}
	}
	for _, word := range []string{"password", "passphrase", "passwd", "secret", "token", "private_key", "api_key"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

func health(s *subject) {
	p := s.launch()
	s.healthy(p, "before Configure")
	text := s.encode(s.Config(s.T))
	if diags, err := p.Configure(s.Context(), text); err != nil || len(diags) > 0 {
		s.Fatalf("configure the provider: %v %v", diags, err)
	}
	s.healthy(p, "after Configure")
	if err := s.Use(s.T, p); err != nil {
		s.Logf("use: %v", err)
	}
	s.healthy(p, "after work")
}

func (s *subject) healthy(p *host.Process, when string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), healthBound)
	defer cancel()
	if err := p.Health(ctx); err != nil {
		s.Errorf("%s: %v (it has %s)", when, err, healthBound)
	}
}

func stops(s *subject) {
	p := s.configured()
	if err := s.Use(s.T, p); err != nil {
		s.Logf("use: %v", err)
	}
	began := time.Now()
	stop(s.T, p)
	took := time.Since(began)
	if took > stopBound {
		s.Errorf("it took %s to end the provider: it did not answer Stop and had to be killed", took.Round(time.Millisecond))
	}
	if left := group(p.PID()); len(left) > 0 {
		s.Errorf("processes %v are left", left)
	}
	s.Logf("stopped within %s", took.Round(time.Millisecond))
}

// attributes returns those attributes of the provider that a condition holds for.
func attributes(d host.Description, want func(a schema.Attribute) bool) []schema.Attribute {
	var found []schema.Attribute
	for _, a := range d.Schema.Attributes {
		if want(a) {
			found = append(found, a)
		}
	}
	return found
}
