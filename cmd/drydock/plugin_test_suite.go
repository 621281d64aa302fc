package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/sdk/compresstest"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/notifytest"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

// pluginSuite is what a provider is held to.
type pluginSuite struct {
	description host.Description
	cases       []conformance.Case
	missing     []conformance.Case // left out; Needs says what for
}

// suite asks the provider who it is, checks the configuration against its schema, and chooses the cases.
func (o *pluginTest) suite(ctx context.Context, b conformance.Binary) (*pluginSuite, error) {
	d, err := o.describe(ctx, b)
	if err != nil {
		return nil, err
	}
	config, err := o.configuration(d.Schema)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process := &conformance.Provider{Agent: []string{self, "plugin", "test-agent"}, Secrets: config.secrets()}
	if o.strict {
		process.Limits = conformance.Bars()
	}
	s := &pluginSuite{description: d}
	switch d.Kind {
	case "storage":
		err = o.storage(s, b, config, process)
	case "compress":
		o.compress(s, b, config, process)
	case "notify":
		o.notify(s, b, config, process)
	}
	return s, err
}

// describe starts the provider for a moment. That it does not start is the outcome of the case clean-stdout.
func (o *pluginTest) describe(ctx context.Context, b conformance.Binary) (host.Description, error) {
	var d host.Description
	c := conformance.Case{Name: "clean-stdout", Doc: "the provider starts, and prints nothing before the handshake",
		Run: func(t conformance.T) { d = conformance.Describe(t, b) }}
	if r := conformance.Run(ctx, c, o.timeout); !r.Passed {
		return d, &brokenError{r}
	}
	return d, nil
}

func (o *pluginTest) storage(s *pluginSuite, b conformance.Binary, c *pluginConfig, p *conformance.Provider) error {
	chunk, err := schema.ParseSize(o.chunkSize)
	if err != nil || chunk < 1024 {
		return usagef("--chunk-size %q: use a size of at least 1KiB, such as 64KiB", o.chunkSize)
	}
	subject := storagetest.Spawned(itself(b), func(place string) map[string]any { return c.fill(place, "") })
	p.Binary = subject.Process.Binary
	subject.Process, subject.ChunkSize, subject.Objects = p, chunk, o.objects
	if c.has(wordDir) {
		subject.Place = func(t conformance.T) string { return t.TempDir() }
		subject.Tamper = tamper
	}
	if o.fullDir != "" && c.has(wordDir) {
		full, err := filepath.Abs(o.fullDir)
		if err != nil {
			return &usageError{err}
		}
		subject.Full = func(conformance.T) string { return full }
	}
	s.cases = storagetest.Cases(subject)
	for _, m := range storagetest.Missing(subject) {
		m.Needs = storageNeeds(m.Needs)
		s.missing = append(s.missing, m)
	}
	return nil
}

func storageNeeds(hook string) string {
	switch hook {
	case "full":
		return "needs a store that is almost full: --full-dir, with {dir} in the configuration"
	case "tamper":
		return "needs a store whose files can be changed: {dir} in the configuration"
	}
	return "needs the test of the provider's own module, which knows how uploads are kept (hook " + hook + ")"
}

func (o *pluginTest) compress(s *pluginSuite, b conformance.Binary, c *pluginConfig, p *conformance.Provider) {
	subject := compresstest.Spawned(itself(b), c.fill("", ""))
	p.Binary, p.Config, p.Use = subject.Process.Binary, subject.Process.Config, subject.Process.Use
	subject.Process = p
	s.cases = compresstest.Cases(subject)
}

func (o *pluginTest) notify(s *pluginSuite, b conformance.Binary, c *pluginConfig, p *conformance.Provider) {
	receiver := func(t conformance.T) notifytest.Receiver {
		return notifytest.NewHTTPWith(t, notifytest.HTTPOptions{IDHeader: o.idHeader, TextHeaders: o.textHeaders})
	}
	config := func(address string) map[string]any { return c.fill("", address) }
	own := notifytest.Process(itself(b), receiver, config)
	p.Binary, p.Config, p.Use = own.Binary, own.Config, own.Use
	subject := notifytest.Subject{Receiver: receiver, Open: notifytest.Spawned(itself(b), config), Timeout: c.timeout()}
	all := notifytest.Cases(subject)
	if c.has(wordAddress) {
		subject.Process, subject.Secrets = p, p.Secrets
		p.Secrets = nil // the subject's are added
		s.cases = notifytest.Cases(subject)
		return
	}
	s.cases = conformance.Cases(*p)
	for _, m := range all {
		m.Needs = "needs the other side: {address} in the configuration"
		s.missing = append(s.missing, m)
	}
}

func itself(b conformance.Binary) func(conformance.T) conformance.Binary {
	return func(conformance.T) conformance.Binary { return b }
}

// tamper changes a byte in the middle of the largest file of a directory, which is the only object in it.
func tamper(t conformance.T, place, _ string) {
	var largest string
	var size int64
	err := filepath.WalkDir(place, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > size {
			largest, size = path, info.Size()
		}
		return err
	})
	if err != nil || size == 0 {
		t.Fatalf("find a file to change in %s: %v", place, err)
	}
	data, err := os.ReadFile(largest)
	if err == nil {
		data[size/2] ^= 1
		err = os.WriteFile(largest, data, 0o600)
	}
	if err != nil {
		t.Fatalf("change %s: %v", largest, err)
	}
}

// timeout is the configured timeout of an attempt, if the provider has such an attribute.
func (c *pluginConfig) timeout() time.Duration {
	text, set := c.values["timeout"].(string)
	if a := c.schema.Attribute("timeout"); !set && a != nil && a.Default != nil {
		_ = json.Unmarshal(a.Default, &text) // another type is no timeout
	}
	d, err := schema.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}
