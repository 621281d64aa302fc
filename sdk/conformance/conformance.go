package conformance

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"
)

// T is what a case needs of its runner. *testing.T is one.
type T interface {
	Helper()
	// Context ends when the case must end, before its Cleanup functions run.
	Context() context.Context
	// TempDir returns a new directory that is removed after the case.
	TempDir() string
	// Cleanup registers a function that runs after the case, the last one first.
	Cleanup(f func())
	Logf(format string, args ...any)
	// Errorf reports a failure and goes on.
	Errorf(format string, args ...any)
	// Fatalf reports a failure and ends the case; only for the case's own goroutine.
	Fatalf(format string, args ...any)
}

// Case is one named demand on a provider.
type Case struct {
	Name  string // lower case words joined by hyphens
	Doc   string // what the provider promises, one sentence
	Needs string // the ability of the test set-up without which the case cannot run; empty for most
	Run   func(t T)
}

// Test runs the cases as subtests. Cases whose need the set-up does not have must have been left out by the caller.
func Test(t *testing.T, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { c.Run(t) })
	}
}

// Result is the outcome of one case.
type Result struct {
	Case   string        `json:"case"`
	Doc    string        `json:"doc"`
	Passed bool          `json:"passed"`
	Took   time.Duration `json:"took_ns"`
	Log    []string      `json:"log,omitempty"` // what the case logged and what went wrong
}

// Run runs one case outside of go test and returns its result when it has ended and cleaned up. A case that panics has
// failed. The case's context ends with ctx or after the timeout; a case that ignores that is waited for.
func Run(ctx context.Context, c Case, timeout time.Duration) Result {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := &recorder{ctx: ctx}
	started := time.Now()
	r.protect(func() { c.Run(r) })
	cancel()
	r.clean()
	return Result{Case: c.Name, Doc: c.Doc, Passed: !r.failed, Took: time.Since(started), Log: r.log}
}

// recorder is the T of Run.
type recorder struct {
	ctx context.Context

	mu       sync.Mutex
	failed   bool
	log      []string
	cleanups []func()
}

// protect runs f in a goroutine of its own, so that Fatalf can end it, and waits for it.
func (r *recorder) protect(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				r.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		f()
	}()
	<-done
}

func (r *recorder) clean() {
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		f := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		r.protect(f)
	}
}

func (r *recorder) Helper() {}

func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) TempDir() string {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		r.Fatalf("make a temporary directory: %v", err)
	}
	r.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			r.Errorf("remove the temporary directory: %v", err)
		}
	})
	return dir
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, fmt.Sprintf(format, args...))
}

func (r *recorder) Errorf(format string, args ...any) {
	r.Logf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
