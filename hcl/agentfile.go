package hcl

import (
	"path/filepath"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// AgentFile is what an agent file (agent.hcl) sets. What it leaves out is empty: the reader has the defaults.
type AgentFile struct {
	DataDir   string // absolute
	SpoolDir  string // absolute
	PluginDir string // absolute
	JobsDir   string // absolute

	LogLevel  string // "debug", "info", "warn" or "error"
	LogFormat string // "text" or "json"

	QueueBytes int64         // that may wait in the spool; 0: not set
	RetryMin   time.Duration // first and longest wait between two tries of what waits; 0: not set
	RetryMax   time.Duration
	Patience   time.Duration // of a run with a target that fails; 0: not set

	Plugins []Plugin // in the order of the file
}

// Plugin is a third-party provider that the agent file names, with the versions that it may have.
type Plugin struct {
	Kind       string // KindStorage, KindCompress or KindNotify
	Name       string
	Constraint string // such as "~> 1.2"
}

// LoadAgentFile reads an agent file. Use the result only if the diagnostics have no errors.
func (l *Loader) LoadAgentFile(path string) (AgentFile, Diagnostics) {
	data, err := readJobFile(path)
	if err != nil {
		r := newReport(agentLanguage())
		r.file(path, "cannot read "+quoted(path), fileProblem(err))
		return AgentFile{}, r.done()
	}
	return l.ParseAgentFile(Source{Name: path, Data: data})
}

// ParseAgentFile is LoadAgentFile for a file that has been read already.
func (l *Loader) ParseAgentFile(s Source) (AgentFile, Diagnostics) {
	d := &agentDecoder{evaluator: &evaluator{report: newReport(agentLanguage())}, builtin: l.Builtin}
	d.scope = scope{host: l.hostName(), funcs: l.library().functions(filepath.Dir(s.Name))}
	body := d.body(s)
	if body == nil {
		return AgentFile{}, d.done()
	}
	f := d.checkFile(d.withoutJobs(body))
	var file AgentFile
	d.agent(f.one("agent"), &file)
	d.log(f.one("log"), &file)
	d.queue(f.one("queue"), &file)
	file.Plugins = d.plugins(f.blocks["plugin"])
	return file, d.done()
}

// agentDecoder decodes one agent file.
type agentDecoder struct {
	*evaluator
	builtin func(kind, name string) bool
}

// body is the syntax tree of a file, or nil.
func (r *report) body(s Source) *hclsyntax.Body {
	src := newSource(s.Name, s.Data, r)
	if src == nil {
		return nil
	}
	body := parse(src, r)
	if body != nil {
		r.maskBody(body)
	}
	return body
}

// checkFile holds the top of a file against the root of its language.
func (r *report) checkFile(body *hclsyntax.Body) *fields {
	f := &fields{spec: r.language.root, in: r.language, attrs: map[string]*hclsyntax.Attribute{},
		blocks: map[string][]*hclsyntax.Block{}, present: map[string]bool{}}
	r.checkAttrs(body, f)
	r.checkBlocks(body, f)
	return f
}

// withoutJobs reports blocks that belong in a job file and leaves them out.
func (d *agentDecoder) withoutJobs(body *hclsyntax.Body) *hclsyntax.Body {
	rest := *body
	rest.Blocks = nil
	for _, b := range body.Blocks {
		if b.Type == "job" || jobSpec().block(b.Type) != nil {
			d.err(b.DefRange(), quoted(b.Type)+" block in the agent file",
				"It belongs in a job file. The agent file says how the agent itself works.")
			continue
		}
		rest.Blocks = append(rest.Blocks, b)
	}
	return &rest
}

func (d *agentDecoder) agent(b *hclsyntax.Block, file *AgentFile) {
	f := d.check(b, agentSpec(), "agent")
	for name, to := range map[string]*string{
		"data_dir": &file.DataDir, "spool_dir": &file.SpoolDir, "plugin_dir": &file.PluginDir,
		"jobs_dir": &file.JobsDir,
	} {
		if g := d.get(f, name); g != nil {
			*to, _ = g.absolute()
		}
	}
}

// Bounds of the queue block.
const (
	minQueue = 1 << 20
	maxQueue = 1 << 60
	minRetry = time.Second
	maxRetry = 7 * 24 * time.Hour
	// maxPatience is less than a run waits for room in a full spool: a target that is away must not be what fails it.
	maxPatience = 5 * time.Minute
)

func (d *agentDecoder) queue(b *hclsyntax.Block, file *AgentFile) {
	f := d.check(b, queueSpec(), "queue")
	if g := d.get(f, "max_bytes"); g != nil {
		file.QueueBytes, _ = g.size(minQueue, maxQueue)
	}
	if g := d.get(f, "retry_min"); g != nil {
		file.RetryMin, _ = g.duration(minRetry, maxRetry)
	}
	if g := d.get(f, "retry_max"); g != nil {
		file.RetryMax, _ = g.duration(minRetry, maxRetry)
		if file.RetryMax > 0 && file.RetryMax < file.RetryMin {
			g.bad("queue.retry_max is shorter than queue.retry_min", "Waits between two tries grow from retry_min to retry_max.")
		}
	}
	if g := d.get(f, "patience"); g != nil {
		file.Patience, _ = g.duration(minRetry, maxPatience)
	}
}

func (d *agentDecoder) log(b *hclsyntax.Block, file *AgentFile) {
	f := d.check(b, logSpec(), "log")
	if g := d.get(f, "level"); g != nil {
		file.LogLevel, _ = g.oneOf([]string{"debug", "info", "warn", "error"})
	}
	if g := d.get(f, "format"); g != nil {
		file.LogFormat, _ = g.oneOf([]string{"text", "json"})
	}
}
