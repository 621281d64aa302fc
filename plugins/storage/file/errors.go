package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// fail says what was tried, in which directory, and gives err its kind. It returns nil for nil.
func (s *Storage) fail(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(kindOf(err), err, "%s in %s", fmt.Sprintf(format, args...), s.path)
}

// kindOf classifies an error of the operating system. An error that has a kind keeps it.
func kindOf(err error) errs.Kind {
	var e *errs.Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errs.Canceled
	case isAny(err, full()...):
		return errs.NoSpace
	case isAny(err, syscall.EROFS, fs.ErrPermission):
		return errs.Permission
	case errors.Is(err, fs.ErrNotExist):
		return errs.NotFound
	case errors.Is(err, fs.ErrExist):
		return errs.Exists
	case isAny(err, syscall.ENAMETOOLONG, syscall.ENOTDIR, syscall.EISDIR, syscall.EFBIG):
		return errs.Invalid
	case isAny(err, syscall.EIO, syscall.ESTALE, syscall.ETIMEDOUT, syscall.EAGAIN, syscall.EINTR, syscall.EBUSY,
		syscall.EMFILE, syscall.ENFILE, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ECONNRESET):
		return errs.Transient
	}
	return errs.Permanent
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}
