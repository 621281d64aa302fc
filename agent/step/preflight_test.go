package step_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// put places a file in a store as if it had been there before.
func put(t *testing.T, s *store, key string) {
	t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(key))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("old"), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// What preflight refuses and what it only warns of. Nothing is ever stopped for it. The steps run against the small
// interfaces that they define (S7).
func TestPreflight(t *testing.T) {
	away := errs.New(errs.Transient, "connection refused")
	primary := func(l *look) { l.host.facts.ReplicasAttached = 2 }
	spoolOf := func(free int64) func(*look) {
		return func(l *look) { l.SpoolFree = func() (int64, error) { return free, nil } }
	}
	scans := func(in archive.Inventory, err error) func(*look) {
		return func(l *look) {
			l.Scan = func(context.Context, mysql.Facts) (archive.Inventory, error) { return in, err }
		}
	}
	tests := []struct {
		name    string
		change  func(*look)
		refused []string
		warned  []string
	}{
		{"all is well", func(*look) {}, nil, nil},
		{"writable primary with replicas", primary, []string{"writable primary with 2 replica(s)"}, nil},
		{"primary that the job allows", func(l *look) { primary(l); l.Backup.Job.MySQL.AllowPrimary = true }, nil, nil},
		{"replica with replicas", func(l *look) { primary(l); l.host.facts.ReadOnly = true }, nil, nil},
		{"replicas unknown", func(l *look) { l.host.facts.ReplicasAttached = -1 }, nil, []string{"may not see whether replicas"}},
		{"another data directory", func(l *look) { l.host.facts.DataDir = "/srv/other" },
			[]string{`/srv/other, but the job says data_dir = "/srv/mysql"`}, nil},
		{"data directory with a slash", func(l *look) { l.host.facts.DataDir = dataDir + "/" }, nil, nil},
		{"no right to shut down", func(l *look) {
			l.host.facts.ShutdownPrivilege, l.host.facts.GrantHint = false, "GRANT SHUTDOWN"
		}, []string{`user "drydock" may not stop the server: GRANT SHUTDOWN`}, nil},
		{"no right needed with a stop command", func(l *look) {
			l.host.facts.ShutdownPrivilege, l.Backup.Job.MySQL.Service.Stop = false, []string{"stop-mysql"}
		}, nil, nil},
		{"no right needed with systemd", func(l *look) {
			l.host.facts.ShutdownPrivilege = false
			l.Backup.Job.MySQL.Service = job.Service{Kind: job.ServiceSystemd, Unit: "mysql.service"}
		}, nil, nil},
		{"cannot be started again", func(l *look) { l.host.manage = errBroken }, []string{errBroken.Error()}, nil},
		{"shutdown like a crash", func(l *look) { l.host.facts.FastShutdown = 2 }, nil, []string{"innodb_fast_shutdown = 2"}},
		{"unreadable data directory", scans(archive.Inventory{}, errBroken), []string{dataDir + ": " + errBroken.Error()}, nil},
		{"a file that cannot be archived", scans(archive.Inventory{Refused: []archive.Refused{{Path: "queue"}}}, nil),
			[]string{"queue"}, nil},
		{"spool too small", spoolOf(4<<20 - 1), []string{"spool: 4194303 bytes are free, at least 4194304 are needed"}, nil},
		{"spool for the chunks on their way", spoolOf(4 << 20), nil, []string{"cannot hold the whole artifact"}},
		{"spool for the whole artifact", spoolOf(90 << 20), nil, nil},
		{"spool of a small data directory", func(l *look) {
			scans(archive.Inventory{Bytes: 1000, Allocated: 1000}, nil)(l)
			spoolOf(1000)(l)
		}, nil, nil},
		{"no spool", func(l *look) { l.SpoolFree = func() (int64, error) { return 0, errBroken } },
			[]string{"spool: " + errBroken.Error()}, nil},
		{"one target is away", func(l *look) { l.nas.check = away }, nil, []string{`target "nas"`}},
		{"all targets are away", func(l *look) { l.nas.check, l.vault.check = away, away }, nil,
			[]string{`target "nas"`, `target "vault"`}}, // R8.6
		{"all targets are away, and no room to wait", func(l *look) { l.nas.check, l.vault.check = away, away; spoolOf(90<<20 - 1)(l) },
			[]string{`target "nas"`, `target "vault"`}, []string{"cannot hold the whole artifact"}},
		{"others wait, with room for this one", waiting(100<<20, 0), nil, nil},
		{"others wait, below the limit", waiting(100<<20, 190<<20), nil, nil},
		{"others wait, and this one is too many", waiting(100<<20, 190<<20-1), []string{"limit of 199229439 bytes (queue max_bytes)"}, nil},
		{"others wait, and the last one was small", func(l *look) {
			waiting(100<<20, 101<<20)(l)
			l.History.ArtifactBytes = 1 << 20
		}, nil, nil},
		{"others wait, and the disk is too small", func(l *look) { waiting(1, 0)(l); spoolOf(90<<20 - 1)(l) },
			[]string{"no room for another one"}, []string{"cannot hold the whole artifact"}},
		{"nothing waits", waiting(0, 1), nil, nil},
		{"one target refuses", func(l *look) { l.vault.check = errs.New(errs.Permission, "no") }, []string{`target "vault"`}, nil},
		{"name taken at one target", func(l *look) { put(t, l.vault, key) }, []string{key + " exists already"}, nil},
		{"name of the manifest taken", func(l *look) { put(t, l.nas, manifest.Key(key)) },
			[]string{manifest.Key(key) + " exists already"}, nil},
		{"no name", func(l *look) {
			l.Backup.Job.Artifact.Name = func(job.Vars) (string, error) { return "", errBroken }
		}, []string{"artifact name"}, nil},
		{"too many chunks for a manifest", func(l *look) { l.Backup.Job.Artifact.ChunkSize = 100 }, nil,
			[]string{"chunk_size is raised from 100 to 1048576 bytes: a manifest takes at most"}},
		{"more than one reason", func(l *look) { primary(l); spoolOf(0)(l); l.nas.check = errBroken },
			[]string{"writable primary", "spool", `target "nas"`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLook(t)
			tt.change(l)
			err := l.Do(t.Context())
			s := l.Backup.Survey
			mentions(t, "refused", texts(s.Refused), tt.refused...)
			mentions(t, "warnings", s.Warnings, tt.warned...)
			if (err == nil) != (len(tt.refused) == 0) {
				t.Errorf("error: %v", err)
			}
			l.host.wantCalls(t)
		})
	}
}

// R8.6: a target that does not answer is away like one that refuses. The time is the test's own.
func TestPreflightSilentTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLook(t)
		l.nas.silent = true
		if err := l.Do(t.Context()); err != nil {
			t.Error(err)
		}
		mentions(t, "warnings", l.Backup.Survey.Warnings, `target "nas": no answer within 30s`)
	})
}

// What the run needs to know is in the survey.
func TestPreflightSurvey(t *testing.T) {
	l := newLook(t)
	if err := l.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, s := l.Backup, l.Backup.Survey
	if !s.Running || s.PID != 4711 || s.Key != key || b.Artifact.Key != key || b.Artifact.ChunkSize != 1<<20 ||
		s.Predicted <= 0 || b.Downtime.Predicted != s.Predicted || s.Settings.Variables["read_only"] != "OFF" {
		t.Errorf("survey: %+v", s)
	}
	if len(s.Targets) != 2 || s.Targets[0].Label != "nas" || s.Targets[1].Type != "file" || s.Targets[0].Capacity.Free != 1<<40 {
		t.Errorf("targets: %+v", s.Targets)
	}
}

// R4.1: the chunk size follows from what is to be stored and from what every target can take; on paper 5 TB go to a store
// that takes 10,000 chunks. What cannot fit is refused before anything is stopped.
func TestPreflightChunkSize(t *testing.T) {
	const mib, gib, tib = 1 << 20, 1 << 30, 1 << 40
	s3 := storage.Limits{MinChunk: 5 * mib, MaxChunk: 5 * gib, MaxChunks: 10_000, MaxObject: 50_000 * gib}
	tests := []struct {
		name        string
		chunk, data int64
		nas, vault  storage.Limits
		want        int64 // 0: refused
		refused     string
	}{
		{"no limits", 64 * mib, 100 * gib, storage.Limits{}, storage.Limits{}, 64 * mib, ""},
		{"fits as it is", 64 * mib, 500 * gib, storage.Limits{}, s3, 64 * mib, ""},
		{"5 TB", 64 * mib, 5_000_000_000_000, storage.Limits{}, s3, 479 * mib, ""},
		{"the largest object", 64 * mib, 48_000 * gib, s3, s3, 4935 * mib, ""},
		{"an odd chunk size stays", 70_000_001, 100 * gib, s3, storage.Limits{}, 70_000_001, ""},
		{"chunks too small", mib, gib, storage.Limits{}, s3, 5 * mib, ""},
		{"one small chunk", 64 * mib, 1000, storage.Limits{}, s3, 64 * mib, ""},
		{"chunks too large", 6 * gib, 100 * gib, s3, storage.Limits{}, 0, `target "nas" cannot take the artifact: it needs chunks of 6442450944`},
		{"object too large", 64 * mib, 60 * tib, storage.Limits{}, s3, 0, `target "vault" cannot take the artifact: it may have up to`},
		{"one wants small chunks, one few", 4 * mib, 100 * gib, storage.Limits{MaxChunk: 8 * mib}, s3, 0, `target "nas" cannot take the artifact`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLook(t)
			l.Backup.Job.Artifact.ChunkSize, l.nas.limits, l.vault.limits = tt.chunk, tt.nas, tt.vault
			l.SpoolFree = func() (int64, error) { return 1 << 50, nil }
			l.Scan = func(context.Context, mysql.Facts) (archive.Inventory, error) {
				return archive.Inventory{Bytes: tt.data}, nil
			}
			err := l.Do(t.Context())
			if tt.refused != "" {
				mentions(t, "refused", texts(l.Backup.Survey.Refused), tt.refused)
			} else if got := l.Backup.Artifact.ChunkSize; err != nil || got != tt.want {
				t.Errorf("chunk size %d MiB + %d, want %d MiB; error %v", got/mib, got%mib, tt.want/mib, err)
			}
			l.host.wantCalls(t)
		})
	}
}

// A server that is down is backed up as it is, unless the job names two different things.
func TestPreflightDown(t *testing.T) {
	t.Run("nobody answers", func(t *testing.T) {
		l := newLook(t)
		l.host.pid, l.host.answers = 0, errBroken
		if err := l.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := l.Backup.Survey
		mentions(t, "warnings", s.Warnings, "stays down")
		if s.Running || s.Key != "this-host/Data.zip" {
			t.Errorf("survey: %+v", s)
		}
	})
	for name, answer := range map[string]error{
		"somebody answers": nil,
		"somebody refuses": errs.New(errs.Permission, "access denied"),
	} {
		t.Run(name, func(t *testing.T) {
			l := newLook(t)
			l.host.pid, l.host.answers = 0, answer
			if err := l.Do(t.Context()); err == nil {
				t.Error("no error")
			}
			mentions(t, "refused", texts(l.Backup.Survey.Refused), "do not belong together")
		})
	}
}

// When it cannot even look, preflight says so at once.
func TestPreflightCannotLook(t *testing.T) {
	for name, change := range map[string]func(*look){
		"holder":   func(l *look) { l.host.holderErr = errBroken },
		"facts":    func(l *look) { l.host.factsErr = errBroken },
		"settings": func(l *look) { l.host.settingsErr = errBroken },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLook(t)
			change(l)
			if err := l.Look(t.Context()); !errors.Is(err, errBroken) {
				t.Errorf("error: %v", err)
			}
		})
	}
	l := newLook(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errBroken)
	if err := l.Look(ctx); !errors.Is(err, errBroken) {
		t.Errorf("cancelled: %v", err)
	}
}

// waiting has one artifact of so many bytes wait in the spool, and a limit.
func waiting(bytes, limit int64) func(*look) {
	return func(l *look) {
		l.QueueLimit = limit
		if bytes > 0 {
			l.used = spool.Usage{Artifacts: 1, Bytes: bytes}
		}
	}
}
