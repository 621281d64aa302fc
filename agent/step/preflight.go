package step

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/retry"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Preflight finds out whether the run may go ahead. It changes nothing.
type Preflight struct {
	Backup   *Backup
	Instance Instance
	Server   Server
	Targets  []ship.Target
	History  History
	HostName string // stands for mysql.hostname when the server is down
	// Scan walks the data directory.
	Scan func(ctx context.Context, f mysql.Facts) (archive.Inventory, error)
	// SpoolFree returns the free bytes of the spool's file system.
	SpoolFree func() (int64, error)
	// SpoolUsed returns what other runs have left in the spool: artifacts that wait for a target.
	SpoolUsed func() (spool.Usage, error)
	// QueueLimit is how many bytes may wait in the spool; 0: as many as leave room for this artifact.
	QueueLimit int64
}

const (
	targetLimit = 30 * time.Second // for everything that one target is asked
	factsLimit  = 30 * time.Second
	// spoolChunks is how many chunks must fit into the spool at the least: one being written, those on their way.
	spoolChunks = 4
)

// sealedSuffix ends the name of an encrypted artifact, so that nobody takes it for a zip file.
const sealedSuffix = ".sealed"

// Name implements run.Step.
func (*Preflight) Name() string { return "preflight" }

// Do fails with every reason not to run at once.
func (p *Preflight) Do(ctx context.Context) error {
	if err := p.Look(ctx); err != nil {
		return err
	}
	return p.Backup.Survey.Refusal()
}

// Look fills in the survey. Its error means that it could not look; what it does not like is in Survey.Refused.
func (p *Preflight) Look(ctx context.Context) error {
	s := &p.Backup.Survey
	pid, err := p.Instance.Holder()
	if err != nil {
		return fmt.Errorf("look who holds the data directory: %w", err)
	}
	s.PID, s.Running = pid, pid != 0
	if err := p.askServer(ctx, s); err != nil {
		return err
	}
	if s.Inventory, err = p.Scan(ctx, s.Facts); err != nil {
		s.refuse(fmt.Errorf("data directory %s: %w", p.Backup.Job.MySQL.DataDir, err))
	}
	if len(s.Inventory.Refused) > 0 {
		s.refuse(&archive.RefusedError{Refused: s.Inventory.Refused})
	}
	s.Predicted = Predict(p.History, s.Inventory.Bytes, p.Backup.Job.Restart)
	p.Backup.Downtime.Predicted = s.Predicted
	if w := p.Backup.budgetWarning(); w != "" {
		s.Warnings = append(s.Warnings, w)
	}
	p.name(s)
	p.targets(ctx, s)
	p.chunks(s)
	p.spool(s)
	return context.Cause(ctx)
}

// askServer asks a running server for its facts, and makes sure that it is the one that the job means.
func (p *Preflight) askServer(ctx context.Context, s *Survey) error {
	ctx, cancel := context.WithTimeoutCause(ctx, factsLimit, fmt.Errorf("no answer within %s", factsLimit))
	defer cancel()
	if !s.Running {
		return p.nobodyElse(ctx, s)
	}
	var err error
	if s.Facts, err = p.Server.Facts(ctx); err != nil {
		return fmt.Errorf("ask the server (process %d holds the data directory): %w", s.PID, err)
	}
	if s.Settings, err = p.Server.Settings(ctx); err != nil {
		return fmt.Errorf("ask the server for its settings: %w", err)
	}
	s.refuse(p.Instance.CanManage(ctx))
	p.judge(s)
	warnOf(s)
	return nil
}

// warnOf says what is odd about the server, but may be meant.
func warnOf(s *Survey) {
	const likeACrash = 2
	f := s.Facts
	if f.FastShutdown == likeACrash {
		s.Warnings = append(s.Warnings, "innodb_fast_shutdown = 2: the server stops as in a crash, and recovers at its start")
	}
	if f.ReplicasAttached < 0 {
		s.Warnings = append(s.Warnings, "the user may not see whether replicas are attached: "+f.GrantHint)
	}
	s.Warnings = append(s.Warnings, f.Incomplete...)
}

// nobodyElse makes sure that no server answers when nobody holds the data directory: the job would name two different
// things.
func (p *Preflight) nobodyElse(ctx context.Context, s *Survey) error {
	if err := p.Instance.Answers(ctx); err == nil || errs.Is(err, errs.Permission) {
		s.refuse(fmt.Errorf("a server answers at the job's address, but no process holds data_dir %s: "+
			"address and data_dir do not belong together", p.Backup.Job.MySQL.DataDir))
		return nil
	}
	s.Warnings = append(s.Warnings, "MySQL is down: it is backed up as it is, and stays down")
	return nil
}

// judge refuses a server that must not or cannot be stopped.
func (p *Preflight) judge(s *Survey) {
	f, m := s.Facts, p.Backup.Job.MySQL
	if !sameDir(f.DataDir, m.DataDir) {
		s.refuse(fmt.Errorf("the server's data directory is %s, but the job says data_dir = %q", f.DataDir, m.DataDir))
	}
	if needsShutdown(m.Service) && !f.ShutdownPrivilege {
		s.refuse(errs.New(errs.Permission, "user %q may not stop the server: %s", m.User, f.GrantHint))
	}
	if f.ReplicasAttached > 0 && !f.ReadOnly && !m.AllowPrimary {
		s.refuse(fmt.Errorf("the server is a writable primary with %d replica(s) attached: back up a replica, "+
			"or say allow_primary = true", f.ReplicasAttached))
	}
}

func needsShutdown(s job.Service) bool { return s.Kind == job.ServiceExec && len(s.Stop) == 0 }

// sameDir compares two paths as the file system sees them.
func sameDir(a, b string) bool {
	if ra, err := filepath.EvalSymlinks(a); err == nil {
		a = ra
	}
	if rb, err := filepath.EvalSymlinks(b); err == nil {
		b = rb
	}
	return filepath.Clean(a) == filepath.Clean(b)
}

// name gives the artifact its key.
func (p *Preflight) name(s *Survey) {
	vars := job.Vars{
		RunID: p.Backup.ID, RunStarted: p.Backup.Started.UTC(), RunType: "full",
		MySQLHostname: s.Facts.Hostname, MySQLVersion: s.Facts.Version, MySQLServerID: s.Facts.ServerID,
	}
	if vars.MySQLHostname == "" {
		vars.MySQLHostname = p.HostName
	}
	key, err := p.Backup.Job.Artifact.Name(vars)
	if err != nil {
		s.refuse(fmt.Errorf("artifact name: %w", err))
	}
	if key != "" && p.Backup.Job.Encrypt != nil && !strings.HasSuffix(key, sealedSuffix) {
		key += sealedSuffix
	}
	s.Key, p.Backup.Artifact.Key = key, key
}

// spool refuses a spool that could not even hold what is on its way.
func (p *Preflight) spool(s *Survey) {
	free, err := p.SpoolFree()
	if err != nil {
		s.refuse(fmt.Errorf("spool: %w", err))
		return
	}
	s.SpoolFree = free
	need := min(s.Inventory.Bytes, spoolChunks*p.Backup.Artifact.ChunkSize)
	if free < need {
		s.refuse(errs.New(errs.NoSpace, "spool: %d bytes are free, at least %d are needed: free some space, "+
			"choose another --spool-dir or a smaller chunk_size", free, need))
	} else if free < s.Inventory.Allocated {
		s.Warnings = append(s.Warnings, "the spool cannot hold the whole artifact if the targets are slow or away")
	}
	s.refuse(p.queueFull(s))
}

// queueFull refuses a run whose artifact could not wait beside those that wait already: when targets stay away, the queue
// must not eat the disk. The first artifact may always wait.
func (p *Preflight) queueFull(s *Survey) error {
	used, err := p.SpoolUsed()
	if err != nil {
		return err
	}
	s.Waiting = used
	next := cmp.Or(p.History.ArtifactBytes, s.Inventory.Allocated)
	const hint = "bring the targets back and have drydock resume or drydock agent ship what waits"
	switch {
	case used.Artifacts == 0:
	case p.QueueLimit > 0 && used.Bytes+next > p.QueueLimit:
		return errs.New(errs.NoSpace, "spool: %d artifact(s) of %d bytes wait there already, and with about %d more the limit of "+
			"%d bytes (queue max_bytes) would be passed: %s", used.Artifacts, used.Bytes, next, p.QueueLimit, hint)
	case p.QueueLimit == 0 && s.SpoolFree < next:
		return errs.New(errs.NoSpace, "spool: %d artifact(s) of %d bytes wait there already, and %d free bytes are no room for "+
			"another one of about %d: %s", used.Artifacts, used.Bytes, s.SpoolFree, next, hint)
	}
	return nil
}

// targets asks all targets at once whether they can take the artifact.
func (p *Preflight) targets(ctx context.Context, s *Survey) {
	if s.Key == "" {
		return
	}
	s.Targets = make([]TargetSurvey, len(p.Targets))
	var wg sync.WaitGroup
	for i, t := range p.Targets {
		s.Targets[i] = TargetSurvey{Label: t.Label, Type: p.typeOf(t.Label)}
		wg.Go(func() { p.askTarget(ctx, t, &s.Targets[i]) })
	}
	wg.Wait()
	p.judgeTargets(s)
}

// judgeTargets refuses targets that cannot take the artifact. One that is only away for now is served later (R8.6), as
// long as another one is there or the spool can hold the whole artifact.
func (p *Preflight) judgeTargets(s *Survey) {
	ready := 0
	for _, t := range s.Targets {
		if t.Err == nil {
			ready++
		}
	}
	for _, t := range s.Targets {
		err := fmt.Errorf("target %q: %w", t.Label, t.Err)
		_, passing := errs.Retryable(t.Err)
		switch {
		case t.Err == nil:
		case passing && (ready > 0 || p.canWait(s)):
			s.Warnings = append(s.Warnings, err.Error())
		default:
			s.refuse(err)
		}
	}
}

// canWait reports whether the spool can hold all of the artifact.
func (p *Preflight) canWait(s *Survey) bool {
	free, err := p.SpoolFree()
	return err == nil && free >= s.Inventory.Allocated
}

func (p *Preflight) typeOf(label string) string {
	for _, t := range p.Backup.Job.Targets {
		if t.Label == label {
			return t.Type
		}
	}
	return ""
}

// askTarget asks once. A target that is silent is away like one that refuses: it may be back when the artifact is whole.
func (p *Preflight) askTarget(ctx context.Context, t ship.Target, into *TargetSurvey) {
	into.Capacity = storage.Capacity{Free: -1, Total: -1}
	once := retry.Policy{Tries: 1, Timeout: targetLimit}
	into.Err = once.Do(ctx, 0, func(ctx context.Context) (err error) {
		if c, ok := t.Storage.(storage.Checker); ok {
			if into.Capacity, err = c.Check(ctx); err != nil {
				return err
			}
		}
		return unused(ctx, t.Storage, p.Backup.Artifact.Key)
	}, nil)
}

// unused makes sure that neither the artifact's name nor its manifest's is taken.
func unused(ctx context.Context, store storage.Objects, key string) error {
	for _, k := range []string{key, manifest.Key(key)} {
		_, err := store.Stat(ctx, k)
		if err == nil {
			return errs.New(errs.Exists, "%s exists already, and nothing is ever overwritten: let the artifact's name "+
				"depend on run.id or run.started", k)
		}
		if !errs.Is(err, errs.NotFound) {
			return fmt.Errorf("look for %s: %w", k, err)
		}
	}
	return nil
}
