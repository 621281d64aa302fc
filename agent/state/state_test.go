package state_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
)

// The test binary is also the process that tests kill: see child.
func TestMain(m *testing.M) {
	if path := os.Getenv("DRYDOCK_TEST_STATE"); path != "" {
		if err := child(path, os.Getenv("DRYDOCK_TEST_MODE")); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child opens the file and says so. Then it holds it until its input ends, or writes checkpoints and says what is done.
func child(path, mode string) error {
	s, err := state.Open(context.Background(), path)
	if err != nil {
		return err
	}
	fmt.Println("open")
	if mode == "hold" {
		_, err := bufio.NewReader(os.Stdin).ReadByte()
		return errors.Join(s.Close(), ignoreEOF(err))
	}
	return write(s)
}

func ignoreEOF(err error) error {
	if err != nil && err.Error() == "EOF" {
		return nil
	}
	return err
}

// write makes endless progress on a new run, and prints each thing once it is recorded.
func write(s *state.Store) error {
	id := fmt.Sprintf("run-%d", os.Getpid())
	if err := s.CreateRun(run(id, time.Now())); err != nil {
		return err
	}
	j := s.Journal(id)
	for i := 0; ; i++ {
		err := errors.Join(
			j.StepDone(context.Background(), fmt.Sprintf("step%d", i)),
			j.ChunksArrived("nas", []int{i}),
			s.AddChunks(id, spool.Chunk{Index: i, Length: 7, SHA256: [32]byte{byte(i)}, Path: "p"}),
			s.UpdateRun(id, func(r *state.Run) error { r.Failure = fmt.Sprint(i); return nil }),
		)
		if err != nil {
			return err
		}
		fmt.Println(id, i)
	}
}

var day = time.Date(2026, 1, 2, 2, 30, 0, 123, time.UTC)

func run(id string, started time.Time) state.Run {
	return state.Run{ID: id, Job: "orders", Status: state.Running, Started: started}
}

func path(t testing.TB) string { return state.Path(t.TempDir(), "orders") }

func open(t testing.TB, path string) *state.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s, err := state.Open(ctx, path)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() }) // the test closes it where that matters
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reopened closes the store and opens its file again: what is seen then is what a crash leaves.
func reopened(t *testing.T, s *state.Store) *state.Store {
	t.Helper()
	must(t, s.Close())
	return open(t, s.Path())
}

// R5.1: everything that a run must remember is there when the file is opened again.
func TestEverythingIsRemembered(t *testing.T) {
	s := open(t, path(t))
	want := run("r1", day)
	want.SpoolDir = "/var/spool/drydock/r1"
	want.Server = json.RawMessage(`{"version":"9.7.0"}`)
	must(t, s.CreateRun(want))
	want.Intent = &state.Intent{WasRunning: true, DataDir: "/var/lib/mysql", PID: 42, Service: "exec",
		Start: []string{"mysqld", "--x y"}, Settings: json.RawMessage(`{"read_only":true}`), Written: day,
		Stopped: day.Add(time.Second)}
	want.DownSince = day.Add(time.Second)
	must(t, s.UpdateRun("r1", func(r *state.Run) error { *r = want; return nil }))
	j := s.Journal("r1")
	must(t, j.StepBegun(t.Context(), "preflight"))
	must(t, j.StepDone(t.Context(), "preflight"))
	must(t, j.StepBegun(t.Context(), "capture"))
	must(t, j.UploadBegun("nas", "token1"))
	must(t, j.ChunksArrived("nas", []int{2, 0}))
	must(t, j.ChunksArrived("nas", []int{0, 300}))
	chunks := []spool.Chunk{
		{Index: 0, Length: 10, SHA256: [32]byte{1}, Path: "/s/0"},
		{Index: 1, Length: 3, SHA256: [32]byte{2}, Path: "/s/1"},
	}
	want.Artifact = &state.Artifact{Key: "a/Data.zip", ChunkSize: 10, Size: 13, DataBytes: 99, Whole: true}
	must(t, s.SetWhole("r1", *want.Artifact, chunks))

	s = reopened(t, s)
	got, err := s.Run("r1")
	must(t, err)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	gotChunks, err := s.Chunks("r1")
	must(t, err)
	if d := cmp.Diff(chunks, gotChunks); d != "" {
		t.Error(d)
	}
	arrived, err := s.Arrived("r1", "nas")
	must(t, err)
	if d := cmp.Diff([]int{0, 2, 300}, arrived); d != "" {
		t.Error(d)
	}
	targets, err := s.Targets("r1")
	must(t, err)
	if len(targets) != 1 || targets[0].Label != "nas" || targets[0].Token != "token1" || targets[0].Committed {
		t.Errorf("%+v", targets)
	}
	steps, err := s.Steps("r1")
	must(t, err)
	if len(steps) != 2 || steps[0].Name != "preflight" || steps[0].Done.IsZero() || !steps[1].Done.IsZero() {
		t.Errorf("%+v", steps)
	}
	if !got.Intent.Pending() {
		t.Error("nobody would start the server again")
	}
}

func TestIntentPending(t *testing.T) {
	for name, tc := range map[string]struct {
		i    *state.Intent
		want bool
	}{
		"none":         {nil, false},
		"was down":     {&state.Intent{}, false},
		"to be undone": {&state.Intent{WasRunning: true}, true},
		"undone":       {&state.Intent{WasRunning: true, Disarmed: true}, false},
	} {
		if tc.i.Pending() != tc.want {
			t.Errorf("%s: %t", name, !tc.want)
		}
	}
}

// R5.5: with the end of a run goes what only an unfinished one needs, and its tokens after success.
func TestFinishedRunForgets(t *testing.T) {
	for status, token := range map[state.Status]string{state.Done: "", state.Failed: "token1", state.Cancelled: "token1"} {
		s := open(t, path(t))
		must(t, s.CreateRun(run("r1", day)))
		j := s.Journal("r1")
		for _, label := range []string{"nas", "offsite", "third"} {
			must(t, j.UploadBegun(label, "token1"))
			must(t, j.ChunksArrived(label, []int{0, 1}))
		}
		must(t, s.SetWhole("r1", state.Artifact{Key: "k", Size: 1}, []spool.Chunk{{Length: 1, Path: "p"}}))
		must(t, s.FinishRun("r1", status, day.Add(time.Hour), "why"))
		s = reopened(t, s)
		chunks, err := s.Chunks("r1")
		must(t, err)
		arrived, err := s.Arrived("r1", "offsite")
		must(t, err)
		targets, err := s.Targets("r1")
		must(t, err)
		r, err := s.Run("r1")
		must(t, err)
		if len(chunks)+len(arrived) != 0 || len(targets) != 3 || r.Status != status || r.Failure != "why" || r.Artifact.Size != 1 {
			t.Errorf("%s: %v %v %+v", status, chunks, arrived, r)
		}
		for _, target := range targets {
			if target.Token != token {
				t.Errorf("%s: token %q of %s", status, target.Token, target.Label)
			}
		}
	}
}

func TestHistory(t *testing.T) {
	s := open(t, path(t))
	status := []state.Status{state.Done, state.Waiting, state.Failed, state.Running, state.Cancelled, state.Done}
	for _, i := range []int{4, 0, 2, 5, 1, 3} { // not in the order of their times
		r := run(fmt.Sprintf("r%d", i), day.Add(time.Duration(i)*time.Hour))
		r.Status = status[i]
		if i == 0 {
			r.Intent = &state.Intent{WasRunning: true} // done, they say, but nobody started the server
		}
		must(t, s.CreateRun(r))
	}
	ids := func(runs []state.Run, err error) string {
		must(t, err)
		var all []string
		for _, r := range runs {
			all = append(all, r.ID)
		}
		return strings.Join(all, " ")
	}
	if got := ids(s.Unfinished()); got != "r1 r3" {
		t.Errorf("unfinished: %s", got)
	}
	if got := ids(s.Last(4)); got != "r5 r4 r3 r2" {
		t.Errorf("last 4: %s", got)
	}
	n, err := s.Prune(1)
	if err != nil || n != 2 {
		t.Errorf("pruned %d: %v", n, err)
	}
	if got := ids(reopened(t, s).Last(100)); got != "r5 r3 r1 r0" {
		t.Errorf("after pruning: %s", got)
	}
}

func TestHistoryOfNothing(t *testing.T) {
	s := open(t, path(t))
	runs, err := s.Last(10)
	unfinished, err2 := s.Unfinished()
	n, err3 := s.Prune(0)
	if err := errors.Join(err, err2, err3); err != nil || len(runs)+len(unfinished)+n != 0 {
		t.Error(err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	s := open(t, path(t))
	must(t, s.CreateRun(run("r1", day)))
	other := errors.New("changed my mind")
	for name, tc := range map[string]struct {
		err  error
		want error
	}{
		"same id":          {s.CreateRun(run("r1", day)), state.ErrExists},
		"no id":            {s.CreateRun(run("", day)), nil},
		"no start":         {s.CreateRun(run("r2", time.Time{})), nil},
		"no status":        {s.CreateRun(state.Run{ID: "r2", Started: day}), nil},
		"unknown run":      {s.UpdateRun("r9", func(*state.Run) error { return nil }), state.ErrNotFound},
		"unknown status":   {s.FinishRun("r1", "exploded", day, ""), nil},
		"new id":           {s.UpdateRun("r1", func(r *state.Run) error { r.ID = "r3"; return nil }), nil},
		"new start":        {s.UpdateRun("r1", func(r *state.Run) error { r.Started = time.Now(); return nil }), nil},
		"caller's error":   {s.UpdateRun("r1", func(r *state.Run) error { r.Failure = "x"; return other }), other},
		"no raw JSON":      {s.UpdateRun("r1", func(r *state.Run) error { r.Server = json.RawMessage("{"); return nil }), nil},
		"chunk of nobody":  {s.AddChunks("r9", spool.Chunk{Length: 1}), state.ErrNotFound},
		"step of nobody":   {s.Journal("r9").StepDone(t.Context(), "stop"), state.ErrNotFound},
		"target of nobody": {s.Journal("r9").UploadBegun("nas", "t"), state.ErrNotFound},
		"arrived nowhere":  {func() error { _, err := s.Arrived("r1", "nas"); return err }(), state.ErrNotFound},
	} {
		if tc.err == nil || tc.want != nil && !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: %v", name, tc.err)
		}
	}
	if r, err := s.Run("r1"); err != nil || !cmp.Equal(r, run("r1", day)) {
		t.Errorf("it was changed: %+v %v", r, err)
	}
}

func TestNobodyElseCanReadTheState(t *testing.T) {
	s := open(t, path(t))
	for p, mode := range map[string]fs.FileMode{s.Path(): 0o600, filepath.Dir(s.Path()): 0o700, s.Path() + ".holder": 0o600} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", p, info.Mode(), err)
		}
	}
	must(t, s.Close())
	entries, err := os.ReadDir(filepath.Dir(s.Path()))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the file: %v %v", entries, err)
	}
}

// Two jobs never share a file, whatever their names are.
func TestPathsOfJobs(t *testing.T) {
	long := strings.Repeat("x", 300)
	for job, want := range map[string]string{
		"orders": "orders.db", "db-1_a": "db-1_a.db", "Orders": "%4Frders.db", "a/b": "a%2Fb.db", "..": "%2E%2E.db", "a.b": "a%2Eb.db",
		"con": "%63on.db", "com1": "%63om1.db", "ü": "%C3%BC.db", "a%2Fb": "a%252%46b.db",
	} {
		if got := filepath.Base(state.Path("/d", job)); got != want {
			t.Errorf("%q: %s", job, got)
		}
	}
	if a, b := state.Path("/d", long), state.Path("/d", long+"y"); a == b || len(filepath.Base(a)) > 200 {
		t.Errorf("%s and %s", a, b)
	}
	if state.Path("/d", "") == "/d/state/.db" {
		t.Error("a job without a name")
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := rapid.String().Draw(rt, "a"), rapid.String().Draw(rt, "b")
		pa, pb := state.Path("/d", a), state.Path("/d", b)
		if filepath.Dir(pa) != "/d/state" {
			rt.Errorf("%q leads to %s", a, pa)
		}
		if a != b && strings.EqualFold(pa, pb) {
			rt.Errorf("%q and %q share %s", a, b, pa)
		}
	})
}

func TestFilesAreListed(t *testing.T) {
	dir := t.TempDir()
	if files, err := state.Files(dir); err != nil || len(files) != 0 {
		t.Errorf("%v %v", files, err)
	}
	var want []string
	for _, job := range []string{"a", "b/c"} {
		s := open(t, state.Path(dir, job))
		want = append(want, s.Path())
	}
	if got, err := state.Files(dir); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
}

func TestReadOnly(t *testing.T) {
	p := path(t)
	if _, err := state.OpenReadOnly(t.Context(), p); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	s := open(t, p)
	must(t, s.CreateRun(run("r1", day)))
	must(t, s.Close())
	for range 2 { // readers share
		r, err := state.OpenReadOnly(t.Context(), p)
		must(t, err)
		defer func() { must(t, r.Close()) }()
		if _, err := r.Run("r1"); err != nil {
			t.Error(err)
		}
		if err := r.CreateRun(run("r2", day)); err == nil {
			t.Error("wrote")
		}
	}
}
