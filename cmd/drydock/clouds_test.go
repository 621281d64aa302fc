//go:build linux

package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// cloud is a storage service of a test, as the tests of clouds need it.
type cloud struct {
	label  string                       // of its target
	addr   string                       // of the service
	target func(addr string) string     // a job's block for one place, at an address before the service
	part   func(r *http.Request) string // names the chunk that a request sends; empty for other requests
}

// s3Cloud is a server that speaks the S3 protocol. A chunk is known by its key and its part's number. The few bytes of a check
// are none.
func s3Cloud(t *testing.T, label string, start func(testing.TB) *testenv.S3) cloud {
	s := start(t)
	bucket := s.Bucket(t, false)
	return cloud{
		label: label, addr: s.Addr,
		target: func(addr string) string { return s.Behind(addr).Target(label, bucket, `prefix = "mysql/"`) },
		part: func(r *http.Request) string {
			n := r.URL.Query().Get("partNumber")
			if r.Method != http.MethodPut || n == "" || r.ContentLength < 1<<10 {
				return ""
			}
			return r.URL.Path + " " + n
		},
	}
}

// azureCloud is an Azurite. A chunk is known by the part of the block's id that does not change from try to try.
func azureCloud(t *testing.T) cloud {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	return cloud{
		label: "azure", addr: a.Addr,
		target: func(addr string) string { return a.Behind(addr).Target("azure", container) },
		part: func(r *http.Request) string {
			id, err := base64.StdEncoding.DecodeString(r.URL.Query().Get("blockid"))
			if err != nil || len(id) < 21 || id[0] != 'c' {
				return ""
			}
			return r.URL.Path + " " + hex.EncodeToString(id[:21])
		},
	}
}

// gcsCloud is a fake-gcs-server. A chunk is an object with a name of its own.
func gcsCloud(t *testing.T) cloud {
	g, account := testenv.StartGCS(t), testenv.NewGoogleAccount(t)
	bucket := g.Bucket(t)
	return cloud{
		label: "gcs", addr: g.Addr,
		target: func(addr string) string { return g.Behind(addr).Target(t, "gcs", bucket, account) },
		part: func(r *http.Request) string {
			if name := r.URL.Query().Get("name"); r.Method == http.MethodPost && strings.HasPrefix(path.Base(name), "0") {
				return name
			}
			return ""
		},
	}
}

// S3, R8.6, R9.3: the main job's run goes to two S3 services, Azure, Google Cloud Storage and a receiver at once. One of them
// dies in the middle: MySQL is given back while it is still tried, the others complete, and what waits is seen. When the dead
// one is back, resume sends it what it lacks. Then each of the five gives back a server with the same CHECKSUM TABLE.
func TestClouds(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{})
	s.Exec(t, "CREATE TABLE shop.noise (id INT PRIMARY KEY AUTO_INCREMENT, v VARBINARY(1024))", // several chunks that stay large
		"INSERT INTO shop.noise (v) SELECT RANDOM_BYTES(1024) FROM shop.numbers a, shop.numbers b, shop.numbers c, shop.numbers d")
	before := s.Checksums(t)
	r := testenv.NewReceiver(t, testenv.ReceiverSettings{})
	dying := s3Cloud(t, "offsite", testenv.VersityGW)
	parts, front := watchParts(t, dying, 1)
	network := testenv.Toxiproxy(t, front.Addr)
	blocks, labels := []string{dying.target(network.Addr())}, []string{"vault"}
	for _, c := range []cloud{s3Cloud(t, "second", testenv.MinIO), azureCloud(t), gcsCloud(t)} {
		blocks, labels = append(blocks, c.target(c.addr)), append(labels, c.label)
	}
	h := newSite(t, s)
	h.wantSizes(t, strings.Join(blocks, "\n  "))
	blocks = append(blocks, receiverTarget(r.Enroll(t, "shop")))
	// One part of several has arrived when the network goes. The patience is longer than MySQL waits.
	h.writeJob(t, jobText{ChunkSize: "5MiB", Target: strings.Join(blocks, "\n  ")})
	pid := h.server.PID()
	args := h.args("run", "--file", h.job, "--json", "--config", h.config(t, `patience = "45s"`))
	run := watch(t, drydockCommand(t, args...), func(e agent.Event) {
		switch {
		case step("ship", "begun")(e):
			parts.held(t)
			network.Down()
			parts.pass()
		case step("confirm", "done")(e):
			h.wantUp(t)
		}
	}).want(t, exitPartial)
	shippedLast(t, run, `nothing gets through to target \"offsite\" for now`)
	h.wantUp(t)
	e := lastEvent(t, run)
	if e.Status != agent.StatusPartial || e.BackupID == "" || h.server.PID() == pid {
		t.Fatalf("finished: %+v", e.Outcome)
	}
	run.says(t, "drydock resume "+e.Run)
	for _, target := range e.Targets {
		if target.Stored == (target.Target == dying.label) || slices.Contains(labels, target.Target) != target.Stored {
			t.Errorf("target: %+v", target)
		}
	}
	h.wantWaitingFor(t, dying.label)

	network.Up(t)
	arrived := parts.arrivals()
	drydock(t, h.args("resume", "--file", h.job)...).want(t, exitDone)
	for name := range arrived {
		if parts.sent()[name] > 0 {
			t.Errorf("part %s had arrived, and was sent again", name)
		}
	}
	if rows := h.history(t); len(rows) != 1 || rows[0].Status != "done" || len(h.spooled(t)) > 0 || len(arrived) == 0 {
		t.Errorf("after resume: %+v, in the spool %v, %d parts had arrived", rows, h.spooled(t), len(arrived))
	}
	for _, label := range append(labels, dying.label) {
		h.wantRestored(t, e.BackupID, before, "--target", label)
	}
}

// wantSizes fails the test unless the chunk size follows from the size of the data and from what each cloud says it can take, and
// what cannot fit is refused before MySQL is stopped (R2.4, R4.1). The data is a file with nothing but a hole.
func (h *site) wantSizes(t *testing.T, targets string) {
	t.Helper()
	h.writeJob(t, jobText{Target: targets, ChunkSize: "64MiB"})
	hole := filepath.Join(h.server.DataDir, "hole")
	defer os.Remove(hole)
	for _, c := range []struct {
		bytes int64
		says  []string
	}{
		{5e12, []string{"chunk_size is raised from 67108864 to 502267904 bytes: target \"offsite\" takes at most 10000 chunks"}},
		{6 << 40, []string{`target "gcs" cannot take the artifact: it may have up to`}},
	} {
		if err := errors.Join(os.WriteFile(hole, nil, 0o644), os.Truncate(hole, c.bytes)); err != nil {
			t.Fatal(err)
		}
		r := drydock(t, h.args("plan", "--file", h.job)...)
		for _, text := range c.says {
			if !strings.Contains(r.stdout, text) {
				t.Errorf("plan for %d bytes does not say %q:\n%s", c.bytes, text, r.stdout)
			}
		}
		if fits := !strings.Contains(r.stdout, "cannot take the artifact"); fits != (r.code == exitDone) {
			t.Errorf("plan for %d bytes ends with %d", c.bytes, r.code)
		}
	}
}

// wantWaitingFor fails the test unless the only run is told to wait for a target.
func (h *site) wantWaitingFor(t *testing.T, label string) {
	t.Helper()
	rows := h.history(t)
	if len(rows) != 1 || rows[0].Status != "waiting" || rows[0].Waiting == nil || len(rows[0].Waiting.Targets) != 1 ||
		rows[0].Waiting.Targets[0].Target != label || rows[0].Waiting.Targets[0].Error == "" {
		t.Errorf("runs: %+v", rows)
	}
	text := drydock(t, h.args("runs")...).want(t, exitDone).stdout
	if !strings.Contains(text, "waiting") || !strings.Contains(text, label+" (") {
		t.Errorf("runs says:\n%s", text)
	}
}
