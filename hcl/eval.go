package hcl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// scope is what the expressions of one job, or of the agent file, can refer to.
type scope struct {
	job   string // empty in the agent file, where there is no job
	plain bool   // no expressions: plain values only
	host  string
	funcs map[string]function.Function
}

// earlyVariables are known when a file is read.
func earlyVariables() []string { return []string{"job.name", "host.name"} }

// lateVariables are known when a backup runs; only artifact.name is evaluated then.
func lateVariables() []string {
	return []string{"run.id", "run.started", "run.type", "mysql.hostname", "mysql.version", "mysql.server_id"}
}

func allVariables() []string { return append(earlyVariables(), lateVariables()...) }

// variables are those that an expression can use; late is true in artifact.name.
func (s scope) variables(late bool) []string {
	switch {
	case s.job == "":
		return []string{"host.name"}
	case late:
		return allVariables()
	}
	return earlyVariables()
}

// hint says which variables there are.
func (s scope) hint(late bool) string {
	names := s.variables(late)
	if len(names) == 1 {
		return "The only variable here is " + names[0] + "."
	}
	return "The variables here are " + joined(names) + "."
}

// context gives the values to HCL; vars is nil for everything but artifact.name.
func (s scope) context(vars *job.Vars) *hcllib.EvalContext {
	values := map[string]cty.Value{"host": cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(s.host)})}
	if s.job != "" {
		values["job"] = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(s.job)})
	}
	if vars != nil {
		values["run"] = cty.ObjectVal(map[string]cty.Value{
			"id":      cty.StringVal(vars.RunID),
			"started": cty.StringVal(vars.RunStarted.UTC().Format(time.RFC3339)),
			"type":    cty.StringVal(vars.RunType),
		})
		values["mysql"] = cty.ObjectVal(map[string]cty.Value{
			"hostname":  cty.StringVal(vars.MySQLHostname),
			"version":   cty.StringVal(vars.MySQLVersion),
			"server_id": cty.NumberUIntVal(uint64(vars.MySQLServerID)),
		})
	}
	return &hcllib.EvalContext{Variables: values, Functions: s.funcs}
}

// evaluator evaluates expressions and reports what is wrong with them.
type evaluator struct {
	*report
	scope scope
}

// value evaluates an expression of an attribute. It says ok only for a value that is not null.
func (e *evaluator) value(expr hclsyntax.Expression, sensitive bool) (cty.Value, bool) {
	if sensitive && len(hclsyntax.Variables(expr)) > 0 && e.bareSecret(expr) {
		return cty.NilVal, false
	}
	if e.scope.plain && !e.isPlain(expr) {
		return cty.NilVal, false
	}
	if !e.checkNames(expr, false) {
		return cty.NilVal, false
	}
	v, diags := expr.Value(e.scope.context(nil))
	return v, e.evaluated(expr, diags) && v != cty.NilVal && v.IsKnown() && !v.IsNull()
}

// evaluated reports what went wrong in an evaluation, and says whether all is well.
func (e *evaluator) evaluated(expr hclsyntax.Expression, diags hcllib.Diagnostics) bool {
	secret := readsSecret(expr)
	for _, d := range diags {
		at := expr.Range()
		if d.Subject != nil {
			at = *d.Subject
		}
		if d.Expression != nil && at == d.Expression.StartRange() {
			at = d.Expression.Range() // hcl points at the first part of text with interpolations
		}
		summary, detail := explain(d, secret)
		e.err(at, summary, detail)
	}
	return !diags.HasErrors()
}

// explain words a diagnostic of HCL. HCL's own texts may hold values, and a function may complain about an argument by
// quoting it. So when the expression reads secrets, only the texts that we made ourselves are let through.
func explain(d *hcllib.Diagnostic, secret bool) (summary, detail string) {
	const hidden = "The reason may show a value of env(), file() or credential(), so it is left out."
	if d.Summary == "Invalid template interpolation value" && !secret {
		return "value does not fit into text",
			"Text, numbers and true or false can stand in text. A list goes through join(\", \", LIST)."
	}
	call, isCall := hcllib.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	if !isCall || call.CalledFunctionName() == "" {
		if secret {
			return "expression cannot be evaluated",
				hidden + " HCL calls it: " + lowerFirst(d.Summary) + "."
		}
		return lowerFirst(d.Summary), d.Detail
	}
	name := call.CalledFunctionName()
	summary = fmt.Sprintf("%s(): %s", name, lowerFirst(d.Summary))
	err := call.FunctionCallError()
	ours := slices.Contains(readsOutside(), name) && err != nil
	switch {
	case ours:
		return summary, sentence(err.Error())
	case secret && err == nil && strings.HasSuffix(d.Summary, "function arguments"):
		return summary, d.Detail // counts only
	case secret:
		return summary, hidden
	case name == "formatdate":
		return summary, sentence(d.Detail) + dateHint()
	}
	return summary, d.Detail
}

func dateHint() string {
	return " Use YYYY, MM, DD, hh, mm, ss and Z for the parts of a time, and put letters that are text in single quotes:\n" +
		`    formatdate("YYYYMMDD'T'hhmmss'Z'", run.started)`
}

// readsSecret reports whether an expression calls a function whose values must not be shown.
func readsSecret(expr hclsyntax.Expression) bool {
	found := false
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcllib.Diagnostics {
		if call, ok := node.(*hclsyntax.FunctionCallExpr); ok && slices.Contains(readsOutside(), call.Name) {
			found = true
		}
		return nil
	})
	return found
}

// checkNames looks at the variables and functions of an expression before it is evaluated, because we know better than
// HCL what was meant. late says whether the variables of a run may be used.
func (e *evaluator) checkNames(expr hclsyntax.Expression, late bool) bool {
	if e.bareWord(expr, late) {
		return false
	}
	good := true
	for _, t := range hclsyntax.Variables(expr) {
		good = e.checkVariable(t, late) && good
	}
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcllib.Diagnostics {
		if call, ok := node.(*hclsyntax.FunctionCallExpr); ok && !slices.Contains(functionNames(), call.Name) {
			good = false
			e.err(call.NameRange, fmt.Sprintf("unknown function %q", call.Name),
				didYouMean(call.Name, functionNames())+"The functions are "+joined(functionNames())+".")
		}
		return nil
	})
	return good
}

// isPlain wants a value that is written out.
func (e *evaluator) isPlain(expr hclsyntax.Expression) bool {
	plain := len(hclsyntax.Variables(expr)) == 0
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcllib.Diagnostics {
		if _, call := node.(*hclsyntax.FunctionCallExpr); call {
			plain = false
		}
		return nil
	})
	if !plain {
		e.err(expr.Range(), "plain value expected", fmt.Sprintf("%s holds values that are written out: no variables and no functions.",
			upperFirst(article(e.language.noun))))
	}
	return plain
}

// bareWord catches text that was written without quotes. HCL would see variables and a subtraction in after-ship.
func (e *evaluator) bareWord(expr hclsyntax.Expression, late bool) bool {
	at := expr.Range()
	src := e.sources[at.Filename]
	if src == nil || len(hclsyntax.Variables(expr)) == 0 || at.End.Byte > len(src.data) {
		return false
	}
	text := string(src.data[at.Start.Byte:at.End.Byte])
	word := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*$`)
	group := func(v string) bool { return strings.HasPrefix(v, text+".") }
	if !word.MatchString(text) || slices.ContainsFunc(allVariables(), group) {
		return false
	}
	e.err(at, fmt.Sprintf("undefined variable %q", text),
		fmt.Sprintf("If it is meant as text, write it in quotes: %q. %s", text, e.scope.hint(late)))
	return true
}

// bareSecret catches a secret that was written without quotes before its text gets into a message as the name of a
// variable.
func (e *evaluator) bareSecret(expr hclsyntax.Expression) bool {
	for _, t := range hclsyntax.Variables(expr) {
		if name, _ := variableName(t); !slices.Contains(allVariables(), name) {
			e.err(expr.Range(), "undefined variable", "If it is meant as text, write it in quotes. It is not shown, because the "+
				"attribute is a secret. "+e.scope.hint(false))
			return true
		}
	}
	return false
}

func (e *evaluator) checkVariable(t hcllib.Traversal, late bool) bool {
	name, at := variableName(t)
	switch {
	case len(t) > 2 && slices.Contains(allVariables(), name):
		e.err(t[2].SourceRange(), name+" has no parts", fmt.Sprintf("It is a single value. Write %s alone.", name))
		return false
	case slices.Contains(e.scope.variables(false), name):
		return true
	case slices.Contains(lateVariables(), name) && e.scope.job != "":
		if !late {
			e.err(at, fmt.Sprintf("%s is not known here", name), fmt.Sprintf(
				"It is known only when a backup runs, so only artifact.name can use it. Here there are %s.", joined(earlyVariables())))
		}
		return late
	}
	e.err(at, fmt.Sprintf("undefined variable %q", name), didYouMean(name, e.scope.variables(late))+e.scope.hint(late))
	return false
}

// variableName is the first two steps of a reference: run.id, also when written run["id"].
func variableName(t hcllib.Traversal) (string, hcllib.Range) {
	name, at := t.RootName(), t[0].SourceRange()
	if len(t) < 2 {
		return name, at
	}
	switch step := t[1].(type) {
	case hcllib.TraverseAttr:
		return name + "." + step.Name, hcllib.RangeBetween(at, step.SrcRange)
	case hcllib.TraverseIndex:
		if step.Key.Type() == cty.String {
			return name + "." + step.Key.AsString(), hcllib.RangeBetween(at, step.SrcRange)
		}
	}
	return name, at
}
