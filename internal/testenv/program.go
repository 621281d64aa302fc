package testenv

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// Program runs f outside of `go test`, for a demonstration or a benchmark that wants the same servers as the tests. It
// returns f's failure, after what f started has been cleaned up.
func Program(ctx context.Context, f func(t testing.TB)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &program{ctx: ctx}
	done := make(chan struct{})
	go func() { // Fatalf ends the goroutine that it is called from
		defer close(done)
		defer p.cleanUp()
		f(p)
	}()
	<-done
	return p.err
}

// program stands in for the test: just what servers need of it. The embedded interface is nil; a method that is not
// written here must not be called.
type program struct {
	testing.TB
	ctx      context.Context
	err      error
	cleanups []func()
}

func (p *program) cleanUp() {
	for i := len(p.cleanups) - 1; i >= 0; i-- {
		p.cleanups[i]()
	}
}

func (p *program) Helper()                  {}
func (p *program) Name() string             { return "program" }
func (p *program) Failed() bool             { return p.err != nil }
func (p *program) Context() context.Context { return p.ctx }
func (p *program) Cleanup(f func())         { p.cleanups = append(p.cleanups, f) }
func (p *program) Log(args ...any)          { fmt.Fprintln(os.Stderr, args...) }
func (p *program) Logf(f string, a ...any)  { fmt.Fprintf(os.Stderr, f+"\n", a...) }

func (p *program) Error(args ...any)         { p.fail(fmt.Sprint(args...)) }
func (p *program) Errorf(f string, a ...any) { p.fail(fmt.Sprintf(f, a...)) }

func (p *program) Fatal(args ...any) {
	p.fail(fmt.Sprint(args...))
	runtime.Goexit()
}

func (p *program) Fatalf(f string, a ...any) {
	p.fail(fmt.Sprintf(f, a...))
	runtime.Goexit()
}

func (p *program) fail(text string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s", text)
	}
}

func (p *program) TempDir() string {
	dir, err := os.MkdirTemp("", "drydock-program-*")
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
