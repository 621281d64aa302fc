package cloud

import (
	"io"
	"math"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// CheckRange refuses, as errs.Invalid, a part that no object has.
func CheckRange(offset, length int64) error {
	if offset < 0 || length < 0 || offset > math.MaxInt64-length {
		return errs.New(errs.Invalid, "%d bytes from %d", length, offset)
	}
	return nil
}

// CheckNothing refuses, as errs.Invalid, a part of no bytes that begins behind the end of an object of size bytes.
func CheckNothing(offset, size int64) error {
	if offset > size {
		return errs.New(errs.Invalid, "0 bytes from %d: the object has %d", offset, size)
	}
	return nil
}

// CopyRange copies length bytes from offset of an object, which a service answers with, to w. got is how many of them it says to
// have, -1 when it does not say: fewer is errs.Invalid, since the object ends before; an answer that ends early is transient.
func CopyRange(w io.Writer, answer io.Reader, offset, length, got int64) error {
	if got >= 0 && got != length {
		return errs.New(errs.Invalid, "%d bytes from %d: the object has %d of them", length, offset, got)
	}
	n, err := io.Copy(w, io.LimitReader(answer, length))
	if err == nil && n < length {
		return errs.Wrap(errs.Transient, io.ErrUnexpectedEOF, "the answer ended after %d of %d bytes", n, length)
	}
	return err
}
