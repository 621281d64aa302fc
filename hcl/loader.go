package hcl

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// SchemaSource knows what each provider can be configured with.
type SchemaSource interface {
	// Schema returns the schema of a provider. kind is KindStorage, KindCompress or KindNotify. For a provider that
	// does not exist the error is, or wraps, a *schema.UnknownProviderError that lists those that do.
	Schema(ctx context.Context, kind, name string) (*schema.Schema, error)
}

// Loader reads job files. Schemas must be set; a zero value of another field stands for the real system. A Loader may
// be used by any number of goroutines if its fields may be.
type Loader struct {
	Schemas  SchemaSource
	ReadFile func(path string) ([]byte, error)         // for file() and credential(); nil: files of at most 1 MiB
	Getenv   func(name string) (value string, ok bool) // for env() and credential(); nil: os.LookupEnv
	Host     string                                    // host.name; empty: os.Hostname

	// Lenient makes a warning of a provider that cannot be had. Its block is not checked and its configuration stays empty.
	// It is for bringing MySQL back, which must not fail for want of a notifier.
	Lenient bool

	// CheckRecipient says what is wrong with a public key of an encrypt block; nil: nothing ever is.
	CheckRecipient func(text string) error

	// Builtin says whether a provider is part of drydock, so that no plugin block of the agent file can name it; nil: none is.
	Builtin func(kind, name string) bool
}

// Result is what a load produced.
type Result struct {
	// Jobs are the jobs that have no errors of their own, in the order of the files. Use them only if the
	// diagnostics of the load have no errors.
	Jobs []job.Job

	sources   map[string]*source
	providers map[ProviderRef]*providerSite
}

// LoadFiles reads job files; a path that is a directory stands for the *.hcl files in it. It returns every mistake in
// all of the files. The result is never nil.
func (l *Loader) LoadFiles(ctx context.Context, paths ...string) (*Result, Diagnostics) {
	r := newReport(jobLanguage())
	if len(paths) == 0 {
		r.file("", "no job file given", "Name a job file or a directory of job files.")
	}
	var sources []Source
	for _, name := range expand(paths, r) {
		data, err := readJobFile(name)
		if err != nil {
			r.file(name, "cannot read "+quoted(name), fileProblem(err))
			continue
		}
		sources = append(sources, Source{Name: name, Data: data})
	}
	return l.load(ctx, r, sources)
}

// Load is LoadFiles for files that have been read already.
func (l *Loader) Load(ctx context.Context, sources ...Source) (*Result, Diagnostics) {
	return l.load(ctx, newReport(jobLanguage()), sources)
}

func (l *Loader) load(ctx context.Context, r *report, sources []Source) (*Result, Diagnostics) {
	d := l.decoder(ctx, r)
	names := map[string]*hclsyntax.Block{}
	for _, s := range sources {
		src := newSource(s.Name, s.Data, r)
		if src == nil {
			continue
		}
		before := r.errors()
		if body := parse(src, r); body != nil {
			d.file(src, body, names, before)
		}
	}
	return d.result, r.done()
}

func (l *Loader) decoder(ctx context.Context, r *report) *decoder {
	return &decoder{
		report: r, lenient: l.Lenient, checkRecipient: l.CheckRecipient, host: l.hostName(), schemas: newSchemaCache(ctx, l.Schemas), library: l.library(),
		result: &Result{sources: r.sources, providers: map[ProviderRef]*providerSite{}},
	}
}

func (l *Loader) library() *library {
	lib := &library{readFile: l.ReadFile, getenv: l.Getenv, memo: map[string]string{}}
	if lib.readFile == nil {
		lib.readFile = func(path string) ([]byte, error) { return readRegular(path, maxSecretFile) }
	}
	if lib.getenv == nil {
		lib.getenv = os.LookupEnv
	}
	return lib
}

func (l *Loader) hostName() string {
	if l.Host != "" {
		return l.Host
	}
	name, err := os.Hostname()
	if err != nil {
		return "" // a host without a name has host.name = ""
	}
	return name
}

// decoder turns syntax trees into jobs. It lives for one load.
type decoder struct {
	*report
	lenient bool

	checkRecipient func(text string) error // may be nil

	host    string
	schemas *schemaCache
	library *library
	result  *Result
}

// file decodes the jobs of one file. names holds the jobs seen so far, in this file and the ones before. Before is the
// number of errors that there were before the file was parsed; if parsing found any, no job of the file is kept.
func (d *decoder) file(src *source, body *hclsyntax.Body, names map[string]*hclsyntax.Block, before int) {
	sound := d.errors() == before
	d.maskBody(body)
	d.topAttributes(body)
	var jobs []*hclsyntax.Block
	for _, b := range body.Blocks {
		switch {
		case b.Type != "job":
			d.notAJob(b)
		case d.checkLabels(b, jobSpec()):
			jobs = append(jobs, b)
		}
	}
	if len(jobs) == 0 && d.errors() == before {
		d.report.file(src.name, "no job in this file", "A job file holds one or more job blocks:\n    "+jobSpec().example)
	}
	for _, b := range jobs {
		if j, ok := d.job(src, b, names); ok && sound {
			d.result.Jobs = append(d.result.Jobs, j)
		}
	}
}

func (d *decoder) topAttributes(body *hclsyntax.Body) {
	for name, attr := range body.Attributes {
		where := "A job file holds job blocks only."
		if home := jobSpec().home(name); home != "" {
			where += fmt.Sprintf(" The attribute %s belongs in a job's %s block.", name, home)
			if home == "job" {
				where = fmt.Sprintf("A job file holds job blocks only. The attribute %s belongs in a job block.", name)
			}
		}
		d.err(attr.NameRange, fmt.Sprintf("attribute %q outside of a job", name), where)
	}
}

// notAJob reports a block at the top of a file that is no job.
func (d *decoder) notAJob(b *hclsyntax.Block) {
	at, name := b.DefRange(), b.Type
	home := jobSpec().home(name)
	switch {
	case strings.Contains(" agent log console queue plugin ", " "+name+" "):
		d.err(at, fmt.Sprintf("%q block in a job file", name),
			"This block belongs in the agent's own configuration (agent.hcl). A job file holds job blocks only.")
	case home != "" || unsupported()["job."+name] != "":
		if home == "" {
			home = "job"
		}
		d.err(at, fmt.Sprintf("%q block outside of a job", name), fmt.Sprintf("It belongs in the %s block.", home))
	default:
		d.err(at, fmt.Sprintf("unknown block %q", name), didYouMean(name, []string{"job"})+
			"A job file holds job blocks only:\n    "+jobSpec().example)
	}
}

// scope is what the expressions of a job of this file can use.
func (d *decoder) scope(src *source, jobName string) *evaluator {
	return &evaluator{report: d.report, scope: scope{
		job: jobName, host: d.host, funcs: d.library.functions(filepath.Dir(src.name)),
	}}
}
