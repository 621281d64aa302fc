//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// S2, R5.2: a restore that is killed leaves nothing that a server starts on, and goes on; parts cost little more than
// themselves; a running server's directory is refused; a delta fetches what differs. Sealed for one, plain for the other.
func TestRestores(t *testing.T) {
	t.Parallel()
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		s := start()
		s.Fill(t, testenv.FillOptions{BigMB: megabytes(60)})
		s.Fill(t, testenv.FillOptions{Schema: "sakila", Rows: 100})
		h := newSite(t, s)
		if strings.HasPrefix(s.Value(t, "SELECT VERSION()"), "9") {
			h.writeJob(t, jobText{Extra: fmt.Sprintf("encrypt {\n    passphrase = file(%q)\n  }", passphraseFile(t, h.dir))})
		}
		before := s.Checksums(t)
		e, _ := h.run(t, exitDone)
		t.Run("in use", func(t *testing.T) {
			for _, to := range []string{s.DataDir, filepath.Join(s.DataDir, "sub")} {
				for _, args := range [][]string{{"restore", "latest", "--to", to}, {"restore", "latest", "--to", to, "--delta"}} {
					r := drydock(t, h.args(args...)...).want(t, exitFailed)
					if !strings.Contains(r.stderr, "works on it") && !strings.Contains(r.stderr, "lies within the data directory") {
						t.Errorf("%v: %s", args, r.stderr)
					}
				}
			}
			h.wantUp(t)
		})
		t.Run("killed", func(t *testing.T) { h.killedRestore(t, e, before) })
		t.Run("only", func(t *testing.T) {
			rep := h.restore(t, filepath.Join(h.dir, "only"), "--only", "sakila/*")
			if most := e.ArtifactBytes / 4; rep.FetchedBytes > most || rep.Files == 0 || rep.Next.Start != "" {
				t.Errorf("%+v: more than %d of %d bytes", rep, most, e.ArtifactBytes)
			}
		})
	})
}

// restore runs a restore of the latest backup and reads its report.
func (h *site) restore(t *testing.T, to string, more ...string) (rep agent.RestoreReport) {
	t.Helper()
	r := drydock(t, h.args(append([]string{"restore", "latest", "--to", to, "--json"}, more...)...)...).want(t, exitDone)
	if err := json.Unmarshal([]byte(r.stdout), &rep); err != nil {
		t.Fatalf("restore --json: %v\n%s", err, r.stdout)
	}
	return rep
}

// killedRestore kills a restore as soon as it writes, looks at what it left, and lets it go on; then it spoils the
// directory and makes a delta.
func (h *site) killedRestore(t *testing.T, e agent.Event, before map[string]uint64) {
	to := filepath.Join(h.dir, "restored")
	for try := 0; !h.killRestore(t, to); try++ {
		if try == 5 {
			t.Fatal("five restores were through before they could be killed")
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
	h.wantNoStart(t, to)
	rep := h.restore(t, to)
	if !rep.Resumed || rep.DataBytes != e.DataBytes || rep.Next.Start == "" || !strings.EqualFold(rep.Next.Product, h.server.Product) {
		t.Errorf("%+v", rep)
	}
	c := rep.Next.Replication
	if c == nil || !c.Exact || c.BinlogPosition == 0 || len(c.Statements) == 0 {
		t.Fatalf("coordinates: %+v", c)
	}
	if info, err := os.Stat(filepath.Join(to, c.BinlogFile)); err != nil || uint64(info.Size()) != c.BinlogPosition {
		t.Errorf("%s:%d is not the end of the binary log: %v", c.BinlogFile, c.BinlogPosition, err)
	}
	h.wantTables(t, to, before) // the server changes some files of its own, so the delta has something to do
	extra := filepath.Join(to, "shop", "extra.ibd")
	if err := os.WriteFile(extra, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	delta := h.restore(t, to, "--delta")
	if delta.FilesRemoved == 0 || delta.FilesWritten == 0 || delta.FilesWritten == delta.Files || delta.FetchedBytes > e.ArtifactBytes/2 {
		t.Errorf("delta: %+v", delta)
	}
	if _, err := os.Stat(extra); err == nil {
		t.Error("the delta left what is not in the backup")
	}
	again := h.restore(t, to, "--delta")
	if again.FilesRemoved != 0 || again.FilesWritten != 0 {
		t.Errorf("a second delta: %+v", again)
	}
	h.wantTables(t, to, before)
}

// killRestore kills a restore once it has begun to write files, and reports whether it was under way.
func (h *site) killRestore(t *testing.T, to string) bool {
	t.Helper()
	cmd := drydockCommand(t, h.args("restore", "latest", "--to", to)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stage := filepath.Join(to, ".drydock-restore", "files")
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if names, err := filepath.Glob(filepath.Join(stage, "*")); err == nil && len(names) > 0 {
			break
		}
		select {
		case err := <-ended:
			t.Logf("the restore ended: %v", err)
			return false
		default:
		}
	}
	_ = cmd.Process.Kill()
	t.Logf("the restore ended: %v", <-ended)
	_, err := os.Stat(filepath.Join(to, ".drydock-incomplete"))
	return err == nil
}

// wantNoStart starts a server on a copy of a half restored directory: it must refuse.
func (h *site) wantNoStart(t *testing.T, to string) {
	t.Helper()
	half := to + "-half"
	if out, err := exec.CommandContext(t.Context(), "cp", "-a", to, half).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	defer os.RemoveAll(half)
	argv := h.server.OnDataDir(t, half).StartCommand()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := exec.CommandContext(ctx, argv[0], argv[1:]...).Run(); err == nil || ctx.Err() != nil {
		t.Errorf("a server starts on a half restored directory: %v, %v", err, ctx.Err())
	}
}

// wantTables starts a server on a restored directory and compares every table.
func (h *site) wantTables(t *testing.T, to string, before map[string]uint64) {
	t.Helper()
	second := h.server.OnDataDir(t, to)
	second.Start(t)
	defer second.Stop(t)
	if d := cmp.Diff(before, second.Checksums(t)); d != "" || len(before) == 0 {
		t.Errorf("tables of the restored server: %s", d)
	}
}
