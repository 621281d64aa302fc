//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// site is a host with a server, a target directory, a job file and a state directory of its own.
type site struct {
	server *testenv.Server
	dir    string
	state  string
	target string
	job    string
	name   string
}

// jobText is the job file of a site; each test changes what it is about.
type jobText struct {
	Start             string // the server's own, when empty
	StartTimeout      string
	Stop, StopTimeout string
	MaxDowntime       string // none, when empty
	Password          string
	ArtifactName      string
	ChunkSize         string
	Artifact          string // more of the artifact block
	Compress          string
	Restart           string
	Target            string
	Extra             string
}

func newSite(t *testing.T, s *testenv.Server) *site {
	t.Helper()
	dir := testenv.Dir(t)
	h := &site{server: s, dir: dir, state: filepath.Join(dir, "state"), target: filepath.Join(dir, "target"), name: "shop"}
	h.job = filepath.Join(dir, "shop.hcl")
	if err := os.Mkdir(h.target, 0o700); err != nil {
		t.Fatal(err)
	}
	h.writeJob(t, jobText{})
	return h
}

func (h *site) writeJob(t *testing.T, j jobText) {
	t.Helper()
	orElse := func(v *string, def string) {
		if *v == "" {
			*v = def
		}
	}
	orElse(&j.StopTimeout, "60s")
	orElse(&j.StartTimeout, "60s")
	orElse(&j.Password, h.server.Password)
	orElse(&j.ArtifactName, `"${mysql.hostname}/${job.name}/${run.id}/Data.zip"`)
	orElse(&j.ChunkSize, "8MiB")
	orElse(&j.Compress, `compress "zstd" {}`)
	orElse(&j.Restart, "after-ship")
	orElse(&j.Target, fmt.Sprintf("target \"file\" \"nas\" {\n    path = %q\n  }", h.target))
	password := filepath.Join(h.dir, "password")
	if err := os.WriteFile(password, []byte(j.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start, err := json.Marshal(h.server.StartCommand())
	if err != nil {
		t.Fatal(err)
	}
	orElse(&j.Start, string(start))
	stop := ""
	if j.Stop != "" {
		stop = "stop  = " + j.Stop
	}
	budget := ""
	if j.MaxDowntime != "" {
		budget = fmt.Sprintf("max_downtime = %q", j.MaxDowntime)
	}
	text := fmt.Sprintf(`job %q {
  mysql {
    host          = %q
    port          = %d
    user          = %q
    password      = file(%q)
    data_dir      = %q
    stop_timeout  = %q
    start_timeout = %q
    %s

    service "exec" {
      start = %s
      %s
    }
  }

  artifact {
    name       = %s
    chunk_size = %q
    %s
  }

  %s

  restart = %q

  %s

  %s
}
`, h.name, h.server.Host, h.server.Port, h.server.User, password, h.server.DataDir, j.StopTimeout, j.StartTimeout, budget,
		j.Start, stop, j.ArtifactName, j.ChunkSize, j.Artifact, j.Compress, j.Restart, j.Target, j.Extra)
	if err := os.WriteFile(h.job, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// args adds the site's state directory to a command line.
func (h *site) args(args ...string) []string { return append(args, "--data-dir", h.state) }

// run makes a backup and returns how it ended, from the last JSON event.
func (h *site) run(t *testing.T, code int, more ...string) (agent.Event, result) {
	t.Helper()
	r := drydock(t, h.args(append([]string{"run", "--file", h.job, "--json"}, more...)...)...).want(t, code)
	return lastEvent(t, r), r
}

// twoFiles is the text of two targets, "nas" and another one.
func twoFiles(nas, name, path string) string {
	return fmt.Sprintf("target \"file\" \"nas\" {\n    path = %q\n  }\n  target \"file\" %q {\n    path = %q\n  }", nas, name, path)
}

func lastEvent(t *testing.T, r result) agent.Event {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	var e agent.Event
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil {
		t.Fatalf("last line of run --json: %v\n%s\nstderr:\n%s", err, r.stdout, r.stderr)
	}
	if e.Event != agent.EventFinished || e.ExitCode != r.code {
		t.Fatalf("last event %+v, exit code %d", e, r.code)
	}
	return e
}

// backups lists what the target holds.
func (h *site) backups(t *testing.T) []agent.Backup {
	t.Helper()
	var list []agent.Backup
	r := drydock(t, h.args("backups", "--file", h.job, "--json")...).want(t, 0)
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil {
		t.Fatalf("backups --json: %v\n%s", err, r.stdout)
	}
	return list
}

// wantUp fails the test when the server does not answer, or is not the only one on its data directory.
func (h *site) wantUp(t *testing.T) {
	t.Helper()
	if got := h.server.Value(t, "SELECT 1"); got != "1" {
		t.Fatalf("the server answers %q", got)
	}
	if p := h.server.Processes(); len(p) != 1 {
		t.Fatalf("server processes: %v", p)
	}
}

// wantNothing fails the test when the target holds anything that looks like a backup, or any visible file at all.
func (h *site) wantNothing(t *testing.T) {
	t.Helper()
	if list := h.backups(t); len(list) != 0 {
		t.Fatalf("backups: %+v", list)
	}
	for _, name := range visible(t, h.target) {
		t.Errorf("left at the target: %s", name)
	}
}

// visible lists the regular files below dir that are not in a hidden directory.
func visible(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != dir && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() {
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// spooled lists what is in the spool.
func (h *site) spooled(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(h.state, "spool", "*", "*.chunk"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
