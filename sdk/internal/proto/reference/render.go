package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// intro is what cannot be said in a .proto file: how a process becomes a provider.
//
//go:embed intro.md
var intro string

// files are the protocol in the order in which one reads it.
func files() []string {
	names := []string{"provider", "storage", "compress", "notify"}
	for i, name := range names {
		names[i] = "drydock/plugin/v1/" + name + ".proto"
	}
	return names
}

// render returns the reference of the .proto files below dir.
func render(ctx context.Context, dir string) (string, error) {
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{dir}},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(ctx, files()...)
	if err != nil {
		return "", err
	}
	var p page
	p.line("<!-- Written by make generate from the .proto files and %s. Do not edit. -->", "sdk/internal/proto/reference/intro.md")
	p.line("")
	p.text.WriteString(strings.TrimSpace(intro) + "\n")
	for _, f := range compiled {
		p.file(f)
	}
	return p.text.String(), nil
}

// page collects Markdown.
type page struct{ text strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

// file writes the services of a file, then its messages and enums.
func (p *page) file(f protoreflect.FileDescriptor) {
	for i := range f.Services().Len() {
		p.service(f.Services().Get(i))
	}
	for i := range f.Enums().Len() {
		p.enum(f.Enums().Get(i))
	}
	for i := range f.Messages().Len() {
		p.message(f.Messages().Get(i))
	}
}

func (p *page) service(s protoreflect.ServiceDescriptor) {
	p.line("\n## Service %s\n\n%s\n", s.Name(), comment(s))
	p.line("| call | request | response | what it does |\n|---|---|---|---|")
	for i := range s.Methods().Len() {
		m := s.Methods().Get(i)
		response := link(m.Output())
		if m.IsStreamingServer() {
			response = "stream of " + response
		}
		p.line("| `%s` | %s | %s | %s |", m.Name(), link(m.Input()), response, cell(comment(m)))
	}
	p.line("\nThe full name of the service is `%s`.", s.FullName())
}

func (p *page) enum(e protoreflect.EnumDescriptor) {
	p.line("\n### %s\n\n%s\n", e.Name(), comment(e))
	p.line("| value | number | meaning |\n|---|---|---|")
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		p.line("| `%s` | %d | %s |", v.Name(), v.Number(), cell(comment(v)))
	}
}

func (p *page) message(m protoreflect.MessageDescriptor) {
	p.line("\n### %s\n\n%s", m.Name(), comment(m))
	if m.Fields().Len() == 0 {
		p.line("\nIt has no fields.")
		return
	}
	p.line("\n| field | number | type | meaning |\n|---|---|---|---|")
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		p.line("| `%s` | %d | %s | %s |", f.Name(), f.Number(), typeOf(f), cell(comment(f)))
	}
}

func typeOf(f protoreflect.FieldDescriptor) string {
	if f.IsMap() {
		return fmt.Sprintf("map of %s to %s", single(f.MapKey()), single(f.MapValue()))
	}
	if f.IsList() {
		return "repeated " + single(f)
	}
	return single(f)
}

func single(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return link(f.Message())
	case protoreflect.EnumKind:
		return link(f.Enum())
	}
	return f.Kind().String()
}

func link(d protoreflect.Descriptor) string {
	return fmt.Sprintf("[%s](#%s)", d.Name(), strings.ToLower(string(d.Name())))
}

// comment returns what stands above a declaration.
func comment(d protoreflect.Descriptor) string {
	lines := strings.Split(strings.TrimSpace(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// cell makes text fit into a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
