package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/drydock-backup/drydock/sdk/directio"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Config is the provider's configuration.
type Config struct {
	Path    string `hcl:"path" example:"/mnt/nas/backups" doc:"Directory that holds the backups, as an absolute path. It must exist: when a share is not mounted, nothing is written to the disk beneath."`
	Mode    string `hcl:"mode,optional" default:"0600" example:"0640" doc:"Permissions of stored files, in octal digits."`
	DirMode string `hcl:"dir_mode,optional" default:"0700" example:"0750" doc:"Permissions of directories that are created below path, in octal digits."`
}

// Provider returns the storage "file".
func Provider() storage.Provider {
	return storage.NewProvider("file", "1.0.0",
		"Keeps backups as files below a directory: a local disk or a mounted file share.",
		func(_ context.Context, cfg *Config) (storage.Storage, error) { return New(*cfg) })
}

// Storage keeps objects below a directory. It is safe for concurrent use; several processes may use one directory.
type Storage struct {
	path    string
	mode    fs.FileMode
	dirMode fs.FileMode

	mu      sync.Mutex // guards what follows
	root    *os.Root   // nil until the directory was first found
	uploads map[string]*upload
	pruned  bool

	buffers *directio.Buffers
}

// NewBuffers returns what storages read and write with: 1 MiB for each call that moves bytes. Storages may share them.
func NewBuffers() *directio.Buffers { return directio.NewBuffers(bufferSize) }

// The compiler holds the optional abilities.
var (
	_ storage.Storage  = (*Storage)(nil)
	_ storage.Checker  = (*Storage)(nil)
	_ storage.Digester = (*Storage)(nil)
)

// New returns the storage for a configuration. Mistakes in it are errors that point at the attribute. The directory is
// looked at when it is first needed, so that a share may be mounted later.
func New(c Config) (*Storage, error) {
	if !filepath.IsAbs(c.Path) {
		return nil, schema.Invalid("path", fmt.Sprintf("path %q is not absolute", c.Path), "Write the whole path from the root.")
	}
	mode, err := parseMode("mode", c.Mode)
	if err != nil {
		return nil, err
	}
	dirMode, err := parseMode("dir_mode", c.DirMode)
	if err != nil {
		return nil, err
	}
	return &Storage{
		path: filepath.Clean(c.Path), mode: mode, dirMode: dirMode, uploads: map[string]*upload{}, buffers: NewBuffers(),
	}, nil
}

// At returns a storage for a directory that is open already, with buffers that others use as well. The directory is closed
// with the storage.
func At(root *os.Root, c Config, buffers *directio.Buffers) (*Storage, error) {
	c.Path = root.Name()
	s, err := New(c)
	if err != nil {
		return nil, err
	}
	s.root, s.buffers = root, buffers
	return s, nil
}

func parseMode(attribute, text string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return 0, schema.Invalid(attribute, fmt.Sprintf("%q is not a file mode", text), `Three octal digits, for example "0640".`)
	}
	return fs.FileMode(n), nil
}

// open returns the directory. One that does not exist is errs.NotFound.
func (s *Storage) open() (*os.Root, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root != nil {
		return s.root, nil
	}
	root, err := os.OpenRoot(s.path)
	if err != nil {
		return nil, s.openError(err)
	}
	s.root = root
	return root, nil
}

// openError says what is wrong with the directory.
func (s *Storage) openError(err error) error {
	info, errStat := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errs.Wrap(errs.NotFound, err, "the directory does not exist (is the share mounted?)")
	case errStat == nil && !info.IsDir():
		return errs.Wrap(errs.Invalid, err, "the path is not a directory")
	}
	return err
}

// Close gives the directory back.
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return nil
	}
	err := s.root.Close()
	s.root = nil
	return err
}

// Check writes, flushes and removes a small file in the directory, and asks for the free space. It leaves nothing behind.
func (s *Storage) Check(ctx context.Context) (storage.Capacity, error) {
	const op = "check"
	if err := ctx.Err(); err != nil {
		return storage.Capacity{}, s.fail(err, op)
	}
	root, err := s.open()
	if err != nil {
		return storage.Capacity{}, s.fail(err, op)
	}
	if err := probe(root); err != nil {
		return storage.Capacity{}, s.fail(err, op)
	}
	c, err := capacity(root)
	return c, s.fail(err, op)
}

// probe writes a file to the staging directory and removes it, and the staging directory too when it is empty then.
func probe(root *os.Root) error {
	dir, err := newUploadDir(root)
	if err != nil {
		return err
	}
	defer func() {
		_ = root.RemoveAll(dir)
		_ = root.Remove(staging)
	}()
	return writeFile(root, dir+"/probe", make([]byte, 4096))
}
