package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/host"
)

// The outcomes of a case.
const (
	statusPass = "pass"
	statusFail = "fail"
	statusSkip = "skip"
)

// caseRow is one case of the report; the keys are a contract.
type caseRow struct {
	Case    string  `json:"case"`
	Status  string  `json:"status"`
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail"` // what the case had to say; for a skipped one, what it would need
}

// testReport prints results as they come, or all of them as JSON at the end.
type testReport struct {
	app     *app
	verbose bool
	name    string
	began   time.Time
	rows    []caseRow
}

func (a *app) newReport(o *pluginTest, b conformance.Binary) *testReport {
	name := fmt.Sprintf("%s provider %q", b.Kind, b.Name)
	return &testReport{app: a, verbose: o.verbose, name: name, began: time.Now(), rows: []caseRow{}}
}

func (r *testReport) head(d host.Description) {
	if !r.app.json {
		r.app.printf("%s %s\n\n", r.name, d.Version)
	}
}

func (r *testReport) result(c conformance.Result) {
	row := caseRow{Case: c.Case, Status: statusPass, Seconds: c.Took.Seconds(), Detail: strings.Join(c.Log, "\n")}
	if !c.Passed {
		row.Status = statusFail
	}
	r.add(row, c.Doc)
}

func (r *testReport) skipped(c conformance.Case) {
	r.add(caseRow{Case: c.Name, Status: statusSkip, Detail: c.Needs}, c.Doc)
}

func (r *testReport) add(row caseRow, doc string) {
	r.rows = append(r.rows, row)
	if r.app.json {
		return
	}
	doc = regexp.MustCompile(` \(R\d[^)]*\)$`).ReplaceAllString(doc, "") // numbers of requirements mean nothing to outsiders
	label := map[string]string{statusPass: "pass", statusFail: "FAIL", statusSkip: "skip"}[row.Status]
	r.app.printf("%s  %-22s %6.2fs  %s\n", label, row.Case, row.Seconds, doc)
	if row.Detail != "" && (r.verbose || row.Status != statusPass || row.Case == "footprint") {
		r.app.printf("%s\n", indent(indent(indent(printableLines(row.Detail)))))
	}
}

// printableLines makes text from a provider safe for a terminal, line by line.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line, "\t", "  ")
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

func (r *testReport) total() int { return len(r.rows) }

func (r *testReport) count(status string) int {
	n := 0
	for _, row := range r.rows {
		if row.Status == status {
			n++
		}
	}
	return n
}

// finish prints the rest and returns the error for the exit code.
func (r *testReport) finish() error {
	if r.app.json {
		if err := r.app.printJSON(r.rows); err != nil {
			return err
		}
	} else {
		r.app.printf("\n%s: %d passed, %d failed, %d left out, in %s\n", r.name, r.count(statusPass), r.count(statusFail),
			r.count(statusSkip), span(time.Since(r.began)))
	}
	if r.count(statusFail) > 0 {
		return &silentError{exitFailed}
	}
	return nil
}
