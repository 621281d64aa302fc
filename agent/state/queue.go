package state

import "time"

// Queue is what is known about an artifact that waits in the spool.
type Queue struct {
	Since   time.Time `json:"since"`           // it waits
	Tries   int       `json:"tries,omitempty"` // to ship it since then
	Next    time.Time `json:"next,omitzero"`   // the service does not try again before
	Held    bool      `json:"held,omitempty"`  // a person cancelled the run: only a person has it go on
	Lacking []Lack    `json:"lacking,omitempty"`
}

// Lack is a target that does not hold the backup yet.
type Lack struct {
	Target string `json:"target"`
	Error  string `json:"error,omitempty"` // of the last try
}

// Due reports whether the service has to try now.
func (r Run) Due(now time.Time) bool {
	return r.Status == Waiting && (r.Queue == nil || !r.Queue.Held && !now.Before(r.Queue.Next))
}
