package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/run"
)

// trace is a journal that writes down everything that happens, in order.
type trace struct {
	lines  []string
	failOn string
}

func (t *trace) note(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

func (t *trace) StepBegun(_ context.Context, step string) error { return t.journal("begun " + step) }
func (t *trace) StepDone(_ context.Context, step string) error  { return t.journal("done " + step) }

func (t *trace) journal(line string) error {
	t.note("%s", line)
	if line == t.failOn {
		return errors.New("disk full")
	}
	return nil
}

type step struct {
	name string
	t    *trace
	do   func(ctx context.Context) error
}

func (s step) Name() string { return s.name }

func (s step) Do(ctx context.Context) error {
	s.t.note("do %s", s.name)
	if s.do == nil {
		return nil
	}
	return s.do(ctx)
}

type undoable struct {
	step
	undo func(ctx context.Context) error
}

func (s undoable) Undo(ctx context.Context) error {
	s.t.note("undo %s", s.name)
	if s.undo == nil {
		return nil
	}
	return s.undo(ctx)
}

var errBroken = errors.New("broken")

func broken(context.Context) error { return errBroken }

func TestStepsRunInOrderWithCheckpoints(t *testing.T) {
	tr := &trace{}
	r := run.Runner{Journal: tr}
	if err := r.Run(t.Context(), step{name: "a", t: tr}, undoable{step: step{name: "b", t: tr}}); err != nil {
		t.Fatal(err)
	}
	want := []string{"begun a", "do a", "done a", "begun b", "do b", "done b"}
	if d := cmp.Diff(want, tr.lines); d != "" {
		t.Error(d)
	}
}

// R3.7: whatever fails, what was begun is undone, last first, including the step that failed.
func TestFailureUndoesInReverse(t *testing.T) {
	cases := map[string]struct {
		do     func(context.Context) error
		failOn string
		want   []string
	}{
		"do fails":          {do: broken, want: []string{"begun c", "do c", "undo c", "undo a"}},
		"do panics":         {do: func(context.Context) error { panic("boom") }, want: []string{"begun c", "do c", "undo c", "undo a"}},
		"checkpoint begin":  {failOn: "begun c", want: []string{"begun c", "undo c", "undo a"}},
		"checkpoint finish": {failOn: "done c", want: []string{"begun c", "do c", "done c", "undo c", "undo a"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tr := &trace{failOn: tc.failOn}
			r := run.Runner{Journal: tr}
			err := r.Run(t.Context(), undoable{step: step{name: "a", t: tr}}, step{name: "b", t: tr},
				undoable{step: step{name: "c", t: tr, do: tc.do}}, step{name: "never", t: tr})
			var se *run.StepError
			if !errors.As(err, &se) || se.Step != "c" || se.Undo != nil {
				t.Fatalf("err = %#v", err)
			}
			want := append([]string{"begun a", "do a", "done a", "begun b", "do b", "done b"}, tc.want...)
			if d := cmp.Diff(want, tr.lines); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPanicKeepsItsStack(t *testing.T) {
	tr := &trace{}
	r := run.Runner{Journal: tr}
	err := r.Run(t.Context(), step{name: "a", t: tr, do: func(context.Context) error { panic("boom") }})
	var pe *run.PanicError
	if !errors.As(err, &pe) || pe.Value != "boom" || !strings.Contains(string(pe.Stack), "run_test.go") {
		t.Fatalf("err = %v", err)
	}
}

func TestUndoOutlivesCancellationAndIsBounded(t *testing.T) {
	tr := &trace{}
	r := run.Runner{Journal: tr, UndoTimeout: 20 * time.Millisecond}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	err := r.Run(ctx, undoable{step: step{name: "a", t: tr}, undo: func(ctx context.Context) error {
		if ctx.Err() != nil {
			t.Error("undo began with a dead context")
		}
		<-ctx.Done()
		return ctx.Err()
	}}, step{name: "b", t: tr, do: func(context.Context) error { cancel(stop); return nil }}, step{name: "c", t: tr})
	if !errors.Is(err, stop) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("err = %v", err)
	}
	want := []string{"begun a", "do a", "done a", "begun b", "do b", "done b", "undo a"}
	if d := cmp.Diff(want, tr.lines); d != "" {
		t.Error(d)
	}
}

func TestEveryUndoIsTriedAndJoined(t *testing.T) {
	tr := &trace{}
	var seen []run.Phase
	r := run.Runner{Journal: tr, Observe: func(e run.Event) { seen = append(seen, e.Phase) }}
	errA, errB := errors.New("undo a broke"), errors.New("undo b broke")
	err := r.Run(t.Context(),
		undoable{step: step{name: "a", t: tr}, undo: func(context.Context) error { return errA }},
		undoable{step: step{name: "b", t: tr, do: broken}, undo: func(context.Context) error { panic(errB) }})
	if !errors.Is(err, errBroken) || !errors.Is(err, errA) || !strings.Contains(err.Error(), "undo b broke") {
		t.Fatalf("err = %v", err)
	}
	want := []run.Phase{run.Begun, run.Done, run.Begun, run.Failed, run.Undone, run.Undone}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
}

// needless is a step whose work an earlier one may have done.
type needless struct {
	step
	done *bool
}

func (n needless) NothingToDo() bool { return *n.done }

// A step that has nothing to do when its turn comes leaves no trace.
func TestNeedless(t *testing.T) {
	tr, done := &trace{}, false
	first := step{name: "a", t: tr, do: func(context.Context) error { done = true; return nil }}
	later, never := needless{step{name: "b", t: tr}, new(bool)}, needless{step{name: "c", t: tr}, &done}
	if err := (&run.Runner{Journal: tr}).Run(t.Context(), first, later, never); err != nil {
		t.Fatal(err)
	}
	want := []string{"begun a", "do a", "done a", "begun b", "do b", "done b"}
	if d := cmp.Diff(want, tr.lines); d != "" {
		t.Error(d)
	}
}
