// Package shm shares memory between the agent and a provider: a file without a name that both map.
//
// On Linux the file is a memfd, sealed so that no side can shrink it under the other; the provider opens it through
// /proc/PID/fd. Where that does not work, the file lies in the private socket directory and loses its name as soon as both
// sides have it open. Elsewhere there is no shared memory, and Create returns an error that is errors.ErrUnsupported.
package shm

import "os"

// Align is the unit of sizes in bytes: a multiple of the page size on every platform.
const Align = 64 << 10

// RoundUp returns the smallest multiple of Align that is at least n.
func RoundUp(n int) int { return (n + Align - 1) / Align * Align }

// Region is memory that another process maps too. It is not safe for concurrent use, but its Bytes are as safe as any.
type Region struct {
	bytes []byte
	file  *os.File
	path  string
	named bool // path is ours to remove
}

// Bytes is the mapped memory.
func (r *Region) Bytes() []byte { return r.bytes }

// Path is where the other process opens the region. It is valid until Unlink and while this process lives.
func (r *Region) Path() string { return r.path }

// Unlink takes the region's name away once the other side has it open.
func (r *Region) Unlink() error {
	if !r.named {
		return nil
	}
	r.named = false
	return os.Remove(r.path)
}

// Close unmaps the memory. No slice of Bytes may be touched after that.
func (r *Region) Close() error {
	err := r.unmap()
	if e := r.Unlink(); err == nil {
		err = e
	}
	if r.file != nil {
		if e := r.file.Close(); err == nil {
			err = e
		}
		r.file = nil
	}
	return err
}
