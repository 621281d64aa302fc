package faultfs

import (
	"context"
	"slices"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// file is an open file of a disk.
type file struct {
	*fs.LoopbackFile
	disk *Disk
	id   node
	path string // when it was opened
}

// PassthroughFd keeps the kernel from going past this file.
func (f *file) PassthroughFd() (int, bool) { return 0, false }

// Read implements fs.FileReader.
func (f *file) Read(ctx context.Context, buf []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if e := f.disk.fails(Read, f.path); e != 0 {
		return nil, e
	}
	return f.LoopbackFile.Read(ctx, buf, off)
}

// Write implements fs.FileWriter.
func (f *file) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	if e := f.disk.fails(Write, f.path); e != 0 {
		return 0, e
	}
	n, e := f.LoopbackFile.Write(ctx, data, off)
	if e == 0 && n > 0 {
		f.disk.Journal.add(Op{Kind: Write, Path: f.path, node: f.id, off: off, data: slices.Clone(data[:n])})
	}
	return n, e
}

// Allocate implements fs.FileAllocater. The room is there whatever comes; only the size matters.
func (f *file) Allocate(ctx context.Context, off, size uint64, mode uint32) syscall.Errno {
	if e := f.disk.fails(Write, f.path); e != 0 {
		return e
	}
	e := f.LoopbackFile.Allocate(ctx, off, size, mode)
	if e == 0 && mode == 0 {
		f.disk.Journal.add(Op{Kind: Write, Path: f.path, node: f.id, off: int64(off + size)})
	}
	return e
}

// Fsync implements fs.FileFsyncer.
func (f *file) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if e := f.disk.fails(Sync, f.path); e != 0 {
		return e
	}
	e := f.LoopbackFile.Fsync(ctx, flags)
	if e == 0 {
		f.disk.Journal.add(Op{Kind: Sync, Path: f.path, node: f.id})
	}
	return e
}
