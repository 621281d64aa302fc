package hcl

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/drydock-backup/drydock/agent/job"
	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Bounds and defaults of the artifact block, in bytes. Chunks below the least would make millions of objects of a
// large backup; above the most, a repeated transfer of one chunk costs too much.
const (
	leastChunk   = 1 << 20
	mostChunk    = 4 << 30
	defaultChunk = 64 << 20
)

// DefaultArtifactName is the expression that names artifacts where the job does not.
const DefaultArtifactName = `"${mysql.hostname}/${job.name}/${formatdate("YYYYMMDD'T'hhmmss'Z'", run.started)}/Data.zip"`

func (e *evaluator) artifact(b *hclsyntax.Block) job.Artifact {
	f := e.check(b, artifactSpec(), "artifact")
	a := job.Artifact{ChunkSize: defaultChunk, Name: e.defaultName()}
	if attr := f.attrs["name"]; attr != nil {
		a.Name = e.artifactName(attr.Expr)
	}
	if g := e.get(f, "chunk_size"); g != nil {
		a.ChunkSize, _ = g.size(leastChunk, mostChunk)
	}
	if g := e.get(f, "exclude"); g != nil {
		a.Exclude = excludes(g)
	}
	if g := e.get(f, "include_keyring"); g != nil {
		a.IncludeKeyring, _ = g.boolean()
	}
	if g := e.get(f, "check_pages"); g != nil {
		check, ok := g.boolean()
		a.SkipPages = ok && !check
	}
	return a
}

// defaultName is the default expression, evaluated like one that was written in the file.
func (e *evaluator) defaultName() func(job.Vars) (string, error) {
	expr, _ := hclsyntax.ParseExpression([]byte(DefaultArtifactName), "default artifact.name", hcllib.InitialPos)
	return e.nameFunc(expr)
}

// excludes checks every pattern and warns of those that leave out what no server starts without.
func excludes(g *given) []string {
	parts, ok := g.elements()
	if !ok {
		return nil
	}
	patterns := make([]string, 0, len(parts))
	for _, p := range parts {
		s, ok := p.nonEmpty()
		if ok && checkPattern(p, s) {
			warnVital(p, s)
		}
		patterns = append(patterns, s)
	}
	return patterns
}

func checkPattern(g *given, pattern string) bool {
	const how = `A pattern is matched against paths relative to the data directory, such as "*.pid", "tmp/**" or "**/*.sock".`
	elements := strings.Split(pattern, "/")
	switch {
	case strings.HasPrefix(pattern, "/"):
		g.bad("pattern is absolute", how)
	case slices.Contains(elements, ".."), slices.Contains(elements, "."):
		g.bad(`pattern has "." or ".." for an element`, how)
	case strings.HasSuffix(pattern, "/"):
		g.bad("pattern ends in a slash",
			`It would match nothing. To leave a directory out with all that is in it, end the pattern in "/**".`)
	case !doublestar.ValidatePattern(pattern):
		g.bad("pattern is malformed", "A [ or { in it is not closed, or a backslash is last. "+how)
	case matchesAll(pattern):
		g.bad("pattern leaves everything out", "Nothing would be backed up. "+how)
	default:
		return true
	}
	return false
}

func matchesAll(pattern string) bool {
	for _, p := range []string{"zq0", "zq0/zq1", "zq0.zq2"} {
		if ok, err := doublestar.Match(pattern, p); err != nil || !ok {
			return false
		}
	}
	return true
}

// warnVital names the first file that the server needs and that a pattern leaves out.
func warnVital(g *given, pattern string) {
	vital := []string{"ibdata1", "mysql.ibd", "undo_001", "ib_logfile0", "#innodb_redo/#ib_redo10", "aria_log_control",
		"aria_log.00000001", "mysql/user.frm", "mysql/db.MAD", "mysql/global_priv.MAD"}
	for _, file := range vital {
		if ok, err := doublestar.Match(pattern, file); err == nil && ok {
			g.e.warn(g.expr.Range(), "pattern leaves out files that MySQL needs",
				fmt.Sprintf("It matches %s, for one. A server does not start on a data directory without it.", path.Clean(file)))
			return
		}
	}
}
