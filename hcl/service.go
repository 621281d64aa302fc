package hcl

import (
	"fmt"
	"strings"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// serviceKinds are the kinds of service, with the attributes that each has.
func serviceKinds() map[string][]attrSpec {
	all := serviceSpec()
	start, unit := *all.attr("start"), *all.attr("unit")
	start.required, start.doc = true, "the command that starts the server"
	unit.required, unit.doc = true, "the unit that runs the server"
	return map[string][]attrSpec{
		job.ServiceExec:    {start, *all.attr("stop")},
		job.ServiceSystemd: {unit},
	}
}

func (e *evaluator) service(b *hclsyntax.Block) job.Service {
	if b == nil {
		return job.Service{}
	}
	kind, spec := b.Labels[0], serviceSpec()
	attrs, ok := serviceKinds()[kind]
	if !ok {
		if !e.refuse("service."+kind, b.DefRange(), fmt.Sprintf("service %q", kind)) {
			e.err(b.LabelRanges[0], fmt.Sprintf("unknown service %q", kind),
				didYouMean(kind, []string{job.ServiceExec, job.ServiceSystemd})+`It is "exec" (a command) or "systemd" (a unit).`)
		}
		return job.Service{}
	}
	spec.attrs = attrs
	f := e.check(b, spec, fmt.Sprintf("service %q", kind))
	s := job.Service{Kind: kind}
	if g := e.get(f, "start"); g != nil {
		s.Start = command(g)
	}
	if g := e.get(f, "stop"); g != nil {
		s.Stop = command(g)
	}
	if g := e.get(f, "unit"); g != nil {
		s.Unit = unitName(g)
	}
	return s
}

// command is a list of words: the program and its arguments. There is no shell between.
func command(g *given) []string {
	parts, ok := g.elements()
	if !ok {
		return nil
	}
	if len(parts) == 0 {
		g.bad(g.title()+" is empty", "It takes a command: the program, then its arguments, each an element, such as "+
			`["/usr/bin/mysqld_safe", "--user=mysql"].`)
		return nil
	}
	argv := make([]string, 0, len(parts))
	for i, p := range parts {
		word, ok := p.text()
		if ok && i == 0 {
			checkProgram(p, word)
		}
		if ok && strings.Contains(word, "\x00") {
			p.bad(p.title()+" holds a NUL character", "No command can take one as an argument.")
		}
		argv = append(argv, word)
	}
	return argv
}

// checkProgram catches paths that depend on the working directory and whole command lines in one word.
func checkProgram(g *given, word string) {
	switch {
	case strings.TrimSpace(word) == "":
		g.bad("the program of the command is empty", "The first element is the program, such as \"/usr/local/bin/start-mysql\".")
	case strings.HasPrefix(word, "./"), strings.HasPrefix(word, "../"):
		g.bad("the program of the command is a relative path",
			"It would depend on the directory that drydock is started in. Write the path from the root on.")
	case strings.Contains(word, " -"), lastWordIsArgument(word):
		g.bad("the program of the command holds spaces",
			"No shell takes the command apart. Write each word as an element of its own:\n    "+splitWords(g, word))
	}
}

// lastWordIsArgument tells a command line from a path with spaces in it.
func lastWordIsArgument(word string) bool {
	_, rest, spaces := strings.Cut(word, " ")
	return spaces && !strings.ContainsAny(rest, `/\`)
}

func splitWords(g *given, word string) string {
	if g.secret {
		return `["/path/to/program", "argument"]`
	}
	words := strings.Fields(word)
	for i, w := range words {
		words[i] = quoted(w)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func unitName(g *given) string {
	unit, ok := g.nonEmpty()
	if !ok {
		return ""
	}
	if strings.ContainsAny(unit, "/ \t*?") {
		g.bad(g.title()+" is no name of a unit", `It is the name that systemctl shows, such as "mysql.service".`)
		return ""
	}
	if !strings.HasSuffix(unit, ".service") {
		detail := `Write the whole name, such as "mysql.service".`
		if !g.secret && !strings.Contains(unit, ".") {
			detail = fmt.Sprintf("Write the whole name: %q.", unit+".service")
		}
		g.bad(g.title()+` must end in ".service"`, detail)
		return ""
	}
	return unit
}
