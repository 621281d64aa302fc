package archive

import (
	"errors"
	"io/fs"
	"os/user"
	"strconv"
	"sync"
	"syscall"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// ids turns the owners of the manifest into those of this host: by name where the name is known, else by number.
// It is safe for concurrent use.
type ids struct {
	mu            sync.Mutex
	users, groups map[string]int
}

func newIDs() *ids { return &ids{users: map[string]int{}, groups: map[string]int{}} }

func (i *ids) of(f *File) (uid, gid int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	uid = lookup(i.users, f.User, f.UID, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	gid = lookup(i.groups, f.Group, f.GID, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	return uid, gid
}

func lookup(known map[string]int, name string, number uint32, find func(string) (string, error)) int {
	if name == "" {
		return int(number)
	}
	id, ok := known[name]
	if !ok {
		id = -1
		if text, err := find(name); err == nil {
			if n, err := strconv.Atoi(text); err == nil {
				id = n
			}
		}
		known[name] = id
	}
	if id < 0 {
		return int(number)
	}
	return id
}

// diskError gives an error of the file system its kind.
func diskError(err error) error {
	var known *errs.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, fs.ErrPermission):
		return &errs.Error{Kind: errs.Permission, Err: err}
	case errors.Is(err, syscall.ENOSPC):
		return &errs.Error{Kind: errs.NoSpace, Err: err}
	}
	return err
}
