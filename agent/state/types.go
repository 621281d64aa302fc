package state

import (
	"encoding/json"
	"time"

	"github.com/drydock-backup/drydock/agent/innodb"
)

// Status says what has become of a run.
type Status string

// The states of a run. All but Running and Waiting are final.
const (
	Running   Status = "running"   // going on, or its process died
	Waiting   Status = "waiting"   // the server is back; some target still lacks the artifact, which lies in the spool
	Done      Status = "done"      // a backup at every target
	Damaged   Status = "damaged"   // likewise, of a database that has damaged pages
	Failed    Status = "failed"    // no backup, or not everywhere, and nothing is kept for another try
	Cancelled Status = "cancelled" // stopped by a person
)

// Finished reports whether nothing is left to do for a run of this status.
func (s Status) Finished() bool { return s == Done || s == Damaged || s == Failed || s == Cancelled }

func (s Status) valid() bool { return s == Running || s == Waiting || s.Finished() }

// Run is one run of the job. Times are UTC; a zero time means "not yet".
type Run struct {
	ID       string    `json:"id"` // also the backup's id
	Job      string    `json:"job"`
	Status   Status    `json:"status"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Failure  string    `json:"failure,omitempty"` // why it failed, for people

	SpoolDir string    `json:"spool_dir,omitempty"` // the run's own directory
	Targets  []string  `json:"targets,omitempty"`   // labels of the targets that the job names
	Artifact *Artifact `json:"artifact,omitempty"`  // nil until its key is known
	Queue    *Queue    `json:"queue,omitempty"`     // nil unless the run waits
	Intent   *Intent   `json:"intent,omitempty"`    // nil until the server is about to be stopped

	DownSince time.Time `json:"down_since,omitzero"` // from here on clients could not use the server
	UpAgain   time.Time `json:"up_again,omitzero"`   // a query was answered again

	PredictedSeconds float64 `json:"predicted_seconds,omitempty"` // of downtime, before the run

	Server   json.RawMessage `json:"server,omitempty"`   // facts that the server told before it was stopped
	Manifest json.RawMessage `json:"manifest,omitempty"` // the outer manifest as it goes to the targets, once it is final
}

// Artifact is what is shipped. Its chunks have keys of their own (see Store.AddChunks).
type Artifact struct {
	Key       string         `json:"key"`
	ChunkSize int64          `json:"chunk_size"`                 // bytes
	Size      int64          `json:"size,omitempty"`             // bytes; counts once Whole
	DataBytes int64          `json:"data_bytes,omitempty"`       // bytes of the files that went in
	Files     int64          `json:"files,omitempty"`            // that went in
	MAC       []byte         `json:"mac,omitempty"`              // of the manifest's claims, when the artifact is sealed; no secret
	Version   int            `json:"manifest_version,omitempty"` // of the outer manifest that the MAC belongs to; missing: 1
	Pages     *innodb.Totals `json:"pages,omitempty"`            // what the checksums of InnoDB's pages told
	Whole     bool           `json:"whole,omitempty"`            // complete, and durable in the spool or at the targets
}

// Intent is what has to be known to bring the server back. It is written before the server is stopped.
type Intent struct {
	WasRunning bool            `json:"was_running"` // false: it stays down
	DataDir    string          `json:"data_dir"`
	PID        int             `json:"pid,omitempty"`       // of the server that is stopped
	Service    string          `json:"service,omitempty"`   // kind of service: exec, systemd
	Start      []string        `json:"start,omitempty"`     // exec: argument vector
	Unit       string          `json:"unit,omitempty"`      // systemd: unit name
	AsksLate   bool            `json:"asks_late,omitempty"` // a stop command of the job's own may outlive the run
	Host       string          `json:"host,omitempty"`      // where it answers; with Port, or Socket
	Port       int             `json:"port,omitempty"`
	Socket     string          `json:"socket,omitempty"`
	StopLimit  time.Duration   `json:"stop_limit,omitempty"`  // how long a stop may take
	StartLimit time.Duration   `json:"start_limit,omitempty"` // how long a start may take
	Settings   json.RawMessage `json:"settings,omitempty"`    // what a restart loses and has to be put back
	Written    time.Time       `json:"written,omitzero"`
	Stopped    time.Time       `json:"stopped,omitzero"`     // the process is gone and the data directory free
	StartedBy  string          `json:"started_by,omitempty"` // who started it again: run, guardian, recover
	Disarmed   bool            `json:"disarmed,omitempty"`   // the server is as it was; nothing is to be done any more
}

// Started reports whether the server was started again, but has not got back yet what a restart loses.
func (i *Intent) Started() bool { return i.Pending() && i.StartedBy != "" }

// Pending reports whether somebody still has to see to it that the server is up.
func (i *Intent) Pending() bool { return i != nil && i.WasRunning && !i.Disarmed }

// Step is the checkpoint of one step of a run.
type Step struct {
	Name  string    `json:"name"`
	Begun time.Time `json:"begun"`
	Done  time.Time `json:"done,omitzero"`
}

// Target is how far a run has come at one target.
type Target struct {
	Label     string    `json:"label"`
	Token     string    `json:"token,omitempty"`     // of the upload; empty before it began and when it is no longer needed
	Committed bool      `json:"committed,omitempty"` // the object is visible and was read back
	Manifest  bool      `json:"manifest,omitempty"`  // the manifest is there: it is a backup
	Failure   string    `json:"failure,omitempty"`   // last error, for people
	Updated   time.Time `json:"updated,omitzero"`
}
