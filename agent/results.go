package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/durable"
)

// How a backup was verified.
const (
	byDigests = "digests" // its bytes at the target are those that were sent
	byContent = "deep"    // every file in it has the digest that it should have
	byDrill   = "drill"   // a real server has run on it
)

// Result is how one way to verify a backup at one target has ended. It is kept in a file of its own, below verified/ in the
// agent's state, so that verifications at the same time do not get in each other's way.
type Result struct {
	Last    time.Time `json:"last"`              // when it was tried last
	Good    time.Time `json:"good,omitzero"`     // when it succeeded last
	Failure string    `json:"failure,omitempty"` // what was wrong the last time; empty when nothing
}

const maxResult = 64 << 10 // bytes of a kept result

func (a *Agent) resultsDir(job string) string {
	return filepath.Join(a.o.DataDir, "verified", url.PathEscape(job))
}

func (a *Agent) resultPath(b Backup, how string) string {
	return filepath.Join(a.resultsDir(b.Job), url.PathEscape(b.ID)+"."+url.PathEscape(b.Target)+"."+how+".json")
}

// keepResult notes what came of a verification, and returns its error. What says nothing about the backup, such as a target
// that is away, is not noted.
func (a *Agent) keepResult(ctx context.Context, b Backup, how string, outcome error) error {
	telling := outcome == nil || errors.Is(outcome, ErrDamaged) || errors.Is(outcome, ErrDamagedSource)
	if ctx.Err() != nil || !telling {
		return outcome
	}
	path := a.resultPath(b, how)
	r, err := readResult(path)
	if err != nil {
		a.o.Log.Warn("an earlier result cannot be read; it is replaced", "file", path, "error", err)
	}
	now := a.now().UTC()
	r.Last, r.Failure = now, ""
	if outcome == nil {
		r.Good = now
	} else {
		r.Failure = fmt.Sprintf("%.2000s", outcome.Error())
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = durable.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = durable.WriteFile(path, text, 0o600)
	}
	if err != nil {
		err = fmt.Errorf("keep the result: %w", err)
	}
	return errors.Join(outcome, err)
}

// readResult reads a kept result; the zero value when there is none.
func readResult(path string) (Result, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Result{}, nil
	}
	if err != nil {
		return Result{}, err
	}
	return ParseResult(text)
}

// ParseResult reads the text of a kept result, strictly.
func ParseResult(text []byte) (Result, error) {
	if len(text) > maxResult {
		return Result{}, fmt.Errorf("a result of %d bytes is too long", len(text))
	}
	var r Result
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Result{}, fmt.Errorf("read result: %w", err)
	}
	if r.Last.IsZero() || r.Good.After(r.Last) {
		return Result{}, errors.New("read result: its times do not fit together")
	}
	return r, nil
}

// drills returns the results of all drills of a job's backups, by file name. What cannot be read is told and left out.
func (a *Agent) drills(job string) map[string]Result {
	all := map[string]Result{}
	entries, err := os.ReadDir(a.resultsDir(job))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.o.Log.Warn("read the results of drills", "job", job, "error", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "."+byDrill+".json") {
			continue
		}
		r, err := readResult(filepath.Join(a.resultsDir(job), e.Name()))
		if err != nil {
			a.o.Log.Warn("a result of a drill cannot be read", "file", e.Name(), "error", err)
			continue
		}
		all[e.Name()] = r
	}
	return all
}

// lastProven is when a server has last run on a backup of the job; zero: never.
func (a *Agent) lastProven(job string) (last time.Time) {
	for _, r := range a.drills(job) {
		if r.Good.After(last) {
			last = r.Good
		}
	}
	return last
}

// drilledRun sums up the drills of one run's backup, at whatever targets.
func drilledRun(drills map[string]Result, id string) (sum Result) {
	for name, r := range drills {
		if !strings.HasPrefix(name, url.PathEscape(id)+".") {
			continue
		}
		if r.Good.After(sum.Good) {
			sum.Good = r.Good
		}
		if r.Last.After(sum.Last) {
			sum.Last, sum.Failure = r.Last, r.Failure
		}
	}
	return sum
}

// recall adds to a backup what is known of its verifications on this host.
func (a *Agent) recall(b *Backup) {
	if b.ID == "" {
		return
	}
	var latest time.Time
	for _, how := range []string{byDigests, byContent, byDrill} {
		r, err := readResult(a.resultPath(*b, how))
		if err != nil {
			a.o.Log.Warn("a result of a verification cannot be read", "backup", b.ID, "error", err)
			continue
		}
		if r.Good.After(b.LastVerified) {
			b.LastVerified, b.VerifiedBy = r.Good, how
		}
		if how == byDrill {
			b.LastProven = r.Good
		}
		if r.Last.After(latest) {
			latest, b.LastFailure = r.Last, r.Failure
		}
	}
}
