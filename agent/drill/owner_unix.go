//go:build unix

package drill

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// asOwner has the server run as the owner of the data, when this process may choose: servers refuse to run as root unless
// they are told to. It is told to where that user cannot reach the scratch directory. made is what has to be its own.
func (r *running) asOwner(made []string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Join(r.dir, "data"))
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 || !reaches(filepath.Dir(r.dir), st) {
		r.cmd.Args = append(slices.Clip(r.cmd.Args), "--user=root")
		return nil
	}
	for _, p := range append([]string{r.dir, filepath.Join(r.dir, "tmp"), filepath.Join(r.dir, "run")}, made...) {
		if err := os.Chown(p, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: st.Uid, Gid: st.Gid}}
	return nil
}

// reaches reports whether a user may pass through a directory and all above it.
func reaches(dir string, who *syscall.Stat_t) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || info.Mode().Perm()&pass(st, who) == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// pass is the bit that lets a user through a directory.
func pass(dir, who *syscall.Stat_t) fs.FileMode {
	switch {
	case dir.Uid == who.Uid:
		return 0o100
	case dir.Gid == who.Gid:
		return 0o010
	}
	return 0o001
}
