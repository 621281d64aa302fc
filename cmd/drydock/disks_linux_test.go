package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/faultfs"
)

// allDisks is the environment variable that has TestFaultyDisks try every error at every moment; `make faulty-disks` sets it.
const allDisks = "DRYDOCK_FAULTY_DISKS"

// breakage is a moment at which a disk fails.
type breakage struct {
	area string // below the disk: state, spool or target
	kind faultfs.Kind
	nth  int  // operation of this kind in this area
	down bool // counted from the stop of the server on
}

func breakages() []breakage {
	return []breakage{
		{"state", faultfs.Create, 1, false},
		{"state", faultfs.Link, 1, false},
		{"state", faultfs.SyncDir, 1, false},
		{"state", faultfs.Write, 6, false},
		{"state", faultfs.Write, 1, true},
		{"state", faultfs.Sync, 2, true},
		{"state", faultfs.Open, 1, true}, // the log of the start command
		{"spool", faultfs.Mkdir, 1, false},
		{"spool", faultfs.Create, 1, true},
		{"spool", faultfs.Write, 2, true},
		{"spool", faultfs.Rename, 1, true},
		{"spool", faultfs.Sync, 1, true},
		{"target", faultfs.Create, 1, true},
		{"target", faultfs.Write, 1, true},
		{"target", faultfs.Sync, 1, true},
		{"target", faultfs.Rename, 1, true},
	}
}

func errnos() []syscall.Errno { return []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EACCES} }

// ENOSPC, EIO and EACCES in the state, in the spool and at the target: the error is a clear one, MySQL is up, nothing false
// is listed as a backup, and the next run on a disk that works succeeds (R3.7, R9.2, R9.3).
func TestFaultyDisks(t *testing.T) {
	t.Parallel()
	all := os.Getenv(allDisks) != ""
	items, names := map[string]func(*testing.T, *testenv.Server){}, []string{}
	for i, b := range breakages() {
		for j, errno := range errnos() {
			if !all && i%8 != j*2 { // six of them
				continue
			}
			name := fmt.Sprintf("%s %s %d %s", b.area, b.kind, b.nth, map[syscall.Errno]string{
				syscall.ENOSPC: "ENOSPC", syscall.EIO: "EIO", syscall.EACCES: "EACCES"}[errno])
			if b.down {
				name += " while the server is down"
			}
			names = append(names, name)
			items[name] = func(t *testing.T, s *testenv.Server) { breakDisk(t, newDiskSite(t, s), b, errno) }
		}
	}
	f := farm{next: each(names), work: func(t *testing.T, s *testenv.Server, name string) { items[name](t, s) }}
	f.run(t)
	t.Logf("faulty disks: %d moments, %d errors, %d tried of %d: %d survived, %d lost",
		len(breakages()), len(errnos()), f.done, len(names), f.done-f.failed, f.failed+len(names)-f.done)
	if f.done < len(names) {
		t.Error("not all were tried")
	}
}

// diskSite is a site whose state, spool and target are on a disk that tests can have fail.
type diskSite struct {
	*site
	disk *faultfs.Disk
	root string
}

// The marks that the commands leave on the disk when they stop and start the server.
const (
	stopMark  = "mark-stop"
	startMark = "mark-start"
)

func newDiskSite(t *testing.T, s *testenv.Server) *diskSite {
	t.Helper()
	h := &diskSite{site: newSite(t, s)}
	h.root = filepath.Join(h.dir, "disk")
	if err := os.Mkdir(h.root, 0o755); err != nil {
		t.Fatal(err)
	}
	h.disk = faultfs.Mount(t, h.root)
	h.state, h.target = filepath.Join(h.root, "state"), filepath.Join(h.root, "target")
	if err := os.Mkdir(h.target, 0o700); err != nil {
		t.Fatal(err)
	}
	syncDirs(t, h.root)
	h.writeDiskJob(t, "after-ship")
	return h
}

// syncDirs makes the names in directories survive, as an installation long ago has done.
func syncDirs(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		f, err := os.Open(dir)
		if err == nil {
			err = f.Sync()
			_ = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (h *diskSite) writeDiskJob(t *testing.T, restart string) {
	t.Helper()
	mark := func(name string) string { return "touch '" + filepath.Join(h.root, name) + "'; " }
	start := strings.Replace(h.copyingStart(t), `"-c","`, `"-c","`+mark(startMark), 1)
	stop := fmt.Sprintf(`["/bin/sh", "-c", "%skill $(cat '%s')"]`, mark(stopMark), h.server.PIDFile)
	h.writeJob(t, jobText{Start: start, Stop: stop, ChunkSize: "1MiB", Restart: restart})
}

func breakDisk(t *testing.T, h *diskSite, b breakage, errno syscall.Errno) {
	h.disk.Inject(b.rule(errno))
	r := drydock(t, h.args("run", "--file", h.job, "--json")...)
	h.disk.Inject(nil)
	switch r.code {
	case exitDone:
	case exitFailed, exitPartial: // with a whole artifact that waits
		r.says(t, errno.Error())
	default:
		t.Errorf("exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	t.Logf("exit code %d: %s", r.code, r.stderr)
	h.wantUp(t)
	drydock(t, h.args("recover", "--file", h.job)...).want(t, exitDone)
	h.wantAlive(t)
}

// rule has the nth operation and all that follow fail; a target that fails for a reason that passes works again after three.
func (b breakage) rule(errno syscall.Errno) faultfs.Rule {
	most := -1
	if b.area == "target" && errno == syscall.EIO {
		most = b.nth + 2
	}
	n, stopped := 0, false
	return func(kind faultfs.Kind, path string) syscall.Errno {
		stopped = stopped || path == stopMark
		if kind != b.kind || areaOf(path) != b.area || b.down && !stopped {
			return 0
		}
		if n++; n < b.nth || most > 0 && n > most {
			return 0
		}
		return errno
	}
}

// areaOf says what a path on the disk of a site belongs to.
func areaOf(path string) string {
	first, rest, _ := strings.Cut(path, "/")
	if second, _, _ := strings.Cut(rest, "/"); first == "state" && second == "spool" {
		return "spool"
	}
	return first
}
