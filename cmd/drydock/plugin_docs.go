package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

//go:generate go run . plugin docs --write ../../docs/providers

const docsLong = `docs prints the documentation of a provider as Markdown: what it does, an example block for a job file, every
attribute, and its optional abilities. KIND and NAME are a built-in provider; BINARY is another one, which is started for a
moment to be asked.`

func (a *app) pluginDocsCommand() *cobra.Command {
	var kind, name, write string
	cmd := &cobra.Command{
		Use:   "docs KIND NAME | docs BINARY",
		Short: "print a provider's documentation as Markdown",
		Long:  docsLong,
		Args: func(cmd *cobra.Command, args []string) error {
			if write != "" {
				return exactArgs(0, "no argument beside --write")(cmd, args)
			}
			return oneOrTwo("KIND and NAME, or BINARY")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if write != "" {
				return a.writeDocs(cmd.Context(), write)
			}
			binary, err := providerBinary(kind, name, args)
			if err != nil {
				return err
			}
			page, err := a.providerPage(cmd.Context(), binary)
			if err == nil {
				a.printf("%s", page)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "storage, compress or notify (default: from the name of BINARY)")
	cmd.Flags().StringVar(&name, "name", "", "the provider's name (default: from the name of BINARY)")
	cmd.Flags().StringVar(&write, "write", "", "write the pages of all built-in providers to a directory")
	_ = cmd.Flags().MarkHidden("write")
	return cmd
}

// writeDocs writes a page for each built-in provider, and an index.
func (a *app) writeDocs(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	const notice = "<!-- Written by make generate from the provider's configuration struct. Do not edit. -->\n\n"
	index := notice + indexHead
	for _, b := range builtins() {
		binary, err := builtinBinary(b.Kind, b.Name)
		if err != nil {
			return err
		}
		page, err := a.providerPage(ctx, binary)
		if err != nil {
			return err
		}
		file := b.Kind + "-" + b.Name + ".md"
		if err := os.WriteFile(filepath.Join(dir, file), []byte(notice+page), 0o644); err != nil {
			return err
		}
		index += fmt.Sprintf("| %s | [`%s`](%s) | %s |\n", b.Kind, b.Name, file, cell(firstSentence(b.Doc)))
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(index), 0o644)
}

const indexHead = `# Providers

What is built into drydock. ` + "`drydock plugin docs KIND NAME`" + ` prints the same pages, and
` + "`drydock plugin docs BINARY`" + ` the page of a provider from somebody else.

| kind | provider | what it does |
|---|---|---|
`

// providerPage asks a provider who it is and writes its page.
func (a *app) providerPage(ctx context.Context, b conformance.Binary) (string, error) {
	dir, err := os.MkdirTemp("", "dd")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p, err := host.Start(ctx, host.Command{
		Kind: b.Kind, Name: b.Name, Path: b.Path, Args: b.Args, Env: b.Env, SocketDir: dir,
	})
	if err != nil {
		return "", err
	}
	page, err := renderPage(p.Description(), abilities(ctx, p))
	return page, errors.Join(err, p.Stop(ctx))
}

// abilities opens the provider with its example configuration and says what it can do besides its core.
func abilities(ctx context.Context, p *host.Process) []string {
	d := p.Description()
	if d.Kind == "notify" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	const unknown = "They depend on the configuration: the example alone does not open this provider."
	config, err := json.Marshal(exampleConfig(d.Schema))
	if err != nil {
		return []string{unknown}
	}
	if diags, err := p.Configure(ctx, config); err != nil || len(diags) > 0 {
		return []string{unknown}
	}
	if d.Kind == "compress" {
		frames, err := p.Frames(ctx, host.FrameOptions{FrameSize: 1 << 20, Slots: 1})
		if err != nil {
			return []string{unknown}
		}
		_ = frames.Close() // the process ends soon
		return []string{zipMethod(frames.Method())}
	}
	s, err := p.Storage()
	if err != nil {
		return []string{unknown}
	}
	return storageAbilities(s)
}

func storageAbilities(s storage.Storage) []string {
	_, check := s.(storage.Checker)
	_, digest := s.(storage.Digester)
	_, hold := storage.HolderOf(s)
	return []string{
		yes(check) + "tries the target and tells its free space before MySQL is stopped",
		yes(digest) + "digests what it stores where it is stored, which spares reading a backup back over the network",
		yes(storage.ReadsBack(s)) + "reads every chunk back before it acknowledges it, which spares doing so at the end",
		yes(hold) + "can keep backups from being deleted (object lock, retention, legal hold)",
	}
}

func yes(able bool) string {
	if able {
		return "yes: "
	}
	return "no: "
}

func zipMethod(n uint16) string {
	names := map[uint16]string{0: "stored", 8: "Deflate", 93: "Zstandard"}
	if name := names[n]; name != "" {
		return fmt.Sprintf("Files are entries of zip method %d, %s.", n, name)
	}
	return fmt.Sprintf("Files are entries of zip method %d.", n)
}

// exampleConfig is the configuration of the example block, as the provider receives it.
func exampleConfig(s *schema.Schema) map[string]any {
	config := map[string]any{}
	for _, a := range s.Attributes {
		if a.Required {
			config[a.Name] = exampleValue(a)
		}
	}
	return config
}

// exampleValue is a value of the attribute's type, from its example where there is one.
func exampleValue(a schema.Attribute) any {
	text := strings.Trim(orElse(a.Example, strings.Join(a.OneOf[:min(1, len(a.OneOf))], "")), `"`)
	switch a.Type {
	case schema.TypeInt, schema.TypeBool:
		var v any
		if json.Unmarshal([]byte(text), &v) == nil && v != nil {
			return v
		}
		return map[schema.Type]any{schema.TypeInt: 1, schema.TypeBool: true}[a.Type]
	case schema.TypeStringList:
		var list []string
		if json.Unmarshal([]byte(text), &list) != nil {
			list = strings.Split(orElse(text, "..."), ",")
		}
		return list
	case schema.TypeStringMap:
		return map[string]string{orElse(text, "name"): "..."}
	case schema.TypeDuration:
		return orElse(text, "10m")
	case schema.TypeSize:
		return orElse(text, "64MiB")
	}
	return orElse(text, "...")
}
