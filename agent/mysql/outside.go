package mysql

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// outside collects patterns for the parts of the database that lie outside the data directory.
func (a *asking) outside(ctx context.Context) error {
	a.outsideLogs()
	query := "SELECT FILE_NAME FROM information_schema.FILES WHERE FILE_NAME IS NOT NULL AND FILE_TYPE <> 'TEMPORARY'"
	if a.maria {
		query = "SELECT FILENAME AS FILE_NAME FROM information_schema.INNODB_SYS_TABLESPACES WHERE NAME <> 'innodb_temporary'"
	}
	rows, err := a.rows(ctx, query)
	for _, row := range rows {
		a.addOutside("", escapeGlob(row["FILE_NAME"]))
	}
	for _, link := range links(a.facts.DataDir) {
		a.addOutside("", link)
	}
	slices.Sort(a.facts.OutsidePatterns)
	a.facts.OutsidePatterns = slices.Compact(a.facts.OutsidePatterns)
	return err
}

// outsideLogs adds what variables name.
func (a *asking) outsideLogs() {
	v := a.vars
	home := v["innodb_data_home_dir"]
	for _, file := range strings.Split(v["innodb_data_file_path"], ";") { // "ibdata1:12M;ibdata2:12M:autoextend"
		name, _, _ := strings.Cut(file, ":")
		a.addOutside(home, name)
	}
	redo := v["innodb_log_group_home_dir"]
	a.addOutside(redo, "#innodb_redo")
	a.addOutside(redo, "ib_logfile*")
	a.addOutside(v["innodb_undo_directory"], "undo_*")
	a.addOutside(v["innodb_undo_directory"], "undo[0-9]*")
	if a.maria {
		a.addOutside(v["aria_log_dir_path"], "aria_log*")
	}
	for _, log := range []string{"log_bin", "relay_log"} {
		if base := v[log+"_basename"]; base != "" {
			a.addOutside("", escapeGlob(base)+".[0-9]*")
		}
		if index := v[log+"_index"]; index != "" {
			a.addOutside("", escapeGlob(index))
		}
	}
}

// addOutside notes a pattern below dir, unless it lies in the data directory. Both may be relative to it. What the server
// reaches through a symbolic link in its data directory lies in it: the link is there for a backup to follow.
func (a *asking) addOutside(dir, pattern string) {
	if dir == "" && pattern == "" {
		return
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(a.path(cmpOr(dir, ".")), pattern)
	}
	pattern = filepath.Clean(pattern)
	dir = filepath.Dir(pattern)
	if !within(a.facts.DataDir, dir) && !below(a.facts.DataDir, dir) {
		a.facts.OutsidePatterns = append(a.facts.OutsidePatterns, pattern)
	}
}

func cmpOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// escapeGlob takes the special meaning from a path's characters.
func escapeGlob(path string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(path)
}

// below reports whether path is dir or lies in it, as the file system sees both.
func below(dir, path string) bool {
	real := func(p string) string {
		if r, err := filepath.EvalSymlinks(p); err == nil {
			return r
		}
		return p
	}
	return within(real(dir), real(path))
}

// within is below by the names alone.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// links reads MariaDB's link files (*.isl): each holds the path of a tablespace made with DATA DIRECTORY. They tell
// even a user without PROCESS.
func links(dataDir string) []string {
	names, err := filepath.Glob(filepath.Join(escapeGlob(dataDir), "*", "*.isl"))
	if err != nil {
		return nil
	}
	var paths []string
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil && len(b) > 0 {
			paths = append(paths, escapeGlob(strings.TrimSpace(string(b))))
		}
	}
	return paths
}

// ExpandOutside looks again which files OutsidePatterns match. A server that was asked some time before it stopped may
// have begun another binary log since, so a run asks once more when the server is down. None lies within another.
func (f Facts) ExpandOutside() []string {
	var all []string
	for _, pattern := range f.OutsidePatterns {
		names, err := filepath.Glob(pattern)
		if err == nil {
			all = append(all, names...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(p string) bool {
		return slices.ContainsFunc(all, func(dir string) bool { return dir != p && below(dir, p) })
	})
}

// sizeOf adds up the sizes of all files below paths, counting none that cannot be looked at.
func sizeOf(paths []string) int64 {
	var sum int64
	for _, path := range paths {
		_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // vanished, or not for us: the walk goes on
			}
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
			return nil
		})
	}
	return sum
}
