package directio

import "golang.org/x/sys/unix"

// mapLarge returns n bytes outside of Go's heap; nil when there are none.
func mapLarge(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil
	}
	return b
}

func unmap(b []byte) { _ = unix.Munmap(b) }

// adviseLarge asks for large pages. A system without them does as it always does.
func adviseLarge(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }
