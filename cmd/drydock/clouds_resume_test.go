//go:build linux

package main

import (
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// R5.2: the agent dies by SIGKILL in the middle of an upload. What the service holds by then is not sent again.
func TestCloudsResume(t *testing.T) {
	t.Parallel()
	s := testenv.MySQL(t)
	s.Fill(t, testenv.FillOptions{BigMB: 60})
	before := s.Checksums(t)
	for name, start := range map[string]func(t *testing.T) cloud{
		"s3":    func(t *testing.T) cloud { return s3Cloud(t, "offsite", testenv.VersityGW) },
		"azure": azureCloud,
		"gcs":   gcsCloud,
	} {
		t.Run(name, func(t *testing.T) { resumeAfterKill(t, newSite(t, s), start(t), before) })
	}
}

func resumeAfterKill(t *testing.T, h *site, c cloud, before map[string]uint64) {
	parts, front := watchParts(t, c, 3)
	h.writeJob(t, jobText{Restart: "after-capture", ChunkSize: "5MiB", Compress: `compress "store" {}`,
		Target: c.target(front.Addr)})
	run := h.kill(t, func(e agent.Event) bool { return step("ship", "begun")(e) && parts.held(t) })
	parts.pass()
	arrived := parts.arrivals()
	if len(arrived) < 3 {
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
	again   map[string]int // sent after the arrivals were asked for
	passed  bool
}

// watchParts puts a front before a service, at which the parts of uploads are seen and held up.
func watchParts(t *testing.T, c cloud, hold int) (*partLog, *testenv.Front) {
	t.Helper()
	p := &partLog{part: c.part, hold: hold, release: make(chan struct{}), arrived: map[string]bool{}, again: map[string]int{}}
	front := testenv.NewFront(t, c.addr)
	front.Before, front.After = p.before, p.after
	return p, front
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
	p.again[name]++
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

// pass lets everything pass from now on.
func (p *partLog) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed = true
	close(p.release)
}

// arrivals returns the parts that have arrived so far. From now on sent counts anew.
func (p *partLog) arrivals() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.again = map[string]int{}
	return maps.Clone(p.arrived)
}

// sent tells how often each part was sent since then.
func (p *partLog) sent() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.again)
}
