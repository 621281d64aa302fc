//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// The main job over a real receiver, and back: R1.2, R1.3, R1.5, R4.2, R4.5, R8.2, R8.4, S3.
func TestMainJobOverReceiver(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(60)})
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{Limits: "append_only = true"})
	h := newSite(t, s)
	h.writeJob(t, jobText{Target: receiverTarget(r.Enroll(t, "shop"))})
	before := s.Checksums(t)
	drydock(t, h.args("validate", h.job, "--connect")...).want(t, exitDone)
	e, _ := h.run(t, exitDone)
	if e.Status != agent.StatusDone {
		t.Fatalf("finished: %+v", e)
	}
	h.wantUp(t)
	if list := h.backups(t); len(list) != 1 || list[0].ID != e.BackupID || !list[0].Verified {
		t.Fatalf("backups: %+v", list)
	}
	// One complete file that standard tools open, in the client's own directory, and nothing unfinished (R5.5).
	wantZip(t, "7zz", "t", filepath.Join(r.Root, "shop", filepath.FromSlash(e.Key)))
	if left, err := filepath.Glob(filepath.Join(r.Root, "shop", ".drydock-uploads", "*", "data")); err != nil || len(left) > 0 {
		t.Errorf("unfinished at the receiver: %v %v", left, err)
	}
	h.wantRestored(t, e.BackupID, before)
}

// An agent that has nothing but a token gets what its job needs, with a key that never leaves it (R1.5).
func TestEnroll(t *testing.T) {
	t.Parallel()
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	address, token, end := r.Offer(t, "shop")
	bundle := filepath.Join(t.TempDir(), "pki")
	enroll := func(token string, args ...string) result {
		cmd := drydockCommand(t, append([]string{"enroll"}, args...)...)
		cmd.Stdin = strings.NewReader(token + "\n")
		return finish(t, cmd)
	}
	enroll(token, address).want(t, exitUsage).says(t, "--out")
	enroll(token, "vault", "--out", bundle).want(t, exitUsage).says(t, "HOST:PORT")
	wrong := enroll(token[1:], address, "--out", bundle).want(t, exitUsage)
	if wrong.says(t, "not a token"); strings.Contains(wrong.stdout+wrong.stderr, token[20:]) {
		t.Error("the token is quoted")
	}
	enroll(token, address, "--out", bundle).want(t, exitDone)
	if err := end(); err != nil {
		t.Errorf("the offer: %v", err)
	}
	enroll(token, address, "--out", bundle+"2").want(t, exitFailed)
	file := filepath.Join(t.TempDir(), "job.hcl")
	text := "job \"shop\" {\n  mysql {\n    socket   = \"/nowhere\"\n    user     = \"drydock\"\n    data_dir = \"/var/lib/mysql\"\n" +
		"    service \"exec\" {\n      start = [\"/bin/true\"]\n    }\n  }\n  " + receiverTarget(r.Target(bundle)) + "\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	drydock(t, "backups", "--file", file, "--data-dir", t.TempDir()).want(t, exitDone)
}

// receiverTarget writes a target block.
func receiverTarget(attributes map[string]any) string {
	var lines []string
	for name, value := range attributes {
		lines = append(lines, fmt.Sprintf("    %s = %q\n", name, value))
	}
	slices.Sort(lines)
	return "target \"receiver\" \"vault\" {\n" + strings.Join(lines, "") + "  }"
}
