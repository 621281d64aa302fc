package conformance

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// shortestSecret is the length in bytes from which a value of a sensitive attribute is looked for: "on" is everywhere.
const shortestSecret = 6

// noSecrets configures the provider three times: with its own configuration, with a marker in every sensitive attribute that
// it does not set, and with values of the wrong type for them. Whatever becomes of that, nothing may show.
func noSecrets(s *subject) {
	sensitive := attributes(s.launch().Description(), func(a schema.Attribute) bool { return a.Sensitive })
	if len(sensitive) == 0 && len(s.Secrets) == 0 {
		s.Logf("no attribute is sensitive: there is nothing to look for")
		return
	}
	plain := s.config()
	marked, wrong := maps.Clone(plain), maps.Clone(plain)
	for _, a := range sensitive {
		if _, set := plain[a.Name]; !set && len(a.OneOf) == 0 {
			marked[a.Name] = filled(a.Type, marker())
		}
		wrong[a.Name] = map[string]any{"nested": []string{marker()}}
	}
	for _, config := range []map[string]any{plain, marked, wrong} {
		s.search(config, sensitive)
	}
}

// marker is a text that is found nowhere by chance.
func marker() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return "marker-" + hex.EncodeToString(b[:])
}

// filled is a value of a type that holds a text.
func filled(t schema.Type, text string) any {
	switch t {
	case schema.TypeStringList:
		return []string{text}
	case schema.TypeStringMap:
		return map[string]string{"marker": text}
	}
	return text
}

// search starts and configures a provider, uses it, stops it, and looks for the secrets of the configuration everywhere.
func (s *subject) search(config map[string]any, sensitive []schema.Attribute) {
	s.Helper()
	secrets := append([]string(nil), s.Secrets...)
	for _, a := range sensitive {
		secrets = append(secrets, textsIn(config[a.Name])...)
	}
	found := &finds{secrets: secrets}
	p := launch(s.T, s.Binary(s.T), found.logger())
	watched := sync.OnceFunc(found.watch(p))
	s.Cleanup(watched)
	diags, err := p.Configure(s.Context(), s.encode(config))
	found.error("the error of Configure", err)
	for _, d := range diags {
		found.error("a diagnostic", d)
	}
	if err == nil && len(diags) == 0 {
		found.error("an error of the provider", s.Use(s.T, p))
	}
	found.look(p) // on a busy machine the watch may not have looked since
	stop(s.T, p)
	watched()
	found.text("the log", found.log.String())
	for _, f := range found.where {
		s.Errorf("a secret shows in %s", f)
	}
}

// textsIn returns the texts of a value that are long enough to be looked for.
func textsIn(value any) []string {
	var texts []string
	switch v := value.(type) {
	case string:
		if len(v) >= shortestSecret {
			texts = append(texts, v)
		}
	case []string:
		for _, e := range v {
			texts = append(texts, textsIn(e)...)
		}
	case []any:
		for _, e := range v {
			texts = append(texts, textsIn(e)...)
		}
	case map[string]string:
		for _, e := range v {
			texts = append(texts, textsIn(e)...)
		}
	case map[string]any:
		for _, e := range v {
			texts = append(texts, textsIn(e)...)
		}
	}
	return texts
}

// finds collects where secrets were found.
type finds struct {
	secrets []string
	log     buffer

	mu    sync.Mutex
	where []string
}

// text looks for the secrets in a text. What is reported holds none.
func (f *finds) text(where, text string) {
	for _, secret := range f.secrets {
		if at := strings.Index(text, secret); at >= 0 {
			line := text[strings.LastIndexByte(text[:at], '\n')+1:]
			line, _, _ = strings.Cut(line, "\n")
			f.add(where + ": " + strings.ReplaceAll(line, secret, "[the secret]"))
		}
	}
}

func (f *finds) add(where string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.where {
		if w == where {
			return
		}
	}
	f.where = append(f.where, where)
}

func (f *finds) error(where string, err error) {
	if err != nil {
		f.text(where, err.Error())
	}
}

// logger takes the provider's log lines and everything else that it prints.
func (f *finds) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&f.log, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
}

// watch looks at the arguments and the environment of the process and its children, again and again until the returned
// function is called: a child may live only for a moment.
func (f *finds) watch(p *host.Process) (end func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	f.look(p)
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				f.look(p)
			}
		}
	}()
	return func() { close(done); <-ended }
}

// look looks once.
func (f *finds) look(p *host.Process) {
	for _, pid := range append(group(p.PID()), p.PID()) {
		for where, text := range shown(pid) {
			f.text(where, text)
		}
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns what was written so far.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
