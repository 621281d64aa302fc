package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// plan reads the whole manifest, which proves it, before anything is written: what is wanted, whether it is there already,
// and whether there is room for the rest. Of the artifact nothing else is read.
func (d *destination) plan(ctx context.Context, r *Reader, m *meter) error {
	if err := d.count(ctx, r); err != nil {
		return err
	}
	if d.placing() {
		return nil
	}
	if d.Delta {
		if err := d.compare(ctx, r, m); err != nil {
			return err
		}
	}
	var need, bytes, files int64
	err := r.Files(ctx, func(f File) error {
		if f.Type == manifest.Regular && d.wanted(f.Path) && !d.second(&f) && !d.same[f.Path] {
			bytes, files, need = bytes+f.Size, files+1, need+room(&f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	*m = meter{report: m.report}
	m.TotalBytes, m.TotalFiles = bytes, files
	return d.room(need)
}

// count takes stock of what is wanted.
func (d *destination) count(ctx context.Context, r *Reader) error {
	s := &d.summary
	err := r.Files(ctx, func(f File) error {
		switch {
		case !d.wanted(f.Path):
		case f.Type == manifest.Directory:
			s.Dirs++
			d.dirs = append(d.dirs, f)
		case f.Type == manifest.Symlink:
			s.Symlinks++
		default:
			s.Files++
			s.Bytes += f.Size
			if d.second(&f) {
				d.links = append(d.links, f)
			}
		}
		return nil
	})
	if err == nil && s.Files+s.Dirs+s.Symlinks == 0 && len(d.Only) > 0 {
		return errs.New(errs.NotFound, "no entry matches %q", d.Only)
	}
	return err
}

// room is what a file takes on the disk.
func room(f *File) int64 {
	const block = 4096
	size := f.Size
	if f.Sparse {
		size = min(size, f.Allocated)
	}
	return (size + block - 1) / block * block
}

// room makes sure that the file system has room for so many bytes, less what an earlier session has written already.
func (d *destination) room(need int64) error {
	if d.Free == nil {
		return nil
	}
	dir := existing(d.To)
	free, err := d.Free(dir)
	if err != nil {
		return fmt.Errorf("ask for the room at %q: %w", dir, err)
	}
	have, err := allocated(filepath.Join(d.To, Staging, stagedFiles))
	if err != nil {
		return diskError(err)
	}
	if need-have > free {
		return errs.New(errs.NoSpace, "%d bytes are needed, the file system of %q has %d; nothing was fetched", need-have, dir, free)
	}
	return nil
}

// existing returns dir, or the nearest directory above it that exists.
func existing(dir string) string {
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
	}
	return dir
}

// allocated sums up what the files below a directory take; nothing when it does not exist.
func allocated(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		st, err := tree.Lstat(p)
		sum += st.Allocated
		return err
	})
	return sum, err
}

// compare finds the files in the directory that are as they should be already: by size first, then by digest.
func (d *destination) compare(ctx context.Context, r *Reader, m *meter) error {
	if d.root == nil {
		return nil
	}
	if err := d.dataDir(); err != nil {
		return err
	}
	d.same = map[string]bool{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(filesAtOnce())
	m.TotalBytes, m.Comparing = d.summary.Bytes, true
	err := r.Files(ctx, func(f File) error {
		if f.Type != manifest.Regular || !d.wanted(f.Path) || d.second(&f) {
			return nil
		}
		g.Go(func() error {
			same, err := d.isSame(ctx, &f)
			mu.Lock()
			defer mu.Unlock()
			d.same[f.Path] = same
			m.Bytes, m.Path = m.Bytes+f.Size, f.Path
			m.tick()
			return err
		})
		return context.Cause(ctx)
	})
	if failed := g.Wait(); failed != nil {
		return failed
	}
	return err
}

// dataDir refuses to make a directory like a data directory that is none: all else in it would be removed.
func (d *destination) dataDir() error {
	for _, name := range []string{"ibdata1", "mysql", "mysql.ibd", tree.Marker} {
		if _, err := d.root.Lstat(name); err == nil {
			return nil
		}
	}
	names, err := d.names(".")
	for _, name := range names {
		if !ours(name) {
			return errs.New(errs.Invalid, "it holds %q but is no data directory (no ibdata1, mysql.ibd or mysql): "+
				"what the backup does not have would be removed from it", name)
		}
	}
	return err
}

func (d *destination) isSame(ctx context.Context, f *File) (bool, error) {
	info, err := d.root.Lstat(f.Path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.Size || ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	file, err := d.root.Open(f.Path)
	if err != nil {
		return false, diskError(err)
	}
	defer file.Close()
	sum, err := d.digests.file(ctx, file)
	return err == nil && sum == f.SHA256, diskError(err)
}
