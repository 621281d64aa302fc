package step

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
)

// Backup is one run: what was asked for, and what the steps have learned so far. The steps run one after the other, so
// it needs no lock.
type Backup struct {
	ID      string
	Job     job.Job
	Started time.Time

	Survey   Survey         // by preflight
	Shipment *ship.Shipment // by capture, while chunks are on their way
	Artifact Artifact       // by capture; Whole tells whether it is finished
	Shipped  []ship.Result  // by ship
	Stored   []Stored       // by commit
	Held     []string       // labels of targets that held the backup before a resume
	Downtime Downtime       // by stop and restart
	Archived atomic.Int64   // bytes of files that capture has read; from any goroutine

	PutBack bool // confirm has tried to put back what the restart lost, whatever came of it
}

// Artifact is Data.zip as it lies in chunks.
type Artifact struct {
	Key       string
	ChunkSize int64
	Size      int64 // bytes
	DataBytes int64 // bytes of the files in it
	Files     int64
	Chunks    []spool.Chunk
	MAC       []byte         // of the manifest's claims; nil when it is not sealed
	Version   int            // of the outer manifest that the MAC belongs to
	Pages     *innodb.Totals // what the checksums of InnoDB's pages told; nil when they were not checked
	Whole     bool           // every byte of it is in the spool or at the targets
}

// Stored tells how one target ended.
type Stored struct {
	Label string
	Err   error // nil: the target holds a proven backup
}

// Downtime is the time during which MySQL did not serve.
type Downtime struct {
	Predicted time.Duration
	Began     time.Time // just before the server was asked to stop; zero when it never was
	Ended     time.Time // when it answered a query again; zero while it is down
	Confirmed bool      // it serves as before, and nothing is left to be done about it
}

// Measured returns how long MySQL was away; until now while it still is.
func (d Downtime) Measured(now time.Time) time.Duration {
	switch {
	case d.Began.IsZero():
		return 0
	case d.Ended.IsZero():
		return now.Sub(d.Began)
	}
	return d.Ended.Sub(d.Began)
}

// Instance is the server as the steps see it.
type Instance interface {
	Holder() (pid int, err error)
	Stop(ctx context.Context) error
	Start(ctx context.Context) error
	Answers(ctx context.Context) error
	CanManage(ctx context.Context) error
}

// Server is what the steps ask over SQL.
type Server interface {
	Facts(ctx context.Context) (mysql.Facts, error)
	Settings(ctx context.Context) (mysql.Settings, error)
	Apply(ctx context.Context, s mysql.Settings) error
}

// Guardian watches over the server while it is down, in a process of its own.
type Guardian interface {
	// Arm returns when the guardian is ready to bring the server up should this process die.
	Arm(ctx context.Context, in Intent) error
	// StandDown returns when it will do nothing any more. It may be called at any time, and twice.
	StandDown()
}

// Journal keeps what must survive a crash of the agent. Each call returns when its record is on disk.
type Journal interface {
	SaveIntent(ctx context.Context, in Intent) error
	Disarm(ctx context.Context) error
	SaveArtifact(ctx context.Context, a Artifact) error
	SaveStored(ctx context.Context, label string) error
}

// Intent says what was running before the stop and how to start it again. It is written before the stop.
type Intent struct {
	WasRunning bool
	PID        int       // of the server that is going to be stopped
	MySQL      job.MySQL // its password is never written
	Facts      mysql.Facts
	Settings   mysql.Settings
	At         time.Time
}

// Clock tells the time.
type Clock func() time.Time
