package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/server"
	"github.com/drydock-backup/drydock/sdk/directio"
)

// root is the directory that holds everything, held by one server at a time.
type root struct {
	dir     *os.Root
	lock    *flock.Flock
	depth   int               // elements of a client's directory
	buffers *directio.Buffers // of all clients, or each would keep some of its own
}

// errNoReadBack refuses to serve where clients would be promised too much.
var errNoReadBack = errors.New("this system reads what was just written from memory and not from the disk, so the receiver could " +
	"not prove to its clients what the disk holds; it serves on Linux only")

func openRoot(name string, depth int) (*root, error) {
	if !(&file.Storage{}).ReadsBack() {
		return nil, errNoReadBack
	}
	dir, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("open root (is the disk mounted?): %w", err)
	}
	lock := flock.New(filepath.Join(name, ".drydock-receiver.lock"), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err == nil && !ok {
		err = fmt.Errorf("%s: another receiver works on it", name)
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return &root{dir, lock, depth, file.NewBuffers()}, nil
}

func (r *root) close() error { return errors.Join(r.dir.Close(), r.lock.Close()) }

// open makes and opens a client's directory. A symbolic link that leads out of the root is not followed.
func (r *root) open(dir string) (server.Store, error) {
	name := filepath.FromSlash(dir)
	if err := r.dir.MkdirAll(name, 0o700); err != nil {
		return nil, err
	}
	own, err := r.dir.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	s, err := file.At(own, file.Config{Mode: "0600", DirMode: "0700"}, r.buffers)
	if err != nil {
		return nil, errors.Join(err, own.Close())
	}
	return store{s}, nil
}

// unfinished lists the clients' directories.
func (r *root) unfinished(ctx context.Context) ([]string, error) {
	dirs := []string{"."}
	for range r.depth {
		var next []string
		for _, dir := range dirs {
			entries, err := fs.ReadDir(r.dir.FS(), dir)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if e.IsDir() && e.Name()[0] != '.' && e.Name() != "lost+found" {
					next = append(next, path.Join(dir, e.Name()))
				}
			}
		}
		if dirs = next; ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return dirs, nil
}

// store is a directory as the server wants it.
type store struct{ *file.Storage }

// EachPartial implements server.Streamer.
func (s store) EachPartial(ctx context.Context, yield func(server.Partial) error) error {
	return s.Storage.EachPartial(ctx, func(p file.Partial) error { return yield(server.Partial(p)) })
}
