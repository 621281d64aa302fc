package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/hcl"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// printJSON prints one indented JSON value.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printJSONOf prints what a command has found, and returns the command's own error, if it could print it.
func (a *app) printJSONOf(found any, err error) error {
	if printErr := a.printJSON(found); printErr != nil {
		return printErr
	}
	return err
}

// diagnosed prints what is wrong with job files and returns the error for the exit code.
func (a *app) diagnosed(d hcl.Diagnostics) error {
	width, color := terminal(a.stderr)
	if err := d.WriteText(a.stderr, color, width); err != nil {
		return err
	}
	if d.HasErrors() {
		return &silentError{exitUsage}
	}
	return nil
}

// table prints rows in columns.
type table struct{ w *tabwriter.Writer }

func (a *app) table(head ...string) *table {
	t := &table{tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)}
	t.row(head...)
	return t
}

func (t *table) row(cells ...string) { fmt.Fprintln(t.w, strings.Join(cells, "\t")) }

func (t *table) flush() error { return t.w.Flush() }

func size(n int64) string {
	if n < 0 {
		return "unknown"
	}
	return schema.FormatSize(n)
}

// span prints a duration for people: 0.4s, 12s, 3m20s.
func span(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func secondsSpan(s float64) string { return span(time.Duration(s * float64(time.Second))) }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// printable makes a name safe for a terminal: control characters and broken UTF-8 are shown escaped.
func printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return s
	}
	return fmt.Sprintf("%q", s)
}
