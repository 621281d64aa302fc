package tree

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// trouble sorts an error of the system: refuse the path and go on, or end the walk.
func (w *walker) trouble(archived, real string, err error) error {
	name := archived
	if name == "" {
		name = real
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		w.Refused = append(w.Refused, Refused{
			Path: name, Reason: "cannot be read: permission denied", Kind: errs.Permission,
			Hint: "run drydock as root or as the user of the server, or give it read access to " + real,
		})
		return nil
	case errors.Is(err, syscall.ENAMETOOLONG):
		w.refuse(name, "has a path that is too long for this system", "shorten it, or name it in exclude")
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if w.Live {
			return nil
		}
		return Changed(name, "it vanished")
	}
	return err
}

func (w *walker) refuse(path, reason, hint string) {
	w.Refused = append(w.Refused, Refused{Path: path, Reason: reason, Hint: hint, Kind: errs.Invalid})
}

func (w *walker) skip(path, reason string) {
	w.SkippedCount++
	if len(w.Skipped) < MaxSkipped {
		w.Skipped = append(w.Skipped, Skipped{Path: path, Reason: reason})
	}
}

// kind gives an error of the system its kind.
func kind(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &errs.Error{Kind: errs.Permission, Err: err}
	case errors.Is(err, fs.ErrNotExist):
		return &errs.Error{Kind: errs.NotFound, Err: err}
	}
	return err
}

func compare(a, b string) int { return strings.Compare(a, b) }
