package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/mysql"
)

// pageHints are what the server told that helps to check its pages.
func pageHints(f mysql.Facts) *innodb.Hints {
	return &innodb.Hints{PageSize: f.PageSize, MariaDB: f.Product == mysql.ProductMariaDB}
}

// storedHints are those of a stored backup. Without facts its files tell most by themselves.
func storedHints(m *manifest.Manifest) *innodb.Hints {
	var f mysql.Facts
	if err := json.Unmarshal(m.Server, &f); err != nil {
		return &innodb.Hints{}
	}
	return pageHints(f)
}

// tellPages tells of damaged pages as soon as they are known: the database goes on with them while the run does.
func (r *running) tellPages(found []archive.DamagedPages) {
	r.damaged = found
	for _, d := range found {
		r.o.Log.Error("the database has damaged pages", "run", r.b.ID, "file", d.Path, "count", d.Count, "first", d.First)
		r.warn("the database is damaged: " + d.String())
	}
}

// namedFiles is how many files with damaged pages an error names.
const namedFiles = 3

// flawed is the failure of a run that went well, or lacks no more than a target, and has archived damaged pages.
func (r *running) flawed(failure error) error {
	p := r.b.Artifact.Pages
	if p == nil || p.Damaged == 0 || !r.b.Artifact.Whole {
		return failure
	}
	if failure != nil && !errors.Is(failure, ErrPartial) && !errors.Is(failure, ErrQueued) {
		return failure
	}
	return errors.Join(failure, &hinted{damagedSource(*p, r.damaged), "the backup holds the files as they are. Run CHECK TABLE " +
		"on the tables of these files, and keep the backups that were made before"})
}

// damagedSource is the error about damaged pages, with the first files where they are known.
func damagedSource(p innodb.Totals, files []archive.DamagedPages) error {
	text := fmt.Sprintf("%d in %d files", p.Damaged, p.DamagedFiles)
	var named []string
	for _, d := range files[:min(namedFiles, len(files))] {
		named = append(named, d.String())
	}
	if len(named) > 0 {
		text += ": " + strings.Join(named, "; ")
	}
	return fmt.Errorf("%w: %s", ErrDamagedSource, text)
}
