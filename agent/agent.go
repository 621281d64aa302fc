package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/plugin"
)

// Options say where an agent keeps its things and what it works with. All but Log are required.
type Options struct {
	DataDir  string       // the agent's own state; made when missing, 0700
	SpoolDir string       // where chunks wait until they are shipped; made when missing, 0700
	Plugins  *plugin.Host // closed by its owner, after the agent's last operation
	Guardian []string     // command that makes this program call Guard; Run alone needs it
	Version  string       // of drydock, for manifests
	Log      *slog.Logger // nil discards
	Queue    Queue        // of artifacts that wait for a target
	Brief    bool         // Resume gives up soon on a target that is away: the caller comes back by itself
}

// Agent runs jobs and works with their backups.
type Agent struct {
	o   Options
	now func() time.Time
}

// New returns an agent and makes its directories.
func New(o Options) (*Agent, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, dir := range []string{o.DataDir, o.SpoolDir, filepath.Join(o.DataDir, "log")} {
		if !filepath.IsAbs(dir) {
			return nil, fmt.Errorf("directory %q: an absolute path is needed", dir)
		}
		if err := durable.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	o.Queue = o.Queue.withDefaults()
	return &Agent{o: o, now: time.Now}, nil
}

// logDir is where the output of start commands goes.
func (a *Agent) logDir() string { return filepath.Join(a.o.DataDir, "log") }

// Errors that callers branch on.
var (
	// ErrDamaged is in the chain when a stored backup is not what its manifest says.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrDamagedSource is in the chain when a backup is what it should be, and the database that it was made of has pages
	// with wrong checksums.
	ErrDamagedSource = errors.New("the database has damaged pages")
	// ErrPartial is in the chain when a run ended with a backup that some target lacks.
	ErrPartial = errors.New("stored, but not everywhere")
	// ErrNoBackup is in the chain when no target holds the backup that was asked for.
	ErrNoBackup = errors.New("no such backup")
)
