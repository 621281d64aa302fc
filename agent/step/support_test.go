package step_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/step"
	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// host is a server, its instance and the journal, with fixed answers. It notes what was called, in order.
type host struct {
	pid                             int
	holderErr, answers, manage      error
	stop, start, apply, intent, arm error
	facts                           mysql.Facts
	factsErr, settingsErr, artifact error
	settings, applied               mysql.Settings
	written                         step.Intent
	calls                           []string
	cancelled                       bool // a call that changes the server came with a context that had ended
}

func (h *host) note(call string, err error) error {
	h.calls = append(h.calls, call)
	return err
}

func (h *host) Holder() (int, error)            { return h.pid, h.holderErr }
func (h *host) Answers(context.Context) error   { return h.note("answers", h.answers) }
func (h *host) CanManage(context.Context) error { return h.manage }

func (h *host) Stop(context.Context) error {
	if h.stop == nil {
		h.pid = 0
	}
	return h.note("stop", h.stop)
}

func (h *host) Start(ctx context.Context) error {
	h.cancelled = h.cancelled || ctx.Err() != nil
	if h.start == nil {
		h.pid = 4712
	}
	return h.note("start", h.start)
}

func (h *host) Facts(context.Context) (mysql.Facts, error)       { return h.facts, h.factsErr }
func (h *host) Settings(context.Context) (mysql.Settings, error) { return h.settings, h.settingsErr }

func (h *host) Apply(ctx context.Context, s mysql.Settings) error {
	h.cancelled = h.cancelled || ctx.Err() != nil
	h.applied = s
	return h.note("apply", h.apply)
}

func (h *host) SaveIntent(_ context.Context, in step.Intent) error {
	h.written = in
	return h.note("intent", h.intent)
}

func (h *host) Disarm(context.Context) error { return h.note("disarm", nil) }

func (h *host) Arm(_ context.Context, in step.Intent) error {
	if h.written.PID != in.PID {
		return errors.New("the guardian is armed before the intent is written")
	}
	return h.note("arm", h.arm)
}

func (h *host) StandDown() { _ = h.note("stand down", nil) }

func (h *host) SaveArtifact(context.Context, step.Artifact) error {
	return h.note("artifact", h.artifact)
}
func (h *host) SaveStored(_ context.Context, label string) error { return h.note("stored "+label, nil) }

func (h *host) wantCalls(t *testing.T, calls ...string) {
	t.Helper()
	if !slices.Equal(h.calls, calls) {
		t.Errorf("calls %q, want %q", h.calls, calls)
	}
}

const (
	dataDir = "/srv/mysql"
	key     = "db1/Data.zip"
)

// running is a host whose server may be backed up.
func running() *host {
	return &host{
		pid: 4711,
		facts: mysql.Facts{
			Product: "MySQL", Hostname: "db1", Version: "9.7.0", ServerID: 7, DataDir: dataDir, ShutdownPrivilege: true,
		},
		settings: mysql.Settings{Variables: map[string]string{"read_only": "OFF"}},
	}
}

func backup() *step.Backup {
	return &step.Backup{
		ID: "orders-1", Started: time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC),
		Job: job.Job{
			Name:    "orders",
			MySQL:   job.MySQL{User: "drydock", DataDir: dataDir, Service: job.Service{Kind: job.ServiceExec, Start: []string{"mysqld"}}},
			Targets: []job.Provider{{Type: "file", Label: "nas"}, {Type: "file", Label: "vault"}},
			Restart: job.RestartAfterShip,
			Artifact: job.Artifact{ChunkSize: 1 << 20, Name: func(v job.Vars) (string, error) {
				return v.MySQLHostname + "/Data.zip", nil
			}},
		},
	}
}

// store is a real directory as a storage. Its Check may be told to fail, or not to answer.
type store struct {
	storage.Storage
	dir    string
	check  error
	silent bool
	limits storage.Limits
}

func (s *store) Check(ctx context.Context) (storage.Capacity, error) {
	if s.silent {
		<-ctx.Done()
		return storage.Capacity{}, ctx.Err()
	}
	return storage.Capacity{Free: 1 << 40, Total: 1 << 41, Limits: s.limits}, s.check
}

func newStore(t *testing.T) *store {
	t.Helper()
	dir := t.TempDir()
	config, err := json.Marshal(map[string]string{"path": dir})
	if err != nil {
		t.Fatal(err)
	}
	opened, diags, err := file.Provider().Open(t.Context(), config)
	if err != nil || len(diags) > 0 {
		t.Fatal(err, diags)
	}
	return &store{Storage: opened, dir: dir}
}

// look is a preflight under test, and what is below it.
type look struct {
	*step.Preflight
	host       *host
	nas, vault *store
	used       spool.Usage
}

func newLook(t *testing.T) *look {
	t.Helper()
	h := running()
	l := &look{host: h, nas: newStore(t), vault: newStore(t)}
	l.Preflight = &step.Preflight{
		SpoolUsed: func() (spool.Usage, error) { return l.used, nil },
		Backup:    backup(), Instance: h, Server: h, HostName: "this-host",
		Targets: []ship.Target{{Label: "nas", Storage: l.nas}, {Label: "vault", Storage: l.vault}},
		Scan: func(context.Context, mysql.Facts) (archive.Inventory, error) {
			return archive.Inventory{Files: 3, Bytes: 100 << 20, Allocated: 90 << 20}, nil
		},
		SpoolFree: func() (int64, error) { return 1 << 40, nil },
	}
	return l
}

// mentions fails the test unless there is exactly one line for each part, in any order, that holds it.
func mentions(t *testing.T, what string, lines []string, parts ...string) {
	t.Helper()
	if len(lines) != len(parts) {
		t.Errorf("%s: %d, want %d: %q", what, len(lines), len(parts), lines)
	}
	for _, part := range parts {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, part) }) {
			t.Errorf("%s: nothing says %q: %q", what, part, lines)
		}
	}
}

func texts(all []error) (lines []string) {
	for _, err := range all {
		lines = append(lines, err.Error())
	}
	return lines
}

var errBroken = errors.New("broken on purpose")
