package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/drill"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
)

const (
	// drillTimeout is how long a drill may take, where the job does not say.
	drillTimeout = 12 * time.Hour
	// drillRoom is what a server needs beside the data: redo and undo logs, temporary tables.
	drillRoom = 512 << 20
)

// DrillOptions say what is drilled.
type DrillOptions struct {
	Backup  string   // id or Latest
	Target  string   // label; "" means the first that holds it
	Server  string   // program of the server; "": what the job says, or one that is found
	Scratch string   // directory with room for the data; "": what the job says, or the agent's own
	Keys    Keys     // for a sealed backup; may be nil
	Keyring []string // copies of the server's keyring files; none: what the job says, or those in the backup
	Observe func(Event)
}

// DrillReport is what a drill found. Its JSON keys are a contract.
type DrillReport struct {
	Backup    string           `json:"backup"`
	Target    string           `json:"target"`
	Key       string           `json:"key"`
	Server    string           `json:"server"` // version of the server that was started
	Program   string           `json:"program"`
	Files     int64            `json:"files"`
	DataBytes int64            `json:"data_bytes"`
	Tables    int              `json:"tables"`
	Queries   int              `json:"queries"`
	Seconds   float64          `json:"seconds"`
	Damaged   []archive.Damage `json:"damaged"`
}

// product is the server's name without its version.
func (r DrillReport) product() string {
	name, _, _ := strings.Cut(r.Server, " ")
	return name
}

// Drill restores a backup into a scratch directory, starts a server on it that is alone, has it check every table, and runs
// the queries of the job. That a fitting server and enough room are there is made sure of before anything is fetched. What
// is wrong with the backup is in the report, and the error holds ErrDamaged. The result is kept.
func (a *Agent) Drill(ctx context.Context, j job.Job, o DrillOptions) (rep DrillReport, err error) {
	b, err := a.find(ctx, j, o.Backup, o.Target)
	if err != nil {
		return rep, err
	}
	return a.drill(ctx, j, b, o)
}

// drill is Drill of a backup that was found.
func (a *Agent) drill(ctx context.Context, j job.Job, b Backup, o DrillOptions) (rep DrillReport, err error) {
	rep = DrillReport{Backup: b.ID, Target: b.Target, Key: b.Key, DataBytes: b.DataBytes, Damaged: []archive.Damage{}}
	if o.Scratch, err = scratchParent(cmp.Or(o.Scratch, a.scratchDir(j))); err != nil {
		return rep, err
	}
	if err := a.drillServer(ctx, j, b, o, &rep); err != nil {
		return rep, err
	}
	began := a.now()
	err = a.drillInTime(ctx, j, b, o, &rep)
	rep.Seconds = a.now().Sub(began).Seconds()
	return rep, a.keepResult(ctx, b, byDrill, err)
}

// drillInTime gives a drill up when its time is over, which says nothing about the backup.
func (a *Agent) drillInTime(ctx context.Context, j job.Job, b Backup, o DrillOptions, rep *DrillReport) error {
	limit := cmp.Or(j.Verify.Timeout, drillTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w: it was given %s", drill.ErrTimeout, limit))
	defer cancel()
	err := a.drillWith(ctx, j, b, o, rep)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, drill.ErrTimeout) {
		return &hinted{fmt.Errorf("drill: %w", cause), "allow more with timeout in the job's verify block"}
	}
	return err
}

// drillServer finds a server that fits the backup.
func (a *Agent) drillServer(ctx context.Context, j job.Job, b Backup, o DrillOptions, rep *DrillReport) error {
	if b.manifest == nil {
		return b.sound()
	}
	var f mysql.Facts
	if err := json.Unmarshal(b.manifest.Server, &f); err != nil {
		return fmt.Errorf("server facts: %w", err)
	}
	program, v, err := fittingServer(ctx, j, f, o.Server)
	if err == nil {
		rep.Program, rep.Server = program, v.String()
	}
	return err
}

// fittingServer finds a server for the data of another one.
func fittingServer(ctx context.Context, j job.Job, of mysql.Facts, chosen string) (program string, v drill.Version, err error) {
	var data drill.Version // not known of a server that was down before its backup
	if of.Version != "" {
		if data, err = drill.ParseVersion(of.Version); err != nil {
			return "", v, err
		}
	}
	program, v, err = drill.Find(ctx, data, cmp.Or(chosen, j.Verify.Server), ownServer(j)...)
	if errors.Is(err, drill.ErrNoServer) {
		err = &hinted{err, "install one, or name its program with mysqld in the job's verify block or with --mysqld; nothing was fetched"}
	}
	return program, v, err
}

// ownServer is the job's own server program, where its start command tells it.
func ownServer(j job.Job) []string {
	if argv := j.MySQL.Service.Start; len(argv) > 0 && slices.Contains([]string{"mysqld", "mariadbd"}, filepath.Base(argv[0])) {
		return argv[:1]
	}
	return nil
}

// scratchParent is where a drill may make its own directory: not in a data directory, whose next backup would hold it.
func scratchParent(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if data := dataDirAround(dir); data != "" {
		return "", &hinted{errs.New(errs.Exists, "scratch directory %q lies within the data directory %q", dir, data),
			"name another one with scratch_dir in the job's verify block or with --scratch; nothing was fetched"}
	}
	return dir, nil
}

func (a *Agent) drillWith(ctx context.Context, j job.Job, b Backup, o DrillOptions, rep *DrillReport) (err error) {
	src, err := a.openStored(ctx, j, b, o.Keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.frames.Close()) }()
	keyring := o.Keyring
	if len(keyring) == 0 {
		keyring = j.Verify.Keyring
	}
	server, err := drillable(ctx, src.Reader, *rep, keyring)
	if err != nil {
		return err
	}
	s, err := drill.Open(ctx, o.Scratch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	tale, began := &story{run: b.ID, observe: o.Observe, clock: a.now}, a.now()
	done, err := src.Restore(ctx, frames{src.frames}, archive.RestoreOptions{
		To: s.Data(), Free: func(dir string) (int64, error) {
			free, err := spool.FreeSpace(dir)
			return free - drillRoom, err
		},
		Progress: func(p archive.Progress) { tale.progress("restore", b.Target, p.Bytes, p.TotalBytes) },
	})
	if errs.Is(err, errs.NoSpace) {
		hint := "name a directory with more room with scratch_dir in the job's verify block or with --scratch; " +
			"%d bytes beside the data are for the server"
		return &hinted{err, fmt.Sprintf(hint, drillRoom)}
	}
	if err != nil {
		return asDamaged(err)
	}
	rep.Files = done.Files
	tale.tell(Event{Event: EventStep, Step: "restore", Phase: "done", Seconds: a.now().Sub(began).Seconds()})
	return a.askServer(ctx, j, b, s, server, tale, rep)
}

func (a *Agent) askServer(ctx context.Context, j job.Job, b Backup, s *drill.Scratch, server drill.Server, tale *story,
	rep *DrillReport) error {
	began := a.now()
	found, err := drill.Run(ctx, drill.Options{
		Scratch: s, Program: rep.Program, Server: server, Queries: j.Verify.Queries, Start: j.MySQL.StartTimeout,
	})
	if err == nil {
		tale.tell(Event{Event: EventStep, Step: "server", Phase: "done", Seconds: a.now().Sub(began).Seconds()})
	}
	rep.Tables, rep.Queries = found.Tables, found.Queries
	for _, d := range found.Damaged {
		rep.Damaged = append(rep.Damaged, archive.Damage(d))
	}
	var dead *drill.ServerError
	if errors.As(err, &dead) && !errors.Is(err, drill.ErrTimeout) {
		return fmt.Errorf("%w: %s at target %q: %w", ErrDamaged, b.ID, b.Target, err)
	}
	if err == nil && len(rep.Damaged) > 0 {
		return fmt.Errorf("%w: %s at target %q", ErrDamaged, b.ID, b.Target)
	}
	return err
}
