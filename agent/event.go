package agent

import (
	"time"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/innodb"
)

// Event is one line of a run's story. Observers get them in order, from one goroutine at a time.
type Event struct {
	Time  time.Time `json:"time"`
	Event EventType `json:"event"`
	Run   string    `json:"run"`

	Step    string  `json:"step,omitempty"`    // EventStep, EventProgress
	Phase   string  `json:"phase,omitempty"`   // EventStep: begun, done, failed, undone
	Seconds float64 `json:"seconds,omitempty"` // EventStep: how long the step took
	Target  string  `json:"target,omitempty"`  // EventProgress of step "ship": the target's label
	Bytes   int64   `json:"bytes,omitempty"`   // EventProgress: done so far
	Total   int64   `json:"total,omitempty"`   // EventProgress: of how many; 0 when not known yet
	Message string  `json:"message,omitempty"` // EventWarning, and the error of a failed step

	*Outcome // EventFinished
}

// EventType says what an Event tells.
type EventType string

// The events of a run.
const (
	EventStep     EventType = "step"
	EventProgress EventType = "progress"
	EventWarning  EventType = "warning"
	EventFinished EventType = "finished"
)

// Status is how a run ended.
type Status string

// The ends of a run.
const (
	StatusDone      Status = "done"      // every target holds a proven backup
	StatusDamaged   Status = "damaged"   // likewise, of a database that has damaged pages, or its drill found it damaged
	StatusPartial   Status = "partial"   // some targets do; the spool keeps the artifact for the others
	StatusWaiting   Status = "waiting"   // no target has it yet; the artifact is whole and waits in the spool
	StatusFailed    Status = "failed"    // no backup; MySQL is as it was before
	StatusDown      Status = "down"      // MySQL was up before the run and is down now
	StatusCancelled Status = "cancelled" // somebody stopped the run; MySQL is as it was before
)

// Outcome is the end of a run. Its JSON keys are a contract.
type Outcome struct {
	RunID            string          `json:"-"`                // Event.Run in JSON
	Finished         time.Time       `json:"-"`                // Event.Time in JSON
	BackupID         string          `json:"backup,omitempty"` // empty when no target holds a backup
	Status           Status          `json:"status"`
	ExitCode         int             `json:"exit_code"`
	DowntimeSeconds  float64         `json:"downtime_seconds"`
	PredictedSeconds float64         `json:"predicted_downtime_seconds"`
	BudgetSeconds    float64         `json:"max_downtime_seconds,omitempty"` // of the job; absent without one
	DataBytes        int64           `json:"data_bytes"`
	ArtifactBytes    int64           `json:"artifact_bytes"`
	Files            int64           `json:"files"`
	Key              string          `json:"key,omitempty"`
	Targets          []TargetOutcome `json:"targets"`
	Pages            *innodb.Totals  `json:"pages,omitempty"` // absent when InnoDB's pages were not checked
	Error            string          `json:"error,omitempty"`

	DamagedPages []archive.DamagedPages `json:"damaged_pages,omitempty"` // the first hundred files; absent after a resume

	Drill *RunDrill `json:"drill,omitempty"` // absent when none was due
}

// TargetOutcome is how one target ended.
type TargetOutcome struct {
	Target string `json:"target"`
	Stored bool   `json:"stored"`
	Error  string `json:"error,omitempty"`
}
