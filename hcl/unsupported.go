package hcl

import (
	"fmt"

	hcllib "github.com/hashicorp/hcl/v2"
)

// unsupported are the parts of the language that this version does not carry out, by the path of blocks, and what a
// backup would lack. A job that uses one is refused: to leave encryption or a deadline out without a word would be
// worse than no backup. The agent file is held to the same rule. A part that gets carried out loses its line here and gains its spec in spec.go.
func unsupported() map[string]string {
	return map[string]string{
		"job.schedule":       "the job would never run on its own",
		"job.retention":      "old backups would never be deleted",
		`service.windows`:    "MySQL could be neither stopped nor started",
		"agent.max_runs":     "more runs than that could go on at the same time",
		"agent file.console": "there would be no console at that address",
	}
}

// refuse reports a part that this version does not carry out. It says whether path names one.
func (r *report) refuse(path string, at hcllib.Range, what string) bool {
	lack, ok := unsupported()[path]
	if !ok {
		return false
	}
	r.err(at, what+" is not supported yet", fmt.Sprintf(
		"This version of drydock knows %s but does not carry it out: %s. Remove it, or use a version that supports it.", what, lack))
	return true
}
