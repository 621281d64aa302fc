package hcl

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Bounds of an artifact's name, in bytes. Stores take keys of about 1000 bytes and file systems take elements of 255;
// the name of the manifest is longer than the artifact's by what manifestSuffix and the sealed suffix add.
const (
	maxNameLength    = 900
	maxElementLength = 230
	manifestSuffix   = ".manifest.json"
)

// artifactName checks artifact.name with made-up values, so that mistakes show when the file is validated, and returns
// the function that a run calls with the real ones.
func (e *evaluator) artifactName(expr hclsyntax.Expression) func(job.Vars) (string, error) {
	if !e.checkNames(expr, true) {
		return nil
	}
	vars := sampleVars()
	if val, diags := expr.Value(e.scope.context(&vars)); !diags.HasErrors() && val.IsNull() {
		return e.defaultName() // null is the same as nothing
	}
	name, ok := e.sampleName(expr, vars)
	if !ok {
		return nil
	}
	if err := checkArtifactName(name); err != nil {
		e.err(expr.Range(), "bad artifact.name: "+err.Error(),
			"It is a relative path with slashes, whose last element is the file, such as:\n    name = "+DefaultArtifactName)
		return nil
	}
	e.checkUnique(expr, name)
	return e.nameFunc(expr)
}

// sampleName evaluates the name and reports what is wrong with the expression.
func (e *evaluator) sampleName(expr hclsyntax.Expression, vars job.Vars) (string, bool) {
	val, diags := expr.Value(e.scope.context(&vars))
	if !e.evaluated(expr, diags) {
		return "", false
	}
	plain, marks := val.UnmarkDeep()
	g := &given{e: e, name: "artifact.name", expr: expr, val: plain, secret: len(marks) > 0}
	return g.text()
}

// nameFunc makes the function that names the artifact of a run. Its errors hold no values of secrets.
func (e *evaluator) nameFunc(expr hclsyntax.Expression) func(job.Vars) (string, error) {
	scope := e.scope
	return func(vars job.Vars) (string, error) {
		val, diags := expr.Value(scope.context(&vars))
		if diags.HasErrors() {
			_, detail := explain(diags[0], readsSecret(expr))
			return "", fmt.Errorf("evaluate artifact.name: %s", detail)
		}
		plain, _ := val.UnmarkDeep()
		if plain.IsNull() || !plain.IsKnown() || plain.Type() != cty.String {
			return "", errors.New("evaluate artifact.name: the result is not text")
		}
		name := plain.AsString()
		if err := checkArtifactName(name); err != nil {
			return "", fmt.Errorf("evaluate artifact.name: %w", err)
		}
		return name, nil
	}
}

// checkArtifactName wants a name that every store takes and that stays inside the target's directory. The error does
// not repeat the name, which may come from a secret.
func checkArtifactName(name string) error {
	switch {
	case name == "":
		return errors.New("it is empty")
	case strings.HasPrefix(name, "/"):
		return errors.New("it is an absolute path")
	case strings.Contains(name, `\`):
		return errors.New("it holds a backslash")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("it holds a control character")
	case len(name) > maxNameLength:
		return fmt.Errorf("it has %d bytes, more than %d", len(name), maxNameLength)
	case strings.HasSuffix(name, manifestSuffix):
		return fmt.Errorf("it ends in %q, as the manifests of backups do", manifestSuffix)
	}
	for _, element := range strings.Split(name, "/") {
		switch {
		case element == "":
			return errors.New("it has an empty element (two slashes together, or one at the end)")
		case element == "." || element == "..":
			return fmt.Errorf("it has the element %q", element)
		case len(element) > maxElementLength:
			return fmt.Errorf("one of its elements has more than %d bytes", maxElementLength)
		case strings.TrimSpace(element) != element:
			return errors.New("one of its elements begins or ends with a space")
		}
	}
	return nil
}

// checkUnique evaluates the name for runs that follow each other. A name that stays the same would collide at the
// target: nothing is ever overwritten, so the second backup would fail.
func (e *evaluator) checkUnique(expr hclsyntax.Expression, first string) {
	never := sampleVars()
	never.RunID, never.RunStarted = "20270102T030405Z-b2c3", time.Date(2027, 10, 17, 18, 45, 56, 0, time.UTC)
	if name, ok := e.sampleName(expr, never); ok && name == first {
		e.err(expr.Range(), "artifact.name is the same for every run", "Nothing is ever overwritten, so the second backup would "+
			"fail. Put the time or the run's id into the name:\n    name = "+DefaultArtifactName)
		return
	}
	for _, step := range []struct {
		wait time.Duration
		span string
	}{{24 * time.Hour, "one month or more"}, {time.Hour, "one day"}, {time.Minute, "one hour"}} {
		next := sampleVars()
		next.RunID, next.RunStarted = never.RunID, next.RunStarted.Add(step.wait)
		if name, ok := e.sampleName(expr, next); ok && name == first {
			e.warn(expr.Range(), "artifact.name repeats itself", fmt.Sprintf("Two runs within %s would get the same name, and the "+
				"second would fail, because nothing is ever overwritten. Add the time of day (hhmmss) or ${run.id}.", step.span))
			return
		}
	}
}

// sampleVars are values such as a run would have. The time is early in its hour, its day and its year.
func sampleVars() job.Vars {
	return job.Vars{
		RunID: "20260101T000102Z-a1b2", RunStarted: time.Date(2026, 1, 1, 0, 1, 2, 0, time.UTC), RunType: "full",
		MySQLHostname: "db1", MySQLVersion: "9.7.0", MySQLServerID: 1,
	}
}
