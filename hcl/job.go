package hcl

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/drydock-backup/drydock/agent/job"
	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// job decodes one job block and says whether it has no errors.
func (d *decoder) job(src *source, b *hclsyntax.Block, names map[string]*hclsyntax.Block) (job.Job, bool) {
	before := d.errors()
	name := b.Labels[0]
	if d.checkName(name, b.LabelRanges[0], "job") {
		d.uniqueName(b, names)
	}
	e := d.scope(src, name)
	f := d.check(b, jobSpec(), fmt.Sprintf("job %q", name))
	f.where = "" // values of the job itself go by their plain names
	j := job.Job{
		Name:     name,
		File:     src.name,
		MySQL:    e.mysql(f.one("mysql")),
		Artifact: e.artifact(f.one("artifact")),
		Restart:  e.restart(f),
	}
	if b := f.one("encrypt"); b != nil {
		j.Encrypt = d.encrypt(e, b)
	}
	if b := f.one("verify"); b != nil {
		j.Verify = d.verify(e, b, j.Encrypt)
	}
	d.providers(e, f, &j)
	return j, d.errors() == before
}

// providers decodes the blocks that are configured by plugins.
func (d *decoder) providers(e *evaluator, f *fields, j *job.Job) {
	j.Compress = d.compress(e, f)
	labels := map[string]*hclsyntax.Block{}
	for _, b := range f.blocks["target"] {
		d.uniqueLabel(b, labels)
		j.Targets = append(j.Targets, d.target(e, b))
	}
	labels = map[string]*hclsyntax.Block{}
	for _, b := range f.blocks["notify"] {
		d.uniqueLabel(b, labels)
		j.Notify = append(j.Notify, d.notify(e, b))
	}
}

// uniqueName holds a job's name against all others. Names that differ in case only would share files on some hosts.
func (d *decoder) uniqueName(b *hclsyntax.Block, names map[string]*hclsyntax.Block) {
	name := b.Labels[0]
	key := strings.ToLower(name)
	first := names[key]
	if first == nil {
		names[key] = b
		return
	}
	summary := fmt.Sprintf("second job %q", name)
	detail := fmt.Sprintf("There is a job of this name at %s already.", place(first.DefRange()))
	if first.Labels[0] != name {
		detail = fmt.Sprintf("The job %q at %s differs from it in upper and lower case only.", first.Labels[0], place(first.DefRange()))
	}
	d.err(b.DefRange(), summary, detail+" Every job needs a name of its own, in all files together.")
}

// uniqueLabel holds the name of a target or a notify block against the others of the job.
func (d *decoder) uniqueLabel(b *hclsyntax.Block, labels map[string]*hclsyntax.Block) {
	name, at := b.Labels[1], b.LabelRanges[1]
	if !d.checkName(name, at, b.Type) {
		return
	}
	if first := labels[strings.ToLower(name)]; first != nil {
		d.err(at, fmt.Sprintf("second %s %q", b.Type, name), fmt.Sprintf(
			"There is a %s of this name at %s already. Give each a name of its own.", b.Type, place(first.DefRange())))
		return
	}
	labels[strings.ToLower(name)] = b
}

// checkName wants names that can be parts of file names, log lines and commands.
func (d *decoder) checkName(name string, at hcllib.Range, what string) bool {
	if regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`).MatchString(name) {
		return true
	}
	d.err(at, fmt.Sprintf("bad name for a %s", what), "A name begins with a letter or a digit, goes on with letters, digits, "+
		`".", "_" or "-", and has at most 64 characters.`)
	return false
}

// restart decodes the moment at which MySQL is started again.
func (e *evaluator) restart(f *fields) job.Restart {
	if g := e.get(f, "restart"); g != nil {
		s, _ := g.oneOf([]string{string(job.RestartAfterShip), string(job.RestartAfterCapture)})
		return job.Restart(s)
	}
	return job.RestartAfterShip
}
