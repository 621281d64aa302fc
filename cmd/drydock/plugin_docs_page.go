package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-backup/drydock/hcl"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// renderPage writes the documentation of a provider.
func renderPage(d host.Description, abilities []string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s `%s`\n\n%s\n\nVersion %s.\n\n## Example\n\n", d.Kind, d.Name, strings.TrimSpace(d.Doc), d.Version)
	least, err := exampleBlock(d, func(a schema.Attribute) bool { return a.Required })
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "In a job:\n\n```hcl\n%s```\n", least)
	if slices.ContainsFunc(d.Schema.Attributes, func(a schema.Attribute) bool { return !a.Required }) {
		all, err := exampleBlock(d, func(schema.Attribute) bool { return true })
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "\nWith everything that can be set:\n\n```hcl\n%s```\n", all)
	}
	b.WriteString("\n## Attributes\n\n")
	renderAttributes(&b, d.Schema)
	if len(abilities) > 0 {
		b.WriteString("\n## Abilities\n\n")
		for _, text := range abilities {
			fmt.Fprintf(&b, "- %s\n", text)
		}
	}
	return b.String(), nil
}

func renderAttributes(b *strings.Builder, s *schema.Schema) {
	if len(s.Attributes) == 0 {
		b.WriteString("There is nothing to set.\n")
		return
	}
	b.WriteString("| attribute | type | default | sensitive | one of | meaning |\n|---|---|---|---|---|---|\n")
	hidden, unset := false, false
	for _, a := range s.Attributes {
		sensitive := ""
		if a.Sensitive {
			sensitive, hidden = "yes", true
		}
		unset = unset || (!a.Required && a.Default == nil)
		meaning := a.Doc
		if a.Example != "" {
			meaning += fmt.Sprintf(" Example: `%s`.", a.Example)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s |\n", a.Name, a.Type, defaultText(a), sensitive, oneOfText(a), cell(meaning))
	}
	if unset {
		b.WriteString("\nAn attribute without a default that is not required is unset unless the job sets it.\n")
	}
	if hidden {
		b.WriteString("\nThe value of a sensitive attribute is never shown; take it from `credential(\"NAME\")` or `file(\"PATH\")`.\n")
	}
}

func defaultText(a schema.Attribute) string {
	switch {
	case a.Required:
		return "**required**"
	case a.Default == nil:
		return ""
	}
	return "`" + cell(string(a.Default)) + "`"
}

func oneOfText(a schema.Attribute) string {
	quoted := make([]string, len(a.OneOf))
	for i, v := range a.OneOf {
		quoted[i] = "`" + cell(strconv.Quote(v)) + "`"
	}
	return strings.Join(quoted, ", ")
}

// cell makes text fit into a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

func firstSentence(text string) string {
	sentence, _, found := strings.Cut(text, ". ")
	if found {
		return sentence + "."
	}
	return sentence
}

// exampleBlock is a block of a job file that configures the provider with some of its attributes.
func exampleBlock(d host.Description, want func(schema.Attribute) bool) (string, error) {
	var lines []string
	switch d.Kind {
	case "storage":
		lines = append(lines, fmt.Sprintf("target %q %q {", d.Name, "example"))
	case "compress":
		lines = append(lines, fmt.Sprintf("compress %q {", d.Name))
	default:
		lines = append(lines, fmt.Sprintf("notify %q %q {", d.Name, "example"),
			`on = ["failure", "mysql-down", "recovered", "missed"]`)
	}
	for _, a := range d.Schema.Attributes {
		if want(a) {
			lines = append(lines, a.Name+" = "+exampleText(d, a))
		}
	}
	text := strings.Join(lines, "\n") + "\n}\n"
	if len(lines) == 1 {
		text = lines[0] + "}\n"
	}
	formatted, diags := hcl.Format([]byte(text), "example.hcl")
	if diags.HasErrors() {
		return "", fmt.Errorf("example of %s provider %q: %w", d.Kind, d.Name, diags)
	}
	return string(formatted), nil
}

// exampleText is the value of an attribute as a job file has it. Secrets come from outside.
func exampleText(d host.Description, a schema.Attribute) string {
	secret := fmt.Sprintf("credential(%q)", d.Name+"-"+strings.ReplaceAll(a.Name, "_", "-"))
	// In HCL these begin a template.
	literal := strings.NewReplacer("${", "$${", "%{", "%%{")
	if a.Default != nil && !a.Sensitive {
		return literal.Replace(string(a.Default))
	}
	value := exampleValue(a)
	if a.Sensitive {
		switch v := value.(type) {
		case map[string]string:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				return fmt.Sprintf("{ %q = %s }", name, secret)
			}
		case []string:
			return "[" + secret + "]"
		}
		return secret
	}
	if m, ok := value.(map[string]string); ok {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			return literal.Replace(fmt.Sprintf("{ %q = %q }", name, m[name]))
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return `""`
	}
	return literal.Replace(string(text))
}
