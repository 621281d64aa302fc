package agent

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
	"github.com/drydock-backup/drydock/agent/state"
)

// guided is a failure that leaves MySQL down, with what a person on this host can do about it.
type guided struct {
	error
	guide string
}

// Guide is a text of several lines: how things stand, and what to type on this host.
func (g *guided) Guide() string { return g.guide }

// Unwrap returns the failure.
func (g *guided) Unwrap() error { return g.error }

func downOf(err error) *instance.DownError {
	var down *instance.DownError
	if errors.As(err, &down) {
		return down
	}
	return nil
}

// guide adds to a failure that leaves MySQL down what to do on this host, with its own paths and commands (R9.4). left
// says what is left of the run. A failure that leaves MySQL up stays as it is.
func (a *Agent) guide(failure error, jobName, left string) error {
	down := downOf(failure)
	if down == nil {
		return failure
	}
	var b strings.Builder
	fmt.Fprintf(&b, "MySQL IS DOWN on %s. Its data directory is %s and is untouched: drydock only reads it.\n",
		hostName(), down.DataDir)
	if down.Holder != 0 {
		fmt.Fprintf(&b, "%s holds it and does not answer. Do not start a second server: see what the first one does, and end it\n"+
			"only when it is stuck for good.\n", mysql.ProcessName(down.Holder))
	}
	if down.LogTail != "" {
		fmt.Fprintf(&b, "\nThe last lines of its log:\n%s\n", indented(down.LogTail))
	}
	b.WriteString("\nTo bring it back by hand:\n")
	for i, cmd := range down.Manual {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, cmd)
	}
	fmt.Fprintf(&b, "\nThen let drydock put back what the restart lost (replication, read_only and the like) and tidy up:\n  %s\n",
		a.command("recover", jobName))
	if left != "" {
		b.WriteString("\n" + left + "\n")
	}
	return &guided{failure, b.String()}
}

// command is a command line that finds what this agent keeps.
func (a *Agent) command(verb, object string) string {
	return "drydock " + verb + " " + service.Quote(object) + " --data-dir " + service.Quote(a.o.DataDir)
}

// left says what is left of the run that has just ended.
func (r *running) left(out Outcome) string {
	switch {
	case r.waits():
		return r.kept(r.b.ID, r.spool.Dir())
	case out.BackupID != "":
		return "The backup " + out.BackupID + " is stored."
	}
	return "Nothing of run " + r.b.ID + " is kept: there is no backup of it."
}

// leftOf says the same of a run that ended, or died, some time ago.
func (r *running) leftOf(old state.Run) string {
	if old.Artifact != nil && old.Artifact.Whole && !old.Status.Finished() {
		return r.kept(old.ID, old.SpoolDir)
	}
	targets, err := r.store.Targets(old.ID)
	if err == nil && slices.ContainsFunc(targets, func(t state.Target) bool { return t.Manifest }) {
		return "The backup " + old.ID + " is stored."
	}
	return ""
}

func (a *Agent) kept(run, spool string) string {
	return "The artifact of run " + run + " is whole in " + spool + ". Once MySQL is up, this ships it:\n  " +
		a.command("resume", run)
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
