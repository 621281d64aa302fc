package conformance

import (
	"time"

	"github.com/drydock-backup/drydock/sdk/host"
)

// Provider is a provider whose process is under test.
type Provider struct {
	// Binary says how the process is started.
	Binary func(t T) Binary

	// Config makes a configuration that the provider accepts. It is called once for each process; what has to be undone
	// it registers with t.Cleanup.
	Config func(t T) map[string]any

	// Use does a little of the provider's own work, so that there is something to log and something in memory. Its error
	// is searched for secrets, but fails no case: the suite of the kind is there for that. nil: nothing is done.
	Use func(t T, p *host.Process) error

	// Secrets are texts in the configuration that must never show, besides the values of sensitive attributes as a whole: the
	// token in an address, say.
	Secrets []string

	// Limits are what the process may cost; a zero limit means that the cost is only reported. See Bars.
	Limits Limits

	// Agent is the command line of a program that calls PlayAgent; nil: this test binary, whose TestMain calls Main.
	Agent []string
}

// Limits bound what a provider's process costs.
type Limits struct {
	Start  time.Duration // from the launch until the provider has told who it is
	Memory int64         // bytes that the process has for itself, also after work; only Linux tells
}

// Bars are the limits that official providers keep.
func Bars() Limits { return Limits{Start: 150 * time.Millisecond, Memory: 30 << 20} }

// Cases returns the cases that the process of every provider must pass.
func Cases(p Provider) []Case {
	if p.Use == nil {
		p.Use = func(T, *host.Process) error { return nil }
	}
	var cases []Case
	for _, c := range list() {
		cases = append(cases, Case{Name: c.name, Doc: c.doc, Run: func(t T) { c.run(&subject{T: t, Provider: p}) }})
	}
	return cases
}

// subject is what a case works with.
type subject struct {
	T
	Provider
}

type processCase struct {
	name, doc string
	run       func(s *subject)
}

func list() []processCase {
	return []processCase{
		{"clean-stdout", "nothing is printed on standard output before the handshake: anything there is fatal", cleanStdout},
		{"description", "the provider says who it is; its attributes are documented, and those that hold secrets are marked",
			described},
		{"unknown-attribute", "an attribute that does not exist is refused with a diagnostic that points at it", unknownAttribute},
		{"wrong-type", "a value of the wrong type is refused with a diagnostic that points at its attribute", wrongType},
		{"missing-attribute", "a required attribute that is missing is refused with a diagnostic that points at it", missingAttribute},
		{"no-secrets-shown", "no secret shows in arguments, environment, output, logs, errors or diagnostics", noSecrets},
		{"health", "Health is answered at once, before and after Configure", health},
		{"stop", "a provider that is asked to stop ends by itself within 4 s, with all its children", stops},
		{"orphan", "a provider whose agent is killed is gone within 5 s, with all its children", orphan},
		{"footprint", "what the process costs: time to start, and memory", footprint},
	}
}
