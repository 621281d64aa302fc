package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/drydock-backup/drydock/sdk/schema"
)

// The words that stand for something else in each case.
const (
	wordDir     = "{dir}"
	wordAddress = "{address}"
	wordSecret  = "{secret}"
)

// pluginConfig is a configuration with words in it.
type pluginConfig struct {
	schema *schema.Schema
	values map[string]any
	secret string
}

// configuration reads what --config and --set say and checks it.
func (o *pluginTest) configuration(s *schema.Schema) (*pluginConfig, error) {
	var b [8]byte
	_, _ = rand.Read(b[:])
	c := &pluginConfig{schema: s, values: map[string]any{}, secret: "secret-" + hex.EncodeToString(b[:])}
	if o.config != "" {
		if err := c.read(o.config); err != nil {
			return nil, err
		}
	}
	for _, pair := range o.set {
		name, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usagef("--set %q: write NAME=VALUE", pair)
		}
		value, err := parseValue(s.Attribute(name), text)
		if err != nil {
			return nil, usagef("--set %s: %v", name, err)
		}
		c.values[name] = value
	}
	text, err := json.Marshal(c.fill(os.TempDir(), "http://127.0.0.1:9"))
	if err != nil {
		return nil, err
	}
	var wrong []error
	for _, d := range s.Validate(text) {
		wrong = append(wrong, d)
	}
	if len(wrong) > 0 {
		return nil, usagef("the provider's configuration (--set, --config) is not right:\n%w", errors.Join(wrong...))
	}
	return c, nil
}

func (c *pluginConfig) read(file string) error {
	from := os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return &usageError{err}
		}
		defer f.Close()
		from = f
	}
	decoder := json.NewDecoder(io.LimitReader(from, 1<<20))
	decoder.UseNumber()
	if err := decoder.Decode(&c.values); err != nil || c.values == nil {
		return usagef("--config %s: not a JSON object", file) // the cause could quote a secret
	}
	return nil
}

// parseValue reads a value as a person writes it on a command line. An attribute that is not known is refused later.
func parseValue(a *schema.Attribute, text string) (any, error) {
	if a == nil {
		return text, nil
	}
	switch a.Type {
	case schema.TypeInt:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errors.New("not a whole number")
		}
		return n, nil
	case schema.TypeBool:
		switch text {
		case "true", "false":
			return text == "true", nil
		}
		return nil, errors.New("neither true nor false")
	case schema.TypeStringList:
		return strings.Split(text, ","), nil
	case schema.TypeStringMap:
		m := map[string]any{}
		for _, pair := range strings.Split(text, ",") {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, errors.New("write k=v,k=v")
			}
			m[name] = value
		}
		return m, nil
	}
	return text, nil
}

// fill returns the configuration for a case.
func (c *pluginConfig) fill(dir, address string) map[string]any {
	words := strings.NewReplacer(wordDir, dir, wordAddress, address, wordSecret, c.secret)
	filled := map[string]any{}
	for name, value := range c.values {
		filled[name] = mapTexts(value, words.Replace)
	}
	return filled
}

// has reports whether a word is in the configuration.
func (c *pluginConfig) has(word string) bool {
	found := false
	for _, value := range c.values {
		mapTexts(value, func(text string) string {
			found = found || strings.Contains(text, word)
			return text
		})
	}
	return found
}

// secrets is the random text, when the configuration uses it.
func (c *pluginConfig) secrets() []string {
	if c.has(wordSecret) {
		return []string{c.secret}
	}
	return nil
}

// mapTexts returns value with each text in it replaced.
func mapTexts(value any, replace func(string) string) any {
	switch v := value.(type) {
	case string:
		return replace(v)
	case []string:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = replace(e)
		}
		return list
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = mapTexts(e, replace)
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for name, e := range v {
			m[name] = mapTexts(e, replace)
		}
		return m
	}
	return value
}
