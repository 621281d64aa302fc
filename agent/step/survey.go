package step

import (
	"errors"
	"time"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Survey is what preflight finds out. `drydock plan` prints it; a run goes ahead only when nothing is refused.
type Survey struct {
	Running   bool // a server holds the data directory
	PID       int  // of that server; 0 when it is down
	Facts     mysql.Facts
	Settings  mysql.Settings
	Inventory archive.Inventory
	Key       string      // the artifact's key at every target
	SpoolFree int64       // bytes
	Waiting   spool.Usage // what other runs have left in the spool
	Targets   []TargetSurvey
	Predicted time.Duration // of the downtime

	Refused  []error  // reasons not to run; empty when the run may go ahead
	Warnings []string // what the admin should know, and may be meant
}

// TargetSurvey is what a target said before the run.
type TargetSurvey struct {
	Label    string
	Type     string
	Capacity storage.Capacity
	Err      error // why it cannot take the artifact
}

// Refusal joins the reasons not to run; nil when there is none.
func (s *Survey) Refusal() error { return errors.Join(s.Refused...) }

func (s *Survey) refuse(err error) {
	if err != nil {
		s.Refused = append(s.Refused, err)
	}
}
