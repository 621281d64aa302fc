package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// fail says what was tried, where, and gives err its kind. It returns nil for nil.
func (s *Store) fail(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return errs.Wrap(kindOf(err), err, "%s in %s at %s", fmt.Sprintf(format, args...), s.base, s.dialer.address)
}

// kindOf classifies an error. One that has a kind keeps it.
func kindOf(err error) errs.Kind {
	var e *errs.Error
	var network net.Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errs.Canceled
	case errors.Is(err, fs.ErrNotExist):
		return errs.NotFound
	case errors.Is(err, fs.ErrPermission):
		return errs.Permission
	case errors.Is(err, sftp.ErrSSHFxConnectionLost), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed), errors.As(err, &network):
		return errs.Transient // the connection broke
	}
	return errs.Permanent
}

// dialError classifies an error of the way to the server. Whether ctx has ended decides between a cancellation and a
// server that does not answer.
func dialError(ctx context.Context, err error) error {
	var key *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &key), errors.As(err, &revoked):
		return errs.Wrap(errs.Permanent, err, "the server is not the one that known_hosts names")
	case strings.Contains(err.Error(), "unable to authenticate"): // x/crypto/ssh has no error of its own for it
		return errs.Wrap(errs.Permission, err, "log in")
	}
	return errs.Wrap(errs.Transient, err, "connect")
}

// refused reports whether the server said no without a reason that SFTP has a number for: the name is taken, the disk is
// full, the directory is not empty, and everything else.
func refused(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxFailure
}

// full looks behind a refusal of something that needs room: a disk with less room than that is full. SFTP has no number
// for it.
func (w *work) full(err error, needs int64) error {
	if !refused(err) || !w.has(extSpace) || w.step() != nil {
		return err
	}
	stat, errStat := w.StatVFS(w.base)
	if errStat != nil {
		return err
	}
	const least = 64 << 10 // bytes; less than this is full for whatever it was
	if free := int64(stat.Bavail * stat.Frsize); free < max(needs, least) {
		return errs.Wrap(errs.NoSpace, err, "%d bytes free, %d needed", free, needs)
	}
	return err
}
