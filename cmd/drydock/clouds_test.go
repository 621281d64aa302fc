//go:build linux

package main

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// cloud is a storage service of a test, as the tests of clouds need it.
type cloud struct {
	addr   string                       // of the service
	target func(addr string) string     // a job's block for a new place, at an address before the service
	part   func(r *http.Request) string // names the chunk that a request sends; empty for other requests
}

// azureCloud is an Azurite. A chunk is known by the part of the block's id that does not change from try to try.
func azureCloud(t *testing.T) cloud {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	return cloud{
		addr:   a.Addr,
		target: func(addr string) string { return a.Behind(addr).Target("offsite", container) },
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
		addr:   g.Addr,
		target: func(addr string) string { return g.Behind(addr).Target(t, "offsite", bucket, account) },
		part: func(r *http.Request) string {
			if name := r.URL.Query().Get("name"); r.Method == http.MethodPost && strings.HasPrefix(path.Base(name), "0") {
				return name
			}
			return ""
		},
	}
}

// eachCloud runs f as a subtest for Azure and Google Cloud Storage.
func eachCloud(t *testing.T, f func(t *testing.T, c cloud)) {
	t.Run("azure", func(t *testing.T) { f(t, azureCloud(t)) })
	t.Run("gcs", func(t *testing.T) { f(t, gcsCloud(t)) })
}

// S3: the main job to a container and to a bucket, from a running server to a second one that was restored from there and
// gives the same CHECKSUM TABLE.
func TestClouds(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(30)})
	before := s.Checksums(t)
	eachCloud(t, func(t *testing.T, c cloud) {
		h := newSite(t, s)
		h.writeJob(t, jobText{Target: c.target(c.addr)})
		e, r := h.run(t, 0)
		wantStory(t, r, "preflight", "stop", "capture", "ship", "restart", "confirm", "commit", "clean")
		h.wantUp(t)
		h.wantRestored(t, e.BackupID, before)
	})
}

// R5.2: the agent dies by SIGKILL in the middle of an upload. What the service holds by then is not sent again.
func TestCloudsResume(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 60})
	before := s.Checksums(t)
	eachCloud(t, func(t *testing.T, c cloud) {
		front := testenv.NewFront(t, c.addr)
		parts := &partLog{part: c.part, hold: 3, release: make(chan struct{}), arrived: map[string]bool{}}
		front.Before, front.After = parts.before, parts.after
		h := newSite(t, s)
		h.writeJob(t, jobText{Restart: "after-capture", ChunkSize: "5MiB", Compress: `compress "store" {}`,
			Target: c.target(front.Addr)})
		run := h.kill(t, func(e agent.Event) bool {
			return e.Event == agent.EventStep && e.Step == "ship" && e.Phase == "begun" && parts.held(t)
		})
		arrived := parts.pass()
		if len(arrived) < parts.hold {
			t.Fatalf("parts that had arrived: %v", arrived)
		}
		if found := h.recover(t); len(found) != 1 || found[0].Artifact != "kept" {
			t.Fatalf("recovered: %+v", found)
		}
		h.wantUp(t)
		drydock(t, h.args("resume", run, "--file", h.job)...).want(t, exitDone)
		again := parts.sent()
		for name := range arrived {
			if again[name] > 0 {
				t.Errorf("chunk %s had arrived, and was sent again", name)
			}
		}
		if len(again) < 2 { // the manifest is one
			t.Error("no chunk was missing: nothing is proved")
		}
		h.wantRestored(t, run, before)
	})
}
