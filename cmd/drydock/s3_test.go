//go:build linux

package main

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// S3: the main job to a bucket, from a running server to a second one that was restored from the bucket and gives the same
// CHECKSUM TABLE; on two products.
func TestS3(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: megabytes(30)})
	before := s.Checksums(t)
	testenv.EachS3(t, func(t *testing.T, start func(testing.TB) *testenv.S3) {
		store := start(t)
		h := newSite(t, s)
		h.writeJob(t, jobText{Target: store.Target("offsite", store.Bucket(t, false), `prefix = "mysql/"`)})
		e, r := h.run(t, 0)
		wantStory(t, r, "preflight", "stop", "capture", "ship", "restart", "confirm", "commit", "clean")
		h.wantUp(t)
		h.wantRestored(t, e.BackupID, before)
	})
}

// R5.2: the agent dies by SIGKILL in the middle of an upload. What the service holds by then is not sent again.
func TestS3Resume(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 60})
	before := s.Checksums(t)
	store := testenv.VersityGW(t)
	front := testenv.NewFront(t, store.Addr)
	parts := &partLog{part: s3Part, hold: 3, release: make(chan struct{}), arrived: map[string]bool{}}
	front.Before, front.After = parts.before, parts.after

	h := newSite(t, s)
	h.writeJob(t, jobText{Restart: "after-capture", ChunkSize: "5MiB", Compress: `compress "store" {}`,
		Target: store.Behind(front.Addr).Target("offsite", store.Bucket(t, false), "")})
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
			t.Errorf("part %s had arrived, and was sent again", name)
		}
	}
	if len(again) < 2 { // the manifest is one
		t.Error("no part was missing: nothing is proved")
	}
	h.wantRestored(t, run, before)
}

// partLog sees the parts of an upload go by, and lets no more than hold of them arrive until it is told to.
type partLog struct {
	part    func(r *http.Request) string // names what a request sends; empty for other requests
	hold    int
	release chan struct{}

	mu      sync.Mutex
	waiting int
	arrived map[string]bool
	again   map[string]int // sent after the release
	passed  bool
}

// s3Part names a part: key and number. The few bytes of a check are none.
func s3Part(r *http.Request) string {
	n := r.URL.Query().Get("partNumber")
	if r.Method != http.MethodPut || n == "" || r.ContentLength < 1<<10 {
		return ""
	}
	return r.URL.Path + " " + n
}

func (p *partLog) before(_ http.ResponseWriter, r *http.Request) bool {
	name := p.part(r)
	if name == "" {
		return false
	}
	p.mu.Lock()
	full := !p.passed && len(p.arrived) >= p.hold
	if full {
		p.waiting++
	}
	if p.passed {
		p.again[name]++
	}
	p.mu.Unlock()
	if full {
		select {
		case <-p.release:
		case <-r.Context().Done():
		}
		return true
	}
	return false
}

func (p *partLog) after(answer *http.Response) {
	if name := p.part(answer.Request); answer.StatusCode/100 == 2 && name != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.arrived[name] = true
	}
}

// held waits until parts are held up.
func (p *partLog) held(t *testing.T) bool {
	testenv.Eventually(t, time.Minute, "parts are held up", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.waiting > 0
	})
	return true
}

// pass lets everything pass from now on, and returns the parts that have arrived.
func (p *partLog) pass() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed, p.again = true, map[string]int{}
	close(p.release)
	arrived := p.arrived
	p.arrived = map[string]bool{}
	return arrived
}

func (p *partLog) sent() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.again
}
