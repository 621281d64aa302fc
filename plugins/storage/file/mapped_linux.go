package file

import (
	"context"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/drydock-backup/drydock/sdk/directio"
)

// mapWindow is how much of a chunk's file is in the address space at once.
const mapWindow = 4 << 20

// eachMapped is each without the copy out of the page cache: f sees the pages themselves. It reports false, without a call
// of f, for a file that cannot be mapped. A file that is cut off meanwhile is io.ErrUnexpectedEOF.
func eachMapped(ctx context.Context, from *os.File, offset, length int64, f func(b []byte) error) (mapped bool, err error) {
	if st, err := from.Stat(); err != nil || offset%directio.Align != 0 || st.Size()-offset < length {
		return false, nil
	}
	for length > 0 {
		size := int(min(length, mapWindow))
		window, err := unix.Mmap(int(from.Fd()), offset, size, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
		if err != nil {
			return mapped, os.NewSyscallError("mmap", err)
		}
		mapped = true
		err = eachPart(ctx, window, f)
		if err := unix.Munmap(window); err != nil {
			return true, err
		}
		if err != nil {
			return true, err
		}
		offset, length = offset+int64(len(window)), length-int64(len(window))
	}
	return true, nil
}

// eachPart calls f for the bytes of a mapped window. Where there are no bytes any more, the processor faults.
func eachPart(ctx context.Context, window []byte, f func(b []byte) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if _, fault := r.(interface{ Addr() uintptr }); !fault {
				panic(r)
			}
			err = io.ErrUnexpectedEOF
		}
	}()
	for len(window) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := window[:min(len(window), bufferSize)]
		if err := f(b); err != nil {
			return err
		}
		window = window[len(b):]
	}
	return nil
}
