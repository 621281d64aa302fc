//go:build faults

package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/internal/testenv"
)

// The environment variables of `make matrix`: wholeMatrix has TestMatrix try every cell of the modes that it lists, or of all
// modes; with matrixPoints only those of the points that match an expression.
const (
	wholeMatrix  = "DRYDOCK_MATRIX"
	matrixPoints = "DRYDOCK_MATRIX_POINTS"
)

// The kill matrix (R3.7, R9.1 to R9.6): whatever happens at whatever point, MySQL is up within its start timeout and ten
// seconds, once; the state file opens; nothing that is listed as a backup is false; and the next run succeeds and restores
// byte for byte. Without DRYDOCK_MATRIX it is a sample.
func TestMatrix(t *testing.T) {
	t.Parallel()
	cells := []string{
		"archive.write.before=hang", "record.intent.after=kill", "mysql.shutdown.after=kill", "mysql.free.after=kill-all",
		"spool.sync.before=error", "step.capture.done.after=kill", "service.start.before=error", "storage.commit.after=kill",
		"record.disarm.before=term", "manifest.put.after=error", "guardian: service.start.before=kill",
	}
	modes, all := os.Getenv(wholeMatrix), ways()
	if modes == "" {
		all = slices.DeleteFunc(all, func(w way) bool { return w.slow })
	}
	points := wayOf(t, testenv.MariaDB(t), all)
	if modes != "" {
		cells = allCells(t, points, modes)
	}
	f := farm{next: each(cells), work: func(t *testing.T, s *testenv.Server, cell string) {
		point, mode, _ := strings.Cut(cell, "=")
		w, ok := points[point]
		if !ok {
			t.Fatalf("no command passes %s", point)
		}
		tryCell(t, newSite(t, s), w, strings.TrimPrefix(point, guardianPrefix), mode)
	}}
	f.run(t)
	lost := f.failed + len(cells) - f.done
	t.Logf("matrix: %d points, %d of %d modes, %d cells: %d survived, %d lost (%d of them not tried)",
		len(points), modesOf(cells), len(fault.Modes()), len(cells), f.done-f.failed, lost, len(cells)-f.done)
	if lost > 0 {
		t.Error("something was lost")
	}
}

func allCells(t *testing.T, points map[string]way, modes string) (cells []string) {
	t.Helper()
	wanted, err := regexp.Compile(os.Getenv(matrixPoints))
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"hang", "kill", "kill-all", "term", "error"} { // the long waits first
		if modes != "all" && !slices.Contains(strings.Split(modes, ","), mode) {
			continue
		}
		for _, point := range slices.Sorted(maps.Keys(points)) {
			if wanted.MatchString(point) {
				cells = append(cells, point+"="+mode)
			}
		}
	}
	return cells
}

func modesOf(cells []string) int {
	seen := map[string]bool{}
	for _, c := range cells {
		_, mode, _ := strings.Cut(c, "=")
		seen[mode] = true
	}
	return len(seen)
}

func tryCell(t *testing.T, h *site, w way, point, mode string) {
	args, o := w.prepare(t, h), w.orders
	dies := strings.HasPrefix(mode, "kill")
	if w.guardian {
		o.guardian = point + "=" + mode
	} else {
		o.agent = strings.Trim(point+"="+mode+","+o.agent, ",")
	}
	r := h.faulty(t, o, args...)
	t.Logf("%s: exit code %d", w.name, r.code)
	switch agentDies := dies || w.guardian; {
	case agentDies && r.code != killed:
		t.Fatalf("the agent was not killed: exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	case !agentDies && (r.code == killed || r.code == exitUsage || r.code == exitDown):
		t.Fatalf("exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	h.guardianEnds(t)
	nobody := w.name == "recover" && mode != "term" && mode != "hang" // is left who would start it
	if nobody || w.guardian && mode != "hang" && mode != "term" || mode == "kill" {
		drydock(t, h.args("recover", "--file", h.job)...).want(t, exitDone)
	}
	h.wantUp(t)
	h.wantAlive(t)
}
