package mysql

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent/process"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Holder returns the id of the server process that works on a data directory: 0 when nobody does, Unknown when
// somebody does who cannot be named. Two things are looked at:
//
//   - the locks that servers take on their system files (InnoDB on ibdata1, Aria on aria_log_control), by fcntl
//     F_GETLK, which asks and takes nothing;
//   - on Linux, whether a process has a file in the directory open for writing. Readers, such as a backup, do not count.
//     Processes of other users can be looked into by root alone.
//
// The caller needs the right to read the files.
func Holder(dataDir string) (pid int, err error) {
	pid, dir, err := locker(dataDir)
	if pid != 0 || err != nil {
		return pid, err
	}
	pid, _ = writer(dir)
	return pid, nil
}

// Locker is Holder by the locks alone: what has a file open for writing, but takes none of a server's locks, is no server.
func Locker(dataDir string) (pid int, err error) {
	pid, _, err = locker(dataDir)
	return pid, err
}

// locker also returns the data directory without symbolic links.
func locker(dataDir string) (pid int, dir string, err error) {
	dir, err = filepath.EvalSymlinks(dataDir)
	if err != nil {
		return 0, "", holderError(dataDir, err)
	}
	names, err := lockedFiles(dir)
	if err != nil {
		return 0, "", holderError(dataDir, err)
	}
	for _, name := range names {
		pid, err := lockOwner(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a server removes and renames files of its own while it works
		}
		if err != nil {
			return 0, "", holderError(dataDir, err)
		}
		if pid != 0 {
			return pid, dir, nil
		}
	}
	return 0, dir, nil
}

// Writer returns a process that has one of the files, or anything below one of the directories, open for writing, and
// which file that is; 0 when there is none that this user may see, or on other systems than Linux.
func Writer(paths []string) (pid int, file string) {
	var resolved []string
	for _, p := range paths {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			resolved = append(resolved, real)
		}
	}
	if len(resolved) == 0 {
		return 0, ""
	}
	return writer(resolved...)
}

// ProcessName names a holder for people: "process 4711 (mysqld)".
func ProcessName(pid int) string {
	if pid == Unknown {
		return "a process of another container"
	}
	return process.Describe(pid)
}

func holderError(dataDir string, err error) error {
	kind := errs.Permanent
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = errs.NotFound
	case errors.Is(err, fs.ErrPermission):
		kind = errs.Permission
	}
	return errs.Wrap(kind, err, "look who holds data directory %s", dataDir)
}

// lockedFiles lists the files that a server may hold a lock on.
func lockedFiles(dir string) ([]string, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, err
	}
	var all []string
	for _, pattern := range []string{"ibdata*", "aria_log_control", "mysql.ibd", "undo_*", "ib_logfile*", "#innodb_redo/#ib_redo*"} {
		names, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", pattern, err)
		}
		all = append(all, names...)
	}
	return all, nil
}
